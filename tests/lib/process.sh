# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
#
# What the demo and the tests share: a scratch directory, processes that end with the script, the
# agent as an unprivileged user with file capabilities, nginx with a configuration of its own, a
# second network namespace. Processes are ended by their id, what is made is undone by defer.

# A user without an account, and without a file or a process but the agent's.
AGENT_UID=61001

CAPS_NETWORK=cap_bpf,cap_net_raw
CAPS_NETWORK_TC=cap_bpf,cap_net_admin,cap_perfmon
CAPS_APPLICATION=cap_bpf,cap_dac_read_search,cap_perfmon,cap_net_raw,cap_sys_ptrace,cap_checkpoint_restore
CAPS_PROPAGATION=$CAPS_APPLICATION,cap_net_admin

DEFERRED=()

# defer COMMAND...: runs it when the script ends, the last deferred first.
defer() {
	DEFERRED+=("$(printf '%q ' "$@")")
}

run_deferred() {
	local i
	trap - EXIT
	trap '' INT TERM
	for ((i = ${#DEFERRED[@]} - 1; i >= 0; i--)); do
		eval "${DEFERRED[i]}" || true
	done
	DEFERRED=()
}

# Call once: makes $SCRATCH, in a file system that honours file capabilities, readable for all.
begin_scratch() {
	local place options
	trap run_deferred EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	for place in "${TMPDIR:-/tmp}" /var/tmp /run; do
		# In a chroot the mount is not to be found: then it is tried.
		options=$(findmnt -n -o OPTIONS -T "$place" 2>/dev/null || true)
		[[ ,$options, == *,nosuid,* || ,$options, == *,noexec,* ]] && continue
		SCRATCH=$(mktemp -d "$place/obi.XXXXXX") && break
	done
	[ -n "${SCRATCH:-}" ] || {
		echo "no place for files with capabilities: /tmp and /var/tmp are mounted nosuid" >&2
		exit 1
	}
	chmod 755 "$SCRATCH"
	defer rm -rf "$SCRATCH"
}

# for_all FILE: a copy that every user can read; the tree may stand where others cannot go.
for_all() {
	local copy
	copy=$SCRATCH/$(basename "$1")
	cp "$1" "$copy" && chmod 755 "$copy" && echo "$copy"
}

now_ms() {
	local t=${EPOCHREALTIME/[.,]/}
	echo $((t / 1000))
}

is_alive() {
	# A zombie has ended.
	local state
	state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
	[ -n "$state" ] && [ "$state" != Z ]
}

# How many times slower than usual this machine is: guests are.
SLOWNESS=${OBI_TEST_SLOWNESS:-1}

# wait_until SECONDS COMMAND...: polls it every 20 ms.
wait_until() {
	local end=$(($(now_ms) + $1 * 1000 * SLOWNESS))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt $end ] || return 1
		sleep 0.02
	done
}

has_ended() {
	! is_alive "$1"
}

has_line() {
	grep -qE -- "$2" "$1" 2>/dev/null
}

# wait_line FILE REGEX SECONDS
wait_line() {
	wait_until "$3" has_line "$1" "$2"
}

# stop PID [SECONDS]: SIGTERM, then SIGKILL. Its exit status.
stop() {
	local status=0
	is_alive "$1" && kill -TERM "$1" 2>/dev/null
	wait_until "${2:-10}" has_ended "$1" || kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || status=$?
	return $status
}

# Listens process PID's network namespace on PORT? Looks without connecting.
listens() {
	local port
	port=$(printf ':%04X' "$2")
	awk -v port="$port" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 }
		END { exit !found }' "/proc/$1/net/tcp" "/proc/$1/net/tcp6" 2>/dev/null
}

# ---- The agent ----

# Another build to try than this one.
OBI=${OBI:-$ROOT/bin/obi}

# copy_agent CAPABILITIES FILE: CAPABILITIES without spaces, "" for none. For the agent's user alone.
copy_agent() {
	cp "$OBI" "$2" && chown "0:$AGENT_UID" "$2" && chmod 750 "$2" || return
	[ -z "$1" ] || setcap "$1+ep" "$2"
}

# A command around the agent, such as one that shows it other libraries.
AROUND=()

# unprivileged COMMAND...: becomes the command, under another user, without any group.
unprivileged() {
	exec "${AROUND[@]}" setpriv --reuid $AGENT_UID --regid $AGENT_UID --clear-groups "$@"
}

# children PID: its direct children, one a line.
children() {
	local file
	for file in "/proc/$1/task/"*/children; do
		tr ' ' '\n' <"$file" 2>/dev/null
	done | grep . || true
}

# bpf_objects PID...: "link 7", "prog 12", "map 30" for all that the processes hold.
bpf_objects() {
	local pid
	for pid in "$@"; do
		sed -n 's/^\(link\|prog\|map\)_id:[[:space:]]*/\1 /p' /proc/"$pid"/fdinfo/* 2>/dev/null
	done | sort -u
}

# bpf_gone FILE: none of the links and programs listed in FILE exists any more. Maps may outlive
# them for a moment.
bpf_gone() {
	local kind id
	while read -r kind id; do
		[ "$kind" = map ] && continue
		! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <"$1"
}

# ---- A second network namespace, joined by a veth pair ----

# Sets PEER, a process in the new namespace. Here is $1 with 10.77.0.1, there eth0 with 10.77.0.2,
# and fd77::1, fd77::2. The namespace has no name: it is gone with the process.
begin_peer() {
	local here=$1
	unshare --net sleep infinity &
	PEER=$!
	IN_PEER=(nsenter "--net=/proc/$PEER/ns/net")
	defer stop $PEER
	wait_until 5 peer_is_apart || return
	ip link add "$here" type veth peer name eth0 netns $PEER || return
	# The pair goes with the namespace, but not at once.
	defer drop_link "$here"
	ip addr add 10.77.0.1/24 dev "$here"
	ip addr add fd77::1/64 dev "$here" nodad
	ip link set "$here" up
	in_peer ip addr add 10.77.0.2/24 dev eth0
	in_peer ip addr add fd77::2/64 dev eth0 nodad
	in_peer ip link set lo up
	in_peer ip link set eth0 up
}

peer_is_apart() {
	local there
	there=$(readlink "/proc/$PEER/ns/net") && [ "$there" != "$(readlink /proc/self/ns/net)" ]
}

drop_link() {
	ip link del "$1" 2>/dev/null
}

# In the background write "${IN_PEER[@]}" COMMAND &, so that $! is the command's own id.
in_peer() {
	"${IN_PEER[@]}" "$@"
}

# ---- nginx ----

# start_nginx HTTP_BLOCK [COMMAND...]: NGINX is the master's id. COMMAND comes before nginx, such as
# "${IN_PEER[@]}".
# Set NGINX_WORKERS and NGINX_USER beforehand where it matters.
start_nginx() {
	local block=$1 dir kind
	shift
	dir=$(mktemp -d "$SCRATCH/nginx.XXXXXX")
	chmod 755 "$dir"
	{
		echo "daemon off; user ${NGINX_USER:-www-data}; worker_processes ${NGINX_WORKERS:-1};"
		echo "pid $dir/pid; error_log $dir/error.log warn;"
		echo "events { worker_connections 1024; }"
		echo "http { access_log off; default_type text/plain; keepalive_requests 1000000;"
		for kind in client_body proxy fastcgi uwsgi scgi; do
			echo "${kind}_temp_path $dir/$kind;"
		done
		echo "$block }"
	} >"$dir/nginx.conf"
	"$@" nginx -e "$dir/error.log" -c "$dir/nginx.conf" &
	NGINX=$!
	defer stop $NGINX
	NGINX_DIR=$dir
	wait_until 10 nginx_serves "$dir/pid" || {
		cat "$dir/error.log" >&2
		return 1
	}
}

# The pid file is written once the sockets listen; workers follow.
nginx_serves() {
	[ -s "$1" ] && [ -n "$(children "$(cat "$1")")" ]
}
