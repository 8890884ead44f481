#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# obi replay: the same spans from a capture as from the kernel, without any privilege.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

client() {
	timeout 40 $PYTHON "$LIB/client.py" "$@"
}

# replay ARGUMENT...: as somebody without any capability. Sets OUTPUT.
replay() {
	local status=0
	OUTPUT=$SCRATCH/replayed
	[ -e "$SCRATCH/obi" ] || copy_agent "" "$SCRATCH/obi"
	(unprivileged env -i "$SCRATCH/obi" replay "$@") >"$OUTPUT" 2>"$SCRATCH/errors" || status=$?
	cat "$SCRATCH/errors"
	return $status
}

begin_capture() {
	$PYTHON "$LIB/capture.py" lo "$SCRATCH/capture.pcap" &
	CAPTURE=$!
	defer stop $CAPTURE
	wait_until 5 test -s "$SCRATCH/capture.pcap" || fail "no capture"
}

# Lines "METHOD PATH STATUS LENGTH" of the server's spans in a file.
shape() {
	LOG=$1 span_fields type=HTTP
}

span_fields() {
	local field
	paste -d ' ' <(span_field method "$@") <(span_field path "$@") <(span_field status "$@") \
		<(span_field responseLen "$@")
}

test_capture_gives_the_same_spans() {
	need nginx
	mkdir -m 755 "$SCRATCH/www"
	head -c 300000 /dev/zero >"$SCRATCH/www/file"
	start_nginx "server { listen 8080; root $SCRATCH/www; location = /file { } if_modified_since before;
		location = /none { return 204; } location / { return 200 'hello'; } }"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$NGINX" "$(children "$NGINX")"
	begin_capture
	client keep_alive 127.0.0.1 8080 /k/ 20
	client pipelined 127.0.0.1 8080 /p/ 10
	client empty_bodies 127.0.0.1 8080
	client split_in_two 127.0.0.1 8080 /pieces
	client get 127.0.0.1 8080 /file >/dev/null
	client upload 127.0.0.1 8080 /upload 5000
	sleep 0.3
	stop $CAPTURE || true
	stop_agent
	chmod a+r "$SCRATCH/capture.pcap"
	replay --format text "$SCRATCH/capture.pcap" || fail "status $?"
	shape "$LOG" | sort >"$SCRATCH/of_the_kernel"
	shape "$OUTPUT" | sort >"$SCRATCH/of_the_capture"
	assert_ge "$(wc -l <"$SCRATCH/of_the_kernel")" 38 "spans of the kernel"
	diff "$SCRATCH/of_the_kernel" "$SCRATCH/of_the_capture" || fail "the spans differ"
}

# Heads cut by the other direction, odd ones, what stands before the first, answers that pause.
test_capture_of_odd_conversations_gives_the_same_spans() {
	local names="request-line request-fields response status-line early odd-versions patch long-method
		short-method proxy-1 proxy-1-alone proxy-2 empty-line socks small-writes last-alone alternating
		websocket"
	# shellcheck disable=SC2086
	$PYTHON "$LIB/conversations.py" serve 8080 $names &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER 8080 || fail "the server does not listen"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text
	application_ready $SERVER
	begin_capture
	# shellcheck disable=SC2086
	timeout 60 $PYTHON "$LIB/conversations.py" play 127.0.0.1 8080 $names
	sleep 0.5
	stop $CAPTURE || true
	stop_agent
	chmod a+r "$SCRATCH/capture.pcap"
	replay --format text "$SCRATCH/capture.pcap" || fail "status $?"
	shape "$LOG" | sort >"$SCRATCH/of_the_kernel"
	shape "$OUTPUT" | sort >"$SCRATCH/of_the_capture"
	assert_ge "$(wc -l <"$SCRATCH/of_the_kernel")" 31 "spans of the kernel"
	diff "$SCRATCH/of_the_kernel" "$SCRATCH/of_the_capture" || fail "the spans differ"
}

test_metrics_of_a_capture_pass_promtool() {
	need nginx promtool
	start_nginx 'server { listen 8080; location / { return 200 "hello"; } }'
	begin_capture
	client keep_alive 127.0.0.1 8080 /k/ 7
	sleep 0.3
	stop $CAPTURE || true
	chmod a+r "$SCRATCH/capture.pcap"
	replay --format json --metrics "$SCRATCH/capture.pcap" || fail "status $?"
	LOG=$OUTPUT expect_spans 7 'path=/k/?' status=200
	grep -vE '^\[' "$OUTPUT" >"$SCRATCH/metrics"
	promtool check metrics <"$SCRATCH/metrics" || fail "promtool finds fault"
	assert_eq 7 "$(metric "$SCRATCH/metrics" http_server_request_duration_seconds_count)" "requests"
}

# spans_of FILE: METHOD PATH STATUS LENGTH each.
spans_of() {
	replay --format text "$1" || fail "$1: status $?"
	shape "$OUTPUT"
}

# By its first bytes, whatever its name is; from a file and from a pipe; of several members.
test_gzipped_captures_are_read() {
	local file name gzipped
	need gzip
	for file in "$ROOT"/tests/data/fuzz/pcap/{keepalive.pcap,pipelined_ipv6_vlan.pcapng}; do
		name=$SCRATCH/${file##*/}
		cp "$file" "$name"
		gzip -c "$file" >"$name.gz"
		cp "$name.gz" "$SCRATCH/no_such_name.pcap"
		{ head -c 500 "$file" | gzip -1 && tail -c +501 "$file" | gzip -9; } >"$name.two.gz"
		chmod a+r "$SCRATCH"/*
		spans_of "$name" >"$SCRATCH/plain"
		assert_ge "$(wc -l <"$SCRATCH/plain")" 1 "spans"
		for gzipped in "$name.gz" "$SCRATCH/no_such_name.pcap" "$name.two.gz"; do
			diff "$SCRATCH/plain" <(spans_of "$gzipped") || fail "$gzipped differs"
		done
		diff "$SCRATCH/plain" <(spans_of - < <(cat "$name.gz")) || fail "a pipe differs"
	done
	head -c -9 "$SCRATCH/keepalive.pcap.gz" >"$SCRATCH/cut"
	chmod a+r "$SCRATCH/cut"
	replay "$SCRATCH/cut" && fail "a cut file is whole"
	assert_line "$SCRATCH/errors" 'obi replay: .*/cut: offset [0-9]+: the gzip file ends too early'
	assert_ge "$(shape "$OUTPUT" | wc -l)" 1 "spans before the cut"
}

# named FILE WORDS: the file is refused as that.
named() {
	chmod a+r "$1"
	replay "$1" && fail "$1 is accepted"
	assert_line "$SCRATCH/errors" "obi replay: $1: offset 0: $2"
}

# Files that the real programs made; what they are told to do works.
test_other_files_are_called_by_their_kind() {
	local capture=$SCRATCH/a.pcap
	need gzip xz tar
	cp "$ROOT/tests/data/fuzz/pcap/keepalive.pcap" "$capture"
	xz -c "$capture" >"$SCRATCH/a.xz"
	named "$SCRATCH/a.xz" 'an xz-compressed file: xz -dc FILE'
	xz -dc "$SCRATCH/a.xz" | replay --format none - || fail "the remedy does not work"
	tar -C "$SCRATCH" -cf "$SCRATCH/a.tar" a.pcap
	named "$SCRATCH/a.tar" 'a tar archive: '
	gzip "$SCRATCH/a.tar"
	named "$SCRATCH/a.tar.gz" 'what is in the gzip file: a tar archive: '
	printf '10:00:00.1 IP 127.0.0.1.80 > 127.0.0.1.4711: Flags [S]\n' >"$SCRATCH/a.txt"
	named "$SCRATCH/a.txt" 'text, not a capture: tcpdump -w FILE'
	cp /bin/true "$SCRATCH/true"
	named "$SCRATCH/true" 'a program'
	need zstd zip unzip
	zstd -q "$capture" -o "$SCRATCH/a.zst"
	named "$SCRATCH/a.zst" 'a zstd-compressed file: zstd -dc FILE'
	zip -qj "$SCRATCH/a.zip" "$capture"
	named "$SCRATCH/a.zip" 'a zip archive: unzip -p FILE'
	unzip -p "$SCRATCH/a.zip" | replay --format none - || fail "the remedy does not work"
}

test_bad_files_get_a_clear_error() {
	local file
	printf 'this is no capture, but long enough to be one' >"$SCRATCH/text"
	: >"$SCRATCH/empty"
	printf '\xd4\xc3\xb2\xa1\x02\x00\x04\x00' >"$SCRATCH/cut"
	chmod a+r "$SCRATCH"/*
	for file in text empty cut none; do
		replay "$SCRATCH/$file" && fail "$file is accepted"
		assert_eq 1 "$(grep -c "obi replay: $SCRATCH/$file: " "$SCRATCH/errors")" "errors on $file"
	done
}

run_tests "$@"
