#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Very many threads, descriptors or connections of one process: what they cost the agent is bounded, and
# others are seen meanwhile. As many as the limits of the host allow; each test says how many.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
ON_THE_HOST=1

MANY=18740
OTHER=18741
SCRAPED=18742
ATTACKER_UID=61007

# Of what pid_max leaves, most; the others on this host need some.
THREADS=$(($(cat /proc/sys/kernel/pid_max) * 3 / 4))
[ "$THREADS" -le 100000 ] || THREADS=100000

# begin_many THREADS DESCRIPTORS: MANY_PID, of an ordinary user; MANY_IN and MANY_OUT.
begin_many() {
	need gcc
	ulimit -n 110000 2>/dev/null || true
	gcc -O1 -pthread -o "$SCRATCH/many" "$LIB/targets/many.c"
	mkfifo "$SCRATCH/in"
	(exec setpriv --reuid $ATTACKER_UID --regid $ATTACKER_UID --clear-groups "$SCRATCH/many" "$1" "$2" $MANY) \
		<"$SCRATCH/in" >"$SCRATCH/many.out" &
	MANY_PID=$!
	defer stop $!
	exec {MANY_IN}>"$SCRATCH/in"
	assert_line "$SCRATCH/many.out" ready 30
	cat "$SCRATCH/many.out"
}

begin_other() {
	$PYTHON "$LIB/targets/echo.py" $OTHER &
	SERVER=$!
	defer stop $!
	wait_until 10 listens $! $OTHER || fail "the server does not listen"
}

seen() { # PORT PATH
	curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:$1$2"
	expect_spans 1 "path=$2"
}

# all_of_us: the processes of the agent.
all_of_us() {
	echo "$AGENT"
	children "$AGENT"
	looker_of "$AGENT"
}

# cpu_ms PID...: of user and system, so far.
cpu_ms() {
	local pid sum=0
	for pid in "$@"; do
		sum=$((sum + $(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')))
	done
	echo $((sum * 1000 / $(getconf CLK_TCK)))
}

peak_kib() { # PID
	sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"
}

observe() { # PORTS NAME=VALUE...
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT="$1" OTEL_EBPF_TRACE_PRINTER=text "${@:2}"
	assert_line "$LOG" 'application tracer attached' 10
}

# cost_of COMMAND...: CPU of all of the agent while it runs, in ms: COST.
cost_of() {
	local before pids
	mapfile -t pids < <(all_of_us)
	before=$(cpu_ms "${pids[@]}")
	"$@"
	COST=$(($(cpu_ms "${pids[@]}") - before))
}

assert_small() {
	local pid
	for pid in $(all_of_us); do
		assert_le "$(peak_kib "$pid")" 65536 "KiB of $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
}

# ---- Threads and descriptors ----

selected_and_another() {
	application_ready "$MANY_PID"
	seen $MANY /many
	begin_other
	application_ready $SERVER
	seen $OTHER /other
}

only_another() {
	begin_other
	application_ready $SERVER
	seen $OTHER /other
	seen $OTHER /again
}

churn_threads() {
	echo 30000 >&"$MANY_IN"
	assert_line "$SCRATCH/many.out" "done" 30
}

# crowd THREADS DESCRIPTORS: that is there before the agent comes.
crowd() {
	begin_many "$@"
	observe $MANY,$OTHER
	cost_of selected_and_another
	echo "selected: $COST ms"
	assert_le $COST 500 "ms of CPU"
	cost_of churn_threads
	echo "30,000 threads that come and go: $COST ms"
	assert_le $COST 500 "ms of CPU"
	assert_small
	stop_agent
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop "$SERVER" || true
	observe $OTHER
	cost_of only_another
	echo "not selected: $COST ms"
	assert_le $COST 500 "ms of CPU"
	assert_small
	stop_agent
	assert_no_line "$LOG" "level=(WARN|ERROR)|pid=$MANY_PID"
}

test_threads() {
	crowd "$THREADS" 0
}

test_descriptors() {
	crowd 0 100000
}

# And one that comes later.
test_threads_and_descriptors_that_come_later() {
	observe $MANY,$OTHER
	begin_many 10000 100000
	cost_of selected_and_another
	echo "selected: $COST ms"
	assert_le $COST 500 "ms of CPU"
	assert_small
	stop_agent
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# ---- Connections ----

begin_short_connections() {
	need nginx wrk curl
	sysctl -qw net.ipv4.ip_local_port_range="1024 65000" net.ipv4.tcp_tw_reuse=1
	start_nginx "server { listen $MANY backlog=4096; location / { return 200 x; } location /made { stub_status; } }"
}

# short_connections: as many as there is time for in 5 s, each with one request.
short_connections() {
	wrk -t 1 -c 64 -d 5s -H 'Connection: close' "http://127.0.0.1:$MANY/" >"$SCRATCH/wrk"
	grep -E 'requests in|Requests/sec|errors' "$SCRATCH/wrk"
}

# made: requests that the server has had, with this one.
made() {
	curl -sS --max-time 5 "http://127.0.0.1:$MANY/made" | awk 'NR == 3 { print $3 }'
}

# Each is counted, or what of it was lost is.
test_short_connections() {
	local made seen
	begin_short_connections
	observe $MANY OTEL_EBPF_TRACE_PRINTER= OTEL_EBPF_PROMETHEUS_PORT=$SCRAPED
	application_ready "$NGINX" "$(children "$NGINX")"
	cost_of short_connections
	made=$(made)
	sleep 1
	scrape $SCRAPED "$SCRATCH/metrics"
	seen=$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count)
	assert_small
	stop_agent
	echo "made=$made seen=$seen dropped=$(dropped) ringFull=$(total 'application totals' ringFull), $COST ms of CPU"
	assert_ge "$made" 10000 "requests made"
	if [ "$(total 'application totals' ringFull)" = 0 ]; then
		assert_eq "$made" $((seen + $(dropped))) "requests seen + dropped"
	else
		assert_le "$made" $((seen + $(dropped) + $(total 'application totals' ringFull))) \
			"requests made, against seen + dropped + records lost"
	fi
	assert_eq 0 "$(total 'span totals' pending)" "requests that are waited for"
	assert_le $((COST * 1000 / made)) 100 "µs of CPU a request"
}

test_short_connections_of_a_server_that_is_not_selected() {
	local made
	begin_short_connections
	observe $OTHER
	cost_of short_connections
	made=$(made)
	assert_small
	stop_agent
	echo "made=$made, $COST ms of CPU"
	assert_ge "$made" 10000 "requests made"
	assert_eq 0 "$(total 'application totals' records)" "records"
	assert_le $COST 500 "ms of CPU"
}

run_tests "$@"
