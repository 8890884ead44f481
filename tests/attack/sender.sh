#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A sender that a collector's answers have taken over (hostile.c): it reaches nothing but what the
# configuration names.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
OBI=$ROOT/build/$(uname -m)/hostile/obi

# attacked ATTACK NAME=VALUE...
attacked() {
	local attack=$1
	shift
	start_agent "$CAPS_APPLICATION" ATTACK="sender:$attack" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318 OTEL_EBPF_LOG_LEVEL=debug "$@"
	assert_line "$LOG" 'sender sandbox closed' 10
}

# result WHAT: of the attack, in the log.
result() {
	assert_line "$LOG" "^attack [a-z_]* $1 " 5 >&2
	sed -n "s/^attack [a-z_]* $1 //p" "$LOG" | tail -n 1
}

landlock() {
	sed -n 's/.*sender sandbox closed.* landlockABI=\([0-9]*\).*/\1/p' "$LOG" | tail -n 1
}

refused() {
	local what
	for what in "$@"; do
		assert_eq EPERM "$(result "$what")" "$what"
	done
}

# Before: tgkill of any process of its user, and signals by descriptors.
test_it_signals_nobody() {
	attacked signals
	refused tgkill_of_the_broker tkill_of_the_broker kill_of_the_broker owner_of_a_descriptor \
		signal_of_a_descriptor news_by_signal lease
	stop_agent
}

# Before: the terminal was inherited.
test_it_has_no_terminal() {
	attacked terminal
	refused type_a_command type_a_command_through_output
	assert_eq 0 "$(result read_of_standard_input)" "bytes of standard input"
	assert_eq ESPIPE "$(result seek_in_the_output)" "seek"
	stop_agent
}

# Before: any Unix socket, also abstract ones, any TCP port.
test_it_connects_to_the_collector_alone() {
	step unix_sockets
	attacked reach ATTACK_ON=4444
	refused unix_socket abstract_socket unix_datagram pair_of_datagrams netlink packet
	step ports
	[ "$(landlock)" -ge 4 ] || skip "this kernel's Landlock (ABI $(landlock)) knows no ports"
	assert_eq EACCES "$(result connect_elsewhere)" "another port"
	stop_agent
}

# Where a collector listens on a Unix socket, stream sockets of that family are needed.
test_a_unix_socket_that_is_configured() {
	attacked reach ATTACK_ON=4444 OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=unix:///run/no-collector.sock
	refused unix_datagram pair_of_datagrams netlink packet
	assert_eq ENOENT "$(result unix_socket)" "a Unix socket"
	stop_agent
}

run_tests "$@"
