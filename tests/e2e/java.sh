#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The JVM's own TLS, with obi-java.jar: real servers and clients of the JDK, over each version of TLS.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/tls.sh
. "$LIB/tls.sh"

# The helper, and what was compiled; a key store.
begin_java() {
	local built
	need javac curl
	built=$ROOT/build/$(uname -m | sed s/aarch64/arm64/)/java
	[ -e "$built/obi-java.jar" ] || skip "needs \`make java\`"
	cp "$built"/{obi-java.jar,libobi-java.so} "$SCRATCH"
	JAR=$SCRATCH/obi-java.jar
	make_certificate
	openssl pkcs12 -export -in "$CERT" -inkey "$KEY" -out "$SCRATCH/keys.p12" -passout pass:secret
	javac -d "$SCRATCH" "$LIB"/targets/Secure*.java || fail "javac"
}

# serves KIND
serves() {
	begin_java
	serve java "-javaagent:$JAR" -cp "$SCRATCH" SecureServer "$1" $PORT "$SCRATCH/keys.p12"
	observe
	application_ready "$SERVER"
	assert_line "$LOG" "pid=$SERVER type=java" 10
	for version in 1.2 1.3; do
		curl -sS --max-time 5 --http1.1 --tlsv$version --tls-max $version -o /dev/null \
			"$URL/first-$version" -o /dev/null "$URL/large" -o /dev/null "$URL/second-$version"
		expect_spans 1 type=HTTP path=/first-$version status=200
		expect_spans 1 type=HTTP path=/second-$version status=200
	done
	expect_spans 2 type=HTTP path=/large status=200
	expect_all 6
}

test_server_of_engines() {
	serves https
}

test_server_of_sockets() {
	serves socket
}

# asks KIND
asks() {
	local version n=0
	begin_java
	begin_nginx ssl 'location / { return 200 "hello"; }'
	keytool -importcert -noprompt -file "$CERT" -keystore "$SCRATCH/trust.p12" -storepass secret 2>/dev/null
	observe_programs '{*/java,*/nginx}'
	for version in 1.2 1.3; do
		begin_talker java "-javaagent:$JAR" "-Djavax.net.ssl.trustStore=$SCRATCH/trust.p12" \
			-Djavax.net.ssl.trustStorePassword=secret "-Djdk.tls.client.protocols=TLSv$version" \
			"-Dhttps.protocols=TLSv$version" -cp "$SCRATCH" SecureClient "$1" "$URL/by-$version" 10
		application_ready "$TALKER"
		assert_line "$LOG" "pid=$TALKER type=java" 10
		probes_are_there libobi-java
		expect_answered 10
		rm "$SCRATCH/line"
		expect_spans 10 type=HTTPClient path=/by-$version status=200 hostPort=$PORT
		expect_spans 10 type=HTTP path=/by-$version status=200 hostPort=$PORT
		n=$((n + 20))
	done
	expect_all $n
}

# Nothing is claimed of what is not seen, and explain says what to do, until it is done.
test_without_the_jar_it_is_dark() {
	begin_java
	serve java -cp "$SCRATCH" SecureServer https $PORT "$SCRATCH/keys.p12"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json
	application_ready "$SERVER"
	curl -sS --max-time 5 --http1.1 -o /dev/null "$URL/dark"
	"$OBI" explain "$SERVER" | tee "$SCRATCH/explained"
	assert_line "$SCRATCH/explained" "what the JVM's own TLS encrypts"
	assert_line "$SCRATCH/explained" 'javaagent:.*obi-java.jar'
	expect_all 0
}

test_explain_is_content_with_the_jar() {
	begin_java
	serve java "-javaagent:$JAR" -cp "$SCRATCH" SecureServer https $PORT "$SCRATCH/keys.p12"
	wait_until 10 listens "$SERVER" $PORT || fail "the server does not listen"
	OTEL_EBPF_OPEN_PORT=$PORT "$OBI" explain "$SERVER" | tee "$SCRATCH/explained"
	assert_line "$SCRATCH/explained" 'libobi-java.so'
	assert_no_line "$SCRATCH/explained" "what the JVM's own TLS encrypts"
}

test_without_the_helper_it_is_as_it_was() {
	begin_java
	rm "$SCRATCH/libobi-java.so"
	java "-javaagent:$JAR" -version >"$SCRATCH/out" 2>&1 || fail "the JVM does not run"
	assert_eq 1 "$(grep -c 'obi-java: TLS stays unseen' "$SCRATCH/out")" "lines of complaint"
}

test_client_of_engines() {
	asks client
}

test_client_of_sockets() {
	asks connection
}

run_tests "$@"
