#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# HTTP/1 as it really comes: against nginx, node and Python's http.server, with a client that cuts
# the bytes where it likes.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

LIMIT[test_sendfile_of_100_megabytes]=90

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

observe() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=json
}

begin_nginx() {
	need nginx
	mkdir -m 755 "$SCRATCH/www"
	head -c 3000 /dev/zero | tr '\0' f >"$SCRATCH/www/file"
	start_nginx "server { listen 8080; listen [::1]:8080; root $SCRATCH/www; if_modified_since before; ${1:-}
		client_max_body_size 100m; large_client_header_buffers 4 32k;
		location / { return 200 'hello'; } location = /file { }
		location = /none { return 204; } location = /broken { return 500; } }"
	observe
	application_ready "$NGINX" "$(children "$NGINX")"
}

begin_node() {
	need node
	node "$LIB/targets/node.js" 8080 &
	NODE=$!
	defer stop $NODE
	wait_until 10 listens $NODE 8080 || fail "node does not listen"
	observe
	application_ready $NODE
}

begin_python() {
	$PYTHON "$LIB/targets/echo.py" 8080 &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8080 || fail "the server does not listen"
	observe
	application_ready $SERVER
}

test_keep_alive() {
	begin_nginx
	client keep_alive 127.0.0.1 8080 /k/ 20
	expect_spans 20 'path=/k/*' status=200 method=GET responseLen=5
	assert_eq 1 "$(span_field peerPort 'path=/k/*' | sort -u | wc -l)" "connections"
	assert_eq 20 "$(span_field spanID 'path=/k/*' | sort -u | wc -l)" "span ids"
	stop_agent
}

test_pipelined_requests() {
	begin_nginx
	client pipelined 127.0.0.1 8080 /p/ 30
	expect_spans 30 'path=/p/*' status=200
	assert_eq "$(seq -f /p/%g 0 29)" "$(span_field path 'path=/p/*')" "order"
	stop_agent
}

test_requests_cut_into_many_writes() {
	begin_nginx
	client byte_by_byte 127.0.0.1 8080 /bytes
	client split_in_two 127.0.0.1 8080 /pieces
	expect_spans 1 path=/bytes status=200
	expect_spans 1 path=/pieces status=200
	assert_eq 2 "$(spans)" "spans"
	stop_agent
}

test_head_204_304_have_no_body() {
	begin_nginx
	client empty_bodies 127.0.0.1 8080
	expect_spans 1 path=/after-304 status=200
	expect_spans 1 path=/file method=HEAD status=200 responseLen=0
	expect_spans 1 path=/none status=204 responseLen=0
	expect_spans 1 path=/file method=GET status=304 responseLen=0
	expect_spans 3 'path=/after-*' status=200 responseLen=5
	assert_eq 6 "$(spans)" "spans"
	stop_agent
}

test_statuses_and_routes() {
	begin_nginx
	client get 127.0.0.1 8080 /broken 500
	client get 127.0.0.1 8080 /users/12345/orders
	client get 127.0.0.1 8080 '/search?q=words&page=2'
	expect_spans 1 path=/broken status=500
	expect_spans 1 'path=/users/12345/orders' 'route=/users/[*]/orders'
	expect_spans 1 'route=/search' 'url=/search*'
	stop_agent
}

test_ipv6() {
	begin_nginx
	client get ::1 8080 /six
	expect_spans 1 path=/six status=200 'peer=::1' 'host=::1' hostPort=8080
	stop_agent
}

test_http_1_0() {
	begin_nginx
	client raw_target 127.0.0.1 8080 /old 200 1.0
	expect_spans 1 path=/old status=200
	stop_agent
}

test_absolute_form() {
	begin_nginx
	client raw_target 127.0.0.1 8080 'http://example.test/absolute?x=1'
	expect_spans 1 path=/absolute status=200
	stop_agent
}

test_methods_beyond_the_common_ones() {
	local method
	begin_nginx
	for method in PROPFIND MKCOL PURGE REPORT BIND M-SEARCH LINK; do
		client method 127.0.0.1 8080 $method "/m/$method" || fail "nginx refuses $method"
	done
	for method in PROPFIND MKCOL PURGE REPORT BIND M-SEARCH LINK; do
		expect_spans 1 "path=/m/$method" method=$method status=200
	done
	stop_agent
}

test_long_heads() {
	local long
	long=$(head -c 6000 /dev/zero | tr '\0' a)
	begin_nginx
	client get 127.0.0.1 8080 "/long/$long"
	expect_spans 1 'path=/long/aaaa*' status=200
	client get 127.0.0.1 8080 /after-long
	expect_spans 1 path=/after-long status=200
	stop_agent
}

test_half_closed_connections() {
	begin_nginx
	client half_close 127.0.0.1 8080 /half
	expect_spans 1 path=/half status=200
	stop_agent
}

test_upload_length() {
	begin_node
	client upload 127.0.0.1 8080 /upload 300000
	expect_spans 1 path=/upload method=POST status=200 contentLen=300000 responseLen=6
	stop_agent
}

test_chunked_response_ends_with_its_last_chunk() {
	begin_node
	client chunked_response 127.0.0.1 8080 20
	# 20 chunks of 1000 bytes, 20 ms apart.
	expect_spans 1 path=/chunked/20 status=200 'durationUSec>=380000' 'durationUSec<=3000000'
	expect_spans 1 path=/chunked/20 'responseLen>=20000' 'responseLen<=20400'
	expect_spans 1 path=/after-chunked status=200 responseLen=1
	stop_agent
}

test_chunked_request() {
	begin_node
	client chunked_request 127.0.0.1 8080
	expect_spans 1 path=/upload-chunked method=POST status=200 'contentLen>=5011' 'contentLen<=5100'
	expect_spans 1 path=/after-upload status=200
	stop_agent
}

test_100_continue_is_no_answer() {
	begin_node
	client expect_continue 127.0.0.1 8080 5000
	expect_spans 1 path=/continue method=POST status=200 contentLen=5000
	assert_eq 1 "$(spans)" "spans"
	stop_agent
}

test_upgrade_ends_the_protocol() {
	begin_node
	client upgrade 127.0.0.1 8080
	client get 127.0.0.1 8080 /after-upgrade
	expect_spans 1 path=/after-upgrade
	expect_spans 1 path=/socket status=101
	expect_spans 0 'path=/not-a-request*'
	stop_agent
}

test_time_to_answer_is_in_the_span() {
	begin_node
	client get 127.0.0.1 8080 /slow/400
	expect_spans 1 path=/slow/400 status=200 'durationUSec>=395000' 'durationUSec<=1500000'
	stop_agent
}

test_reset_before_the_answer() {
	begin_node
	client reset 127.0.0.1 8080 /slow/500
	client get 127.0.0.1 8080 /after-reset
	expect_spans 1 path=/after-reset status=200
	stop_agent
	assert_eq "$(total 'span totals' requests)" \
		$(($(total 'span totals' spans) + $(dropped))) "requests = spans + dropped"
}

test_python_server() {
	begin_python
	client keep_alive 127.0.0.1 8080 /py/ 5
	client upload 127.0.0.1 8080 /py/upload 70000
	expect_spans 5 'path=/py/?' method=GET status=200
	expect_spans 1 path=/py/upload contentLen=70000
	assert_line "$LOG" 'msg="instrumenting process".* type=python'
	stop_agent
}

test_node_is_recognised() {
	begin_node
	assert_line "$LOG" 'msg="instrumenting process".* type=nodejs'
	stop_agent
}

# The span ends with the last byte that the server sent, not with its head.
test_sendfile_of_100_megabytes() {
	local took size=104857600
	begin_nginx "sendfile on; sendfile_max_chunk 2m; location = /big { }"
	truncate -s $size "$SCRATCH/www/big"
	took=$(client download_slowly 127.0.0.1 8080 /big $size 2)
	client get 127.0.0.1 8080 /after-big
	expect_spans 1 path=/after-big
	expect_spans 1 path=/big status=200 responseLen=$size
	# The last megabytes wait in socket buffers when the server is done.
	expect_spans 1 path=/big "durationUSec>=$((took * 800))" "durationUSec<=$((took * 1020 + 50000))"
	stop_agent
}

test_garbage_makes_no_spans_and_no_harm() {
	begin_nginx
	client garbage 127.0.0.1 8080
	client get 127.0.0.1 8080 /after-garbage
	expect_spans 1 path=/after-garbage status=200
	assert_no_line "$LOG" 'level=ERROR|the worker died'
	stop_agent
}

# The requests that an instrumented process makes itself.
test_client_spans() {
	need nginx
	start_nginx "server { listen 8081; location / { return 200 'hello'; } }"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' \
		OTEL_EBPF_TRACE_PRINTER=text
	assert_line "$LOG" 'application tracer attached' 10
	client many 127.0.0.1 8081 /c/ 10 >"$SCRATCH/out"
	expect_spans 10 type=HTTPClient 'path=/c/*' status=200 hostPort=8081 responseLen=5 \
		'service=python3*'
	stop_agent
}

# begin_conversations NAME...: both ends as written there, the server observed.
begin_conversations() {
	$PYTHON "$LIB/conversations.py" serve 8080 "$@" &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8080 || fail "the server does not listen"
	observe
	application_ready $SERVER
	timeout 60 $PYTHON "$LIB/conversations.py" play 127.0.0.1 8080 "$@"
}

test_heads_that_the_other_direction_cuts() {
	begin_conversations request-line request-fields response status-line early
	expect_spans 3 path=/a status=201 method=GET
	expect_spans 1 path=/a status=413 method=POST contentLen=10
	expect_spans 1 path=/a status=408
	expect_spans 3 path=/b status=404 method=GET
	expect_spans 1 path=/b status=202
	expect_spans 2 path=/c status=500
	expect_spans 1 path=/d status=202
	assert_eq 12 "$(spans)" "spans"
	stop_agent
	assert_eq 0 "$(dropped)" "dropped"
}

test_odd_but_answered() {
	begin_conversations odd-versions patch long-method short-method
	expect_spans 1 path=/1.0.8 status=200
	expect_spans 1 path=/1. status=201
	expect_spans 1 path=/1.10 status=202
	expect_spans 1 path=/blank status=203
	expect_spans 1 path=/nul status=205
	expect_spans 1 path=/none status=0
	expect_spans 1 path=/lower method=patch status=200
	expect_spans 1 path=/long method=abcdefghijklmnopqrstuvwxyzABCDEFGHIJ status=200
	expect_spans 1 path=/short method=x-1 status=200
	stop_agent
	assert_eq 0 "$(dropped)" "dropped"
}

test_what_stands_before_the_first_request() {
	begin_conversations proxy-1 proxy-1-alone proxy-2 empty-line socks
	expect_spans 1 path=/together status=200
	expect_spans 1 path=/alone status=200
	expect_spans 1 path=/tlv status=200
	expect_spans 1 path=/line status=200
	expect_spans 1 path=/socks status=200
	assert_eq 5 "$(spans)" "spans"
	stop_agent
}

test_answers_that_pause_end_with_their_last_byte() {
	begin_conversations small-writes last-alone alternating
	expect_spans 1 path=/small status=200 'durationUSec>=2000000' 'durationUSec<=2400000' responseLen=15
	expect_spans 1 path=/alone status=200 'durationUSec>=2000000' 'durationUSec<=2400000' responseLen=15
	expect_spans 1 path=/both status=200 'durationUSec>=1880000' responseLen=205 contentLen=205
	expect_spans 1 path=/next status=204
	stop_agent
	assert_eq 0 "$(dropped)" "dropped"
}

# No record for its frames: two of HTTP, and its ends.
test_a_tunnel_is_left_alone() {
	begin_conversations websocket
	expect_spans 1 path=/ws status=101
	stop_agent
	assert_eq 3 "$(total "application totals" records)" "records"
}

run_tests "$@"
