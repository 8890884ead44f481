#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real programs of every language: as many spans as requests, each with its method, path and status, and
# with the language of the program from the first on. The agent is there before the program.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/protocols.sh
. "$LIB/protocols.sh"

APPS=$LIB/apps
RUNTIMES=$ROOT/build/runtimes
CONNECTIONS=4
ROUNDS=10

# Tests have no network: what comes by npm is fetched before. What cannot be had is skipped by name.
fetch() {
	mkdir -p "$RUNTIMES"
	cmp -s "$LIB/runtimes/package-lock.json" "$RUNTIMES/installed" && return
	command -v npm >/dev/null || return 0
	cp "$LIB"/runtimes/package*.json "$RUNTIMES/"
	(cd "$RUNTIMES" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1) \
		>"$RUNTIMES/npm.log" 2>&1 </dev/null || return 0
	cp "$RUNTIMES/package-lock.json" "$RUNTIMES/installed"
}

# need_runtime PATH: RUNTIME is that program, of one of npm's packages.
need_runtime() {
	local file
	for file in "$RUNTIMES"/node_modules/$1; do
		RUNTIME=$file
		[ ! -x "$file" ] || return 0
	done
	skip "needs ${1##*/} by npm"
}

# begin_agent NAME=VALUE...: what is observed. The text says the language.
begin_agent() {
	cd "$SCRATCH"
	cp -r "$APPS"/* .
	echo hello >hello
	head -c 300000 /dev/zero | tr '\0' x >large
	chmod -R a+rX .
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=text "$@"
	assert_line "$LOG" 'application tracer attached' 10
}

# begin COMMAND...: SERVER, which listens on PORT, and is observed.
begin() {
	serve "$@"
	application_ready $SERVER
}

# ASK: how the server is asked otherwise than others.
ASK=()

# expect_language LANGUAGE: all that is asked of PORT.
expect_language() {
	timeout 40 $PYTHON "$LIB/ask.py" $PORT $CONNECTIONS $ROUNDS "${ASK[@]}" >answers || fail "the client failed"
	assert_eq $((CONNECTIONS * ROUNDS)) "$(grep -c '^HEAD .* 200$' answers)" "good answers"
	sed -i "s|\$| $1|" answers
	expect_asked answers method,path,status,language type=HTTP "hostPort=$PORT"
	[ "$1" = generic ] || assert_line "$LOG" "msg=\"(instrumenting process|the language of.*)\" .*type=$1 "
}

# of LANGUAGE COMMAND...: an executable that is told by its path, from its start on.
of() {
	begin_agent OTEL_EBPF_AUTO_TARGET_EXE="${EXE:-$(readlink -f "$(command -v "$2")")}"
	begin "${@:2}"
	expect_language "$1"
	expect_all $((CONNECTIONS * ROUNDS * 6 * ${SIDES:-1}))
}

test_c_nginx() {
	need nginx
	begin_agent OTEL_EBPF_AUTO_TARGET_EXE='*/nginx'
	NGINX_WORKERS=2
	start_nginx "server { listen $PORT; root $SCRATCH; sendfile on; }"
	application_ready "$NGINX"
	expect_language generic
	expect_all $((CONNECTIONS * ROUNDS * 6))
}

test_c_lighttpd() {
	need lighttpd
	cat >"$SCRATCH/lighttpd.conf" <<-END
		server.document-root = "$SCRATCH"
		server.bind = "127.0.0.1"
		server.port = $PORT
	END
	of generic lighttpd -D -f "$SCRATCH/lighttpd.conf"
}

# Its backend is not observed.
test_cpp_nghttpx() {
	need nghttpx nginx
	start_nginx "server { listen 8081; root $SCRATCH; }"
	SIDES=2 of cpp nghttpx --frontend="127.0.0.1,$PORT;no-tls" --backend=127.0.0.1,8081 --workers=2 \
		--conf=/dev/null
}

# Selected by the port, since the client is in Python too.
of_python() {
	begin_agent OTEL_EBPF_OPEN_PORT=$PORT
	begin "$@"
	expect_language python
	expect_all $((CONNECTIONS * ROUNDS * 6))
}

test_python_http_server() {
	of_python $PYTHON -m http.server --bind 127.0.0.1 --protocol HTTP/1.1 $PORT
}

test_python_gunicorn_flask() {
	need gunicorn
	need_python flask python3-flask
	of_python gunicorn --workers 2 --threads 2 --bind 127.0.0.1:$PORT app_flask:app
}

test_python_uvicorn_uvloop_fastapi() {
	need_python uvicorn python3-uvicorn
	need_python uvloop python3-uvloop
	need_python fastapi python3-fastapi
	of_python $PYTHON -m uvicorn --loop uvloop --host 127.0.0.1 --port $PORT app_fastapi:app
}

test_python_aiohttp() {
	need_python aiohttp python3-aiohttp
	of_python $PYTHON app_aiohttp.py $PORT
}

test_python_django() {
	need_python django python3-django
	of_python $PYTHON app_django.py runserver --noreload 127.0.0.1:$PORT
}

test_node() {
	need node
	of nodejs node app_node.js $PORT
}

test_bun() {
	need_runtime '@oven/bun-*/bin/bun'
	of nodejs "$RUNTIME" app_bun.js $PORT
}

# A runtime by another name, as programs are that have it inside.
test_deno_by_another_name() {
	need_runtime '@deno/*/deno'
	cp "$RUNTIME" "$SCRATCH/service"
	of nodejs "$SCRATCH/service" run --allow-net --allow-read app_deno.js $PORT
}

test_java_of_one_source_file() {
	need javac
	of java java "$LIB/targets/Server.java" $PORT
}

test_ruby_puma() {
	need puma
	EXE='*/ruby*' of ruby puma --workers 2 --threads 1:4 --bind tcp://127.0.0.1:$PORT app.ru
}

need_php() {
	need php
	PHP=$(readlink -f "$(command -v php)")
}

test_php_of_its_own() {
	need_php
	of php "$PHP" -S 127.0.0.1:$PORT index.php
}

test_php_fpm_behind_nginx() {
	local fpm
	fpm=$(compgen -c php-fpm | head -n 1)
	need nginx "${fpm:-php-fpm}"
	begin_agent OTEL_EBPF_AUTO_TARGET_EXE='*/{nginx,php-fpm*}'
	cat >fpm.conf <<-END
		[global]
		error_log = /dev/stderr
		[www]
		user = www-data
		listen = 127.0.0.1:9000
		pm = static
		pm.max_children = 2
	END
	PORT=9000 begin "$fpm" -F -y "$SCRATCH/fpm.conf"
	start_nginx "server { listen $PORT; location / { include /etc/nginx/fastcgi_params;
		fastcgi_param SCRIPT_FILENAME $SCRATCH/index.php; fastcgi_pass 127.0.0.1:9000; } }"
	application_ready "$NGINX"
	expect_language generic
	assert_line "$LOG" "msg=\"instrumenting process\" cmd=[^ ]*$fpm .*type=php " 5
	expect_all $((CONNECTIONS * ROUNDS * 6))
}

test_perl_starman() {
	need starman
	EXE='*/perl' of generic starman --listen 127.0.0.1:$PORT --workers 2 app.psgi
}

test_rust() {
	need rustc
	rustc -O -C strip=symbols -o "$SCRATCH/app" "$APPS/app.rs"
	objcopy --remove-section .comment "$SCRATCH/app" # as distributions do
	of rust "$SCRATCH/app" $PORT
}

test_erlang_inets() {
	need erlc erl
	erlc -o "$SCRATCH" "$APPS/app.erl"
	ASK=(--each 1) # it ends a connection after HEAD, and does not say so
	EXE='*/beam.smp' of erlang erl -noinput -s app -port $PORT
}

test_go_prometheus() {
	need prometheus
	: >"$SCRATCH/prometheus.yml"
	ASK=(--hello /-/healthy --large /metrics)
	of go prometheus --config.file="$SCRATCH/prometheus.yml" --storage.tsdb.path="$SCRATCH/tsdb" \
		--web.listen-address=127.0.0.1:$PORT
}

# ---- Clients. Each waits for a line, and asks nginx, which is not observed. ----

CLEAR=8081

begin_client() {
	need nginx
	make_certificate
	start_nginx "server { listen $CLEAR; listen $PORT ssl; ssl_certificate $CERT;
		ssl_certificate_key $KEY; location / { return 200 'hello'; } }"
	begin_agent OTEL_EBPF_AUTO_TARGET_EXE="$(readlink -f "$(command -v "$1")")"
	begin_talker "$@"
	application_ready "$TALKER"
}

# client LANGUAGE COMMAND...: asks by the port and as often as are added.
client() {
	begin_client "${@:2}" "${TO:-$CLEAR}" 20
	[ "${TO:-$CLEAR}" = "$CLEAR" ] || assert_line "$LOG" 'library probed.*libssl' 10
	go_on
	expect_spans 20 type=HTTPClient "path=/asked/*" method=GET status=200 language="$1" \
		hostPort="${TO:-$CLEAR}"
	expect_all 20
}

test_client_in_node() {
	need node
	client nodejs node client.mjs
}

test_client_in_bun() {
	need_runtime '@oven/bun-*/bin/bun'
	client nodejs "$RUNTIME" client.mjs
}

test_client_in_deno() {
	need_runtime '@deno/*/deno'
	client nodejs "$RUNTIME" run --allow-net client.mjs
}

test_client_in_java() {
	need javac
	client java java Client.java
}

test_client_in_python() {
	need_python aiohttp python3-aiohttp
	client python $PYTHON client_aiohttp.py
}

# sends_a_key SERVER: a program of Debian's in Rust, which asks once, and reads what it sends before that.
sends_a_key() {
	need sq
	export HOME=$SCRATCH
	sq key generate --userid a@localhost --export "$SCRATCH/key.pgp"
	begin_client sq keyserver --policy insecure --server "$1" send
	assert_line "$LOG" 'library probed.*libssl' 10
	sq key extract-cert "$SCRATCH/key.pgp" >&9
	go_on
	expect_spans 1 type=HTTPClient path=/pks/add method=POST status=200 language=rust "hostPort=${1##*:}"
	expect_all 1
}

test_client_in_rust() {
	sends_a_key hkp://127.0.0.1:$CLEAR
}

# ---- Inside TLS ----

# By the openssl crate.
test_tls_client_in_rust() {
	sends_a_key hkps://localhost:$PORT
}

test_tls_client_in_ruby() {
	need ruby
	TO=$PORT client ruby ruby client.rb
}

test_tls_client_in_perl() {
	need perl
	perl -e 'use IO::Socket::SSL' || skip "needs libio-socket-ssl-perl"
	TO=$PORT client generic perl client.pl
}

test_tls_client_in_php() {
	need php
	php -r 'exit(function_exists("curl_init") ? 0 : 1);' || skip "needs php-curl"
	TO=$PORT client php php client.php
}

test_tls_server_in_ruby() {
	need puma
	make_certificate
	ASK=(--certificate "$CERT")
	EXE='*/ruby*' of ruby puma --threads 4:4 --bind "ssl://127.0.0.1:$PORT?key=$KEY&cert=$CERT" app.ru
}

test_tls_server_in_perl() {
	need starman
	make_certificate
	ASK=(--certificate "$CERT")
	EXE='*/perl' of generic starman --listen 127.0.0.1:$PORT:ssl --enable-ssl --ssl-key "$KEY" \
		--ssl-cert "$CERT" --workers 2 app.psgi
}

# Erlang encrypts by itself: nothing is seen, and nothing guessed.
test_tls_server_in_erlang_is_dark() {
	need erlc erl
	make_certificate
	erlc -o "$SCRATCH" "$APPS/app.erl"
	begin_agent OTEL_EBPF_AUTO_TARGET_EXE='*/beam.smp'
	begin erl -noinput -s app -port $PORT -cert "$CERT" -key "$KEY"
	timeout 20 $PYTHON "$LIB/ask.py" $PORT 1 5 --each 1 --certificate "$CERT" >answers
	assert_line "$LOG" "msg=\"instrumenting process\".* type=erlang "
	expect_all 0
}

[ "${1:-}" = --one ] || [ -n "${OBI_TEST_ONLY:-}" ] || fetch
run_tests "$@"
