#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Signals: those that are for nobody harm nobody, those that end the agent end it in order.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=19481
# 32 and 33 are the C library's own.
STRANGE="USR1 USR2 PIPE ALRM VTALRM PROF IO PWR XCPU XFSZ STKFLT URG WINCH CONT 32 33 RTMIN RTMIN+7 RTMAX"

begin() {
	$PYTHON "$LIB/targets/echo.py" $PORT &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER $PORT || fail "no server"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:19482 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
	application_ready $SERVER
	WORKER=$(worker_of "$AGENT") SENDER=$(child_of "$AGENT" sender) KEEPER=$(keeper_of "$AGENT")
	LOOKER=$(looker_of "$AGENT")
}

ask() {
	timeout 20 $PYTHON "$LIB/client.py" get 127.0.0.1 $PORT "$1" >/dev/null
}

# all_live WHAT: each process of the agent is the one that it was.
all_live() {
	sleep 0.3
	is_alive "$AGENT" || fail "$1: the agent has ended"
	assert_eq "$WORKER $SENDER $KEEPER $LOOKER" "$(worker_of "$AGENT") $(child_of "$AGENT" sender) $(
		keeper_of "$AGENT"
	) $(looker_of "$AGENT")" "$1: children"
}

# send_each PID SIGNAL...
send_each() {
	local signal
	for signal in "${@:2}"; do
		kill "-$signal" "$1" || fail "SIG$signal cannot be sent"
	done
}

test_strange_ones_end_nobody() {
	local who
	begin
	for who in AGENT WORKER SENDER KEEPER LOOKER; do
		step ${who,,}
		# shellcheck disable=SC2086
		send_each "${!who}" $STRANGE
		all_live "$who"
		ask "/after_$who"
		expect_spans 1 "path=/after_$who"
	done
	step totals
	assert_no_line "$LOG" 'level=(WARN|ERROR).*(died|ended)'
	stop_agent
}

# A service manager or a terminal sends to all at once: who ends is the broker's to say.
test_children_do_not_end_by_themselves() {
	local who
	begin
	for who in WORKER SENDER KEEPER LOOKER; do
		send_each "${!who}" HUP INT TERM
		all_live "$who"
	done
	ask /afterwards
	expect_spans 1 path=/afterwards
	stop_agent
}

test_each_of_three_ends_it_in_order() {
	local signal status
	for signal in HUP INT TERM; do
		step ${signal,,}
		begin
		ask "/before_$signal"
		sleep 0.2
		kill "-$signal" "$AGENT"
		wait_until 12 has_ended "$AGENT" || fail "it goes on"
		status=0
		wait "$AGENT" || status=$?
		assert_eq 0 $status "exit status"
		assert_eq 1 "$(spans "path=/before_$signal")" "spans"
		assert_line "$LOG" 'successfully exiting'
		stop $SERVER || true
	done
}

test_a_hangup_does_not_end_what_nohup_began() {
	AROUND=(nohup)
	begin
	AROUND=()
	kill -HUP "$AGENT"
	all_live "the agent, by nohup"
	stop_agent
}

test_stopped_and_continued_it_goes_on() {
	begin
	kill -TSTP "$AGENT"
	sleep 1
	ask /while_stopped
	kill -CONT "$AGENT"
	all_live "the agent, continued"
	ask /afterwards
	expect_spans 1 path=/while_stopped
	expect_spans 1 path=/afterwards
	stop_agent
}

# What whoever starts it ignores or blocks: a child that ends must still be seen to.
test_started_with_signals_ignored_and_blocked() {
	AROUND=("$PYTHON" -c 'import os, signal, sys
for n in range(1, 32):
    if n not in (9, 19):
        signal.signal(n, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
os.execvp(sys.argv[1], sys.argv[1:])')
	begin
	AROUND=()
	kill -KILL "$WORKER"
	assert_line "$LOG" 'the worker died: starting it again' 5
	ask /afterwards
	expect_spans 1 path=/afterwards
	stop_agent
}

run_tests "$@"
