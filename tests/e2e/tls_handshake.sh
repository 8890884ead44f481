#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS itself: handshakes as spans and a histogram, and what they tell of the requests behind them. Off unless
# `tls` is among the instrumentations.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

# observe_handshakes NAME=VALUE...: as observe, and who asks by openssl or curl.
observe_handshakes() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_METRICS_INSTRUMENTATIONS='*,tls' "$@"
	probes_are_there
}

# shake ARGUMENT...: a handshake by openssl, and its connection's end.
shake() {
	timeout 5 openssl s_client -connect localhost:$PORT "$@" </dev/null >"$SCRATCH/answer" 2>&1
}

# expect_shaken COUNT WORD=VALUE...: a handshake that succeeded, as a server or client saw it.
expect_shaken() {
	expect_spans "$1" "${@:2}" status=
}

test_versions() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_handshakes
	shake -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256 -servername shop.example -alpn http/1.1
	expect_shaken 1 type=TLSServer version=1.2 cipher=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 \
		serverName=shop.example nextProtocol=http/1.1 resumed=false
	shake -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -noservername
	expect_shaken 1 type=TLSServer version=1.3 cipher=TLS_CHACHA20_POLY1305_SHA256 serverName= resumed=false
	shake -tls1_3 -groups P-384:X25519 # which nginx asks to be made again, with a key for another group
	expect_shaken 2 type=TLSServer version=1.3 resumed=false
	expect_all 3
}

test_resumption() {
	local version
	begin_nginx ssl 'ssl_early_data on; location / { return 200 "hello"; }'
	observe_handshakes
	for version in 1_2 1_3; do
		(printf 'GET /first HTTP/1.0\r\n\r\n' && sleep 0.3) |
			timeout 5 openssl s_client -connect localhost:$PORT -tls$version \
				-sess_out "$SCRATCH/session" >"$SCRATCH/answer" 2>&1
		shake -tls$version -sess_in "$SCRATCH/session"
		grep -q '^Reused, TLS' "$SCRATCH/answer" || fail "it was not resumed"
		expect_shaken 1 type=TLSServer version=${version/_/.} resumed=false
		expect_shaken 1 type=TLSServer version=${version/_/.} resumed=true
	done
	printf 'GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$SCRATCH/early"
	sleep 0.5 | timeout 5 openssl s_client -connect localhost:$PORT -tls1_3 -sess_in "$SCRATCH/session" \
		-early_data "$SCRATCH/early" >"$SCRATCH/answer" 2>&1
	grep -q 'Early data was accepted' "$SCRATCH/answer" || fail "early data was not accepted"
	expect_shaken 2 type=TLSServer version=1.3 resumed=true
	expect_spans 1 type=HTTP path=/early status=200
	expect_all 8
}

test_failures() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_handshakes
	shake -tls1_1 -cipher 'DEFAULT@SECLEVEL=0' && fail "a version that nginx does not speak"
	expect_spans 1 type=TLSServer status=protocol_version version=
	shake -tls1_2 -cipher NULL@SECLEVEL=0 && fail "a cipher that nginx does not know"
	expect_spans 1 type=TLSServer status=handshake_failure
	unset SSL_CERT_FILE
	shake -tls1_2 -verify_return_error && fail "the certificate is of nobody known"
	expect_spans 1 type=TLSServer version=1.2 status=unknown_ca
	shake -tls1_3 -verify_return_error && fail "the certificate is of nobody known"
	expect_spans 1 type=TLSServer version=1.3 status=unknown_ca
	# Who leaves without a word, perhaps before the answer comes.
	curl -sS --max-time 5 --cacert /dev/null $URL/ 2>/dev/null && fail "no certificate is known"
	expect_spans 1 type=TLSServer status=_OTHER
	curl -s --max-time 1 http://localhost:$PORT/plain >/dev/null
	expect_spans 1 type=HTTP path=/plain status=400
	expect_all 6
}

test_clients() {
	local side
	make_certificate
	serve openssl s_server -accept $PORT -cert "$CERT" -key "$KEY" -www
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='{*/curl,*/openssl}' \
		OTEL_EBPF_TRACE_PRINTER=json OTEL_EBPF_METRICS_INSTRUMENTATIONS='*,tls'
	probes_are_there
	curl -sS --max-time 5 --tls-max 1.2 -o /dev/null $URL/one -o /dev/null $URL/two
	curl -sS --max-time 5 --tlsv1.3 -o /dev/null $URL/three
	for side in TLSClient TLSServer; do # the server ends each connection, and the client resumes
		expect_shaken 1 type=$side version=1.2 serverName=localhost resumed=false
		expect_shaken 1 type=$side version=1.2 serverName=localhost resumed=true
	done
	expect_shaken 1 type=TLSClient version=1.3 serverName=localhost
	expect_shaken 1 type=TLSServer version=1.3 serverName=localhost
	expect_spans 1 type=HTTPClient path=/three status=200
}

# Nothing of the requests is lost, whoever moves the bytes; what is not seen into shakes hands all the same.
test_requests_behind_them() {
	begin_nginx 'ssl http2' 'location / { return 200 "hello"; }'
	observe_handshakes OTEL_EBPF_TRACE_PRINTER=counter
	h2load --h1 -n 3000 -c 30 $URL/ | grep -q ' 3000 succeeded' || fail "h2load failed"
	h2load -n 3000 -c 30 $URL/ | grep -q ' 3000 succeeded' || fail "h2load failed"
	expect_all 6060
}

test_without_probes() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_METRICS_INSTRUMENTATIONS='*,tls' OTEL_EBPF_BPF_TLS_PROBES=false
	application_ready "$NGINX" "$(children "$NGINX")"
	curl -sS --max-time 5 -o /dev/null $URL/
	expect_shaken 1 type=TLSServer version=1.3
	assert_eq 0 "$(spans type=HTTP)" "requests"
}

# What moves its own bytes is joined by the same hello.
test_memory_bios() {
	need node
	make_certificate
	serve node "$LIB/tls_memory.js" serve $PORT "$CERT" "$KEY"
	observe_handshakes
	curl -sS --max-time 5 --http1.1 -o /dev/null $URL/first -o /dev/null $URL/second
	expect_shaken 1 type=TLSServer version=1.3
	expect_spans 1 type=HTTP path=/second status=200
	expect_all 3
}

# The requests know of their session, and the histogram of the handshakes.
test_attributes_and_metrics() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	cat >"$SCRATCH/obi.yaml" <<-END
		filter: { application: { tls.protocol.version: { match: "1.2" } } }
	END
	chmod 644 "$SCRATCH/obi.yaml"
	observe_handshakes OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EBPF_PROMETHEUS_INSTRUMENTATIONS='*,tls'
	curl -sS --max-time 5 --tlsv1.3 -o /dev/null $URL/by-1.3
	curl -sS --max-time 5 --tls-max 1.2 -o /dev/null $URL/by-1.2 -o /dev/null $URL/again-by-1.2
	expect_spans 1 type=HTTP path=/by-1.2 status=200
	expect_spans 1 type=HTTP path=/again-by-1.2 status=200
	assert_eq 0 "$(spans type=HTTP path=/by-1.3)" "requests by the other version"
	scrape 9400 "$SCRATCH/metrics"
	assert_eq 1 "$(metric "$SCRATCH/metrics" tls_handshake_duration_seconds_count \
		'span_kind="SPAN_KIND_SERVER".*tls_protocol_version="1.2",tls_resumed="false"')" "handshakes"
}

# make_chain: CERT is one of ten days, before that of the authority, of 400 days.
make_chain() {
	make_certificate
	openssl x509 -in "$CERT" -signkey "$KEY" -days 400 -out "$SCRATCH/authority.pem" 2>/dev/null
	openssl req -new -key "$KEY" -subj /CN=localhost -out "$SCRATCH/request.pem" 2>/dev/null
	openssl x509 -req -in "$SCRATCH/request.pem" -CA "$SCRATCH/authority.pem" -CAkey "$KEY" -days 10 \
		-extfile <(echo subjectAltName=DNS:localhost) -CAcreateserial -out "$SCRATCH/leaf.pem" 2>/dev/null
	cat "$SCRATCH/leaf.pem" "$SCRATCH/authority.pem" >"$CERT"
	export SSL_CERT_FILE=$SCRATCH/authority.pem
}

# expect_valid SIDE DAYS DATE: the gauge, and whose end it is that the attribute tells.
expect_valid() {
	assert_eq "$2" "$(metric "$SCRATCH/metrics" tls_server_certificate_expiry_days \
		"span_kind=\"SPAN_KIND_$1\".*tls_server_not_after=\"$3\"")" "days that $1 tells"
	assert_eq 1 "$(grep -c "^tls_server_certificate_expiry_days.*SPAN_KIND_$1" "$SCRATCH/metrics")" \
		"certificates that $1 tells of"
}

# The server's own, not those behind it, at both ends, and also where it passes encrypted.
test_certificates() {
	local version leaf
	need nginx curl
	for version in 1.2 1.3; do
		(
			begin_scratch
			make_chain
			start_nginx "server { listen $PORT ssl; ssl_certificate $CERT; ssl_certificate_key $KEY;
				ssl_protocols TLSv$version; location / { return 200 hello; } }"
			start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE='{*/curl,*/nginx}' \
				OTEL_EBPF_PROMETHEUS_PORT=9400 OTEL_EBPF_METRICS_INSTRUMENTATIONS='*,tls' \
				OTEL_EBPF_PROMETHEUS_INSTRUMENTATIONS='*,tls' OTEL_EBPF_TRACE_PRINTER=json
			probes_are_there libcrypto
			leaf=$(date -u -d "$(openssl x509 -in "$SCRATCH/leaf.pem" -noout -enddate | cut -d = -f 2)" \
				+%Y-%m-%dT%H:%M:%SZ)
			curl -sS --max-time 5 -o /dev/null $URL/one
			expect_shaken 1 type=TLSServer version=$version
			expect_shaken 1 type=TLSClient version=$version
			scrape 9400 "$SCRATCH/metrics"
			expect_valid SERVER 10 "$leaf"
			expect_valid CLIENT 10 "$leaf"
		)
	done
}

test_off_by_default() {
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe
	curl -sS --max-time 5 -o /dev/null $URL/
	expect_spans 1 type=HTTP path=/ status=200
	assert_eq 0 "$(spans type=TLSServer)" "handshakes"
	assert_no_line "$LOG" 'library probed.*libcrypto'
	expect_all 1
}

run_tests "$@"
