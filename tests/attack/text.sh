#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Requests that hide from view, and text that wants to write to the terminal.
#
#   the attack                          before                           now
#   nginx, Python and node answer       no span, "no_request"            a span each
#   blanks, tabs, line feeds before
#   the request, long methods, control
#   characters in the path
#   what is no HTTP, in HTTP's place    no span                          no span
#   ESC, C1, bidirectional controls,    on the terminal by the text      escaped or replaced
#   invalid UTF-8 in path and method    printer, in the log, in labels
#   the same over OTLP                  -                                valid UTF-8
#   passwords in a URL by other names   at the collector                 REDACTED
#   than the list's: Token=, x=1;token=

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

LIMIT[test_requests_that_hide]=90

# What a terminal may be sent: UTF-8 without controls but the line feed (and DEL, which does nothing), or what turns directions.
expect_calm() {
	$PYTHON - "$1" <<-'END' || fail "$2"
		import sys, unicodedata
		text = open(sys.argv[1], 'rb').read().decode('utf-8')
		bad = {c for c in text if c not in "\n\t\x7f" and (unicodedata.category(c) in ('Cc', 'Zl', 'Zp')
		       or unicodedata.bidirectional(c) in ('LRE', 'RLE', 'LRO', 'RLO', 'PDF', 'LRI', 'RLI', 'FSI', 'PDI')
		       or c in '\u200e\u200f\u061c')}
		print('not calm:', [hex(ord(c)) for c in bad])
		sys.exit(bool(bad))
	END
}

start_python() {
	$PYTHON -c '
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *arguments): pass
    def __getattr__(self, name):
        if name.startswith("do_"): return self.answer
        raise AttributeError(name)
http.server.ThreadingHTTPServer(("127.0.0.1", 8081), Handler).serve_forever()' &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8081
}

start_node() {
	node -e 'require("http").createServer((q, s) => s.end("ok")).listen(8082)' &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8082
}

# every_answer_has_a_span PORT PID...: also of each odd request that is answered by 200.
every_answer_has_a_span() {
	local name status hidden=
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT="$1" OTEL_EBPF_TRACE_PRINTER=json
	application_ready "${@:2}"
	$PYTHON "$LIB/odd_requests.py" "$1" >"$SCRATCH/asked"
	sleep 0.5
	stop_agent
	assert_ge "$(grep -c ' 200$' "$SCRATCH/asked")" 10 "odd requests that are answered"
	while read -r name status; do
		# NUL is what tells text from anything else, and without a version it may be any protocol.
		case $name in nul | nul-in-field | http-0.9) continue ;; esac
		[ "$status" != 200 ] || [ "$(spans "path=*$name*" status=200)" -ge 1 ] || hidden+=" $name"
	done <"$SCRATCH/asked"
	[ -z "$hidden" ] || fail "answered, and no span:$hidden"
}

test_requests_that_hide() {
	need nginx node
	step nginx
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	every_answer_has_a_span 8080 "$NGINX"
	step python
	start_python
	every_answer_has_a_span 8081 $SERVER
	step node
	start_node
	every_answer_has_a_span 8082 $SERVER
}

# A server of another protocol that is spoken to in words that begin like HTTP.
test_what_is_no_http() {
	$PYTHON -c '
import socketserver
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline():
            self.wfile.write(b"250 OK\r\n")
socketserver.ThreadingTCPServer(("127.0.0.1", 8083), Handler).serve_forever()' &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8083
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8083 OTEL_EBPF_TRACE_PRINTER=json
	application_ready $SERVER
	$PYTHON -c '
import socket
for line in (b"GET a", b"GET  key", b"PUT x y", b"HEAD", b"\nHELO x", b"\r\nMAIL FROM:<a>", b"A" * 80, b"GET\tkey",
             b"LIST  /", b"NOTICE * :x", b"GET /key", b"SET /a HTTP/", b"\x0a\x41protobuf"):
    s = socket.create_connection(("127.0.0.1", 8083), timeout=2)
    for i in range(3):
        s.sendall(line + b"\r\n")
        s.recv(100)
    s.close()'
	sleep 0.5
	stop_agent
	assert_eq 0 "$(spans)" "spans"
}

test_text_that_writes_to_the_terminal() {
	local printer
	start_python
	for printer in text json; do
		step $printer
		start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8081 OTEL_EBPF_TRACE_PRINTER=$printer \
			OTEL_EBPF_ROUTES_UNMATCHED=path OTEL_EBPF_PROMETHEUS_PORT=9400 OTEL_EBPF_LOG_LEVEL=debug
		application_ready $SERVER
		$PYTHON "$LIB/odd_requests.py" 8081 control bidi high delete long-method >"$SCRATCH/asked"
		expect_spans 5 status=200
		scrape 9400 "$SCRATCH/scrape"
		# A method that nobody knows makes no series of its own.
		assert_ge "$(metric "$SCRATCH/scrape" http_server_request_duration_seconds_count 'method="_OTHER"')" 1 _OTHER
		stop_agent
		expect_calm "$LOG" "standard output holds what drives a terminal"
		expect_calm "$SCRATCH/scrape" "labels hold what drives a terminal"
	done
}

# A program's name is anybody's to choose: it stands in the log, and in labels as the service's.
test_names_that_write_to_the_terminal() {
	local name
	name=$(printf 'py\033[31m\302\233\342\200\256\377x')
	cp "$(readlink -f $PYTHON)" "$SCRATCH/$name"
	PYTHON="$SCRATCH/$name" start_python
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8081 OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_PROMETHEUS_PORT=9400
	assert_line "$LOG" 'msg="instrumenting process"' 10
	curl -sS -o /dev/null http://127.0.0.1:8081/x
	sleep 0.5
	scrape 9400 "$SCRATCH/scrape"
	stop_agent
	expect_calm "$LOG" "standard output holds what drives a terminal"
	expect_calm "$SCRATCH/scrape" "labels hold what drives a terminal"
}

test_otlp_is_utf8() {
	need node
	start_python
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8081 OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug \
		OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT=100ms
	application_ready $SERVER
	$PYTHON "$LIB/odd_requests.py" 8081 control bidi high long-method small-method >"$SCRATCH/asked"
	assert_line "$LOG" 'url.path' 5
	sleep 0.5
	stop_agent
	expect_calm "$LOG" "OTLP holds what is no UTF-8"
}

# Each value that must not be seen is this word.
test_secrets_in_urls() {
	local name names=(Token PASSWORD 'x=1;token' 'token[]' auth key code accessToken 'user%5Bpassword%5D' X-Api-Key)
	need nginx
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT=100ms OTEL_EBPF_ROUTES_UNMATCHED=path
	application_ready "$NGINX" "$(children "$NGINX")"
	for name in "${names[@]}"; do
		curl -g -sS -o /dev/null "http://127.0.0.1:8080/seen?page=1&$name=hunter2"
	done
	curl -sS -o /dev/null 'http://127.0.0.1:8080/shop;jsessionid=hunter2/seen'
	sleep 1
	scrape 9400 "$SCRATCH/scrape"
	stop_agent
	assert_ge "$(grep -c REDACTED "$LOG")" 11 "values that are hidden"
	assert_no_line "$LOG" hunter2
	assert_no_line "$SCRATCH/scrape" hunter2
	step allow_only
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=debug \
		OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT=100ms OTEL_EBPF_SENSITIVE_QUERY_PARAMS_ALLOW_ONLY=page
	application_ready "$NGINX" "$(children "$NGINX")"
	curl -sS -o /dev/null 'http://127.0.0.1:8080/seen?page=17&q=hunter2&hunter2'
	assert_line "$LOG" 'page=17&REDACTED&REDACTED' 5
	stop_agent
	assert_no_line "$LOG" hunter2
}

run_tests "$@"
