#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Redis, HTTP/2 and gRPC as they really come: what the client asked is what the agent counts, of
# servers, of clients, and of connections that are older than the agent.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/protocols.sh
. "$LIB/protocols.sh"

# ---- Redis ----

talk_redis() {
	timeout 40 $PYTHON "$LIB/redis_talk.py" "$@"
}

begin_redis() {
	need redis-server redis-benchmark redis-cli
	begin_server "${REDIS[@]}" --dir "$SCRATCH"
}

# begin_redis, and REQUESTS with PIPELINE.
benchmark_redis() {
	redis-benchmark -h 127.0.0.1 -p $PORT -t get -n "$1" -c 20 -P "$2" -q
	ASKED=$(redis_counts)
	assert_ge "$ASKED" "$1" "commands that the server counted"
}

test_redis_one_at_a_time() {
	PRINTER=counter begin_redis
	benchmark_redis 20000 1
	expect_all "$ASKED"
}

test_redis_pipelined() {
	PRINTER=counter begin_redis
	benchmark_redis 20000 8
	expect_most "$ASKED" 2
}

# Nobody has time to say what of it is wanted.
test_redis_connection_that_begins_with_a_long_pipeline() {
	begin_redis
	expect_all "$(talk_redis burst $PORT 20)"
}

test_redis_client_that_begins_with_a_long_pipeline() {
	need redis-server
	serve "${REDIS[@]}" --dir "$SCRATCH"
	begin_talker $PYTHON "$LIB/redis_talk.py" burst_later $PORT 20
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_TRACE_PRINTER=counter
	application_ready "$TALKER"
	go_on
	expect_all "$(cat "$SCRATCH/answer")"
}

test_redis_in_every_way() {
	local sent
	begin_redis
	sent=$(talk_redis talk $PORT)
	expect_all "$sent"
}

test_redis_cli() {
	begin_redis
	redis-cli -h 127.0.0.1 -p $PORT SET a 1
	redis-cli -3 -h 127.0.0.1 -p $PORT GET a
	redis-cli -n 3 -h 127.0.0.1 -p $PORT LPUSH a x
	# -3 says HELLO first, -n SELECT.
	expect_all 5
}

test_redis_client_is_observed() {
	need redis-server
	serve "${REDIS[@]}" --dir "$SCRATCH"
	begin_talker $PYTHON "$LIB/redis_talk.py" later $PORT
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_TRACE_PRINTER=json
	application_ready "$TALKER"
	go_on
	expect_all "$(cat "$SCRATCH/answer")"
}

# Which reply is whose is known after some turns of one command each.
test_redis_connection_older_than_the_agent() {
	need redis-server
	serve "${REDIS[@]}" --dir "$SCRATCH"
	begin_talker $PYTHON "$LIB/redis_talk.py" old $PORT 100
	wait_until 5 grep -q . "/proc/$TALKER/net/tcp"
	sleep 0.5
	observe
	application_ready "$SERVER"
	go_on
	expect_most 100 20
}

test_redis_attributes_and_metrics() {
	begin_redis
	stop_agent
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_PROMETHEUS_PORT=9400
	application_ready "$SERVER"
	redis-cli -n 3 -h 127.0.0.1 -p $PORT SET a 1
	redis-cli -h 127.0.0.1 -p $PORT HGETALL nothing
	redis-cli -n 3 -h 127.0.0.1 -p $PORT HGETALL a
	expect_spans 1 type=RedisServer operation=SET namespace=3 status= system=redis
	expect_spans 1 type=RedisServer operation=HGETALL namespace=0 status=
	expect_spans 1 type=RedisServer operation=HGETALL namespace=3 status=WRONGTYPE
	scrape 9400 "$SCRATCH/metrics"
	assert_eq 2 "$(metric "$SCRATCH/metrics" db_server_operation_duration_seconds_count \
		'db_operation_name="HGETALL"')" "commands in the metric"
	assert_eq 1 "$(metric "$SCRATCH/metrics" db_server_operation_duration_seconds_count \
		'db_operation_name="HGETALL".*error_type="WRONGTYPE"')" "errors in the metric"
	assert_eq 0 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count)" "of HTTP"
}

# The text of a command leaves the machine only where it is asked for, and then without credentials.
test_redis_query_text_is_opt_in() {
	need redis-server redis-cli
	serve "${REDIS[@]}" --dir "$SCRATCH"
	cat >"$SCRATCH/sink.py" <<-END
		import http.server, sys
		class Sink(http.server.BaseHTTPRequestHandler):
		    def do_POST(self):
		        sys.stdout.buffer.write(self.rfile.read(int(self.headers["Content-Length"])))
		        sys.stdout.flush()
		        self.send_response(200)
		        self.end_headers()
		http.server.HTTPServer(("127.0.0.1", 4318), Sink).serve_forever()
	END
	$PYTHON "$SCRATCH/sink.py" >"$SCRATCH/plain" 2>/dev/null &
	SINK=$!
	defer stop $SINK
	wait_until 5 listens $SINK 4318
	local otlp=(OTEL_EBPF_OPEN_PORT="$PORT" OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318/v1/traces
		OTEL_EXPORTER_OTLP_PROTOCOL=http/json)
	start_agent "$CAPS_APPLICATION" "${otlp[@]}"
	application_ready "$SERVER"
	redis-cli -h 127.0.0.1 -p $PORT SET without 1
	wait_until 1 false || true
	stop_agent
	assert_line "$SCRATCH/plain" 'db.operation.name'
	assert_no_line "$SCRATCH/plain" 'db.query.text'
	printf 'attributes: {select: {traces: {include: [db.query.text]}}}\n' >"$SCRATCH/select.yaml"
	start_agent "$CAPS_APPLICATION" "${otlp[@]}" OTEL_EBPF_CONFIG_PATH="$SCRATCH/select.yaml"
	application_ready "$SERVER"
	redis-cli -h 127.0.0.1 -p $PORT SET with 1
	redis-cli -h 127.0.0.1 -p $PORT AUTH hidden-word
	wait_until 1 false || true
	stop_agent
	assert_line "$SCRATCH/plain" 'SET with 1'
	assert_line "$SCRATCH/plain" 'AUTH [?]'
	assert_no_line "$SCRATCH/plain" 'hidden-word'
}

# ---- DNS ----

# What is asked and how it is answered, at both ends.
test_dns_lookups() {
	need dnsmasq dig
	echo "nameserver 127.0.0.1" >"$SCRATCH/resolv.conf"
	dnsmasq --keep-in-foreground --no-resolv --no-hosts --port=53 --listen-address=127.0.0.1,::1 \
		--bind-interfaces --user=root --pid-file= --log-facility=- \
		--address=/example.test/192.0.2.7 --address=/example.test/2001:db8::7 >"$SCRATCH/dnsmasq.log" 2>&1 &
	SERVER=$!
	defer stop $SERVER
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/dnsmasq' OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_TRACES_INSTRUMENTATIONS='*' OTEL_EBPF_METRICS_INSTRUMENTATIONS='*' \
		OTEL_EBPF_PROMETHEUS_INSTRUMENTATIONS='*' OTEL_EBPF_PROMETHEUS_PORT=9400
	application_ready "$SERVER"
	dig +short @127.0.0.1 four.example.test A
	dig +short @::1 six.example.test AAAA
	dig +short @127.0.0.1 nowhere.test A
	dig +short +tcp @127.0.0.1 tcp.example.test A
	unshare -m sh -c "mount --bind '$SCRATCH/resolv.conf' /etc/resolv.conf && getent ahosts glibc.example.test"
	expect_spans 1 type=DNS kind=SPAN_KIND_INTERNAL name=four.example.test answers=192.0.2.7 status=
	expect_spans 1 type=DNS name=six.example.test answers=2001:db8::7
	expect_spans 1 type=DNS name=nowhere.test status=Refused
	expect_spans 1 type=DNS name=tcp.example.test answers=192.0.2.7
	expect_spans 2 type=DNS name=glibc.example.test status=
	scrape 9400 "$SCRATCH/metrics"
	assert_eq 6 "$(metric "$SCRATCH/metrics" dns_lookup_duration_seconds_count)" "lookups in the metric"
	expect_all 6
}

test_dns_question_without_an_answer() {
	cat >"$SCRATCH/ask.py" <<-'END'
		import socket, sys
		silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		silent.bind(("127.0.0.1", 53))
		sys.stdin.readline()
		asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		asker.sendto(b"aa\1\0\0\1\0\0\0\0\0\0\4late\4test\0\0\1\0\1", ("127.0.0.1", 53))
		sys.stdin.read()
	END
	begin_talker $PYTHON "$SCRATCH/ask.py"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_TRACES_INSTRUMENTATIONS='*' OTEL_EBPF_BPF_DNS_REQUEST_TIMEOUT=500ms
	application_ready "$TALKER"
	echo >&9
	expect_spans 1 type=DNS name=late.test status=timeout 'durationUSec>=500000' 'durationUSec<=2000000'
	exec 9>&-
	expect_all 1
}

# ---- Unix sockets ----

test_http_over_a_unix_socket() {
	need nginx curl
	start_nginx "server { listen $PORT; listen unix:$SCRATCH/socket; location / { return 204; } }"
	observe
	application_ready "$NGINX" "$(children "$NGINX")"
	curl -sS --max-time 5 --unix-socket "$SCRATCH/socket" http://localhost/inside
	expect_spans 1 type=HTTP path=/inside status=204
}

# ---- HTTP/2 ----

talk_h2() {
	timeout 40 $PYTHON "$LIB/h2_talk.py" "$@"
}

begin_nghttpd() {
	need nghttpd h2load
	www small
	begin_server nghttpd --no-tls -a 127.0.0.1 -d "$SCRATCH/www" $PORT
}

# load REQUESTS STREAMS
load() {
	h2load -n "$1" -c 4 -m "$2" "http://127.0.0.1:$PORT/small" >"$SCRATCH/load"
	assert_line "$SCRATCH/load" "^requests: $1 total, $1 started, $1 done, $1 succeeded"
}

test_http2_one_stream_at_a_time() {
	PRINTER=counter begin_nghttpd
	load 20000 1
	expect_all 20000
}

test_http2_many_streams() {
	PRINTER=counter begin_nghttpd
	load 20000 50
	expect_most 20000 2
}

serve_nghttpd() {
	need nghttpd
	# shellcheck disable=SC2046
	www before $(seq -f a%g 0 99)
	serve nghttpd --no-tls -a 127.0.0.1 -d "$SCRATCH/www" $PORT
}

# One connection: the large one is under way while the small ones are answered.
test_http2_download_beside_small_requests() {
	serve_nghttpd
	observe
	application_ready "$SERVER"
	assert_eq 102 "$(talk_h2 large $PORT 100)" "answers"
	expect_spans 1 type=HTTP path=/large status=200 responseLen=20971520
	expect_spans 101 type=HTTP 'path=/a*' status=200 responseLen=6
	expect_all 102
}

# What is not shown needs no record: of the large one there is one for each call.
test_http2_server_that_speaks_first() {
	serve_nghttpd
	observe
	application_ready "$SERVER"
	assert_eq 102 "$(talk_h2 slow $PORT 100)" "answers"
	expect_spans 1 type=HTTP path=/large status=200 responseLen=20971520
	expect_all 102
	assert_le "$(total 'span totals' records)" 5000 "records"
}

prior_knowledge() {
	curl -sS --http2-prior-knowledge -o /dev/null "$@"
}

test_http2_statuses_of_nginx() {
	local path
	need nginx curl
	start_nginx "server { listen $PORT http2; location / { return 200 'hello'; }
		location = /none { return 404; } location = /broken { return 500; }
		location = /empty { return 204; } }"
	observe
	application_ready "$NGINX" "$(children "$NGINX")"
	for path in none broken 'a?b=c' empty; do
		prior_knowledge "http://127.0.0.1:$PORT/$path"
	done
	prior_knowledge -X DELETE "http://127.0.0.1:$PORT/gone"
	prior_knowledge -I "http://127.0.0.1:$PORT/head"
	expect_spans 1 type=HTTP path=/none status=404 method=GET
	expect_spans 1 path=/broken status=500
	expect_spans 1 path=/a status=200 responseLen=5
	expect_spans 1 path=/empty status=204 responseLen=0
	expect_spans 1 path=/gone status=200 method=DELETE
	expect_spans 1 path=/head status=200 method=HEAD
	expect_all 6
}

test_http2_client_is_observed() {
	serve_nghttpd
	begin_talker $PYTHON "$LIB/h2_talk.py" later $PORT 20
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_TRACE_PRINTER=json
	application_ready "$TALKER"
	go_on
	assert_eq 20 "$(cat "$SCRATCH/answer")" "answers"
	expect_spans 20 type=HTTPClient 'path=/a*' status=200 method=GET
	expect_all 20
}

# The first request on it may have to be let go.
test_http2_connection_older_than_the_agent() {
	serve_nghttpd
	begin_talker $PYTHON "$LIB/h2_talk.py" old $PORT 20
	sleep 0.5
	observe
	application_ready "$SERVER"
	go_on
	assert_eq 21 "$(cat "$SCRATCH/answer")" "answers"
	expect_spans 1 type=HTTP path=/a19 status=200
	expect_spans 0 type=HTTP path=/before
	expect_most 20 1
}

# ---- gRPC ----

serve_grpc() {
	need_python grpc python3-grpcio
	serve $PYTHON "$LIB/grpc_talk.py" serve $PORT
}

test_grpc_all_kinds_of_calls() {
	local calls
	serve_grpc
	observe
	application_ready "$SERVER"
	calls=$(talk_grpc call $PORT 50)
	expect_all "$calls"
}

test_grpc_client_is_observed() {
	serve_grpc
	begin_talker $PYTHON "$LIB/grpc_talk.py" later $PORT 20
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' \
		OTEL_EBPF_TRACE_PRINTER=counter
	application_ready "$TALKER" $SERVER
	go_on
	# The server runs the same program: each call is seen at both ends.
	expect_all $(($(cat "$SCRATCH/answer") * 2))
}

test_grpc_connection_older_than_the_agent() {
	serve_grpc
	begin_talker $PYTHON "$LIB/grpc_talk.py" old $PORT 10
	sleep 1.5
	observe
	application_ready "$SERVER"
	go_on
	expect_most $(($(cat "$SCRATCH/answer") - 1)) 1
}

# The request that asks for HTTP/2 is answered by 101, what follows is HTTP/2's.
test_http2_by_upgrade() {
	need nghttpx nginx curl
	start_nginx "server { listen 8081; location / { return 200 'hello'; } }"
	serve nghttpx --no-ocsp -f "127.0.0.1,$PORT;no-tls" -b 127.0.0.1,8081 --workers=1 --single-process
	observe
	application_ready "$SERVER"
	curl -sS --max-time 5 --http2 -o /dev/null "http://127.0.0.1:$PORT/first" \
		-o /dev/null "http://127.0.0.1:$PORT/second"
	expect_spans 1 type=HTTP path=/first status=101
	expect_spans 1 type=HTTP path=/second status=200
}

run_tests "$@"
