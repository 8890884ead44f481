#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Inside TLS, other libraries than tls.sh has: a real server and a real client of each, over each version
# of TLS that it speaks. What clients asked is what the agent counts.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

# begin_lighttpd MODULE [OPTION...]: a server by that module's library.
begin_lighttpd() {
	need lighttpd curl h2load
	[ -e "/usr/lib/lighttpd/$1.so" ] || skip "needs lighttpd's $1"
	make_certificate
	mkdir "$SCRATCH/www"
	echo hello >"$SCRATCH/www/index.html"
	head -c 3000000 /dev/zero >"$SCRATCH/www/big"
	chmod -R a+rX "$SCRATCH/www"
	cat >"$SCRATCH/lighttpd.conf" <<-END
		server.modules = ( "$1" )
		server.document-root = "$SCRATCH/www"
		server.port = $PORT
		server.errorlog = "$SCRATCH/lighttpd.log"
		index-file.names = ( "index.html" )
		server.max-keep-alive-requests = 100000
		ssl.engine = "enable"
		ssl.pemfile = "$CERT"
		ssl.privkey = "$KEY"
		$(printf '%s\n' "${@:2}")
	END
	serve lighttpd -D -f "$SCRATCH/lighttpd.conf"
}

# lighttpd_by_version MODULE LIBRARY VERSION...: HTTP/1 and HTTP/2, each on few and on many connections.
lighttpd_by_version() {
	local version n=0
	begin_lighttpd "$1"
	PRINTER=counter observe
	probes_are_there "$2"
	for version in "${@:3}"; do
		for ((i = 0; i < 10; i++)); do
			curl -sS --max-time 5 --http1.1 --tlsv"$version" --tls-max "$version" -o /dev/null \
				"$URL/first" -o /dev/null "$URL/second" -o /dev/null "$URL/big"
			curl -sS --max-time 5 --http2 --tlsv"$version" --tls-max "$version" -o /dev/null \
				"$URL/first" -o /dev/null "$URL/big"
		done
		n=$((n + 50))
	done
	h2load --h1 -n 2000 -c 8 $URL/ | grep -q ' 2000 succeeded' || fail "h2load failed"
	h2load -n 2000 -c 8 -m 8 $URL/ | grep -q ' 2000 succeeded' || fail "h2load failed"
	# Each of h2load's connections may end before its farewell.
	expect_all $((n + 4000)) 8
}

# client_by_library LIBRARY FILE ARGUMENT... -- SETTING...: a client that was compiled, in each of these settings.
client_by_library() {
	local library=$1 file=$2 arguments=() setting n=0
	shift 2
	while [ "$1" != -- ]; do
		arguments+=("$1")
		shift
	done
	compile_client tls_client "$library" "${arguments[@]}"
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_programs '{*/tls_client,*/nginx}'
	for setting in "${@:2}"; do
		begin_talker env "$setting" "$SCRATCH/tls_client" $PORT "/$setting" 10
		probes_are_there "$file"
		application_ready "$TALKER"
		expect_answered 10
		rm "$SCRATCH/line"
		expect_spans 10 type=HTTPClient path="/$setting" status=200 hostPort=$PORT
		expect_spans 10 type=HTTP path="/$setting" status=200 hostPort=$PORT
		n=$((n + 20))
	done
	expect_all $n
}

# ---- NSS ----

test_nss_server() {
	lighttpd_by_version mod_nss libnspr4 1.2 1.3
}

test_nss_client_by_libcurl() {
	local version
	begin_nginx ssl 'location / { return 200 "hello"; }'
	$PYTHON -c 'import ctypes; ctypes.CDLL("libcurl-nss.so.4")' || skip "needs libcurl3-nss"
	observe_programs '{*/python3*,*/nginx}'
	for version in 1.2 1.3; do
		begin_talker $PYTHON "$LIB/targets/nss_curl.py" "$URL/by-$version" 10 $version
		probes_are_there libnspr4
		application_ready "$TALKER"
		expect_answered 10
		rm "$SCRATCH/line"
		expect_spans 10 type=HTTPClient path=/by-$version status=200 hostPort=$PORT
	done
	expect_all 40
}

# Its input goes through the same calls as what it sends.
test_nss_client_by_tstclnt() {
	local version
	need tstclnt
	begin_nginx ssl 'location / { return 200 "hello"; }'
	observe_programs '{*/tstclnt,*/nginx}'
	for version in 1.2 1.3; do
		begin_talker tstclnt -D -o -4 -h localhost -p $PORT -V tls$version:tls$version
		probes_are_there libnspr4
		application_ready "$TALKER"
		printf 'GET /by-%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' $version >&9
		expect_spans 1 type=HTTPClient path=/by-$version status=200 hostPort=$PORT
		expect_spans 1 type=HTTP path=/by-$version status=200 hostPort=$PORT
		exec 9>&-
		rm "$SCRATCH/line"
	done
	expect_all 4
}

# ---- mbedTLS ----

test_mbedtls_server() {
	lighttpd_by_version mod_mbedtls libmbedtls 1.2
}

test_mbedtls_client() {
	client_by_library MBEDTLS libmbedtls -lmbedtls -lmbedx509 -lmbedcrypto -- WAY=write WAY=connect
}

# ---- wolfSSL ----

test_wolfssl_server() {
	lighttpd_by_version mod_wolfssl libwolfssl 1.2 1.3
}

test_wolfssl_client() {
	client_by_library WOLFSSL libwolfssl -lwolfssl -- WAY=write WAY=connect WAY=send TLS12=yes
}

# ---- OpenSSL, within an executable that has its symbols ----

test_openssl_in_a_static_client() {
	client_by_library OPENSSL tls_client -static -lssl -lcrypto -- WAY=write WAY=connect TLS12=yes
}

test_openssl_in_a_static_server() {
	compile_client tls_server OPENSSL -static -lssl -lcrypto
	need curl
	make_certificate
	serve "$SCRATCH/tls_server" $PORT / 0 "$CERT" "$KEY"
	observe
	ask_by_versions
}

run_tests "$@"
