#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A worker that hostile bytes have taken over (hostile.c), and what it can do from inside its sandbox:
# nothing to the broker, to the operator's terminal and to the next worker. Each test says what was
# seen before there was an answer to it.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
OBI=$ROOT/build/$(uname -m)/hostile/obi

# attacked ATTACK NAME=VALUE...: the agent with a worker that makes it, beside nginx on port 8080.
attacked() {
	local attack=$1
	shift
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 hello; } }'
	start_agent "$CAPS_APPLICATION" ATTACK="worker:$attack" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_SHUTDOWN_TIMEOUT=5s "$@"
	assert_line "$LOG" 'application tracer attached' 10
}

# result WHAT: of the attack, in the log.
result() {
	sed -n "s/^attack [a-z_]* $1 //p" "$LOG" | tail -n 1
}

# refused WHAT...: each was tried, and failed with EPERM.
refused() {
	local what
	for what in "$@"; do
		assert_line "$LOG" "^attack [a-z_]* $what " 5
		assert_eq EPERM "$(result "$what")" "$what"
	done
}

# The agent does its work.
assert_serves() {
	application_ready "$NGINX" "$(children "$NGINX")"
	curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:8080/$1"
	expect_spans 1 "path=/$1" status=200
}

# Before: tgkill of any process of its user, and signals by F_SETOWN, F_SETSIG and O_ASYNC, ended it.
test_it_signals_nobody() {
	attacked signals
	refused tgkill_of_the_broker tkill_of_the_broker kill_of_the_broker owner_of_a_descriptor \
		signal_of_a_descriptor news_by_signal lease
	assert_eq "done" "$(result tgkill_of_itself)" "abort(3)"
	assert_serves honest
	stop_agent
}

# Before: ioctl(TIOCSTI) typed a command into the shell that had started the agent; its standard input
# was read, its log rewritten.
test_it_has_no_terminal() {
	attacked terminal
	refused type_a_command type_a_command_through_output size_of_the_window
	assert_line "$LOG" '^attack terminal read_of_the_output' 5
	assert_eq 0 "$(result read_of_standard_input)" "bytes of standard input"
	assert_eq ESPIPE "$(result seek_in_the_output)" "seek"
	assert_eq EBADF "$(result read_of_the_output)" "read of the output"
	assert_eq "$(awk '{ print $6 }' "/proc/$(worker_of "$AGENT")/stat")" "$(worker_of "$AGENT")" "its session"
	stop_agent
}

# Before: what it wrote reached the terminal as it was.
test_it_writes_plain_lines() {
	attacked escapes
	assert_line "$LOG" '^escapes ' 5
	assert_serves honest
	stop_agent
	assert_line "$LOG" '^escapes \?\]0;title\?\?\[2J \?31m \? \? \? end$'
	assert_eq 131072 "$(grep -o '^AAA*$' "$LOG" | tr -d '\n' | wc -c)" "bytes of a line without an end"
}

# Before: fstatat told which paths exist.
test_it_sees_no_file() {
	attacked paths
	refused stat_of_a_path open_of_a_path open_of_shadow open_of_itself
	stop_agent
}

# Before: a hung worker was noticed only at the stop, which took more than 90 s.
LIMIT[test_a_hung_one_is_replaced]=90
test_a_hung_one_is_replaced() {
	local begun
	attacked hang
	assert_line "$LOG" 'the worker hangs: ending it" reason="it has asked for nothing"' 30
	assert_line "$LOG" 'the worker died: starting it again'
	assert_serves afterwards
	begun=$(now_ms)
	stop_agent
	assert_le $(($(now_ms) - begun)) 5000 "ms of the stop"
}

# It reads the files of a process and comes to no end: that process is named, and its files are not for
# the next worker.
test_one_that_a_process_holds_is_replaced() {
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 hello; } }'
	start_agent "$CAPS_APPLICATION" ATTACK=worker:held ATTACK_ON="$NGINX" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER=text
	assert_line "$LOG" "level=WARN msg=\"a process holds the worker, which reads its files.* pid=$NGINX\$" 12
	assert_serves afterwards
	stop_agent
	assert_eq 1 "$(grep -c 'a process holds the worker' "$LOG")" "times that it held one"
}

# A stop does not wait for it.
test_a_hung_one_does_not_hold_the_stop_up() {
	local begun status=0
	attacked hang OTEL_EBPF_SHUTDOWN_TIMEOUT=2s
	sleep 1
	begun=$(now_ms)
	stop "$AGENT" 12 || status=$?
	assert_le $(($(now_ms) - begun)) 2500 "ms of the stop"
	assert_eq 255 $status "status"
	assert_line "$LOG" 'graceful shutdown has timed out'
	assert_eq 0 "$(children "$AGENT" 2>/dev/null | wc -l)" "children that are left"
}

# Before: 250 ms a message, servers that began meanwhile were never seen.
LIMIT[test_one_that_takes_nothing_is_replaced]=90
test_one_that_takes_nothing_is_replaced() {
	attacked deaf
	assert_line "$LOG" 'the worker hangs: ending it" reason="it has taken no message"' 60
	assert_serves afterwards
	stop_agent
}

# Before: a consumer's position far ahead cost the next worker all records.
test_it_leaves_the_ring_usable() {
	local attack
	need nginx curl
	start_nginx 'server { listen 8080; location / { return 200 hello; } }'
	for attack in ring_ahead ring_misaligned; do
		step $attack
		start_agent "$CAPS_APPLICATION" ATTACK="worker:$attack" OTEL_EBPF_OPEN_PORT=8080 \
			OTEL_EBPF_TRACE_PRINTER=text
		assert_line "$LOG" "^attack $attack position set" 10
		assert_line "$LOG" 'the worker left a false place in the ring: what waited is lost" bytes=' 5
		assert_serves $attack
		stop_agent
	done
}

# Before: the progress board could be mapped to be written.
test_it_writes_no_map() {
	attacked map_board
	assert_line "$LOG" '^attack map_board looked done' 5
	assert_eq 1 "$(grep -c '^attack map_board writable' "$LOG")" "writable: its own page of statistics alone"
	stop_agent
}

# Before: languages of any process were kept: 246 MB in 40 s.
test_it_names_no_language_that_nobody_asked_for() {
	attacked languages
	assert_line "$LOG" 'the worker broke the rules: ending it" request=66 reason="nobody asked"' 10
	assert_serves afterwards
	assert_le "$(awk '/^RssAnon/ { print $2 }' "/proc/$AGENT/status")" 6000 "KiB of the broker"
	stop_agent
	assert_eq 1 "$(grep -c 'broke the rules' "$LOG")" "lines on its offences"
}

descriptors() {
	find "/proc/$1/fd" -type l | wc -l
}

# Before: an empty packet with descriptors leaked them, 1,143, and the broker stopped listening.
test_empty_packets_end_it() {
	attacked empty_packets
	assert_line "$LOG" 'the worker broke the rules: ending it' 5
	assert_line "$LOG" 'the worker died: starting it again' 5
	assert_le "$(descriptors "$AGENT")" 80 "descriptors of the broker"
	assert_serves afterwards
	stop_agent
}

test_descriptors_with_a_request_end_it() {
	attacked many_descriptors
	assert_line "$LOG" 'the worker broke the rules: ending it' 5
	assert_serves afterwards
	assert_le "$(descriptors "$AGENT")" 80 "descriptors of the broker"
	stop_agent
}

# Before: 164 lines for one death.
test_many_offences_are_one_line() {
	attacked offences
	assert_line "$LOG" 'the worker died: starting it again' 5
	assert_serves afterwards
	stop_agent
	assert_eq 1 "$(grep -c 'broke the rules' "$LOG")" "lines on its offences"
}

# Before: spansLost=-1.
test_it_loses_no_more_than_was_seen() {
	attacked losses
	assert_line "$LOG" 'the worker died: starting it again.* spansLost=0 ' 5
	stop_agent
}

test_its_page_keeps_its_size() {
	attacked page
	refused shrink
	assert_line "$LOG" '^attack page grow E' 5
	stop_agent
}

# Before: orphans stood for minutes.
test_children_end_with_the_broker() {
	local pid pids
	attacked hang
	pids=$(children "$AGENT")
	assert_ge "$(wc -w <<<"$pids")" 1 "children"
	kill -KILL "$AGENT"
	for pid in $pids; do
		wait_until 2 has_ended "$pid" || fail "child $pid is still there"
	done
}

run_tests "$@"
