#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another tool with sock_ops, sk_msg and a sockhash on the same host (tests/lib/targets/other_tool.bpf.c),
# beside header injection, which has them too. A socket can have one sk_msg program: who comes first
# has it.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PROXY=18730
ECHO=18731
PINS=/mnt # in a mount namespace of its own; libbpf takes no path with a dot

# apart TEST: in a cgroup that looks like the root of all: what is attached there is nobody else's.
apart() {
	local mount dir
	need bpftool clang nginx curl
	if [ -z "${OBI_TEST_CGROUP:-}" ]; then
		mount=$(findmnt -n -l -t cgroup2 -o TARGET | head -n 1)
		[ -n "$mount" ] || skip "needs cgroup2"
		dir=$(mktemp -d "$mount/obi-test.XXXXXX") || skip "no cgroup can be made"
		run_deferred
		echo $$ >"$dir/cgroup.procs"
		OBI_TEST_CGROUP=$dir exec unshare --cgroup --mount --propagation private bash "$0" --one "$1"
	fi
	mount=$(dirname "$OBI_TEST_CGROUP")
	mkdir "$SCRATCH/host" "$SCRATCH/cgroup"
	mount --bind "$mount" "$SCRATCH/host"
	defer umount -l "$SCRATCH/host"
	defer leave_cgroup "$SCRATCH/host" "$(basename "$OBI_TEST_CGROUP")"
	CGROUP=$mount
	mount -t cgroup2 none "$SCRATCH/cgroup"
	defer umount -l "$SCRATCH/cgroup"
	mount --bind "$SCRATCH/cgroup" "$CGROUP"
	mount -t bpf none $PINS
}

leave_cgroup() { # MOUNT NAME
	wait_until 5 has_left "$@"
}

has_left() {
	local pid
	while read -r pid; do
		echo "$pid" >"$1/cgroup.procs"
	done <"$1/$2/cgroup.procs"
	rmdir "$1/$2"
} 2>/dev/null

# ---- The other tool ----

load_other() {
	clang -O2 -g -target bpf -DPORT=$ECHO "-I/usr/include/$(gcc -dumpmachine)" -c "$LIB/targets/other_tool.bpf.c" \
		-o "$SCRATCH/other.o"
	bpftool prog loadall "$SCRATCH/other.o" "$PINS/progs" pinmaps "$PINS/maps"
}

# begin_other SK_MSG SOCK_OPS FLAGS...: SK_MSG "" for none.
begin_other() {
	[ -d "$PINS/progs" ] || load_other
	[ -z "$1" ] || bpftool prog attach pinned "$PINS/progs/$1" msg_verdict \
		pinned "$PINS/maps/other_sockets"
	bpftool cgroup attach "$CGROUP" sock_ops pinned "$PINS/progs/$2" "${@:3}"
}

# counted NUMBER: of the other's counts: 0 sockets taken, 1 refused, 2 messages, 3 options
counted() {
	bpftool map lookup pinned "$PINS/maps/other_counts" key "$1" 0 0 0 |
		sed -n 's/.*"value": *\([0-9]*\).*/\1/p'
}

# attached NAME: how many sock_ops programs of this name are attached.
attached() {
	bpftool cgroup show "$CGROUP" | grep -c "sock_ops.* $1" || true
}

# ---- The applications: nginx, which is observed, and a server behind it ----

begin_applications() {
	$PYTHON "$LIB/targets/echo.py" $ECHO &
	defer stop $!
	wait_until 5 listens $! $ECHO || fail "the server does not listen"
	start_nginx "server { listen $PROXY; location / { proxy_pass http://127.0.0.1:$ECHO; }
			location /kept { proxy_pass http://kept; proxy_http_version 1.1; proxy_set_header Connection ''; } }
		upstream kept { server 127.0.0.1:$ECHO; keepalive 1; }"
}

propagate() {
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_OPEN_PORT=$PROXY
	application_ready "$NGINX" "$(children "$NGINX")"
	grep 'application tracer attached' "$LOG"
}

# requests COUNT PATH: through nginx; how many carried the header is in HEADERS.
requests() {
	local i
	head -c 300000 /dev/zero >"$SCRATCH/body"
	: >"$SCRATCH/answers"
	for ((i = 0; i < $1; i++)); do
		curl -sS --max-time 5 --data-binary "@$SCRATCH/body" "http://127.0.0.1:$PROXY/$2" >>"$SCRATCH/answers"
		echo >>"$SCRATCH/answers"
	done
	assert_eq "$1" "$(grep -c "\"path\": \"/$2\".*\"body\": 300000," "$SCRATCH/answers")" "right answers"
	HEADERS=$(grep -c '"traceparent"' "$SCRATCH/answers" || true)
	echo "/$2: $1 requests, $HEADERS headers"
}

# served COUNT PATH: each has its two spans.
served() {
	requests "$1" "$2"
	expect_spans "$1" type=HTTP "path=/$2"
	expect_spans "$1" type=HTTPClient "path=/$2"
}

# ---- The tests ----

# One that puts every connection into its sockhash before this agent can. Before: not a word of why no
# request carried a header.
test_connections_that_another_tool_takes_first() {
	apart test_connections_that_another_tool_takes_first
	begin_applications
	begin_other other_pass other_take multi
	propagate
	assert_line "$LOG" 'level=WARN msg="another program is attached to connections of all processes: .* programs=1$'
	served 10 taken
	assert_eq 0 "$HEADERS" "headers in connections of another's"
	assert_eq 1 "$(grep -c 'level=WARN msg="connections are in another program.s sockhash: .* pid=[1-9]' "$LOG")" \
		"warnings"
	stop_agent
	assert_eq 10 "$(total 'application totals' injectTaken)" "connections that another has"
	assert_eq 1 "$(attached other_take)" "the other's programs after our stop"
	assert_other_has requests 5 after
}

# assert_other_has COMMAND...: the other tool gets the messages of what the command does.
assert_other_has() {
	local taken messages
	taken=$(counted 0) messages=$(counted 2)
	"$@"
	assert_ge "$(counted 0)" $((taken + 10)) "sockets that the other takes"
	assert_ge "$(counted 2)" $((messages + 10)) "messages that the other sees"
}

# One that comes later has the connections that are not ours.
test_connections_that_we_take_first() {
	apart test_connections_that_we_take_first
	begin_applications
	propagate
	assert_no_line "$LOG" 'level=WARN'
	served 5 alone
	assert_eq 5 "$HEADERS" "headers before the other came"
	begin_other other_pass other_take multi
	served 10 both
	assert_eq 10 "$HEADERS" "headers beside the other"
	assert_eq 10 "$(counted 0)" "sockets that the other takes: the server's"
	assert_eq 10 "$(counted 1)" "sockets that it is refused: those with headers"
	stop_agent
	assert_eq 1 "$(attached other_take)" "the other's programs after our stop"
	assert_other_has requests 5 after
	assert_eq 10 "$(counted 1)" "sockets that it is refused now"
}

# One that moves what is sent past the network, into the peer's queue: spans are there all the same.
test_messages_that_another_tool_redirects() {
	apart test_messages_that_another_tool_redirects
	begin_applications
	begin_other other_redirect other_take multi
	propagate
	served 10 redirected
	stop_agent
	assert_ge "$(counted 2)" 20 "messages that it redirects"
	requests 5 after
}

# One that has the root cgroup for itself. Before: "Operation not permitted", as if a capability lacked.
test_a_cgroup_that_another_tool_has_alone() {
	apart test_a_cgroup_that_another_tool_has_alone
	begin_applications
	begin_other other_pass other_take
	propagate
	assert_line "$LOG" 'level=WARN msg="headers will not be injected.* has the root cgroup.s sock_ops for itself'
	served 5 alone
	stop_agent
	assert_eq 1 "$(attached other_take)" "the other's programs after our stop"
}

# options_of COUNT: how many the other writes into segments of that many requests on the connection that
# nginx keeps.
options_of() {
	local before i
	before=$(counted 3)
	for ((i = 0; i < $1; i++)); do
		curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:$PROXY/kept"
		sleep 0.01
	done
	echo $(($(counted 3) - before))
}

# beside_options COMMAND...: what comes first.
beside_options() {
	begin_applications
	load_other
	"$@"
	assert_ge "$(options_of 4)" 4 "options beside the agent"
	expect_spans 4 type=HTTPClient path=/kept
	options_of 60 & # sockets leave the agent's map with a segment that they send
	sleep 0.1
	stop_agent
	wait $!
	assert_ge "$(total 'application totals' injected)" 4 "headers"
	assert_ge "$(options_of 4)" 4 "options after the agent"
}

other_then_ours() {
	begin_other "" other_options multi
	propagate
}

ours_then_other() {
	propagate
	begin_other "" other_options multi
}

# One that writes TCP options. What asks the kernel to call it on a connection is a flag that this agent
# sets, too. Before: it was taken away as the agent stopped, and the other wrote no more.
test_options_of_another_tool_before_ours() {
	apart test_options_of_another_tool_before_ours
	beside_options other_then_ours
}

test_options_of_another_tool_after_ours() {
	apart test_options_of_another_tool_after_ours
	beside_options ours_then_other
}

run_tests "$@"
