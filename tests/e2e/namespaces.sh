#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where the agent runs and where applications do: PID and user namespaces, and what /proc shows there.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
ON_THE_HOST=1
# shellcheck source=../lib/namespace.sh
. "$LIB/namespace.sh"

PORT=19471
STRANGER=19472

ask() {
	timeout 20 $PYTHON "$LIB/client.py" "$@" >/dev/null
}

# begin_server PORT [COMMAND...]: SERVER is its number here.
begin_server() {
	local port=$1
	shift
	"$@" $PYTHON "$LIB/targets/echo.py" "$port" &
	SERVER=$!
	defer stop $SERVER
	wait_until 5 listens $SERVER "$port" || fail "no server on port $port"
}

# begin_server_inside PORT: SERVER is its number here.
begin_server_inside() {
	start_inside env OTEL_SERVICE_NAME=mine $PYTHON "$LIB/targets/echo.py" "$1"
	SERVER=$INSIDE
	wait_until 5 listens "$SERVER" "$1" || fail "no server on port $1"
}

# In the namespace so that the next process there has this number.
next_number_inside() {
	"${IN_NAMESPACE[@]}" sh -c "echo $(($1 - 1)) >/proc/sys/kernel/ns_last_pid" 2>/dev/null ||
		skip "process numbers cannot be chosen here"
}

# The application beside the agent, with the very number that a stranger has on the host.
test_a_sidecar_sees_its_neighbour_and_no_stranger() {
	begin_namespace
	begin_server $STRANGER
	next_number_inside "$SERVER"
	STRANGERS=$SERVER
	begin_server_inside $PORT
	assert_eq "$STRANGERS" "$(number_of "$SERVER" 1)" "number of the neighbour"
	start_agent_inside "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT,$STRANGER OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$(number_of "$SERVER" 1)"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	for i in 1 2 3; do
		ask get 127.0.0.1 $PORT /mine$i
		ask get 127.0.0.1 $STRANGER /a_strangers
	done
	expect_spans 3 'path=/mine?' type=HTTP
	stop_agent_inside
	assert_eq 3 "$(spans type=HTTP*)" "spans in all"
}

# Found as it starts, as it listens and by its parent, in a namespace below and in one below that.
test_what_is_below_the_agents_namespace_has_the_agents_numbers() {
	local inside outer inner pid
	begin_namespace
	inside=("${IN_NAMESPACE[@]}")
	begin_namespace "${inside[@]}"
	outer=("${IN_NAMESPACE[@]}")
	IN_NAMESPACE=("${inside[@]}")
	start_agent_inside "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT-$((PORT + 3)) OTEL_EBPF_TRACE_PRINTER=text
	wait_line "$LOG" 'tracer attached' 10
	IN_NAMESPACE=("${outer[@]}")
	begin_server_inside $PORT
	application_ready "$(number_of "$SERVER" 1)"
	ask get 127.0.0.1 $PORT /below

	begin_namespace "${outer[@]}"
	start_inside $PYTHON "$LIB/targets/echo.py" $((PORT + 1)) 2
	inner=$INSIDE
	wait_until 5 listens "$inner" $((PORT + 1))
	[ -n "$(number_of "$inner" 3)" ] || fail "it is not three namespaces down"
	for pid in "$inner" $(children "$inner"); do
		application_ready "$(number_of "$pid" 1)"
	done
	for i in 1 2 3 4; do
		ask get 127.0.0.1 $((PORT + 1)) /deep$i
	done
	expect_spans 1 path=/below type=HTTP service=mine
	expect_spans 4 'path=/deep*' type=HTTP
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent_inside
	assert_eq 5 "$(spans type=HTTP*)" "spans in all"
}

# Whose child a request is, is told by the threads that read and send.
test_parents_in_a_namespace_are_the_right_ones() {
	local mode right none wrong
	begin_namespace
	for target in "inner $((PORT + 1))" "thread $PORT $((PORT + 1))"; do
		# shellcheck disable=SC2086
		start_inside $PYTHON "$LIB/targets/middle.py" $target
	done
	wait_until 5 listens "$INSIDE" $PORT
	for mode in disabled headers; do
		start_agent_inside "$CAPS_PROPAGATION" OTEL_EBPF_BPF_CONTEXT_PROPAGATION=$mode OTEL_EBPF_OPEN_PORT=$PORT \
			OTEL_EBPF_TRACE_PRINTER=text
		application_ready "$(number_of "$INSIDE" 1)"
		sleep 0.3
		timeout 40 $PYTHON "$LIB/targets/middle.py" load $PORT 100 8
		stop_agent_inside
		read -r right none wrong < <($PYTHON "$LIB/spans.py" parents "$LOG")
		assert_eq "100 0 0" "$right $none $wrong" "$mode: right, none, wrong"
	done
}

test_the_host_sees_applications_in_namespaces() {
	begin_namespace
	begin_namespace "${IN_NAMESPACE[@]}"
	begin_server_inside $PORT
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$SERVER"
	ask get 127.0.0.1 $PORT /nested
	expect_spans 1 path=/nested service=mine
	stop_agent
}

# Root in there and nobody out here, in a PID namespace of its own as container engines without root do.
test_an_application_in_a_user_namespace() {
	local server
	server=$(for_all "$LIB/targets/echo.py")
	setpriv --reuid 61002 --regid 61002 --clear-groups unshare --user --map-root-user true ||
		skip "no user namespaces for users"
	setpriv --reuid 61002 --regid 61002 --clear-groups unshare --user --map-root-user --pid --fork --mount-proc \
		--kill-child env OTEL_SERVICE_NAME=rootless $PYTHON "$server" $PORT &
	defer stop $!
	wait_until 5 has_child $! || fail "it does not run"
	SERVER=$(children $!)
	wait_until 5 listens "$SERVER" $PORT || fail "it does not listen"
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$SERVER"
	ask get 127.0.0.1 $PORT /rootless
	expect_spans 1 path=/rootless service=rootless
	stop_agent
}

# As with docker run -v /proc:/proc: what is looked at there is the host.
test_proc_of_the_host_in_a_namespace_shows_the_host() {
	begin_server $PORT
	begin_namespace
	"${IN_NAMESPACE[@]}" umount /proc || skip "/proc cannot be unmounted"
	start_agent_inside "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text
	application_ready "$SERVER"
	assert_line "$LOG" "level=WARN msg=\"/proc is the host's.*remedy=.*mount -t proc"
	ask get 127.0.0.1 $PORT /by_the_hosts_proc
	expect_spans 1 path=/by_the_hosts_proc
	stop_agent_inside
}

# refuses_to_start: says that /proc is no use, and what to do.
refuses_to_start() {
	enter_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text
	wait_until 5 has_ended "$ENTERED" || fail "it runs"
	assert_line "$LOG" 'level=ERROR msg="cannot look at processes" error="/proc .*mount -t proc proc /proc'
	assert_eq 1 "$(grep -c 'level=ERROR' "$LOG")" "errors"
}

test_proc_of_another_namespace_is_refused() {
	step between
	begin_namespace
	begin_namespace "${IN_NAMESPACE[@]}"
	"${IN_NAMESPACE[@]}" umount /proc || skip "/proc cannot be unmounted"
	refuses_to_start

	step none
	"${IN_NAMESPACE[@]}" umount /proc
	"${IN_NAMESPACE[@]}" umount /proc || true
	refuses_to_start
}

# Who holds CAP_SYS_PTRACE sees all that a /proc hides.
test_hidden_processes_are_seen() {
	local how
	for how in noaccess invisible ptraceable; do
		step $how
		begin_namespace
		"${IN_NAMESPACE[@]}" mount -t proc -o hidepid=$how proc /proc || skip "no hidepid=$how"
		begin_server_inside $PORT
		start_agent_inside "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text
		application_ready "$(number_of "$SERVER" 1)"
		ask get 127.0.0.1 $PORT /hidden
		expect_spans 1 path=/hidden service=mine
		assert_no_line "$LOG" 'level=(WARN|ERROR)'
		stop_agent_inside
		stop "$SERVER" || true
	done
}

# By its number here, and with its own libraries.
test_explain_of_a_process_below() {
	local report=$SCRATCH/report
	begin_namespace
	begin_server_inside $PORT
	OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text "$OBI" explain "$SERVER" >"$report"
	assert_line "$report" '^selected: +yes$'
	assert_line "$report" '^  name: +mine$'
	assert_line "$report" '^    library: +OpenSSL$'
	assert_line "$report" '^unreadable: none$'
	# There it has another number, as has the agent that would run there.
	OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER=text "${IN_NAMESPACE[@]}" "$OBI" explain \
		"$(number_of "$SERVER" 1)" >"$report"
	assert_line "$report" "^  instance: +.*:$(number_of "$SERVER" 1)\$"
	assert_line "$report" '^    library: +OpenSSL$'
}

test_explain_of_a_kernel_thread() {
	local status=0
	[ "$(cat /proc/2/comm 2>/dev/null)" = kthreadd ] || skip "no kernel threads are shown here"
	"$OBI" explain 2 2>"$SCRATCH/report" || status=$?
	assert_eq 1 $status "exit status"
	assert_line "$SCRATCH/report" '^obi explain: PID 2: a kernel thread, or ending: it has no executable'
}

run_tests "$@"
