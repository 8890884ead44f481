#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Requests that hide from the agent: no request is both answered and unaccounted.
#
#   the attack                            before                          now
#   a request behind a padded one, in     no span, no count               a span
#   the same read
#   10,000 pipelined requests             1,801 to 2,700 spans, as many   a span each
#                                         counted
#   the same with bodies, which are not   as above                        spans, or counted in unreadBytes
#   read on                                                               and no_request
#   connections reset under way           records of message 0, which     none
#                                         the worker turns down

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

begin_nginx() { # [CAPABILITIES] [NAME=VALUE...]
	need nginx
	start_nginx 'client_max_body_size 10m; large_client_header_buffers 4 64k;
		server { listen 8080; location / { return 200 x; } }'
	observe "$NGINX" "$@"
}

observe() { # PID [CAPABILITIES] [NAME=VALUE...]
	local pid=$1
	shift
	start_agent "${1:-$CAPS_APPLICATION}" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text "${@:2}"
	application_ready "$pid"
}

crowd() {
	timeout 40 $PYTHON "$LIB/crowd.py" "$@"
}

# expect_all COUNT: a span each, once.
expect_all() {
	expect_spans "$1" 'path=/crowd*' status=200
	assert_eq "$1" "$(span_field path 'path=/crowd*' | sort -u | wc -l)" "paths"
	stop_agent
	assert_eq 0 "$(total 'span totals' unreadBytes)" "bytes that were not read"
	assert_eq 0 "$(dropped)" "requests without a span"
}

test_behind_a_padded_request() {
	begin_nginx
	crowd get 8080 40 2 1200
	expect_all 40
}

test_crowd_at_nginx() {
	begin_nginx
	crowd get 8080 5000 100
	expect_all 5000
}

test_crowd_with_long_heads() {
	begin_nginx
	crowd get 8080 200 20 1900
	expect_all 200
}

test_crowd_with_propagation() {
	begin_nginx "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	crowd get 8080 2000 100
	expect_all 2000
}

test_crowd_at_node() {
	need node
	node "$LIB/targets/node.js" 8080 >/dev/null 2>&1 &
	NODE=$!
	defer stop $NODE
	wait_until 10 listens $NODE 8080 || fail "node does not listen"
	observe $NODE
	crowd get 8080 1000 50
	expect_all 1000
}

# The body behind a head ends where its length says: what comes then is not looked for.
test_crowd_with_bodies_is_accounted() {
	local spans
	begin_nginx
	crowd post 8080 1000 50
	sleep 0.5
	stop_agent
	spans=$(spans 'path=/crowd*')
	echo "$spans spans, $(dropped) dropped, $(total 'span totals' unreadBytes) bytes unread"
	assert_ge $((spans + $(dropped))) 1000 "spans and what was counted as lost"
}

# Two records a request, three where the head and the body take two reads; what a body holds is not read.
test_uploads_are_not_read() {
	begin_nginx
	crowd upload 8080 100 60000
	expect_spans 100 path=/upload status=200
	stop_agent
	assert_le "$(total 'span totals' records)" 310 "records of 100 uploads"
	assert_eq 0 "$(total 'span totals' unreadBytes)" "bytes that were not read"
}

test_reset_connections_make_no_bad_record() {
	NGINX_WORKERS=2 begin_nginx
	crowd reset 8080 6
	stop_agent
	assert_ge "$(total 'span totals' records)" 20000 "records"
	assert_eq 0 "$(total 'span totals' badRecords)" "records that the worker turned down"
}

run_tests "$@"
