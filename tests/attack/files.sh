#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What stands at the path of the health socket: it is removed only where it is a socket that an
# earlier run of this user left. (Of the spill directory: spill.sh. Nothing is pinned in bpffs.)
#
#   at the path                         before                           now
#   a regular file                      deleted                          stays, said
#   a link to one                       the link deleted                 stays, said
#   a socket of another user            deleted, where the directory     stays, said
#                                       allows it
#   a socket that somebody answers      stays                            stays
#   a socket that nobody answers        taken over                       taken over

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# A directory where the agent could delete all of it.
begin_directory() {
	DIRECTORY=$SCRATCH/health
	mkdir "$DIRECTORY"
	chown $AGENT_UID "$DIRECTORY"
	SOCKET=$DIRECTORY/socket
}

observe_with_health() {
	start_agent "$CAPS_NETWORK" OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_HEALTH_CHECK_UNIX_SOCKET_PATH="$SOCKET"
	network_ready
}

# It says so, once, and does its work without.
refused() {
	observe_with_health
	assert_line "$LOG" "listen on $SOCKET: Address already in use" 5
	assert_eq 1 "$(grep -c "$SOCKET" "$LOG")" "lines about it"
	stop_agent
}

# listen_there UID: a process of that user that listens at the path.
listen_there() {
	setpriv --reuid "$1" --regid "$1" --clear-groups $PYTHON -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
while True: s.accept()[0].close()' "$SOCKET" &
	LISTENER=$!
	defer stop $LISTENER
	wait_until 5 test -S "$SOCKET"
}

test_a_regular_file() {
	begin_directory
	echo precious >"$SOCKET"
	chown $AGENT_UID "$SOCKET"
	refused
	assert_eq precious "$(cat "$SOCKET")" "what is in the file"
}

test_a_link() {
	begin_directory
	echo precious >"$DIRECTORY/file"
	ln -s file "$SOCKET"
	chown -h $AGENT_UID "$SOCKET" "$DIRECTORY/file"
	refused
	[ -L "$SOCKET" ] || fail "the link is gone"
	assert_eq precious "$(cat "$SOCKET")" "what is in the file"
	ln -sfn nowhere "$SOCKET"
	refused
	[ ! -e "$DIRECTORY/nowhere" ] || fail "a socket is made where a link leads"
}

test_a_socket_of_another_user() {
	begin_directory
	chmod 777 "$DIRECTORY"
	listen_there 33
	chmod 777 "$SOCKET"
	kill -KILL $LISTENER
	refused
	assert_eq 33 "$(stat -c %u "$SOCKET")" "owner of the socket"
}

test_a_socket_that_is_answered() {
	begin_directory
	listen_there $AGENT_UID
	refused
	is_alive $LISTENER
	[ -S "$SOCKET" ] || fail "the socket is gone"
}

test_what_an_earlier_run_left() {
	begin_directory
	listen_there $AGENT_UID
	kill -KILL $LISTENER
	wait_until 5 has_ended $LISTENER
	observe_with_health
	assert_line <(curl -sS --unix-socket "$SOCKET" http://x/healthz) process_uptime_ns
	stop_agent
}

run_tests "$@"
