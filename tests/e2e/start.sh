#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Odd starts: limits, descriptors, directories, spellings. Each works, or one line says what is wrong and
# what to do.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=19461

begin_server() {
	$PYTHON "$LIB/targets/echo.py" $PORT &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER $PORT || fail "no server"
}

# begin COMMAND...: the agent by way of that command, which ends by executing its arguments.
begin() {
	AROUND=("$@")
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EXPORTER_OTLP_ENDPOINT="${ENDPOINT:-}" OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
	AROUND=()
}

# works COMMAND...: as begin; there are spans, and nothing to complain of.
works() {
	begin "$@"
	application_ready "$SERVER"
	timeout 20 $PYTHON "$LIB/client.py" get 127.0.0.1 $PORT /odd >/dev/null
	expect_spans 1 path=/odd
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

# refused REGEX COMMAND...: as begin; it ends, and has said so in one line.
refused() {
	begin "${@:2}"
	wait_until 10 has_ended "$AGENT" || fail "it runs"
	assert_line "$LOG" "level=ERROR .*$1"
	assert_eq 1 "$(grep -c 'level=ERROR' "$LOG")" "errors"
}

# by_sh SCRIPT: BY_SH are words that run the script and then what comes behind them.
by_sh() {
	BY_SH=(bash -c "$1"'; exec "$@"' sh)
}

test_limits_that_are_too_low_are_named() {
	local row limit
	while read -r row limit; do
		step "${limit,,}"
		by_sh "ulimit ${row/_/ }"
		refused "$limit allows .* needed: ulimit" "${BY_SH[@]}"
	done <<-'END'
		-n_20 RLIMIT_NOFILE
		-v_30000 RLIMIT_AS
		-s_200 RLIMIT_STACK
		-f_16 RLIMIT_FSIZE
	END
}

test_low_limits_that_can_be_raised_are() {
	begin_server
	by_sh 'ulimit -S -n 20; ulimit -S -s 200; ulimit -S -c 0'
	works "${BY_SH[@]}"
}

# So many that the agent starts, and no more.
test_the_least_of_each_limit_is_enough() {
	begin_server
	by_sh 'ulimit -n 128; ulimit -v 65536; ulimit -s 256; ulimit -f 16384'
	works "${BY_SH[@]}"
}

test_a_user_with_no_more_processes() {
	local user=61003 # who has nothing else
	copy_agent "$CAPS_APPLICATION" "$SCRATCH/obi"
	chown 0:$user "$SCRATCH/obi"
	setcap "$CAPS_APPLICATION+ep" "$SCRATCH/obi"
	timeout 20 setpriv --reuid $user --regid $user --clear-groups prlimit --nproc=1 env -i \
		OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text "$SCRATCH/obi" >"$SCRATCH/log" 2>&1 &&
		fail "it starts"
	assert_line "$SCRATCH/log" 'level=ERROR msg="cannot start the worker" error="the user.*RLIMIT_NPROC'
}

test_closed_descriptors() {
	local closed
	begin_server
	for closed in '<&-' '2>&-' '<&- 2>&-'; do
		step "${closed//[^02]/_}"
		by_sh "exec $closed"
		works "${BY_SH[@]}"
	done
}

# What is said goes nowhere, and not into a file that was opened later; metrics are there all the same.
test_closed_standard_output() {
	begin_server
	by_sh 'exec >&- <&-'
	AROUND=("${BY_SH[@]}")
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_PROMETHEUS_PORT=19462
	AROUND=()
	assert_line "$LOG" 'standard output is closed' 5
	wait_until 10 curl -fsS -o /dev/null http://127.0.0.1:19462/metrics
	for fd in 0 1; do
		[[ $(readlink "/proc/$AGENT/fd/$fd") == /dev/* ]] || fail "what is at descriptor $fd"
	done
	stop_agent
}

test_odd_surroundings() {
	begin_server
	step umask
	by_sh 'umask 0777'
	works "${BY_SH[@]}"
	step no_name
	# shellcheck disable=SC2016
	works bash -c 'exec -a "" "$@"' sh
	step nice_and_batch
	works chrt --batch 0 nice -n 19
}

# in_mounts NAME COMMAND: with other mounts; what the agent is remains.
in_mounts() {
	step "$1"
	by_sh "$2"
	export AGENT_DIR
	# shellcheck disable=SC2016
	works unshare --mount "${BY_SH[@]}" sh -c 'cd "$AGENT_DIR" && exec "$@"' sh
}

test_odd_file_systems() {
	begin_server
	in_mounts read_only 'mount -o remount,ro,bind /'
	# By other names than those that are gone.
	in_mounts no_null_device 'umount -R /dev/pts /dev/shm 2>/dev/null; rm -f /dev/none; mount -t tmpfs none /dev'
	in_mounts proc_read_only 'mount -o remount,ro,bind /proc'
}

test_endpoint_spellings() {
	local row
	begin_server
	for row in HTTP://127.0.0.1:19463 ' http://127.0.0.1:19463/ ' http://LOCALHOST:19463 'http://[::1]:19463' \
		http://user:secret@127.0.0.1:19463; do
		step "$(tr -c 'a-zA-Z0-9\n' _ <<<"$row")"
		ENDPOINT=$row begin env
		application_ready "$SERVER"
		assert_line "$LOG" 'msg="exporting by OTLP".*endpoint=http://' 5
		assert_no_line "$LOG" 'secret|level=ERROR.*configuration'
		stop_agent
	done
}

test_endpoints_that_are_none_say_what_is_missing() {
	step no_scheme
	ENDPOINT=collector:4318 refused 'begins with http:// or https://' env
	step another_scheme
	ENDPOINT=grpc://collector:4318 refused 'begins with http:// or https://' env
	step blank
	ENDPOINT='http://coll ector:4318' refused 'without blanks' env
	step port
	ENDPOINT=http://collector:70000 refused 'port from 1 to 65535' env
	step no_bracket
	ENDPOINT=http://::1:4318 refused 'IPv6 in brackets' env
}

run_tests "$@"
