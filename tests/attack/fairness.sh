#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One service, one process, must not take from the others what all share.
#
#   the attack                            before                          now
#   a process makes more records than     0 of 25 requests of another     all 25, and a warning with the
#   the worker reads (which stands        process, said only at the end   noisy one's name while it happens
#   still for 3 s)
#   a client makes up thousands of paths  another service has no series   it has, and a warning names the
#   of one service                        at all, no warning              first service

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

NOISY=18724
QUIET=18725

begin_two_servers() {
	local kind
	need nginx wrk curl
	for kind in NOISY QUIET; do
		start_nginx "server { listen ${!kind}; location / { return 200 x; } }"
		declare -g "${kind}_PID=$NGINX"
	done
}

quiet_requests() { # COUNT
	local i
	for ((i = 0; i < $1; i++)); do
		curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:$QUIET/quiet/$i"
		sleep 0.05
	done
}

test_a_noisy_process_leaves_room_for_others() {
	begin_two_servers
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$NOISY,$QUIET OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NOISY_PID" "$QUIET_PID"
	WORKER=$(worker_of "$AGENT")
	kill -STOP "$WORKER"
	wrk -t 1 -c 32 -d 5s "http://127.0.0.1:$NOISY/noise" >"$SCRATCH/wrk" &
	sleep 2
	quiet_requests 25
	assert_line "$LOG" 'level=WARN .*a process does more than can be read.* command=nginx' 1
	kill -CONT "$WORKER"
	wait $!
	expect_spans 25 'path=/quiet/*' status=200
	stop_agent
	assert_ge "$(total 'application totals' ringShare)" 1000 "records of the noisy process turned away"
	assert_eq "$(total 'application totals' ringFull)" "$(total 'application totals' ringShare)" \
		"records lost by others"
}

# Paths of letters that read like words: the heuristic leaves them as they are.
made_up_paths() { # PORT COUNT
	$PYTHON - "$@" <<-'END'
		import itertools, socket, sys
		port, count = int(sys.argv[1]), int(sys.argv[2])
		syllables = [a + b for a in "bdfglmnprst" for b in "aeiou"]
		sock = socket.create_connection(("127.0.0.1", port))
		for first, second in itertools.islice(itertools.product(syllables, syllables), count):
		    sock.sendall(b"GET /%s%sna HTTP/1.1\r\nHost: h\r\n\r\n" % (first.encode(), second.encode()))
		    assert b" 200 " in sock.recv(65536)
	END
}

test_one_service_does_not_take_every_series() {
	begin_two_servers
	cat >"$SCRATCH/config.yml" <<-END
		discovery:
		  instrument:
		    - { open_ports: "$NOISY", name: noisy }
		    - { open_ports: "$QUIET", name: quiet }
	END
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_CONFIG_PATH="$SCRATCH/config.yml" \
		OTEL_EBPF_PROMETHEUS_PORT=9400 OTEL_EBPF_METRICS_SERIES_LIMIT=1000
	application_ready "$NOISY_PID" "$QUIET_PID"
	made_up_paths $NOISY 2000
	assert_line "$LOG" 'level=WARN .*too many series.* service=noisy ' 5
	quiet_requests 3
	sleep 0.5
	scrape 9400 "$SCRATCH/metrics"
	assert_eq 3 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count 'service_name="quiet"')" \
		"requests of the quiet service in series of its own"
	assert_ge "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count 'otel_metric_overflow')" \
		1000 "requests of the noisy one in the common series"
	stop_agent
}

run_tests "$@"
