#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whatever call moves the bytes: it is read, or said and counted that it cannot be. Nothing is claimed
# that was not sent.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=21610
TRACE=0af7651916cd43dd8448eb211c80319c
UNREAD='level=WARN msg="a process moves bytes by calls that cannot be read'

# begin COMMAND...: a server on PORT, instrumented.
begin() {
	need curl
	"$@" &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER $PORT || fail "the server does not listen"
	if [ -n "${SERVE_BEFORE:-}" ]; then
		exec 9<>/dev/tcp/127.0.0.1/$PORT
		sleep 0.2
	fi
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=json \
		OTEL_EBPF_INTERNAL_METRICS_EXPORTER=prometheus OTEL_EBPF_INTERNAL_METRICS_PROMETHEUS_PORT=21611
	application_ready $SERVER
}

# ask PATH...: on one connection each. A moment between two, so that the server waits for the next.
ask() {
	local path
	for path; do
		curl -sS --max-time 5 "http://127.0.0.1:$PORT$path-1" "http://127.0.0.1:$PORT$path-2" \
			>>"$SCRATCH/answers"
		sleep 0.1
	done
}

# send_by_hand PATH: on the connection of descriptor 9, when the server waits for it.
send_by_hand() {
	local line
	sleep 0.1
	printf 'GET %s HTTP/1.1\r\nHost: x\r\n\r\n' "$1" >"$SCRATCH/request"
	cat "$SCRATCH/request" >&9 # in one piece
	read -r -t 5 line <&9
	[[ $line == *200* ]] || fail "no answer to $1"
	while read -r -t 0.2 line <&9; do :; done
}

# ask_by_hand PATH...: on one connection.
ask_by_hand() {
	local path
	exec 9<>/dev/tcp/127.0.0.1/$PORT
	for path; do
		send_by_hand "$path"
	done
	exec 9>&-
}

# all_is_read: nothing was missed, nothing is warned of.
all_is_read() {
	stop_agent
	assert_eq 0 "$(total 'application totals' unreadable)" "unreadable chunks"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# ---- 32-bit processes --------------------------------------------------------------------------

begin_compat() {
	[ "$(uname -m)" = x86_64 ] || skip "32-bit x86 programs run on x86-64 alone"
	gcc -m32 -O2 -Wall -Werror -ffreestanding -fno-stack-protector -fno-pic -no-pie -nostdlib -static \
		-o "$SCRATCH/compat" "$LIB/targets/compat.c" 2>"$SCRATCH/gcc" || {
		cat "$SCRATCH/gcc"
		skip "gcc makes no 32-bit programs"
	}
	"$SCRATCH/compat" >/dev/null 2>&1 || [ $? = 1 ] || skip "the kernel runs no 32-bit programs"
	begin "$SCRATCH/compat" $PORT "$@"
}

compat() {
	begin_compat "$@"
	ask /narrow
	expect_spans 1 path=/narrow-1 status=200 responseLen=2
	expect_spans 1 path=/narrow-2 status=200 responseLen=2
	all_is_read
}

test_compat_by_socketcall() {
	compat socketcall
}

test_compat_by_calls_of_their_own() {
	compat sendto
}

test_compat_read_and_write() {
	compat rw
}

test_compat_messages() {
	compat msg
}

test_compat_messages_by_socketcall() {
	compat callmsg
}

test_compat_vectors() {
	compat vec
}

test_compat_sendmmsg() {
	compat mmsg
}

test_compat_by_sysenter() {
	compat socketcall gate
}

# ---- io_uring ----------------------------------------------------------------------------------

begin_uring() {
	gcc -O2 -Wall -Werror -pthread -o "$SCRATCH/uring" "$LIB/targets/uring.c" ||
		skip "no linux/io_uring.h of 6.0 or later"
	[ "$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)" = 0 ] || skip "io_uring is forbidden"
	begin "$SCRATCH/uring" $PORT "$1"
}

# Can requests of io_uring be told apart? On the plane of the tracepoints since 6.10.
sees_uring() {
	! grep -q 'plane="socket tracepoints"' "$LOG" || is_kernel 6 10
}

is_kernel() {
	local major minor
	IFS=.- read -r major minor _ <<<"$(uname -r)"
	[ "$major" -gt "$1" ] || { [ "$major" = "$1" ] && [ "$minor" -ge "$2" ]; }
}

uring() {
	begin_uring "$1"
	sees_uring || skip "this kernel does not show requests of io_uring"
	ask /ring /again
	ask_by_hand /waits-1 /waits-2 /waits-3
	for path in ring again waits; do
		expect_spans 1 path=/$path-1 status=200 responseLen=${#1}
		expect_spans 1 path=/$path-2 status=200 responseLen=${#1}
	done
	expect_spans 1 path=/waits-3 status=200 responseLen=${#1}
	assert_eq 7 "$(spans)" "spans"
	all_is_read
}

test_uring_recv_and_send() {
	uring plain
}

test_uring_messages() {
	uring msg
}

test_uring_read_and_write() {
	uring rw
}

test_uring_vectors() {
	uring rwv
}

test_uring_zero_copy() {
	uring zc
}

test_uring_registered_file() {
	uring files
}

test_uring_by_workers() {
	uring workers
}

test_uring_linked() {
	uring linked
}

test_uring_two_sends_at_once() {
	uring halves
}

test_uring_multishot_into_provided_buffers() {
	uring multishot
}

test_uring_submitted_by_a_kernel_thread() {
	uring sqpoll
}

test_uring_first_without_waiting() {
	uring busy
}

# The thread is in read(2), or on its way out of it, with another request in its buffer.
test_uring_within_another_call() {
	begin_uring between
	ask /true
	ask_by_hand /true-3 /true-4
	sleep 1
	assert_eq 0 "$(spans path=/no)" "requests that nobody sent"
	sees_uring || skip "this kernel does not show requests of io_uring"
	expect_spans 4 'path=/true-*' status=200
	all_is_read
}

# rivals WAY: two requests of io_uring wait for the same bytes.
rivals() {
	begin_uring "$1"
	ask_by_hand /a /b /c /d /e
	sleep 1
	assert_eq 0 "$(spans path=/no)" "requests that nobody sent"
	sees_uring || skip "this kernel does not show requests of io_uring"
}

test_uring_rivals() {
	rivals rivals
	expect_spans 5 'path=/?' status=200
	all_is_read
}

test_uring_rivals_that_cannot_be_told_apart() {
	local seen
	rivals rivals_rw
	seen=$(spans 'path=/?')
	stop_agent
	assert_eq 5 $((seen + $(total 'application totals' unreadCalls))) "seen and not read"
}

# What waited before the agent came is not known; what is asked next is.
test_uring_request_that_waited_already() {
	local SERVE_BEFORE=1
	begin_uring plain
	sees_uring || skip "this kernel does not show requests of io_uring"
	send_by_hand /unknown
	send_by_hand /known
	exec 9>&-
	expect_spans 1 path=/known status=200
	assert_eq 0 "$(spans path=/unknown)" "spans of the first"
	assert_line "$LOG" "$UNREAD.* command=uring call=io_uring "
	stop_agent
}

# Pages that were registered are no memory of the process any more.
test_uring_registered_buffers_are_warned_of() {
	begin_uring fixed
	ask /ring
	wait_line "$LOG" "$UNREAD.* command=uring call=io_uring " 5 || fail "no warning"
	wait_until 5 unread_is_published || fail "no metric"
	stop_agent
	assert_eq 1 "$(grep -c "$UNREAD" "$LOG")" "warnings"
	assert_eq 2 "$(total 'application totals' unreadable)" "unreadable chunks"
	assert_eq 2 "$(total 'application totals' unreadCalls)" "unreadable calls"
	assert_eq 0 "$(spans status=200)" "spans"
}

unread_is_published() {
	curl -sS --max-time 5 -o "$SCRATCH/metrics" http://127.0.0.1:21611/internal/metrics
	[ "$(metric "$SCRATCH/metrics" obi_dropped_total 'reason="unread_call"')" = 2 ]
}

# ---- Vectors -----------------------------------------------------------------------------------

# vectors WAY FILL BODY: a request with a field of so many bytes before the one that counts.
vectors() {
	local fill
	begin $PYTHON "$LIB/targets/vectors.py" $PORT "$1"
	fill=$(head -c "$2" /dev/zero | tr '\0' f)
	for i in 1 2 3; do
		curl -sS --max-time 5 -o /dev/null -H "X-Fill: $fill" \
			-H "traceparent: 00-$TRACE-b7ad6b716920333$i-01" "http://127.0.0.1:$PORT/pieces-$i"
	done
	expect_spans 3 'path=/pieces-*' status=200 responseLen="$3" traceID=$TRACE
}

test_vectors_of_1000_bytes() {
	vectors ones 700 5
	all_is_read
}

test_vectors_of_a_long_head() {
	vectors twos 1700 5
	all_is_read
}

test_vectors_with_empty_pieces() {
	vectors empty 300 5
	all_is_read
}

test_vectors_with_a_far_end() {
	vectors uneven 10 1500
	all_is_read
}

test_sendmmsg_of_one_message() {
	vectors mmsg 10 5
	all_is_read
}

# Which of them it is shows on planes that have the kernel's own vector.
test_sendmmsg_of_several_messages() {
	local calls
	begin $PYTHON "$LIB/targets/vectors.py" $PORT several
	ask /both
	if grep -q 'plane="socket tracepoints"' "$LOG"; then
		assert_line "$LOG" "$UNREAD.* call=\"sendmmsg or recvmmsg" 5
		stop_agent
		calls=$(total 'application totals' unreadCalls)
		assert_ge "$calls" 2 "unreadable calls"
		assert_eq 0 "$(spans status=200)" "spans"
	else
		expect_spans 2 'path=/both-*' status=200 responseLen=5
		all_is_read
	fi
}

run_tests "$@"
