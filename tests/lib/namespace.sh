# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
#
# PID namespaces, each with a /proc of its own, and an agent in one of them. For files that source lib.sh.

# begin_namespace [COMMAND...]: INIT is its first process, by its number here, and IN_NAMESPACE the words
# before a command that shall run in it. COMMAND comes before, such as those words of another one. It ends
# with the test, and so does all that runs in it.
begin_namespace() {
	local outer
	"$@" unshare --pid --fork --mount --mount-proc --kill-child sleep infinity &
	outer=$!
	defer stop $outer
	INIT=
	wait_until 5 find_init $outer "$(readlink /proc/self/ns/pid)" || skip "no PID namespaces here"
	IN_NAMESPACE=(nsenter --target "$INIT" --pid --mount --root)
}

# The sleep at the end of what was begun as that process.
find_init() {
	local pid=$1
	while [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != sleep ]; do
		pid=$(children "$pid" | head -n 1)
	done
	INIT=$pid
	[ -n "$INIT" ] && [ "$(readlink "/proc/$INIT/ns/pid")" != "$2" ]
}

# number_of PID LEVEL: the number of a process of ours in the namespace so many below ours.
number_of() {
	awk -v at=$(($2 + 2)) '$1 == "NSpid:" { print $at }' "/proc/$1/status"
}

# start_inside COMMAND...: in the namespace, in the background. INSIDE is its number here.
start_inside() {
	local entered
	"${IN_NAMESPACE[@]}" "$@" &
	entered=$!
	wait_until 5 has_child $entered || fail "nothing runs in the namespace"
	INSIDE=$(children $entered)
	defer stop "$INSIDE"
}

has_child() {
	[ -n "$(children "$1" 2>/dev/null)" ]
}

# As start_agent_inside, but for the agent's own number: it may end at once.
enter_agent() {
	export AGENT_DIR # a directory from outside is of another mount: no file there has capabilities
	# shellcheck disable=SC2016
	AROUND=("${IN_NAMESPACE[@]}" sh -c 'cd "$AGENT_DIR" && exec "$@"' sh)
	start_agent "$@"
	AROUND=()
	ENTERED=$AGENT
}

# start_agent_inside CAPABILITIES NAME=VALUE...: as start_agent, in the namespace.
start_agent_inside() {
	enter_agent "$@"
	wait_until 5 has_child $ENTERED || fail "the agent does not run"
	AGENT=$(children $ENTERED)
}

# As stop_agent. Who entered ends as the agent does.
stop_agent_inside() {
	local status=0
	kill -TERM "$AGENT"
	wait_until 12 has_ended $ENTERED || fail "the agent does not end"
	wait $ENTERED || status=$?
	assert_eq 0 $status "exit status of the agent"
}
