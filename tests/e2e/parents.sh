#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Parents on real servers, many requests at once: a client span is a child of the request that it was made
# for, or of none. PARENTS=10000: so many requests for each kind and mode.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

COUNT=${PARENTS:-400}
UPSTREAM='upstream kept { server 127.0.0.1:8081; keepalive 8; }'

begin() {
	$PYTHON "$LIB/targets/middle.py" "$@" &
	defer stop $!
	wait_until 5 listens $! "$2" || fail "$1 does not listen"
}

# observe MODE AT_ONCE: what listens on 8080 while it is asked; sets RIGHT, NONE and WRONG.
observe() {
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION="$1" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER=text
	assert_line "$LOG" 'instrumenting process' 10
	sleep 0.3
	timeout $((30 + COUNT / 20)) "$PYTHON" "$LIB/targets/middle.py" load 8080 "$COUNT" "$2"
	stop_agent
	read -r RIGHT NONE WRONG < <($PYTHON "$LIB/spans.py" parents "$LOG")
	echo "$1: $RIGHT right, $NONE none, $WRONG wrong"
	assert_eq 0 "$WRONG" "wrong parents"
	assert_eq "$COUNT" $((RIGHT + NONE)) "client spans"
}

in_both_modes() {
	local mode
	begin inner 8081
	for mode in disabled headers; do
		observe $mode "$1"
		"${@:2}"
	done
}

all_right() {
	assert_eq "$COUNT" "$RIGHT" "right parents"
}

anything_but_wrong() {
	:
}

LIMIT[test_an_event_loop_has_no_wrong_parents]=$((120 + COUNT / 5))
test_an_event_loop_has_no_wrong_parents() {
	begin loop 8080 8081
	in_both_modes 50 anything_but_wrong
}

LIMIT[test_an_event_loop_asked_one_by_one_has_the_right_ones]=$((120 + COUNT / 5))
test_an_event_loop_asked_one_by_one_has_the_right_ones() {
	begin loop 8080 8081
	in_both_modes 1 all_right
}

LIMIT[test_a_thread_for_each_connection_has_the_right_ones]=$((120 + COUNT / 5))
test_a_thread_for_each_connection_has_the_right_ones() {
	begin thread 8080 8081
	in_both_modes 16 all_right
}

LIMIT[test_workers_with_shared_connections_have_no_wrong_parents]=$((120 + COUNT / 5))
test_workers_with_shared_connections_have_no_wrong_parents() {
	begin workers 8080 8081
	in_both_modes 16 anything_but_wrong
}

LIMIT[test_nginx_has_the_right_ones]=$((120 + COUNT / 5))
test_nginx_has_the_right_ones() {
	need nginx
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	in_both_modes 12 all_right
}

LIMIT[test_nginx_with_kept_connections_has_the_right_ones]=$((120 + COUNT / 5))
test_nginx_with_kept_connections_has_the_right_ones() {
	need nginx
	start_nginx "$UPSTREAM server { listen 8080; location / { proxy_pass http://kept; proxy_http_version 1.1;
		proxy_set_header Connection \"\"; } }"
	in_both_modes 12 all_right
}

run_tests "$@"
