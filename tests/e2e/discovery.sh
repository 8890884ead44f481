#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which processes are observed: by port, executable, pid and file; from when on; and no others.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

SITE='server { listen 8080; location / { return 200 "hello"; } }'

observe() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=json "$@"
}

attached() {
	assert_line "$LOG" 'application tracer attached' 10
}

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

# begin_server PORT [ARGUMENT...]: SERVER
begin_server() {
	$PYTHON "$LIB/targets/echo.py" "$@" &
	SERVER=$!
	defer stop $SERVER
}

listening() {
	wait_until 5 listens "$SERVER" "$1" || fail "the server does not listen"
}

test_by_port() {
	observe OTEL_EBPF_OPEN_PORT=80,8000-8090
	attached
	begin_server 8080
	listening 8080
	application_ready $SERVER
	client get 127.0.0.1 8080 /port
	expect_spans 1 path=/port
	stop_agent
}

test_by_port_of_a_server_that_was_there_before() {
	begin_server 8080
	listening 8080
	observe OTEL_EBPF_OPEN_PORT=8080
	application_ready $SERVER
	client get 127.0.0.1 8080 /before
	expect_spans 1 path=/before
	stop_agent
}

# begin_many FIRST COUNT: MANY listens on so many ports, in order, and serves the last.
begin_many() {
	$PYTHON -c '
import http.server, socket, sys
first, count = map(int, sys.argv[1:])
held = [socket.create_server(("127.0.0.1", first + i)) for i in range(count - 1)]
class Handler(http.server.BaseHTTPRequestHandler):
	def do_GET(self):
		self.send_response(204)
		self.end_headers()
	def log_message(self, *_):
		pass
http.server.HTTPServer(("127.0.0.1", first + count - 1), Handler).serve_forever()' "$1" "$2" &
	MANY=$!
	defer stop $MANY
	wait_until 10 listens $MANY $(($1 + $2 - 1)) || fail "the server does not listen"
}

# Of 300 ports the last one selects, or excludes: of one that was there before, and of one seen to
# begin.
test_by_the_last_of_many_ports() {
	local before excluded
	begin_many 21000 300
	before=$MANY
	begin_many 21400 300
	excluded=$MANY
	cat >"$SCRATCH/obi.yaml" <<-END
		discovery:
		  instrument:
		    - open_ports: 21299,22299
		    - open_ports: 21400
		  exclude_instrument:
		    - open_ports: 21699
	END
	observe OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	attached
	application_ready "$before"
	begin_many 22000 300
	application_ready "$MANY"
	client get 127.0.0.1 21299 /before 204
	client get 127.0.0.1 22299 /after 204
	client get 127.0.0.1 21699 /excluded 204
	expect_spans 1 path=/before
	expect_spans 1 path=/after
	expect_spans 0 path=/excluded
	assert_no_line "$LOG" "instrumenting process.* pid=$excluded( |$)"
	stop_agent
}

test_by_executable() {
	start_nginx "$SITE"
	begin_server 8081
	listening 8081
	observe OTEL_EBPF_AUTO_TARGET_EXE='*/nginx'
	application_ready "$NGINX"
	client get 127.0.0.1 8080 /nginx
	client get 127.0.0.1 8081 /python
	expect_spans 1 path=/nginx
	expect_spans 0 path=/python
	stop_agent
}

test_by_pid() {
	begin_server 8080
	listening 8080
	first=$SERVER
	begin_server 8081
	listening 8081
	observe OTEL_EBPF_TARGET_PID=$first
	application_ready $first
	client get 127.0.0.1 8080 /chosen
	client get 127.0.0.1 8081 /other
	expect_spans 1 path=/chosen
	expect_spans 0 path=/other
	stop_agent
}

test_by_file() {
	local first
	cat >"$SCRATCH/obi.yaml" <<-END
		discovery:
		  instrument:
		    - open_ports: 8080
		      name: shop
		      namespace: street
		    - exe_path: '*/no-such-program'
		    - target_pids: [4194303]
		routes:
		  patterns: ['/item/:id']
	END
	begin_server 8080
	listening 8080
	first=$SERVER
	begin_server 8081
	listening 8081
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	application_ready "$first"
	client get 127.0.0.1 8080 /item/abc7
	client get 127.0.0.1 8081 /other
	expect_spans 1 path=/item/abc7 route=/item/:id 'service=*shop*'
	expect_spans 0 path=/other
	stop_agent
}

test_name_from_the_environment_of_the_process() {
	OTEL_SERVICE_NAME=checkout begin_server 8080
	listening 8080
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_OPEN_PORT=8080
	application_ready $SERVER
	client get 127.0.0.1 8080 /named
	expect_spans 1 path=/named 'service=*checkout*' language=python
	stop_agent
}

# As a pod of a namespace with many services: the names stand at the end, behind 200 KiB of others.
# shellcheck disable=SC2016 # placeholders are for the agent
test_name_at_the_end_of_a_large_environment() {
	local pad i env=()
	pad=$(printf '%*s' 2000 '' | tr ' ' x)
	for ((i = 0; i < 100; i++)); do
		env+=("SERVICE_$i=$pad")
	done
	env -i "${env[@]}" POD=cart-1 \
		OTEL_RESOURCE_ATTRIBUTES='service.name=my%20$(POD),service.namespace=n%2Fs,node=$(NODE)' \
		$PYTHON "$LIB/targets/echo.py" 8080 &
	SERVER=$!
	defer stop $SERVER
	listening 8080
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_OPEN_PORT=8080
	application_ready $SERVER
	client get 127.0.0.1 8080 /named
	wait_until 5 has_line "$LOG" 'GET /named.*svc=\[n/s/my cart-1 python\]' || fail "not the name"
	stop_agent
}

# A request 100 ms after listen(2) is seen.
test_within_100_ms_of_listening() {
	local i
	observe OTEL_EBPF_OPEN_PORT=8080-8089
	attached
	sleep 0.5
	for i in 0 1 2 3 4; do
		begin_server 808$i
		until listens $SERVER 808$i; do
			sleep 0.002
		done
		sleep 0.1
		bash -c "exec 3<>/dev/tcp/127.0.0.1/808$i; printf 'GET /soon/$i HTTP/1.0\r\n\r\n' >&3; cat <&3" \
			>/dev/null
	done
	expect_spans 5 'path=/soon/*'
	stop_agent
}

# A client that lives for a moment is seen from exec(2) on.
test_within_100_ms_of_exec() {
	local i
	need curl
	start_nginx "$SITE"
	observe OTEL_EBPF_AUTO_TARGET_EXE='*/bin/bash'
	attached
	sleep 0.5
	for i in 0 1 2 3 4; do
		bash -c "sleep 0.1; exec 3<>/dev/tcp/127.0.0.1/8080
			printf 'GET /brief/$i HTTP/1.0\r\n\r\n' >&3; cat <&3" >/dev/null
	done
	expect_spans 5 type=HTTPClient 'path=/brief/*' status=200
	stop_agent
}

# A server that forks its processes after it listens: each of them.
test_children_of_a_prefork_server() {
	local i pids
	observe OTEL_EBPF_OPEN_PORT=8080
	attached
	begin_server 8080 4
	listening 8080
	sleep 0.3
	for i in $(seq 40); do
		client get 127.0.0.1 8080 /fork/"$i"
	done >"$SCRATCH/answers"
	pids=$(grep -o '"pid": [0-9]*' "$SCRATCH/answers" | sort -u | wc -l)
	assert_ge "$pids" 2 "processes that answered"
	expect_spans 40 'path=/fork/*' status=200
	stop_agent
}

test_children_that_were_there_before() {
	begin_server 8080 4
	listening 8080
	sleep 0.2
	observe OTEL_EBPF_OPEN_PORT=8080
	application_ready $SERVER
	sleep 0.3
	for i in $(seq 20); do
		client get 127.0.0.1 8080 /fork/"$i"
	done >/dev/null
	expect_spans 20 'path=/fork/*' status=200
	stop_agent
}

# Of a fork right after exec(2), before the process is known, there is no news.
test_child_that_is_forked_at_once() {
	local port
	need gcc
	gcc -O2 -o "$SCRATCH/forks" "$LIB/targets/forks.c"
	observe OTEL_EBPF_AUTO_TARGET_EXE='*/forks'
	attached
	sleep 0.3
	for port in $(seq 8080 8089); do
		"$SCRATCH/forks" "$port" &
		SERVER=$!
		defer stop $SERVER
		listening "$port"
		application_ready $SERVER
		sleep 0.1
		client get 127.0.0.1 "$port" /at-once
	done
	expect_spans 10 path=/at-once status=200
	stop_agent
}

# go_into_the_background NAME=VALUE...: nginx as services start it. Who listened, forks and ends.
go_into_the_background() {
	local name
	need nginx
	observe "$@"
	attached
	sleep 0.3
	for name in 1 2 3; do
		mkdir "$SCRATCH/$name"
		cat >"$SCRATCH/$name/conf" <<-END
			daemon on; worker_processes 1; user www-data; pid $SCRATCH/$name/pid;
			error_log $SCRATCH/$name/error.log; events { worker_connections 64; }
			http { access_log off; server { listen 8080; location / { return 200 "ok"; } } }
		END
		nginx -e "$SCRATCH/$name/error.log" -c "$SCRATCH/$name/conf"
		wait_until 5 test -s "$SCRATCH/$name/pid" || fail "nginx does not run"
		NGINX=$(cat "$SCRATCH/$name/pid")
		sleep 0.5
		client get 127.0.0.1 8080 "/background/$name"
		kill "$NGINX"
		wait_until 5 has_ended "$NGINX" || fail "nginx does not end"
	done
	expect_spans 3 'path=/background/*' status=200
	stop_agent
}

test_daemon_by_port() {
	go_into_the_background OTEL_EBPF_OPEN_PORT=8080
}

test_daemon_by_executable() {
	go_into_the_background OTEL_EBPF_AUTO_TARGET_EXE='*/nginx'
}

# nginx starts new workers when it is told to read its configuration again.
test_workers_after_a_reload() {
	local old
	start_nginx "$SITE"
	observe OTEL_EBPF_OPEN_PORT=8080
	application_ready "$NGINX"
	old=$(children "$NGINX")
	kill -HUP "$NGINX"
	wait_until 5 has_ended "$old" || fail "nginx keeps its worker"
	sleep 0.2
	client keep_alive 127.0.0.1 8080 /new/ 3
	expect_spans 3 'path=/new/*'
	stop_agent
}

# Connections that were open when the agent came are observed from their next message on.
test_late_to_a_connection_kept_alive() {
	local i
	need nginx
	start_nginx "$SITE"
	mkfifo "$SCRATCH/ask"
	client held 127.0.0.1 8080 /late/ <"$SCRATCH/ask" >"$SCRATCH/answered" &
	defer stop $!
	exec 7>"$SCRATCH/ask"
	echo before >&7
	assert_line "$SCRATCH/answered" 'done before' 5
	observe OTEL_EBPF_OPEN_PORT=8080
	application_ready "$NGINX" "$(children "$NGINX")"
	sleep 0.2
	for i in 1 2 3; do
		echo "$i" >&7
		assert_line "$SCRATCH/answered" "done $i" 5
	done
	exec 7>&-
	expect_spans 3 'path=/late/?' status=200 hostPort=8080
	stop_agent
}

# Nothing of what an unselected process sends is touched, and none of it is reported.
test_unselected_processes_are_left_alone() {
	local received
	begin_server 8081
	listening 8081
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_TRACE_PRINTER=json OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	application_ready "$NGINX"
	sleep 0.3
	received=$(client many 127.0.0.1 8081 /alone/ 5)
	[[ $received == *'"path": "/alone/4"'* ]] || fail "no answer: $received"
	[[ $received != *traceparent* ]] || fail "a header was put into it: $received"
	received=$(client get 127.0.0.1 8080 /through)
	[[ $received == *traceparent* ]] || fail "none in what the selected one sent: $received"
	expect_spans 1 type=HTTP path=/through
	expect_spans 0 'path=/alone/*'
	stop_agent
}

test_excluded_processes() {
	cat >"$SCRATCH/obi.yaml" <<-'END'
		discovery:
		  instrument:
		    - open_ports: 8080,8081
		  exclude_instrument:
		    - exe_path: '*/python*'
	END
	start_nginx "$SITE"
	begin_server 8081
	listening 8081
	observe OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	application_ready "$NGINX"
	client get 127.0.0.1 8080 /in
	client get 127.0.0.1 8081 /out
	expect_spans 1 path=/in
	expect_spans 0 path=/out
	stop_agent
}

test_by_regular_expression() {
	cat >"$SCRATCH/obi.yaml" <<-'END'
		discovery:
		  services:
		    - exe_path: '/(nginx|python3\.\d+)$'
		      open_ports: 8080,8081
		      name: shop
		  exclude_services:
		    - exe_path_regexp: ngin
	END
	start_nginx "$SITE"
	begin_server 8081
	listening 8081
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	application_ready "$SERVER"
	assert_eq 1 "$(grep -c 'option is deprecated.*discovery.services' "$LOG")" "notices"
	client get 127.0.0.1 8080 /nginx
	client get 127.0.0.1 8081 /python
	expect_spans 1 path=/python service=shop
	expect_spans 0 path=/nginx
	stop_agent
}

# ---- Languages. A runtime is mapped after exec(2), so that what a process is shows only later.

# The text says the language.
observe_text() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text "$@"
}

build_java() {
	need javac
	javac -d "$SCRATCH" "$LIB/targets/Server.java" || fail "javac"
}

# begin_java PORT
begin_java() {
	java -Xshare:auto -cp "$SCRATCH" Server "$1" &
	SERVER=$!
	defer stop $SERVER
	listening "$1"
}

# Chosen by its file as it starts, when nothing in it is Java yet.
test_language_of_a_server_that_was_seen_to_start() {
	build_java
	observe_text OTEL_EBPF_AUTO_TARGET_EXE='*/{java,python*}'
	attached
	sleep 0.5
	begin_java 8080
	begin_server 8081
	listening 8081
	client get 127.0.0.1 8080 /java
	client get 127.0.0.1 8081 /python
	expect_spans 1 path=/java type=HTTP language=java
	expect_spans 1 path=/python type=HTTP language=python
	stop_agent
}

# It listens on nothing.
test_language_of_a_client_that_was_seen_to_start() {
	build_java
	start_nginx "$SITE"
	observe_text OTEL_EBPF_AUTO_TARGET_EXE='*/java'
	attached
	sleep 0.5
	java -cp "$SCRATCH" Server 0 8080
	expect_spans 1 path=/java type=HTTPClient language=java
	stop_agent
}

test_by_language() {
	build_java
	observe_text OTEL_EBPF_AUTO_TARGET_LANGUAGE='{java,nodejs}'
	attached
	sleep 0.5
	begin_java 8080
	begin_server 8081
	listening 8081
	sleep 0.3
	client get 127.0.0.1 8080 /java
	client get 127.0.0.1 8081 /python
	expect_spans 1 path=/java type=HTTP language=java
	expect_spans 0 path=/python
	stop_agent
}

test_by_language_of_servers_that_were_there_before() {
	build_java
	begin_server 8081
	listening 8081
	begin_java 8080
	observe_text OTEL_EBPF_AUTO_TARGET_LANGUAGE=java
	application_ready $SERVER
	sleep 0.3
	client get 127.0.0.1 8080 /java
	client get 127.0.0.1 8081 /python
	expect_spans 1 path=/java type=HTTP language=java
	expect_spans 0 path=/python
	stop_agent
}

# Not for a moment, though it looks like any other program as it starts.
test_excluded_by_language() {
	cat >"$SCRATCH/obi.yaml" <<-'END'
		discovery:
		  instrument:
		    - open_ports: 8080,8081
		  exclude_instrument:
		    - languages: java
	END
	build_java
	observe_text OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	attached
	sleep 0.5
	begin_java 8080
	begin_server 8081
	listening 8081
	sleep 0.3
	client get 127.0.0.1 8080 /java
	client get 127.0.0.1 8081 /python
	expect_spans 1 path=/python type=HTTP language=python
	expect_spans 0 path=/java type=HTTP
	assert_no_line "$LOG" 'instrumenting process.*cmd=[^ ]*/java '
	stop_agent
}

run_tests "$@"
