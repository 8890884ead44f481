# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
#
# What the tests of TLS share: servers, an agent that observes them.

PORT=8080
URL=https://localhost:$PORT

# begin_nginx LISTEN LOCATIONS
begin_nginx() {
	need nginx curl
	make_certificate
	start_nginx "server { listen $PORT $1; ssl_certificate $CERT; ssl_certificate_key $KEY;
		ssl_protocols TLSv1.2 TLSv1.3;
		keepalive_requests 1000000; http2_max_concurrent_streams 256; $2 }"
}

# observe, with PRINTER: what listens on PORT; probes are there.
observe() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER="${PRINTER:-json}"
	probes_are_there
}

# observe_programs GLOB [FILE], with PRINTER: what runs one of these; probes are there.
observe_programs() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE="$1" \
		OTEL_EBPF_TRACE_PRINTER="${PRINTER:-json}"
	probes_are_there "${2:-}"
}

# probes_are_there [FILE]
probes_are_there() {
	assert_line "$LOG" "library probed.*${1:-}" 10
}

serve() {
	"$@" >"$SCRATCH/server.log" 2>&1 </dev/null &
	SERVER=$!
	defer show "$SCRATCH/server.log"
	defer stop $SERVER
	wait_until 10 listens $SERVER $PORT || fail "the server does not listen"
}

# Ends the agent: it saw requests, and each became a span. Of chunks without a socket there are no more than
# FAREWELLS: what is written as the other end has just left finds its connection closed.
# expect_all REQUESTS [FAREWELLS]
expect_all() {
	wait_until 2 false || true
	stop_agent
	assert_eq "$1" "$(total 'span totals' requests)" "requests"
	assert_eq "$1" "$(total 'span totals' spans)" "spans"
	assert_le "$(total 'application totals' tlsUnjoined)" "${2:-0}" "chunks of sessions without a socket"
}

# compile_client PROGRAM LIBRARY ARGUMENT...: targets/tls_client.c, by one of its libraries.
compile_client() {
	local program=$SCRATCH/$1
	need gcc
	gcc -O2 "-DBY_$2" -o "$program" "$LIB/targets/tls_client.c" "${@:3}" >"$SCRATCH/gcc.log" 2>&1 ||
		skip "needs the library's headers: $(grep -m 1 error "$SCRATCH/gcc.log")"
}

# expect_answered COUNT: the client that waited has them.
expect_answered() {
	go_on
	assert_eq "$1" "$(cat "$SCRATCH/answer")" "answered"
}

# Two requests on a connection of each version, and the end of the agent.
ask_by_versions() {
	local version
	for version in 1.2 1.3; do
		curl -sS --max-time 5 --tlsv$version --tls-max $version -o /dev/null \
			"$URL/first-$version" -o /dev/null "$URL/second-$version"
		expect_spans 1 type=HTTP path=/first-$version status=200
		expect_spans 1 type=HTTP path=/second-$version status=200
	done
	expect_all 4
}
