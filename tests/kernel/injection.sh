#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Header injection does no harm: sockets behave as before, bytes stay what they were.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

propagate() {
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all \
		OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_AUTO_TARGET_EXE='*/python3*'
	assert_line "$LOG" 'application tracer attached' 10
	grep 'application tracer attached' "$LOG"
	sleep 0.3
}

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

injects() {
	! grep -q 'headerInjection=off' "$LOG"
}

begin_echo() {
	$PYTHON "$LIB/targets/echo.py" 8081 &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8081 || fail "the server does not listen"
}

# nginx, Java and .NET ask how many bytes wait, and read none where the answer is 0.
test_fionread_stays_right() {
	local answer
	begin_echo
	propagate
	answer=$(client fionread 127.0.0.1 8081)
	echo "$answer"
	[[ $answer =~ \"fionread\":\ ([0-9]+),\ \"read\":\ ([0-9]+) ]] || fail "no answer"
	assert_ge "${BASH_REMATCH[1]}" 100 "FIONREAD"
	assert_eq "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "FIONREAD against what was read"
	stop_agent
}

test_requests_carry_the_header_once() {
	local answer
	begin_echo
	propagate
	injects || skip "no injection on this kernel: $(grep -o 'reason=.*' "$LOG")"
	answer=$(client many 127.0.0.1 8081 /inject/ 20)
	echo "$answer"
	assert_eq 1 "$(grep -o '"traceparent"' <<<"$answer" | wc -l)" "headers in the last request"
	expect_spans 20 type=HTTPClient 'path=/inject/*'
	assert_eq 20 "$(span_field spanID type=HTTPClient 'path=/inject/*' | sort -u | wc -l)" "span ids"
	stop_agent
	assert_ge "$(total 'application totals' injected)" 20 "headers written"
}

# With Nagle's algorithm a second segment would wait for the first one's acknowledgement, which the
# peer may delay by 40 ms; and a server would see the head in pieces.
test_a_request_stays_one_segment() {
	local answer
	propagate
	injects || skip "no injection on this kernel"
	answer=$(client segments 10)
	echo "$answer"
	[[ $answer == *Traceparent* ]] || fail "no header"
	[[ $answer == *"[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"* ]] || fail "more than one segment for a request"
	stop_agent
}

# A body is no request, whatever it looks like; and it arrives as it was sent.
test_bodies_arrive_unchanged() {
	begin_echo
	propagate
	injects || skip "no injection on this kernel"
	$PYTHON - <<-'END' || fail "a body was changed"
		import hashlib, http.client, json, os, socket, sys, threading

		# A plain TCP server that gives back the checksum of what it got.
		server = socket.create_server(("127.0.0.1", 0))

		def serve():
		    while True:
		        sock, _ = server.accept()
		        data = b""
		        while True:
		            piece = sock.recv(1 << 16)
		            if not piece:
		                break
		            data += piece
		        sock.sendall(hashlib.sha256(data).hexdigest().encode())
		        sock.close()

		threading.Thread(target=serve, daemon=True).start()
		for data in (os.urandom(300000), b"\r\n\r\nGET / HTTP/1.1\r\n\r\n" * 1000, b"PRI * HTTP/2.0\r\n\r\n" * 50):
		    sock = socket.create_connection(server.getsockname())
		    sock.sendall(data)
		    sock.shutdown(socket.SHUT_WR)
		    answer = sock.recv(100).decode()
		    if answer != hashlib.sha256(data).hexdigest():
		        sys.exit("%d bytes beginning %r were changed" % (len(data), data[:20]))
		connection = http.client.HTTPConnection("127.0.0.1", 8081)
		body = b"POST /inner HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
		for _ in range(3):
		    connection.request("POST", "/outer", body)
		    answer = json.loads(connection.getresponse().read())
		    if answer["body"] != len(body):
		        sys.exit("%d of %d bytes" % (answer["body"], len(body)))
	END
	stop_agent
}

# A request that has a traceparent keeps it.
test_an_own_header_is_kept() {
	local answer own=00-11111111111111111111111111111111-2222222222222222-01
	begin_echo
	propagate
	injects || skip "no injection on this kernel"
	answer=$($PYTHON - "$own" <<-'END'
		import sys, urllib.request
		request = urllib.request.Request("http://127.0.0.1:8081/own", headers={"traceparent": sys.argv[1]})
		print(urllib.request.urlopen(request).read().decode())
	END
	)
	echo "$answer"
	[[ $answer == *"\"traceparent\": \"$own\""* ]] || fail "it was changed"
	stop_agent
}

# What passes after CONNECT was granted is no business of the two that carry it.
test_the_inside_of_a_tunnel_is_left_alone() {
	propagate
	injects || skip "no injection on this kernel"
	$PYTHON - <<-'END' || fail "the inside was changed"
		import socket, sys

		server = socket.create_server(("127.0.0.1", 0))
		client = socket.create_connection(server.getsockname(), timeout=20)
		sock, _ = server.accept()
		client.sendall(b"CONNECT inner:80 HTTP/1.1\r\nHost: inner:80\r\n\r\n")
		if b"Traceparent: " not in sock.recv(4096):
		    sys.exit("CONNECT carries no header: nothing is shown")
		sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
		client.recv(4096)
		inside = b"GET /inside HTTP/1.1\r\nHost: inner\r\n\r\n"
		client.sendall(inside)
		got = sock.recv(4096)
		if got != inside:
		    sys.exit("got %r" % got)
		sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		client.recv(4096)
		client.close()
		sock.close()
	END
	stop_agent
	expect_spans 0 path=/inside
	assert_eq 2 "$(spans method=CONNECT)" "spans of CONNECT"
}

# same_answers GROUP: of calls.c. CALLS_SCALE=220: a million calls with the agent, as many without.
same_answers() {
	local scale=${CALLS_SCALE:-10}
	gcc -O2 -Wall -Werror -pthread -o "$SCRATCH/calls" "$LIB/targets/calls.c"
	timeout $((50 + scale)) "$SCRATCH/calls" "$1" "$scale" >"$SCRATCH/without"
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=headers \
		OTEL_EBPF_PROMETHEUS_PORT=9464 OTEL_EBPF_AUTO_TARGET_EXE='*/calls'
	assert_line "$LOG" 'application tracer attached' 10
	injects || skip "no injection on this kernel"
	sleep 0.3
	timeout $((50 + scale)) "$SCRATCH/calls" "$1" "$scale" >"$SCRATCH/with" || fail "a call never answered"
	stop_agent
	diff <(sed 's/ [0-9]*$//' "$SCRATCH/without" | sort) <(sed 's/ [0-9]*$//' "$SCRATCH/with" | sort) ||
		fail "a call answers differently (<: without the agent, >: with it)"
	assert_ge "$(wc -l <"$SCRATCH/with")" 35 "kinds of answers"
}

LIMIT[test_blocking_calls_answer_the_same]=1300
test_blocking_calls_answer_the_same() {
	same_answers blocking
	assert_eq 0 "$(total 'application totals' injected)" "headers written"
}

LIMIT[test_nonblocking_calls_answer_the_same]=1300
test_nonblocking_calls_answer_the_same() {
	same_answers nonblocking
	assert_ge "$(total 'application totals' injected)" 300 "headers written"
}

LIMIT[test_calls_of_sockets_made_blocking_answer_the_same]=1300
test_calls_of_sockets_made_blocking_answer_the_same() {
	same_answers mixed
}

LIMIT[test_calls_of_sockets_made_blocking_late_answer_the_same]=1300
test_calls_of_sockets_made_blocking_late_answer_the_same() {
	same_answers late
}

run_tests "$@"
