#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What comes out: the trace printers, the Prometheus endpoint as Prometheus itself reads it, the log.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=9400

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

begin() {
	need nginx
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } location /no { return 404; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 "$@"
	application_ready "$NGINX" "$(children "$NGINX")"
}

test_text_lines() {
	begin OTEL_EBPF_TRACE_PRINTER=text
	client get 127.0.0.1 8080 '/users/17?x=1'
	assert_line "$LOG" '^20[0-9-]{8} [0-9:]{8}\.[0-9]+ \([0-9.]+(ns|µs|ms|s)\[[0-9.]+(ns|µs|ms|s)\]\) HTTP\(subType=0\) 200 GET /users/17\S*\(/users/\*\) \[127\.0\.0\.1 as \S+:[0-9]+\]->\[127\.0\.0\.1 as \S+:8080\] contentLen:0B responseLen:5B svc=\[nginx [a-z]+\] traceparent=\[00-[0-9a-f]{32}-[0-9a-f]{16}\[0{16}\]-01\]$' 3
	stop_agent
	assert_no_line "$LOG" ProcessAlive
}

test_json_arrays() {
	local printer
	for printer in json json_indent; do
		begin OTEL_EBPF_TRACE_PRINTER=$printer
		client get 127.0.0.1 8080 /users/17
		expect_spans 1 type=HTTP kind=SPAN_KIND_SERVER path=/users/17 'route=/users/[*]' method=GET \
			status=200 contentLen=0 responseLen=5 hostPort=8080 serverPort=8080 peer=127.0.0.1 \
			traceFlags=1 parentSpanID=0000000000000000 'start>=1600000000000000' 'durationUSec>=1'
		stop_agent
		stop "$NGINX" || true
	done
	assert_line "$LOG" '^ +"type": ?"HTTP",'
}

# set_clock SECONDS: so far is the agent's clock ahead of the machine's.
set_clock() {
	$PYTHON -c 'import struct, sys; open(sys.argv[1], "r+b").write(struct.pack("<q", int(sys.argv[2])))' \
		"$SCRATCH/clock" "$1"
	sleep 0.5
}

# span_is_of_now PATH SECONDS: it began now, by that clock, and took what a request takes.
span_is_of_now() {
	local now
	client get 127.0.0.1 8080 "$1"
	expect_spans 1 "path=$1" 'durationUSec>=1' 'durationUSec<=2000000'
	now=$(($(date +%s) + $2))
	expect_spans 1 "path=$1" "start>=$(((now - 10) * 1000000))" "start<=$(((now + 1) * 1000000))"
}

# The wall clock is set, forward and back, as after a sleep or by NTP. A file with capabilities takes
# no preloaded library from the environment: here it is the host's, in a mount namespace of the agent's
# own.
test_spans_follow_the_wall_clock() {
	need nginx gcc
	mkdir "$SCRATCH/etc"
	echo "$SCRATCH/set_clock.so" >"$SCRATCH/etc/ld.so.preload"
	gcc -O2 -shared -fPIC "-DCLOCK=\"$SCRATCH/clock\"" -o "$SCRATCH/set_clock.so" "$LIB/set_clock.c"
	truncate -s 4096 "$SCRATCH/clock"
	chmod a+r "$SCRATCH/clock" "$SCRATCH/set_clock.so"
	# shellcheck disable=SC2016 # for the inner shell
	AROUND=(unshare --mount bash -c 'mount -t overlay overlay -o "ro,lowerdir=$0:/etc" /etc && exec "$@"'
		"$SCRATCH/etc")
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=json
	application_ready "$NGINX" "$(children "$NGINX")"
	span_is_of_now /before 0
	set_clock 3600
	span_is_of_now /forward 3600
	set_clock -3600
	span_is_of_now /back -3600
	stop_agent
}

# begin_read COMMAND...: an agent whose output the command reads, and does not get to LOG. READER. The
# server takes long paths.
begin_read() {
	local reader=("$@")
	need nginx curl
	start_nginx 'large_client_header_buffers 4 16k;
		server { listen 18480; location / { return 200 hello; } }'
	cat >"$SCRATCH/obi.yaml" <<-END
		discovery:
		  instrument:
		    - open_ports: 18480
		    - exe_path: '*/brief'
	END
	AGENT_DIR=$(mktemp -d "$SCRATCH/agent.XXXXXX")
	copy_agent "$CAPS_APPLICATION" "$AGENT_DIR/obi"
	chmod 755 "$AGENT_DIR"
	LOG=$AGENT_DIR/log
	mkfifo "$AGENT_DIR/pipe"
	"${reader[@]}" <"$AGENT_DIR/pipe" >"$LOG" &
	READER=$!
	defer stop $READER
	(cd "$AGENT_DIR" && unprivileged env -i PATH=/usr/bin:/bin OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" OTEL_EBPF_PROMETHEUS_PORT=$PORT \
		OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=$PORT \
		"${READ_ENV[@]}" ./obi) >"$AGENT_DIR/pipe" 2>"$AGENT_DIR/stderr" &
	AGENT=$!
	defer stop $AGENT
	wait_until 10 internal_says '^obi_instrumented_processes[{]process_name="nginx"[}] 2$' || fail "nginx is not observed"
}

READ_ENV=()
LONG=/$(printf '%*s' 3000 '' | tr ' ' x)/

# Who read the output has gone, as of `obi | head -1`: the rest goes on, and what is lost is counted.
test_nobody_reads_the_output_any_more() {
	begin_read head -n 1
	wait_until 5 has_ended "$READER" || fail "the reader has not ended"
	client keep_alive 127.0.0.1 18480 /n/ 30
	wait_until 10 internal_says '^obi_dropped_total[{]reason="output_lost"[}] [1-9]' || {
		cat "$SCRATCH/internal"
		fail "nothing of it is counted"
	}
	scrape $PORT "$SCRATCH/metrics"
	assert_eq 30 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count)" "requests"
	stop_agent
	assert_eq 1 "$(grep -c 'nobody reads standard output' "$AGENT_DIR/stderr")" "warnings"
	assert_eq 1 "$(wc -l <"$AGENT_DIR/stderr")" "lines on standard error"
}

# A reader that stops makes nothing stand still, not even the end.
test_a_reader_that_stops_holds_nobody() {
	local begun
	READ_ENV=(OTEL_EBPF_SHUTDOWN_TIMEOUT=5s)
	begin_read sleep 60
	client keep_alive 127.0.0.1 18480 "$LONG" 1500
	wait_until 10 internal_says '^obi_dropped_total[{]reason="printer_blocked"[}] [1-9]' || {
		cat "$SCRATCH/internal"
		fail "nothing of it is counted"
	}
	scrape $PORT "$SCRATCH/metrics"
	assert_eq 1500 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count)" "requests"
	begun=$(now_ms)
	stop_agent
	assert_le $(($(now_ms) - begun)) 6000 "milliseconds to stop"
}

# Lines longer than what a pipe holds, and a reader that is slower than what comes, while log lines come
# in between: every line is whole.
test_lines_are_whole_for_a_slow_reader() {
	local i
	begin_read $PYTHON -c '
import os, time
while data := os.read(0, 1024):
	os.write(1, data)
	time.sleep(0.002)'
	cp /usr/bin/sleep "$SCRATCH/brief"
	client keep_alive 127.0.0.1 18480 "$LONG" 1500 &
	for ((i = 0; i < 80; i++)); do
		"$SCRATCH/brief" 0.05
	done
	wait $!
	stop_agent
	wait_until 20 has_ended "$READER" || fail "the reader has not ended"
	$PYTHON - "$LOG" <<-'END'
		import json, sys
		longest = arrays = logs = 0
		for line in open(sys.argv[1]):
		    if line.startswith("time="):
		        assert line.count(" level=") == 1, line[:300]
		        logs += 1
		        continue
		    arrays += bool(json.loads(line))
		    longest = max(longest, len(line))
		print(arrays, "arrays, the longest of", longest, "bytes,", logs, "lines of the log")
		assert arrays > 5 and longest > 65536 and logs > 20
	END
}

test_counter() {
	begin OTEL_EBPF_TRACE_PRINTER=counter
	client keep_alive 127.0.0.1 8080 /n/ 7
	stop_agent
	assert_line "$LOG" '^Processed 7 requests'
}

test_metrics_pass_promtool() {
	need promtool curl
	begin OTEL_EBPF_PROMETHEUS_PORT=$PORT OTEL_EBPF_NETWORK_METRICS=1
	client keep_alive 127.0.0.1 8080 /n/ 7
	client get 127.0.0.1 8080 /no 404
	sleep 0.5
	scrape $PORT "$SCRATCH/metrics"
	promtool check metrics <"$SCRATCH/metrics" >"$SCRATCH/check" 2>&1 || {
		cat "$SCRATCH/check"
		fail "promtool finds fault"
	}
	assert_eq 7 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count 'status_code="200"')" "requests with 200"
	assert_eq 1 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count 'status_code="404"')" "requests with 404"
	assert_eq 8 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_bucket 'le="[+]Inf"')" "requests in the last bucket"
	assert_eq 35 "$(metric "$SCRATCH/metrics" http_server_response_body_size_bytes_sum 'status_code="200"')" "bytes of bodies"
	assert_line "$SCRATCH/metrics" '^http_server_request_duration_seconds_count\{http_request_method="GET",http_response_status_code="200",http_route="/n/\*",instance="[^"]+:[0-9]+",job="nginx",server_address="[^"]*",server_port="8080",service_name="nginx",service_namespace="",url_scheme="http"\} 7$'
	assert_line "$SCRATCH/metrics" '^target_info\{.*service_name="nginx".*\} 1$'
	stop_agent
}

test_prometheus_scrapes_it() {
	local query
	need prometheus curl
	begin OTEL_EBPF_PROMETHEUS_PORT=$PORT
	client keep_alive 127.0.0.1 8080 /n/ 7
	start_prometheus $PORT
	query='http://127.0.0.1:9090/api/v1/query?query=http_server_request_duration_seconds_count'
	wait_until 20 answers_with "$query" '"service_name":"nginx".*,"7"\]' || {
		show "$SCRATCH/prometheus.log"
		fail "Prometheus does not have the metric"
	}
	curl -sS "http://127.0.0.1:9090/api/v1/query?query=up" | grep -q '"1"\]' || fail "the target is not up"
	stop_agent
}

answers_with() {
	curl -sS --max-time 2 "$1" 2>/dev/null | grep -qE "$2"
}

test_busy_port_is_said_once_and_the_rest_goes_on() {
	$PYTHON "$LIB/targets/echo.py" $PORT &
	defer stop $!
	wait_until 5 listens $! $PORT
	begin OTEL_EBPF_PROMETHEUS_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text
	client get 127.0.0.1 8080 /busy
	expect_spans 1 path=/busy
	sleep 1
	stop_agent
	assert_eq 1 "$(grep -c level=ERROR "$LOG")" "errors"
	assert_line "$LOG" "level=ERROR .*(9400.*in use|in use.*9400)"
}

test_internal_metrics() {
	need promtool curl
	begin OTEL_EBPF_PROMETHEUS_PORT=$PORT OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus \
		OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=$PORT
	client keep_alive 127.0.0.1 8080 /n/ 7
	wait_until 10 internal_says '^obi_spans_total[{]outcome="exported"[}] 7$' || {
		cat "$SCRATCH/internal"
		fail "7 exported spans are not among them"
	}
	assert_line "$SCRATCH/internal" '^obi_records_total [1-9]'
	assert_line "$SCRATCH/internal" '^obi_ebpf_tracer_flushes_count [1-9]'
	assert_line "$SCRATCH/internal" '^obi_bpf_map_entries_total[{]map_id="[0-9]+",map_name="processes",map_type="Hash"[}] [1-9]'
	# Nobody asked for run times, so the kernel does not measure them.
	assert_no_line "$SCRATCH/internal" '^obi_bpf_probe_executions_total[{]'
	# These two have the names that dashboards know.
	promtool check metrics <"$SCRATCH/internal" >"$SCRATCH/promtool" 2>&1 || true
	grep -vE '^obi_bpf_map_(max_)?entries_total non-counter metrics should not have "_total" suffix' \
		"$SCRATCH/promtool" && fail "promtool finds fault"
	stop_agent
}

# What could not be looked at is counted by the process' name.
test_internal_metrics_of_failed_inspections() {
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	start_agent "${CAPS_APPLICATION/,cap_dac_read_search/}" OTEL_EBPF_AUTO_TARGET_EXE='*/nginx' \
		OTEL_EBPF_PROMETHEUS_PORT=$PORT OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus \
		OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=$PORT
	wait_until 10 internal_says \
		'^obi_instrumentation_errors_total[{]error_type="inspection_failed",process_name="nginx"[}] [1-9]' || {
		cat "$SCRATCH/internal"
		fail "nobody says so"
	}
	stop_agent
}

internal_says() {
	curl -sS --max-time 2 -o "$SCRATCH/internal" http://127.0.0.1:$PORT/internal/metrics &&
		grep -qE "$1" "$SCRATCH/internal"
}

# begin_health VARIABLE=VALUE: an agent with this health check.
begin_health() {
	start_agent "$CAPS_NETWORK" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 "$@"
	network_ready
}

# check_health CURL-ARGUMENT...: what /healthz answers.
check_health() {
	curl -sS -m 5 "$@" | $PYTHON -c '
import json, sys, time
health = json.load(sys.stdin)
assert set(health) == {"schema_version", "now_unix_ns", "process_uptime_ns"}, health
assert health["schema_version"] == 1
assert abs(health["now_unix_ns"] / 1e9 - time.time()) < 5, health
assert 0 < health["process_uptime_ns"] < 60e9, health'
}

test_health() {
	need curl
	local socket
	begin_health OTEL_EBPF_HEALTH_CHECK_PORT=18086
	check_health http://127.0.0.1:18086/healthz || fail "no health by the port"
	assert_eq 404 "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:18086/)" "status of /"
	stop_agent

	step by_name
	begin_health OTEL_EBPF_HEALTH_CHECK_UNIX_SOCKET_PATH="@obi-health-$$"
	check_health --abstract-unix-socket "obi-health-$$" http://obi/healthz || fail "no health by the name"
	stop_agent

	step again_by_path
	socket=$(mktemp -d "$SCRATCH/health.XXXXXX")
	chmod 777 "$socket"
	for _ in 1 2; do # the second finds what the first left
		begin_health OTEL_EBPF_HEALTH_CHECK_UNIX_SOCKET_PATH="$socket/s"
		check_health --unix-socket "$socket/s" http://obi/healthz || fail "no health by the path"
		stop_agent
	done
}

test_json_log() {
	need nginx
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=counter \
		OTEL_EBPF_LOG_FORMAT=json
	assert_line "$LOG" '^\{.*"msg":"instrumenting process".*"service":"nginx"' 10
	stop_agent
	# The first line comes before the configuration is read.
	sed 1d "$LOG" | grep '^{' | $PYTHON -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert len(lines) > 3 and all({"time", "level", "msg"} <= set(line) for line in lines)'
}

test_wrong_configuration_names_the_option() {
	local status=0
	start_agent "$CAPS_NETWORK" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_NETWORK_SOURCE=telepathy
	wait_until 5 has_ended "$AGENT" || fail "it runs"
	wait "$AGENT" || status=$?
	assert_eq 255 $status "exit status"
	assert_line "$LOG" 'level=ERROR msg="wrong configuration" error=.*OTEL_EBPF_NETWORK_SOURCE.*telepathy.*socket_filter'
}

test_a_refused_load_is_one_error() {
	local status=0
	start_agent "" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	wait_until 5 has_ended "$AGENT" || fail "it runs"
	wait "$AGENT" || status=$?
	assert_eq 255 $status "exit status"
	assert_eq 1 "$(grep -c 'level=ERROR' "$LOG")" "errors"
	assert_line "$LOG" 'level=ERROR msg="cannot start Network metrics mode" error="loading the network tracer: '
}

test_nothing_to_do_is_refused() {
	local status=0
	start_agent "$CAPS_NETWORK"
	wait_until 5 has_ended "$AGENT" || fail "it runs"
	wait "$AGENT" || status=$?
	assert_eq 255 $status "exit status"
	assert_line "$LOG" 'wrong configuration'
}

run_tests "$@"
