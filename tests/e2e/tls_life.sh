#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Inside TLS, how connections and sessions live: renegotiated, resumed, cut off, used again, handed from process
# to process, several at once. No request is lost, and none is of another connection.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

LIMIT[test_probes_end_a_minute_after_who_maps_them]=120
ALONE[test_an_end_with_many_probes]=1

# get PATH: a request as a client of bytes sends it.
get() {
	printf 'GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n' "$1"
}

# answers N: so many came to the client of bytes.
answers() {
	[ "$(grep -o 'HTTP/1.1 200' "$SCRATCH/answer" | wc -l)" = "$1" ]
}

test_renegotiation() {
	compile_client tls_server OPENSSL -lssl -lcrypto
	make_certificate
	serve env TLS12=yes "$SCRATCH/tls_server" $PORT / 0 "$CERT" "$KEY"
	observe_programs '{*/tls_server,*/openssl}'
	begin_talker bash -c "exec openssl s_client -connect localhost:$PORT -tls1_2 2>&1"
	application_ready "$TALKER" "$SERVER"
	sleep 0.2
	for i in 1 2 3; do
		get /before-$i >&9
		wait_until 5 answers $((2 * i - 1)) || fail "no answer"
		printf 'R\n' >&9
		assert_line "$SCRATCH/answer" RENEGOTIATING 5
		sleep 0.1
		get /after-$i >&9
		wait_until 5 answers $((2 * i)) || fail "no answer"
	done
	assert_eq 3 "$(grep -c RENEGOTIATING "$SCRATCH/answer")" "renegotiations"
	exec 9>&-
	for i in 1 2 3; do
		expect_spans 1 type=HTTP path=/before-$i status=200
		expect_spans 1 type=HTTPClient path=/before-$i status=200
		expect_spans 1 type=HTTP path=/after-$i status=200
		expect_spans 1 type=HTTPClient path=/after-$i status=200
	done
	expect_all 12
}

# resume VERSION NAME ARGUMENT...: a request by a client of bytes.
resume() {
	(get "/$2" && sleep 0.5) | timeout 5 openssl s_client -connect localhost:$PORT "-tls$1" "${@:3}" \
		-sess_out "$SCRATCH/session" >"$SCRATCH/answer" 2>&1
	grep -q '^HTTP/1.1 200' "$SCRATCH/answer" || fail "no answer"
}

test_resumption() {
	local version
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe
	for version in 1_2 1_3; do
		resume $version first-$version
		grep -q '^New, TLS' "$SCRATCH/answer" || fail "the first one was not new"
		resume $version second-$version -sess_in "$SCRATCH/session"
		grep -q '^Reused, TLS' "$SCRATCH/answer" || fail "the second one was not resumed"
		expect_spans 1 type=HTTP path=/first-$version status=200
		expect_spans 1 type=HTTP path=/second-$version status=200
	done
	expect_all 4
}

# A request that comes with the ClientHello.
test_early_data() {
	begin_nginx ssl 'ssl_early_data on; location / { return 200 "hello"; }'
	observe
	resume 1_3 first
	get /early >"$SCRATCH/early"
	resume 1_3 after-it -sess_in "$SCRATCH/session" -early_data "$SCRATCH/early"
	grep -q 'Early data was accepted' "$SCRATCH/answer" || fail "early data was not accepted"
	expect_spans 1 type=HTTP path=/first status=200
	expect_spans 1 type=HTTP path=/early status=200
	expect_spans 1 type=HTTP path=/after-it status=200
	expect_all 3
}

test_connections_cut_off() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_programs '{*/nginx,*/python3*}'
	begin_talker $PYTHON "$LIB/tls_talk.py" rude $PORT 50
	application_ready "$TALKER"
	expect_answered 50
	expect_spans 50 type=HTTP path=/calm status=200
	expect_spans 50 type=HTTPClient path=/calm status=200
	# The client had no answer, and the server may have known nothing of that.
	expect_spans 50 type=HTTPClient path=/rude status=0
	assert_le "$(spans type=HTTP path=/rude)" 50 "spans of requests without a reader"
	stop_agent
	assert_eq "$(total 'span totals' requests)" \
		$(($(total 'span totals' spans) + $(dropped))) "requests = spans + dropped"
}

# The address of a session that ended is that of the next one, on whichever thread.
test_sessions_at_the_same_address() {
	local ports=(8080 8081 8082 8083) servers='' port
	need nginx
	make_certificate
	for port in "${ports[@]}"; do
		servers+="server { listen $port ssl; ssl_certificate $CERT; ssl_certificate_key $KEY;
			location / { return 200 hello; } } "
	done
	start_nginx "$servers"
	observe_programs '{*/nginx,*/python3*}'
	begin_talker $PYTHON "$LIB/tls_talk.py" crowd 200 "${ports[@]}"
	application_ready "$TALKER"
	expect_answered 200
	for port in "${ports[@]}"; do
		expect_spans 200 type=HTTPClient path="/at-$port" hostPort="$port" status=200
		expect_spans 200 type=HTTP path="/at-$port" hostPort="$port" status=200
	done
	expect_all 1600
}

test_a_session_for_many_connections() {
	compile_client tls_client OPENSSL -lssl -lcrypto
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_programs '{*/nginx,*/tls_client}'
	begin_talker env WAY=reuse "$SCRATCH/tls_client" $PORT /again 50
	application_ready "$TALKER"
	expect_answered 50
	expect_spans 50 type=HTTPClient path=/again status=200
	assert_eq 50 "$(span_field peerPort type=HTTPClient | sort -u | wc -l)" "connections"
	expect_all 100
}

# One thread, in which sessions of both sides take turns.
test_a_proxy() {
	local same none other
	need curl nginx
	make_certificate
	start_nginx "upstream behind { server 127.0.0.1:8081; keepalive 4; }
		server { listen $PORT ssl; ssl_certificate $CERT; ssl_certificate_key $KEY;
			location / { proxy_pass https://behind; proxy_http_version 1.1; proxy_set_header Connection ''; } }
		server { listen 8081 ssl; ssl_certificate $CERT; ssl_certificate_key $KEY;
			location / { return 200 hello; } }"
	observe_programs '*/nginx'
	curl -sS --max-time 20 --http1.1 -Z --parallel-max 10 "$URL/number/[1-1000]" -o "$SCRATCH/answer#1" \
		2>"$SCRATCH/curl.log"
	assert_eq 1000 "$(cat "$SCRATCH"/answer[0-9]* | grep -o hello | wc -l)" "answers"
	wait_until 5 has_spans 3000 || true
	for i in 1 77 1000; do
		expect_spans 1 type=HTTP path=/number/$i hostPort=$PORT status=200
		expect_spans 1 type=HTTPClient path=/number/$i hostPort=8081 status=200
		expect_spans 1 type=HTTP path=/number/$i hostPort=8081 status=200
	done
	read -r same none other < <($PYTHON "$LIB/spans.py" parents "$LOG")
	echo "client spans with their server span as parent: $same, with none: $none, with another: $other"
	expect_all 3000
	assert_eq 0 "$other" "client spans with another parent"
}

test_connections_handed_to_children() {
	local i
	need curl
	make_certificate
	serve $PYTHON "$LIB/tls_talk.py" fork $PORT "$CERT" "$KEY"
	observe
	for ((i = 0; i < 10; i++)); do
		curl -sS --max-time 5 -o /dev/null "$URL/a" -o /dev/null "$URL/b"
	done
	expect_spans 10 type=HTTP path=/a status=200
	expect_spans 10 type=HTTP path=/b status=200
	expect_all 20
}

test_apache_of_many_processes() {
	local modules=/usr/lib/apache2/modules
	need apache2 h2load
	[ -e $modules/mod_ssl.so ] || skip "needs Apache's mod_ssl"
	make_certificate
	mkdir "$SCRATCH/www"
	echo hello >"$SCRATCH/www/index.html"
	chmod -R a+rX "$SCRATCH/www"
	cat >"$SCRATCH/apache.conf" <<-END
		$(for module in mpm_prefork authz_core ssl dir socache_shmcb; do
			echo "LoadModule ${module}_module $modules/mod_$module.so"
		done)
		ServerName localhost
		PidFile $SCRATCH/apache.pid
		ErrorLog $SCRATCH/apache.log
		DefaultRuntimeDir $SCRATCH
		Mutex pthread
		Listen $PORT https
		MaxKeepAliveRequests 0
		SSLEngine on
		SSLCertificateFile $CERT
		SSLCertificateKeyFile $KEY
		SSLSessionCache shmcb:$SCRATCH/cache(100000)
		DocumentRoot $SCRATCH/www
		DirectoryIndex index.html
		User www-data
		Group www-data
	END
	serve apache2 -DFOREGROUND -f "$SCRATCH/apache.conf"
	PRINTER=counter observe
	h2load --h1 -n 3000 -c 8 $URL/ | grep -q ' 3000 succeeded' || fail "h2load failed"
	expect_all 3000
}

# links: descriptors of probes that the agent has.
links() {
	find "/proc/$AGENT/fd" -lname 'anon_inode:bpf_link' | wc -l
}

has_links() {
	[ "$(links)" = "$1" ]
}

test_probes_end_a_minute_after_who_maps_them() {
	local own=$SCRATCH/own before
	compile_client tls_client OPENSSL -lssl -lcrypto
	begin_nginx ssl 'location / { return 200 "hello"; }'
	mkdir "$own"
	cp -L /usr/lib/x86_64-linux-gnu/lib{ssl,crypto}.so.3 "$own/"
	observe_programs '{*/nginx,*/tls_client}'
	before=$(links)
	begin_talker env LD_LIBRARY_PATH="$own" "$SCRATCH/tls_client" $PORT /own 5
	application_ready "$TALKER"
	assert_line "$LOG" "library probed.*$own/libssl.so.3" 5
	assert_eq $((before + 2)) "$(links)" "links, of entries and of returns"
	expect_answered 5
	wait_until 75 has_links "$before" || fail "$(links) links, and not $before as before"
	[ -e "/proc/$AGENT/fd/0" ] || fail "standard input was closed for one of them"
	expect_all 10
}

# probed N: so many libraries have probes.
probed() {
	[ "$(log_count 'library probed')" = "$1" ]
}

# Each link waits until no program runs any more.
test_an_end_with_many_probes() {
	local copies=150 began i
	mkdir "$SCRATCH/copies"
	mount -t tmpfs none "$SCRATCH/copies"
	defer umount "$SCRATCH/copies"
	for ((i = 0; i < copies; i++)); do
		mkdir "$SCRATCH/copies/$i"
		cp -L /usr/lib/x86_64-linux-gnu/libssl.so.3 "$SCRATCH/copies/$i/"
	done
	chmod -R a+rX "$SCRATCH/copies"
	begin_talker $PYTHON "$LIB/targets/map_files.py" "$SCRATCH"/copies/*/libssl.so.3
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_TRACE_PRINTER=json
	wait_until 30 probed $copies || fail "$(log_count 'library probed') of $copies have probes"
	began=$(now_ms)
	stop_agent
	echo "150 libraries: ended after $(($(now_ms) - began)) ms"
	assert_le $(($(now_ms) - began)) 1000 "ms until it had ended"
}

run_tests "$@"
