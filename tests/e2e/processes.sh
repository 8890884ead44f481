#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The two processes: what each may do, and what happens when one of them is hurt.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

SITE='server { listen 8080; location / { return 200 "hello"; } }'
ZERO=0000000000000000

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

status_of() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

begin_both_modes() {
	need nginx
	start_nginx "${SITE/8080/${WEB:-8080}}"
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_OPEN_PORT="${WEB:-8080}" OTEL_EBPF_TRACE_PRINTER="${PRINTER:-text}" \
		OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EBPF_INTERNAL_METRICS_EXPORTER="${INTERNAL:-disabled}" \
		OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=9400
	application_ready "$NGINX" "$(children "$NGINX")"
	WORKER=$(worker_of "$AGENT")
	[ -n "$WORKER" ] || fail "there is no worker"
}

test_worker_holds_nothing() {
	local set
	begin_both_modes
	for set in CapInh CapPrm CapEff CapAmb; do
		assert_eq $ZERO "$(status_of "$WORKER" $set)" "worker's $set"
	done
	assert_eq 1 "$(status_of "$WORKER" NoNewPrivs)" "worker's NoNewPrivs"
	assert_eq 2 "$(status_of "$WORKER" Seccomp)" "worker's Seccomp"
	# Not dumpable: its files in /proc belong to root.
	assert_eq 0 "$(stat -c %u "/proc/$WORKER/environ")" "owner of the worker's environ"
	stop_agent
}

# The bounding set can only be emptied by one who may: in a user namespace of his own.
test_worker_has_an_empty_bounding_set() {
	(unprivileged unshare --user true) 2>/dev/null || skip "no user namespaces for this user"
	begin_both_modes
	assert_eq $ZERO "$(status_of "$WORKER" CapBnd)" "worker's CapBnd"
	stop_agent
}

test_worker_has_few_descriptors() {
	local link
	begin_both_modes
	# Nothing of the file system but what it was handed.
	for link in "/proc/$WORKER/fd"/*; do
		case $(readlink "$link") in
		/dev/null | "$LOG" | socket:* | anon_inode:* | /memfd:* | pipe:*) ;;
		*) fail "the worker holds $(readlink "$link")" ;;
		esac
	done
	stop_agent
}

# What only attaching needed is given up.
test_broker_keeps_only_what_it_needs() {
	local kept gone bit
	begin_both_modes
	wait_until 2 has_line "$LOG" 'successfully started'
	for set in CapInh CapAmb; do
		assert_eq $ZERO "$(status_of "$AGENT" $set)" "broker's $set"
	done
	kept=$((16#$(status_of "$AGENT" CapPrm)))
	assert_eq "$(status_of "$AGENT" CapPrm)" "$(status_of "$AGENT" CapEff)" "broker's CapEff"
	printf 'the broker keeps %x\n' $kept
	# CAP_NET_RAW (13) made the packet socket, CAP_NET_ADMIN (12) attached the injection.
	for bit in 13 12; do
		[ $((kept >> bit & 1)) = 0 ] || fail "the broker keeps capability $bit"
	done
	# Nothing that was never granted.
	gone=$((kept & ~((1 << 2) | (1 << 12) | (1 << 13) | (1 << 19) | (1 << 38) | (1 << 39) | (1 << 40))))
	assert_eq 0 $gone "capabilities beyond the grant"
	stop_agent
}

# Killed under load: another is at work within 200 ms, spans go on, the loss is said. The median of
# three, as other programs may hold the processor.
test_worker_comes_back() {
	local load times=() i before
	begin_both_modes
	client many 127.0.0.1 8080 /load/ 100000 >/dev/null 2>&1 &
	load=$!
	defer stop $load
	for i in 1 2 3; do
		sleep 1
		times+=("$($PYTHON "$LIB/respawn.py" "$AGENT")") || fail "no new worker"
	done
	echo "back after ${times[*]} ms"
	before=$(spans 'path=/load/*')
	sleep 0.5
	wait_until 5 has_spans $((before + 1)) 'path=/load/*' || fail "no span after the restart"
	stop $load || true
	client get 127.0.0.1 8080 /afterwards
	expect_spans 1 path=/afterwards
	assert_eq 3 "$(grep -c 'level=WARN msg="the worker died.*spansLost=[0-9]' "$LOG")" "notices"
	stop_agent
	assert_le "$(printf '%s\n' "${times[@]}" | sort -n | sed -n 2p)" 200 "milliseconds to come back"
}

# What was served is in a span, or among those said to be lost.
test_loss_of_a_killed_worker_is_counted() {
	local i seen lost
	begin_both_modes
	for i in 1 2 3; do
		client keep_alive 127.0.0.1 8080 "/round$i/" 200
		[ "$i" = 3 ] || $PYTHON "$LIB/respawn.py" "$AGENT"
	done
	sleep 0.3
	stop_agent
	assert_eq 0 "$(spans type=HTTPClient)" "spans of the client, which is not selected"
	seen=$(spans 'path=/round*')
	lost=$(grep -o 'spansLost=[0-9]*' "$LOG" | awk -F= '{ n += $2 } END { print n + 0 }')
	echo "seen=$seen lost=$lost"
	assert_eq 600 $((seen + lost)) "requests = spans + lost"
}

test_target_keeps_working_while_the_agent_dies() {
	begin_both_modes
	client many 127.0.0.1 8080 /steady/ 3000 >/dev/null &
	load=$!
	sleep 0.3
	kill -KILL "$AGENT"
	wait $load || fail "a request failed"
	wait_until 3 has_ended "$WORKER" || fail "the worker outlives the broker"
}

# Servers that die over a request: an exit is told before its sockets are closed. Each request is a
# span without a status, of the service that it was sent to; the agent is at rest meanwhile, which is
# when its clock runs late.
test_targets_killed_over_a_request() {
	local i servers=()
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8081-8095 OTEL_EBPF_TRACE_PRINTER=text
	for i in {1..15}; do
		OTEL_SERVICE_NAME=own$i $PYTHON "$LIB/targets/echo.py" "$((8080 + i))" &
		servers+=($!)
		defer stop $!
	done
	for i in {1..15}; do
		wait_until 10 listens "${servers[i - 1]}" $((8080 + i)) || fail "no server"
	done
	application_ready "${servers[@]}"
	for i in {1..15}; do
		curl -s -o /dev/null "http://127.0.0.1:$((8080 + i))/sleep/60000" &
		defer stop $!
	done
	sleep 4
	for i in "${servers[@]}"; do
		kill -KILL "$i"
		sleep 0.33
	done
	expect_spans 15 type=HTTP path=/sleep/60000 status=0
	stop_agent
	for i in {1..15}; do
		assert_eq 1 "$(spans type=HTTP status=0 service="own$i")" "spans of own$i"
	done
	assert_eq 0 "$(total 'span totals' no_service)" "spans without a service"
}

test_sigterm_flushes_everything() {
	begin_both_modes
	client keep_alive 127.0.0.1 8080 /last/ 500
	stop_agent
	assert_eq 500 "$(spans 'path=/last/*')" "spans after SIGTERM right behind the last answer"
	assert_line "$LOG" 'successfully exiting'
	assert_eq "$(total 'span totals' requests)" $(($(total 'span totals' spans) + $(dropped))) \
		"requests = spans + dropped"
	assert_eq "$(total 'application totals' records)" "$(total 'span totals' records)" \
		"records written = records read"
}

ALONE[test_sigterm_under_full_load_leaves_no_record]=1
# Under full load what was written is read, and no half of a request is taken for a broken one.
test_sigterm_under_full_load_leaves_no_record() {
	need wrk
	PRINTER=counter begin_both_modes
	wrk -t 2 -c 64 -d 4s http://127.0.0.1:8080/full >"$SCRATCH/wrk" &
	sleep 2
	stop_agent
	wait $!
	assert_ge "$(total 'span totals' requests)" 1000 "requests"
	assert_eq "$(total 'application totals' records)" "$(total 'span totals' records)" \
		"records written = records read"
	assert_eq "$(total 'span totals' requests)" $(($(total 'span totals' spans) + $(dropped))) \
		"requests = spans + dropped"
	assert_eq 0 "$(total 'span totals' unparsed)" "requests taken for broken ones"
}

test_sigint_ends_it_too() {
	local status=0
	begin_both_modes
	# The shell lets background processes ignore SIGINT; the agent takes it all the same.
	kill -INT "$AGENT"
	wait_until 5 has_ended "$AGENT" || fail "it runs on"
	wait "$AGENT" || status=$?
	assert_eq 0 $status "exit status"
}

# The worker stands still while more comes than the ring holds.
test_ring_overflow_is_counted_exactly() {
	local records full requests=40000
	# Nobody else's, in whatever namespace: their records would count too.
	WEB=18723 PRINTER=counter begin_both_modes
	kill -STOP "$WORKER"
	client keep_alive 127.0.0.1 18723 /flood/ $requests
	kill -CONT "$WORKER"
	sleep 1
	client get 127.0.0.1 18723 /afterwards
	stop_agent
	records=$(total 'application totals' records)
	full=$(total 'application totals' ringFull)
	echo "requests=$requests records=$records ringFull=$full"
	assert_ge "$full" 100 "records that found the ring full"
	# A request and its answer are a record each, wherever they went, as are the last byte sent and the
	# end of each of the two connections.
	assert_eq $((2 * (requests + 1) + 2 * 2)) $((records + full)) "records seen"
	assert_eq "$records" "$(total 'span totals' records)" "records written = records read"
	assert_eq 0 "$(total 'span totals' badRecords)" "bad records"
	assert_eq "$(total 'span totals' requests)" \
		$(($(total 'span totals' spans) + $(total 'span totals' pending) + $(dropped))) \
		"requests = spans + dropped"
	assert_eq "$(total 'span totals' spans)" \
		"$(sed -n 's/^Processed \([0-9]*\) requests.*/\1/p' "$LOG" | awk '{ n += $1 } END { print n + 0 }')" \
		"spans = spans printed"
	assert_no_line "$LOG" 'the worker died'
}

ALONE[test_full_load_loses_nothing]=1
test_full_load_loses_nothing() {
	local requests seen
	need wrk
	PRINTER=counter begin_both_modes
	wrk -t 1 -c 16 -d 3s http://127.0.0.1:8080/full >"$SCRATCH/wrk"
	requests=$(awk '/requests in/ { print $1 }' "$SCRATCH/wrk")
	stop_agent
	seen=$(total 'span totals' spans)
	echo "requests=$requests spans=$seen ringFull=$(total 'application totals' ringFull)"
	# wrk ends in the middle of up to 16 requests that it does not count.
	assert_ge "$seen" $((requests - requests / 10000)) "spans"
	assert_le "$seen" $((requests + 16)) "spans"
}

LIMIT[test_processes_that_come_and_go_do_no_harm]=120

# come_and_go COUNT: processes that are selected, and end at once.
come_and_go() {
	local i
	for ((i = 0; i < $1; i++)); do
		/usr/bin/true
	done
}

instrumented() {
	log_count 'instrumenting process'
}

# own_memory PID: in KiB.
own_memory() {
	sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

# least_growth NUMBER...: from one to the next.
least_growth() {
	local least=$(($2 - $1)) before
	while [ $# -gt 1 ]; do
		before=$1
		shift
		[ $(($1 - before)) -ge $least ] || least=$(($1 - before))
	done
	echo $least
}

ALONE[test_processes_that_come_and_go_do_no_harm]=1
# Thousands are selected and gone, again and again. What each leaves behind would be there after each
# round; the most that were there at one time is reached in one of them.
test_processes_that_come_and_go_do_no_harm() {
	local broker=() worker=() round
	need nginx
	start_nginx "$SITE"
	cat >"$SCRATCH/obi.yml" <<-END
		discovery:
		  instrument:
		    - open_ports: 8080
		    - exe_path: '*/true'
	END
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yml"
	application_ready "$NGINX" "$(children "$NGINX")"
	WORKER=$(worker_of "$AGENT")
	for round in 1 2 3 4; do
		come_and_go 2500
		client get 127.0.0.1 8080 /$round
		sleep 6 # longer than a process that has ended is remembered
		broker+=("$(own_memory "$AGENT")") worker+=("$(own_memory "$WORKER")")
	done
	stop_agent # which tells of all that were left out
	echo "KiB of the broker: ${broker[*]}; of the worker: ${worker[*]}; instrumented $(instrumented)"
	assert_ge "$(instrumented)" $((7500 + $(grep -c 'msg="instrumenting process" cmd=[^ ]*nginx' "$LOG"))) \
		"processes that it instrumented"
	assert_le "$(least_growth "${broker[@]}")" 150 "KiB more in each round, of the broker"
	assert_le "$(least_growth "${worker[@]}")" 150 "KiB more in each round, of the worker"
	for round in 1 2 3 4; do
		expect_spans 1 path=/$round method=GET status=200 responseLen=5
	done
	assert_no_line "$LOG" 'level=ERROR|the worker died'
	assert_eq "$(total 'span totals' requests)" $(($(total 'span totals' spans) + $(dropped))) \
		"requests = spans + dropped"
}

# A log is bounded, whatever comes and goes how often; what is left out of it is counted, and said at
# the end.
test_the_log_of_many_processes_is_short_and_adds_up() {
	local began took i lines
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE="$SCRATCH/brief" OTEL_EBPF_TRACE_PRINTER=text
	assert_line "$LOG" 'application tracer attached' 10
	cp /usr/bin/sleep "$SCRATCH/brief"
	began=$(now_ms)
	for ((i = 1; i <= 500; i++)); do
		"$SCRATCH/brief" 0.5 &
		[ $((i % 50)) != 0 ] || wait -n || true
		sleep 0.002
	done
	sleep 1
	took=$(($(now_ms) - began))
	stop_agent
	lines=$(grep -c 'instrumenting process' "$LOG")
	echo "$lines lines in $took ms"
	assert_eq 500 "$(log_count 'instrumenting process')" "lines, and those that were left out"
	# 100 at once, 20 more each 10 s, and one each 10 s, and at the end, that says how many.
	assert_le "$lines" $((100 + 21 * (took / 10000) + 1)) "lines"
	assert_line "$LOG" 'level=INFO msg="more lines like this were left out" like="instrumenting process" count=[0-9]+$'
	assert_line "$LOG" "instrumenting process\" cmd=$SCRATCH/brief pid="
}

internal_says_lost() {
	curl -sS --max-time 5 http://127.0.0.1:9400/internal/metrics |
		grep -E '^obi_dropped_total[{]reason="process_event"[}] [1-9]'
}

# The broker stands still while more processes begin than the ring of their news holds: 4,096 of 32
# bytes.
test_news_of_processes_that_are_lost_are_counted() {
	local i lost
	need curl
	INTERNAL=prometheus begin_both_modes
	kill -STOP "$AGENT"
	for ((i = 0; i < 5000; i++)); do
		/usr/bin/true
	done
	kill -CONT "$AGENT"
	wait_until 5 client get 127.0.0.1 8080 /afterwards
	expect_spans 1 path=/afterwards
	wait_until 5 internal_says_lost || fail "the internal metrics do not tell"
	stop_agent
	lost=$(total 'application totals' eventsLost)
	assert_ge "$lost" $((5000 - 4096)) "news that were lost"
}

# The worker stands still while more processes begin than messages to it can wait: afterwards it is
# told of each.
test_processes_that_begin_while_the_worker_stands_still_are_told_of() {
	local count=400 i pids=()
	need curl
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE="$SCRATCH/idle" OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=9400
	assert_line "$LOG" 'application tracer attached' 10
	cp /usr/bin/sleep "$SCRATCH/idle"
	WORKER=$(worker_of "$AGENT")
	kill -STOP "$WORKER"
	for ((i = 0; i < count; i++)); do
		"$SCRATCH/idle" 60 &
		pids+=($!)
	done
	sleep 5
	kill -CONT "$WORKER"
	wait_until 5 told_of $count || fail "not told of all: of $(told)"
	kill "${pids[@]}"
	stop_agent
	assert_eq 0 "$(total 'process totals' unannounced)" "processes that it was never told of"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

told() {
	curl -sS --max-time 5 http://127.0.0.1:9400/internal/metrics |
		sed -n 's/^obi_instrumented_processes{process_name="idle"} //p'
}

told_of() {
	[ "$(told)" = "$1" ]
}

# wakeups PID: how often it has slept and was woken.
wakeups() {
	sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$1/status"
}

# Where nothing happens no timer wakes the worker, and the first record does at once.
test_idle_worker_sleeps_and_hears_of_the_next_request() {
	local worker before i
	need nginx curl
	start_nginx 'server { listen 28391; location / { return 200 "hello"; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=28391 OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_PROMETHEUS_PORT=9400
	application_ready "$NGINX"
	curl -sS -o /dev/null http://127.0.0.1:28391/first
	expect_spans 1 path=/first
	worker=$(worker_of "$AGENT")
	sleep 15
	before=$(wakeups "$worker")
	sleep 10
	assert_le $(($(wakeups "$worker") - before)) 10 "wake-ups in 10 s of nothing"
	for i in 1 2 3 4 5; do
		curl -sS -o /dev/null "http://127.0.0.1:28391/$i"
		wait_until 1 has_spans 1 "path=/$i" || fail "request $i is not heard of within a second"
		sleep 2.5
	done
	stop_agent
}

run_tests "$@"
