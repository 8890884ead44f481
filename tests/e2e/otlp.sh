#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Export by OTLP: to a real Collector over every protocol, and to collectors that misbehave. What the
# agent says it exported is what arrived, and the rest is accounted for.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/otlp.sh
. "$(dirname "$0")/../lib/otlp.sh"

LIMIT[test_collector]=90
LIMIT[test_bad_collectors_http]=60
LIMIT[test_bad_collectors_grpc]=60
LIMIT[test_libcurl_8_collector]=90
LIMIT[test_libcurl_8_http]=60
LIMIT[test_libcurl_8_grpc]=60

# ---- A real Collector ----

make_certificates() {
	local dir=$1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=ca \
		-keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
	for name in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
			-keyout "$dir/$name.key" -out "$dir/$name.csr" 2>/dev/null
		openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
			-days 1 -out "$dir/$name.pem" -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") 2>/dev/null
	done
	chmod 644 "$dir"/*
}

start_collector() {
	local program
	program=$("$ROOT/tests/collector/build" --offline 2>"$SCRATCH/why") || skip "$(tail -n 1 "$SCRATCH/why")"
	make_certificates "$SCRATCH"
	mkdir -m 777 "$SCRATCH/sockets"
	cat >"$SCRATCH/collector.yaml" <<-END
		receivers:
		  otlp/plain:
		    protocols: {grpc: {endpoint: 127.0.0.1:4317}, http: {endpoint: 127.0.0.1:4318}}
		  otlp/tls:
		    protocols:
		      grpc: {endpoint: 127.0.0.1:14317, tls: &tls {cert_file: $SCRATCH/server.pem, key_file: $SCRATCH/server.key, client_ca_file: $SCRATCH/ca.pem}}
		      http: {endpoint: 127.0.0.1:14318, tls: *tls}
		  otlp/unix:
		    protocols: {grpc: {endpoint: $SCRATCH/sockets/grpc, transport: unix}}
		exporters:
		  debug: {verbosity: detailed, use_internal_logger: false}
		service:
		  telemetry: {metrics: {level: none}}
		  pipelines:
		    traces: {receivers: [otlp/plain, otlp/tls, otlp/unix], exporters: [debug]}
		    metrics: {receivers: [otlp/plain, otlp/tls, otlp/unix], exporters: [debug]}
	END
	"$program" --config "$SCRATCH/collector.yaml" >"$SCRATCH/collector.out" 2>&1 &
	COLLECTOR=$!
	defer show "$SCRATCH/collector.out"
	defer stop $COLLECTOR
	wait_until 15 listens $COLLECTOR 14318 || fail "the Collector does not listen"
	wait_until 5 test -S "$SCRATCH/sockets/grpc" || fail "the Collector has no socket"
	chmod 777 "$SCRATCH/sockets/grpc"
}

arrived() {
	[ "$(grep -c "url.path: Str(/$1/" "$SCRATCH/collector.out")" -ge "$2" ]
}

# arrive NAME VARIABLE...: five requests, as five spans in the Collector.
arrive() {
	local name=$1
	shift
	step "$name"
	observe "$@"
	requests 5 "/$name/"
	wait_until 8 arrived "$name" 5 || {
		grep -E 'level=(WARN|ERROR)' "$LOG"
		fail "not all arrived"
	}
	stop_agent
	assert_eq 5 "$(grep -c "url.path: Str(/$name/" "$SCRATCH/collector.out")" "spans that arrived"
	assert_eq "$(otlp put)" "$(otlp exported)" "exported"
	expect_balance
}

test_collector() {
	need openssl
	begin_nginx
	start_collector
	local tls=(OTEL_EXPORTER_OTLP_CERTIFICATE="$SCRATCH/ca.pem"
		OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE="$SCRATCH/client.pem"
		OTEL_EXPORTER_OTLP_CLIENT_KEY="$SCRATCH/client.key")
	arrive grpc OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4317
	arrive grpc-gzip-tls OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://localhost:14317 \
		OTEL_EXPORTER_OTLP_COMPRESSION=gzip "${tls[@]}"
	arrive http-gzip OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces \
		OTEL_EXPORTER_OTLP_TRACES_COMPRESSION=gzip
	arrive json-tls OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:14318 "${tls[@]}" \
		OTEL_EXPORTER_OTLP_PROTOCOL=http/json
	arrive unix OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="unix://$SCRATCH/sockets/grpc" \
		OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc
	arrive skip-verify OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:14318 \
		OTEL_EBPF_INSECURE_SKIP_VERIFY=true "${tls[@]:1}"
}

test_errors_name_the_step() {
	local endpoint word
	begin_nginx
	while read -r endpoint word; do
		observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="$endpoint" OTEL_EXPORTER_OTLP_TRACES_HEADERS=key=hunter2 \
			OTEL_EBPF_SHUTDOWN_TIMEOUT=1s
		requests 1 /x
		assert_line "$LOG" "msg=\"cannot export\" signal=traces endpoint=\S+ step=$word" 5
		assert_no_line "$LOG" hunter2
		stop_agent
		expect_balance
		assert_eq "$(otlp put)" "$(otlp shutdown)" "dropped at the end"
	done <<-END
		http://user:hunter2@127.0.0.1:1 TCP
		http://collector.invalid:4317 DNS
		https://127.0.0.1:8080 TLS
	END
}

test_missing_certificate() {
	begin_nginx
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://127.0.0.1:1 OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere/ca.pem
	requests 3 /x
	expect_spans 3 'path=/x*'
	assert_line "$LOG" 'level=ERROR msg="cannot read a file for TLS: nothing is sent" file=/nowhere/ca.pem'
	stop_agent
	assert_eq "$(otlp put)" "$(otlp refused)" "refused"
	expect_balance
}

# ---- Bad ones ----

# rss PID: KiB, of memory that only this process has.
rss() {
	awk '/^(RssAnon|RssShmem):/ { n += $2 } END { print n }' "/proc/$1/status"
}

# Every mode in turn, with requests in each; in between and at the end it takes data.
misbehave() {
	local mode count=0
	for mode in "$@"; do
		set_mode "$mode"
		requests 10 "/$mode/"
		count=$((count + 10))
		wait_until 5 has_seen "$mode" || fail "no request was answered by $mode"
		assert_le "$(rss "$(child_of "$AGENT" sender)")" 16384 "memory of the sender, KiB, at $mode"
	done
	set_mode ok
	requests 10 /last/
	REQUESTS=$((count + 10))
}

all_printed() {
	[ "$(spans)" = "$REQUESTS" ]
}

expect_after_misbehaviour() {
	wait_until 5 all_printed || fail "the printer has $(spans) of $REQUESTS spans"
	stop_agent
	expect_balance
	cat "$SCRATCH/requests"
	grep -E 'cannot export|otlp totals' "$LOG"
	assert_eq "$(taken)" "$(otlp exported)" "taken by the collector, exported by the agent"
	assert_eq "$(grep -c "^partial " "$SCRATCH/requests")" "$(otlp rejected)" "rejected by partial success"
	assert_ge "$(otlp exported)" 10 "exported"
	assert_le "$(grep -c 'msg="cannot export"' "$LOG")" 6 "lines about failures"
}

test_bad_collectors_http() {
	begin_nginx
	start_bad_collector 4318 http
	observe OTEL_EBPF_TRACE_PRINTER=json OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318 \
		OTEL_EXPORTER_OTLP_TIMEOUT=700
	misbehave ok 429 503 close silent garbage 400 big partial 504
	expect_after_misbehaviour
}

test_bad_collectors_grpc() {
	begin_nginx
	start_bad_collector 4317 grpc
	observe OTEL_EBPF_TRACE_PRINTER=json OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4317 \
		OTEL_EXPORTER_OTLP_TIMEOUT=700
	misbehave ok g14 429 close silent garbage g3 g8 partial g4
	expect_after_misbehaviour
}

# One byte a second is no answer: the time of one request ends it, and the batch is sent again.
test_slow_collector() {
	begin_nginx
	start_bad_collector 4317 grpc
	set_mode slow
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4317 OTEL_EXPORTER_OTLP_TIMEOUT=500
	requests 5 /x/
	assert_line "$LOG" 'msg="cannot export".*step=HTTP.*timed out' 5
	set_mode ok
	assert_line "$LOG" 'msg="the collector takes data again"' 5
	stop_agent
	assert_eq "$(otlp put)" "$(otlp exported)" "exported"
}

# For bash -c: shows a command FILE in the place of OVER.
# shellcheck disable=SC2016 # that shell replaces them
BIND='mount --bind "$1" "$2" && shift 2 && exec "$@"'

# A name server that never answers: threads that wait for it are left behind, not waited for.
test_silent_name_server() {
	local sender
	begin_nginx
	echo "nameserver 127.0.0.1" >"$SCRATCH/resolv.conf"
	$PYTHON -c 'import signal, socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); signal.pause()' &
	defer stop $!
	AROUND+=(unshare --mount bash -c "$BIND" bind "$SCRATCH/resolv.conf" /etc/resolv.conf)
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector.test:4317 OTEL_EXPORTER_OTLP_TIMEOUT=300 \
		OTEL_EBPF_SHUTDOWN_TIMEOUT=1s
	sender=$(child_of "$AGENT" sender)
	requests 3 /x
	assert_line "$LOG" 'msg="cannot export" .*step=DNS error="[^"]*timed out' 5
	sleep 2
	is_alive "$sender" || fail "the sender died"
	assert_le "$(find "/proc/$sender/task" -mindepth 1 -maxdepth 1 | wc -l)" 40 "threads of the sender"
	stop_agent
	expect_balance
	assert_eq "$(otlp put)" "$(otlp shutdown)" "dropped at the end"
}

# ---- Outages ----

# load SECONDS
load() {
	wrk -t1 -c8 -d"$1s" http://127.0.0.1:8080/load >"$SCRATCH/wrk" || fail "wrk"
}

test_memory_ceiling() {
	local worker sender top=0 now
	need wrk
	begin_nginx
	start_bad_collector 4317 grpc
	set_mode silent
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4317 OTEL_EBPF_SHUTDOWN_TIMEOUT=2s \
		OTEL_EBPF_OTLP_TRACES_QUEUE_SIZE=10000000 OTEL_EBPF_MEMORY_LIMIT_MIB=32
	worker=$(child_of "$AGENT" worker)
	sender=$(child_of "$AGENT" sender)
	load 5 &
	while is_alive $!; do
		now=$(($(rss "$worker") + $(rss "$sender")))
		top=$((now > top ? now : top))
		sleep 0.1
	done
	wait $!
	echo "worker and sender at most: $top KiB"
	assert_le $top $((32 * 1024)) "memory of worker and sender, KiB"
	stop_agent
	expect_balance
	assert_ge "$(otlp put)" 1000 "spans"
	assert_eq 0 "$(otlp exported)" "exported"
}

test_killed_sender() {
	local sender
	need wrk
	begin_nginx
	start_bad_collector 4317 grpc
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4317
	sender=$(child_of "$AGENT" sender)
	load 3 &
	sleep 1
	kill -KILL "$sender"
	wait $!
	assert_line "$LOG" 'msg="the sender died: starting it again" signal=9'
	[ -n "$(child_of "$AGENT" sender)" ] || fail "no sender came back"
	requests 10 /after/
	stop_agent
	expect_balance
	cat "$SCRATCH/wrk"
	grep 'totals' "$LOG"
	assert_eq "$(total 'span totals' spans)" "$(otlp put)" "spans handed on"
	assert_ge "$(otlp exported)" 1000 "exported"
	assert_ge "$(otlp sender_lost)" 1 "lost with the sender"
	# What it got may have lacked its answer, never the other way round.
	assert_ge "$(taken)" "$(otlp exported)" "taken by the collector"
}

# What the dead worker had handed on is still sent, and the next one counts it.
test_killed_worker() {
	local worker
	begin_nginx
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318
	requests 10 /before/
	assert_line "$LOG" 'msg="cannot export".*step=TCP' 5
	sleep 0.5
	worker=$(child_of "$AGENT" worker)
	kill -KILL "$worker"
	assert_line "$LOG" 'msg="the worker died: starting it again.* signal=9 spansLost=0' 5
	start_bad_collector 4318 http
	wait_until 10 has_seen ok || fail "nothing is sent any more"
	requests 5 /after/
	stop_agent
	grep 'totals' "$LOG"
	expect_balance
	assert_eq 10 "$(otlp recovered)" "spans left by the dead worker"
	assert_eq 5 "$(otlp put)" "spans of the new one"
	assert_eq 15 "$(otlp exported)" "exported"
	assert_eq 15 "$(taken)" "taken by the collector"
}

test_spill() {
	local spill=$SCRATCH/spill put
	begin_nginx
	mkdir "$spill"
	chown $AGENT_UID "$spill"
	local options=(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318
		OTEL_EBPF_OTLP_SPILL_DIRECTORY="$spill" OTEL_EBPF_SHUTDOWN_TIMEOUT=3s)
	observe "${options[@]}"
	requests 50 /spilled/
	assert_line "$LOG" 'msg="cannot export".*step=TCP' 5
	requests 50 /spilled/
	sleep 0.5
	# Killed without a word: what lies on disk stays.
	kill -KILL "$(child_of "$AGENT" sender)"
	assert_line "$LOG" 'msg="found data of an earlier run in the spill directory" signal=traces' 5
	stop_agent
	expect_balance
	put=$(otlp queued)
	assert_ge "$put" 40 "spans on disk"
	start_bad_collector 4318 http
	observe "${options[@]}"
	wait_until 5 has_seen ok || fail "nothing is sent from the disk"
	requests 10 /fresh/
	stop_agent
	expect_balance
	assert_eq "$put" "$(otlp recovered)" "recovered"
	assert_eq $((put + $(otlp put))) "$(taken)" "arrived"
	assert_eq 0 "$(find "$spill" -type f | wc -l)" "files left"
}

test_debug_protocol() {
	begin_nginx
	observe OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug
	requests 2 /debug/
	assert_line "$LOG" '"url.path"' 5
	assert_eq "" "$(child_of "$AGENT" sender)" "sender"
	stop_agent
}

# The other processes keep theirs.
test_sender_log_level() {
	begin_nginx
	step debug
	observe OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EBPF_SDK_LOG_LEVEL=debug
	assert_line "$LOG" 'level=DEBUG msg="sender sandbox closed"' 5
	stop_agent
	grep level=DEBUG "$LOG" | grep -vE 'msg="(sender sandbox closed|loaded libcurl)"' &&
		fail "messages of the others"
	step error
	observe OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EBPF_SDK_LOG_LEVEL=error \
		OTEL_EBPF_BACKOFF_MAX_ELAPSED_TIME=1s
	requests 1 /error/
	assert_line "$LOG" 'level=ERROR msg="cannot export.* then="dropped: tried for too long"' 8
	stop_agent
	assert_no_line "$LOG" 'msg="exporting by OTLP"'
}

# ---- A later libcurl than the host's ----

# with_libcurl_8 TEST: the agent, not what it observes or sends to, has the libraries of Debian's sid.
with_libcurl_8() {
	local libraries
	libraries=$("$ROOT/tests/libcurl/fetch" --offline 2>"$SCRATCH/why") || skip "$(tail -n 1 "$SCRATCH/why")"
	AROUND=("$ROOT/tests/libcurl/with" "$libraries")
	"${AROUND[@]}" true 2>"$SCRATCH/why" || skip "no other libraries: $(tail -n 1 "$SCRATCH/why")"
	QUICK+=(OTEL_EBPF_LOG_LEVEL=debug)
	"$1"
	assert_line "$LOG" 'msg="loaded libcurl" version=8\.'
	assert_no_line "$LOG" 'msg="the sender died'
}

test_libcurl_8_collector() {
	with_libcurl_8 test_collector
}

test_libcurl_8_errors() {
	with_libcurl_8 test_errors_name_the_step
}

test_libcurl_8_silent_name_server() {
	with_libcurl_8 test_silent_name_server
}

test_libcurl_8_http() {
	with_libcurl_8 test_bad_collectors_http
}

test_libcurl_8_grpc() {
	with_libcurl_8 test_bad_collectors_grpc
}

# seen ADDRESS METHOD TOKEN: batches (of more than 200 bytes) that came there.
seen() {
	awk -v address="$1" -v method="$2" -v token="$3" \
		'$1 == address && $2 == method && $3 == token && $4 > 200 { n++ } END { print n + 0 }' "$SCRATCH/seen"
}

# 307 and 308 are followed: to the place itself with the headers, to another without.
test_redirects() {
	need nginx
	touch "$SCRATCH/seen"
	chmod 666 "$SCRATCH/seen"
	start_nginx "log_format seen '\$server_addr \$request_method \$http_x_token \$content_length';
		server { listen 127.0.0.1:28440;
			location /near { return 307 http://127.0.0.1:28440/there; }
			location /far { return 308 http://127.0.0.2:28440/there; }
			location /loop { return 307 /loop; }
			location /get { return 303 /there; }
			location /there { access_log $SCRATCH/seen seen; return 200; } }
		server { listen 127.0.0.2:28440; location /there { access_log $SCRATCH/seen seen; return 200; } }"
	begin_nginx # the one that is observed
	redirected near
	assert_eq 1 "$(seen 127.0.0.1 POST hunter2)" "batches at the same place"
	assert_eq "$(otlp put)" "$(otlp exported)" "exported"
	redirected far
	assert_eq 1 "$(seen 127.0.0.2 POST -)" "batches at another place, without a token"
	assert_eq "$(otlp put)" "$(otlp exported)" "exported"
	redirected loop
	assert_line "$LOG" 'msg="cannot export" .*error="status 307: there are too many redirects" then=dropped'
	redirected get
	assert_line "$LOG" 'msg="cannot export" .*error="status 303" then=dropped'
	assert_eq 2 "$(wc -l <"$SCRATCH/seen")" "requests at the end of redirects"
}

redirected() {
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="http://127.0.0.1:28440/$1" \
		OTEL_EXPORTER_OTLP_TRACES_HEADERS=x-token=hunter2
	requests 5 /x
	sleep 0.5
	stop_agent
	expect_balance
}

# small_group MIB: a memory control group with that limit, with this shell in it.
small_group() {
	local version=/sys/fs/cgroup/memory file=memory.limit_in_bytes
	if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
		version=/sys/fs/cgroup file=memory.max
		echo +memory >$version/cgroup.subtree_control 2>/dev/null || true
	fi
	GROUP=$version/obi-test.$$
	mkdir "$GROUP" 2>/dev/null || skip "no control group can be made"
	defer rmdir "$GROUP"
	echo $(($1 << 20)) 2>/dev/null >"$GROUP/$file" || skip "memory is not controlled"
}

# Under a control group's limit below the default, with a collector that takes nothing, it drops and
# lives on.
LIMIT[test_memory_of_a_small_control_group]=90
test_memory_of_a_small_control_group() {
	need nginx wrk
	small_group 40 # what loading takes at most, and a little
	start_nginx 'server { listen 28399; location / { return 200 "hello"; } }'
	AROUND=(sh -c "echo \$\$ >$GROUP/cgroup.procs; exec \"\$@\"" -)
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=28399 \
		OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:9 OTEL_EBPF_OTLP_TRACES_QUEUE_SIZE=10000000
	AROUND=()
	application_ready "$NGINX"
	assert_line "$LOG" 'level=WARN msg="the memory limit is more than .*memory_limit_mib=10'
	wrk -t 1 -c 16 -d 20s http://127.0.0.1:28399/a-path-of-some-length/and-more >/dev/null
	stop_agent
	assert_no_line "$LOG" 'died'
}

run_tests "$@"
