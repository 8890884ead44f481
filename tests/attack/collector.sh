#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Collectors and name servers that want the sender's time, its memory, or the data to be lost.
#
#   the attack                          before                           now
#   an answer of endless chunk          3.7 GB read, 4 s of CPU, each    cut off after some 100 KiB
#   extensions, or of endless           time
#   100 Continue
#   Retry-After: 86400                  the batch dropped after one try  tried again within its time
#   TLS 1.1, a policy that allows it    spoken                           refused: 1.2 at least
#   insecure_skip_verify                not a word                       a warning at the start
#   intervals of 1 ns                   a core taken                     raised to a floor, with a warning
#   a name server that answers over     a thread more with each try      ended at the deadline
#   TCP, a byte a second

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/otlp.sh
. "$(dirname "$0")/../lib/otlp.sh"

# start_hostile MODE PORT [CERTIFICATE KEY]
start_hostile() {
	$PYTHON "$LIB/hostile_collector.py" "$@" >"$SCRATCH/hostile" 2>&1 &
	HOSTILE=$!
	defer stop $HOSTILE
	wait_until 5 listens $HOSTILE "$2" || fail "it does not listen"
}

export_to() {
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="$1" OTEL_EBPF_SHUTDOWN_TIMEOUT=2s "${@:2}"
}

# cpu_ms PID: user and system time so far.
cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hz) }' "/proc/$1/stat"
}

# Of what was sent the kernel's buffers hold some.
expect_cut_off() {
	local most
	assert_line "$SCRATCH/hostile" '^sent ' 10
	most=$(awk '/^sent/ { if ($2 > n) n = $2 } END { print n }' "$SCRATCH/hostile")
	assert_le "$most" 16000000 "bytes that one answer got to"
}

test_an_answer_without_end() {
	local mode sender
	begin_nginx
	for mode in chunks heads; do
		step $mode
		start_hostile $mode 4318
		export_to http://127.0.0.1:4318
		requests 1 /x/
		expect_cut_off
		sender=$(child_of "$AGENT" sender)
		assert_le "$(cpu_ms "$sender")" 1000 "milliseconds of CPU"
		stop_agent
		expect_balance
		stop $HOSTILE || true
	done
}

test_come_again_tomorrow() {
	begin_nginx
	start_hostile retry 4318
	export_to http://127.0.0.1:4318 OTEL_EBPF_BACKOFF_MAX_ELAPSED_TIME=4s
	requests 1 /x/
	sleep 3
	assert_ge "$(grep -c request "$SCRATCH/hostile")" 2 "tries"
	stop_agent
	assert_eq 0 "$(otlp expired)" "dropped in its time"
	expect_balance
}

# OpenSSL is told to speak anything: what is asked for is the program's own rule.
test_old_tls() {
	need openssl
	begin_nginx
	openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$SCRATCH/key" -out "$SCRATCH/certificate" 2>/dev/null
	chmod 644 "$SCRATCH/key" "$SCRATCH/certificate"
	cat >"$SCRATCH/openssl.cnf" <<-END
		openssl_conf = conf
		[conf]
		ssl_conf = ssl
		[ssl]
		system_default = any
		[any]
		MinProtocol = TLSv1
		CipherString = ALL:@SECLEVEL=0
	END
	start_hostile tls11 4318 "$SCRATCH/certificate" "$SCRATCH/key"
	export_to https://127.0.0.1:4318 OPENSSL_CONF="$SCRATCH/openssl.cnf" OTEL_EBPF_INSECURE_SKIP_VERIFY=true
	requests 1 /x/
	assert_line "$LOG" 'msg="cannot export" .*step=TLS' 10
	stop_agent
	assert_no_line "$SCRATCH/hostile" request
	expect_balance
	assert_eq 1 "$(grep -c 'level=WARN msg="certificates are not verified.* option=insecure_skip_verify' "$LOG")" "warnings"
}

test_intervals_of_nothing() {
	local pid before
	begin_nginx
	export_to http://127.0.0.1:1 OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:1 \
		OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT=0s OTEL_EBPF_BACKOFF_INITIAL_INTERVAL=1ns \
		OTEL_EBPF_BACKOFF_MAX_INTERVAL=1ns OTEL_EBPF_METRICS_INTERVAL=1ns \
		OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=1ns OTEL_EBPF_BPF_METRIC_SCRAPE_INTERVAL=1ns \
		OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_METRICS_FEATURES=application,network,ebpf
	assert_line "$LOG" 'level=WARN msg="too short: taken for 100ms" .*BACKOFF_INITIAL_INTERVAL'
	requests 1 /x/
	sleep 1
	for pid in $AGENT $(children "$AGENT"); do
		before=$(cpu_ms "$pid")
		sleep 2
		assert_le $(($(cpu_ms "$pid") - before)) 400 "milliseconds of CPU in 2 s of $(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
	stop_agent
}


threads_of() {
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l
}

test_a_name_server_without_end() {
	local sender begin
	begin_nginx
	start_hostile names 53
	echo "nameserver 127.0.0.1" >"$SCRATCH/resolv.conf"
	# shellcheck disable=SC2016 # of the inner shell
	AROUND=(unshare --mount sh -c 'mount --bind "$0" /etc/resolv.conf && exec "$@"' "$SCRATCH/resolv.conf")
	export_to http://collector.example:4318 OTEL_EXPORTER_OTLP_TIMEOUT=500 OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT=10ms
	requests 1 /x/
	assert_line "$LOG" 'msg="cannot export" .*step=DNS' 10
	sleep 6
	sender=$(child_of "$AGENT" sender)
	assert_ge "$(grep -c 'asked over TCP' "$SCRATCH/hostile")" 4 "questions over TCP"
	assert_le "$(threads_of "$sender")" 4 "threads of the sender"
	begin=$(now_ms)
	stop_agent
	assert_le $(($(now_ms) - begin)) 4000 "milliseconds of the stop"
	expect_balance
}

run_tests "$@"
