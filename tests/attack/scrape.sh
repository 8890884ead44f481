#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The scrape and health endpoints: clients that want nobody else to get an answer.
#
#   the attack                          before                           now
#   33 connections that send a byte     no scrape gets through           every one does
#   of a head in some seconds
#   100 of them, each made anew when    no scrape gets through           every one does
#   it is cut off
#   40 readers of 16 bytes a second     no scrape, for up to a minute    every one does
#   the same, and what they read is     (there was no gzip)              every one does
#   compressed
#   the same at /healthz                no answer: the agent is          every one gets its answer
#                                       started again by its supervisor
#   a scrape from another address       always answered                  prometheus_export.listen_address

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

observe_by_scrape() {
	start_agent "$CAPS_NETWORK" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EBPF_METRICS_FEATURES=network,application \
		OTEL_EBPF_HEALTH_CHECK_PORT=9401 "$@"
	network_ready
	wait_until 5 listens "$(worker_of "$AGENT")" 9401
}

# all_answered PORT PATH COUNT MODE SECONDS [SOCKET]
all_answered() {
	local ok failed
	read -r ok failed < <($PYTHON "$LIB/slow_scrape.py" "$@")
	echo "$4: $ok answered, $failed not"
	assert_eq 0 "$failed" "requests without an answer"
	assert_ge "$ok" 3 "requests that were answered"
}

test_heads_that_drip() {
	observe_by_scrape
	all_answered 9400 /metrics 33 head 6
	all_answered 9400 /metrics 100 reconnect 4
	stop_agent
}

test_readers_that_crawl() {
	need nginx
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	echo 'routes: {unmatched: path}' >"$SCRATCH/obi.yaml"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_PROMETHEUS_PORT=9400 OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	application_ready "$NGINX" "$(children "$NGINX")"
	$PYTHON "$LIB/client.py" keep_alive 127.0.0.1 8080 /x/ 200
	# A scrape is more than a socket holds: then it is written as it is read.
	sysctl -q -w net.ipv4.tcp_wmem='4096 4096 4096'
	scrape 9400 "$SCRATCH/scrape"
	assert_ge "$(stat -c %s "$SCRATCH/scrape")" 12000 "bytes of a scrape"
	all_answered 9400 /metrics 40 read 5
	assert_ge "$(curl -sS --max-time 10 -H 'Accept-Encoding: gzip' http://127.0.0.1:9400/metrics | wc -c)" 12000 "bytes of a compressed scrape"
	all_answered 9400 /metrics 40 gzip 5
	stop_agent
}

test_health_that_is_held_up() {
	observe_by_scrape
	all_answered 9401 /healthz 120 head 6
	all_answered 9401 /healthz 120 reconnect 4
	stop_agent
	mkdir -m 777 "$SCRATCH/health"
	start_agent "$CAPS_NETWORK" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_HEALTH_CHECK_UNIX_SOCKET_PATH="$SCRATCH/health/socket"
	network_ready
	wait_until 5 test -S "$SCRATCH/health/socket"
	all_answered 0 /healthz 120 head 6 "$SCRATCH/health/socket"
	stop_agent
}

test_an_address_of_its_own() {
	observe_by_scrape OTEL_EBPF_PROMETHEUS_LISTEN_ADDRESS=127.0.0.2
	curl -sS -o /dev/null http://127.0.0.2:9400/metrics
	! curl -sS -o /dev/null http://127.0.0.1:9400/metrics || fail "it listens on another address too"
	stop_agent
}

run_tests "$@"
