#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Inside TLS: what clients asked is what the agent counts, of each library, of servers and of
# clients, of connections and processes that are older or come later.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

# ---- OpenSSL ----

test_nginx_by_http1() {
	need h2load
	begin_nginx ssl 'location / { return 200 "hello"; }'
	PRINTER=counter observe
	h2load --h1 -n 20000 -c 16 $URL/ | grep -q ' 20000 succeeded' || fail "h2load failed"
	expect_all 20000
}

test_nginx_by_http2() {
	need h2load
	begin_nginx 'ssl http2' 'location / { return 200 "hello"; }'
	PRINTER=counter observe
	h2load -n 20000 -c 4 -m 50 $URL/ | grep -q ' 20000 succeeded' || fail "h2load failed"
	expect_all 20000
}

test_what_a_span_says() {
	begin_nginx ssl 'location / { return 404 "no"; }'
	observe
	curl -sS --max-time 5 -o /dev/null "$URL/missing?q=1"
	expect_spans 1 type=HTTP path=/missing status=404 hostPort=$PORT
}

test_versions_of_tls() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe
	ask_by_versions
}

test_large_bodies() {
	begin_nginx ssl "root $SCRATCH/www; location /up { client_max_body_size 200m; return 201; }
		location /up2 { client_max_body_size 200m; proxy_pass http://127.0.0.1:8081; }"
	mkdir "$SCRATCH/www"
	head -c 100000000 /dev/zero >"$SCRATCH/www/big"
	chmod -R a+rX "$SCRATCH/www"
	observe
	curl -sS --max-time 20 -o /dev/null $URL/big -o /dev/null $URL/big
	expect_spans 2 type=HTTP path=/big status=200 responseLen=100000000
	expect_all 2
}

# Each of them is another process of a library that is known.
test_clients_that_live_short() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/curl' \
		OTEL_EBPF_TRACE_PRINTER=json
	assert_line "$LOG" 'probes on TLS libraries' 10
	curl -sS --max-time 5 -o /dev/null $URL/first
	probes_are_there
	# The first request of a process may be made before it is known.
	for _ in $(seq 20); do
		curl -sS --max-time 5 --rate 10/s -o /dev/null $URL/at-once -o /dev/null $URL/later
	done
	expect_spans 20 type=HTTPClient path=/later status=200
}

# 10 times, on a connection that is there before the agent.
ask_on_an_older_connection() {
	begin_talker $PYTHON "$LIB/tls_talk.py" old $PORT
	assert_line "$SCRATCH/answer" ready 5
	observe
	go_on
}

# Probes are seen by all that is mapped already.
test_connection_older_than_the_agent() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	ask_on_an_older_connection
	expect_spans 10 type=HTTP path=/old status=200
	stop_agent
	assert_eq 1 "$(total 'application totals' tlsLate)" "sessions that are older"
}

test_python_server_and_client() {
	make_certificate
	serve $PYTHON "$LIB/tls_talk.py" serve $PORT "$CERT" "$KEY"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' \
		OTEL_EBPF_TRACE_PRINTER=json
	probes_are_there
	application_ready $SERVER
	$PYTHON "$LIB/tls_talk.py" ask $PORT 20
	expect_spans 20 type=HTTP path=/asked status=200
	expect_spans 20 type=HTTPClient path=/asked status=200
}

# ---- Memory BIOs: the program moves the bytes between the library and the socket ----

test_node_server_and_client() {
	need node
	make_certificate
	export NODE_EXTRA_CA_CERTS=$CERT
	serve node "$LIB/tls_memory.js" serve $PORT "$CERT" "$KEY"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/node' OTEL_EBPF_TRACE_PRINTER=json
	probes_are_there node
	application_ready $SERVER
	node "$LIB/tls_memory.js" ask $PORT 200 8 /asked
	node "$LIB/tls_memory.js" ask $PORT 20 3 '/missing?size=100000'
	expect_spans 200 type=HTTP path=/asked status=200
	expect_spans 200 type=HTTPClient path=/asked status=200 hostPort=$PORT
	expect_spans 20 type=HTTP path=/missing status=404
	expect_spans 20 type=HTTPClient path=/missing status=404
	expect_all 440
}

test_node_by_http2() {
	need node h2load
	make_certificate
	serve node "$LIB/tls_memory.js" serve2 $PORT "$CERT" "$KEY"
	PRINTER=counter observe
	h2load -n 5000 -c 8 -m 20 $URL/ | grep -q ' 5000 succeeded' || fail "h2load failed"
	h2load --h1 -n 800 -c 400 -m 1 $URL/ | grep -q ' 800 succeeded' || fail "h2load failed"
	expect_all 5800
}

# Sessions are freed and made at the same addresses: each span still has its own client.
test_asyncio_server_and_client() {
	local field
	make_certificate
	serve $PYTHON "$LIB/tls_asyncio.py" serve $PORT "$CERT" "$KEY"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' \
		OTEL_EBPF_TRACE_PRINTER=json
	probes_are_there
	application_ready $SERVER
	$PYTHON "$LIB/tls_asyncio.py" ask $PORT 10 8 20
	for field in HTTP HTTPClient; do
		expect_spans 1440 type=$field 'path=/asked/*' status=200
		expect_spans 160 type=$field 'path=/missing/*' status=404
		paste -d/ <(span_field path type=$field | cut -d/ -f3) <(span_field peerPort type=$field) |
			awk -F/ '$1 != $2 { exit 1 }' || fail "a span of another connection"
	done
	expect_all 3200
}

# Whose socket it was cannot be told any more: no span, a count, and the next connection is seen.
test_older_connection_fed_by_memory() {
	need node
	make_certificate
	serve node "$LIB/tls_memory.js" serve $PORT "$CERT" "$KEY"
	ask_on_an_older_connection
	curl -sS --max-time 5 -o /dev/null $URL/new
	expect_spans 1 type=HTTP path=/new status=200
	stop_agent
	assert_eq 1 "$(total 'span totals' spans)" "spans"
	assert_ge "$(total 'application totals' tlsUnjoined)" 20 "chunks of the session without a socket"
}

# Both ends of a connection in one process: two sockets have its random, and which of the two sessions
# has which cannot be told. None is claimed.
test_both_ends_in_one_process() {
	need node curl
	make_certificate
	export NODE_EXTRA_CA_CERTS=$CERT
	begin_talker node "$LIB/tls_memory.js" both $PORT "$CERT" "$KEY" 10
	wait_until 10 listens "$TALKER" $PORT || fail "the server does not listen"
	observe
	application_ready "$TALKER"
	echo >&9
	assert_line "$SCRATCH/answer" '^done' 10
	curl -sS --max-time 5 -o /dev/null $URL/new
	expect_spans 1 type=HTTP path=/new status=200
	stop_agent
	assert_eq 1 "$(total 'span totals' spans)" "spans"
	assert_ge "$(total 'application totals' tlsUnjoined)" 40 "chunks of sessions without a socket"
}

test_redis_inside_tls() {
	need redis-server redis-benchmark
	make_certificate
	serve redis-server --bind 127.0.0.1 --port 0 --tls-port $PORT --save '' --appendonly no \
		--tls-cert-file "$CERT" --tls-key-file "$KEY" --tls-ca-cert-file "$CERT" \
		--tls-auth-clients no --dir "$SCRATCH"
	observe
	timeout 30 redis-benchmark -h localhost -p $PORT --tls --cacert "$CERT" -t get -n 2000 -c 5 -q
	wait_until 5 has_spans 2000 type=RedisServer || true
	assert_ge "$(spans type=RedisServer)" 2000 "commands"
}

# ---- GnuTLS ----

test_gnutls_client_and_server() {
	need gnutls-serv wget
	make_certificate
	serve gnutls-serv --http --port $PORT --x509certfile "$CERT" --x509keyfile "$KEY"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/{wget,gnutls-serv}' \
		OTEL_EBPF_TRACE_PRINTER=json
	probes_are_there libgnutls
	for i in $(seq 5); do
		wget -q --ca-certificate "$CERT" -O /dev/null "$URL/gnutls$i"
		expect_spans 1 type=HTTP path=/gnutls"$i" status=200
		expect_spans 1 type=HTTPClient path=/gnutls"$i" status=200
	done
}

# ---- Coming and going ----

test_agents_that_come_and_go_leave_nothing() {
	need h2load
	begin_nginx ssl 'location / { return 200 "hello"; }'
	h2load --h1 -D 30 -c 8 $URL/ >"$SCRATCH/load" &
	LOAD=$!
	defer stop $LOAD
	for _ in $(seq 4); do
		PRINTER=counter observe
		sleep 1
		bpf_objects $AGENT >>"$SCRATCH/objects"
		stop_agent
		assert_ge "$(total 'span totals' spans)" 100 "spans"
	done
	is_alive $LOAD || fail "the load has ended"
	assert_ge "$(grep -c ^link "$SCRATCH/objects")" 8 "links that there were"
	wait_until 5 bpf_gone "$SCRATCH/objects" || fail "something is left attached"
}

test_switched_off() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_BPF_TLS_PROBES=false
	application_ready "$NGINX"
	curl -sS --max-time 5 -o /dev/null $URL/
	wait_until 1 false || true
	stop_agent
	assert_eq 0 "$(total 'span totals' spans)" "spans"
	assert_no_line "$LOG" 'library probed'
}

test_left_alone() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_BPF_TLS_PROBES_EXCLUDE='*/no-such.so,*/libssl.so*'
	application_ready "$NGINX"
	assert_line "$LOG" 'msg="left alone" file=.*/libssl.so.3 by=ebpf.tls_probes_exclude' 5
	curl -sS --max-time 5 -o /dev/null $URL/
	wait_until 1 false || true
	stop_agent
	assert_eq 0 "$(total 'span totals' spans)" "spans"
	assert_no_line "$LOG" 'library probed'
}

run_tests "$@"
