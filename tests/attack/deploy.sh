#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What deploy/ grants, and nothing besides: the units by systemd itself, the pod as a container runtime would
# begin it. The agent does its work there, and its children are as shut in as elsewhere.
#
# Not shown: spans under systemd, which here runs in a process namespace of its own, where the agent's
# numbers of processes are not the kernel's; nor a real container runtime.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
ON_THE_HOST=1

PORT=18760
SCRAPED=18761
TARGET_UID=61002

# ---- What each process must be like ----

status_of() { # PID FIELD
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# As in linux/capability.h.
declare -A CAP_NUMBER=([DAC_READ_SEARCH]=2 [NET_ADMIN]=12 [NET_RAW]=13 [SYS_PTRACE]=19 [PERFMON]=38 [BPF]=39
	[CHECKPOINT_RESTORE]=40)

mask_of() { # NAME...
	local name mask=0
	for name in "$@"; do
		mask=$((mask | 1 << CAP_NUMBER[${name#CAP_}]))
	done
	printf '%x' $mask
}

# like PID COMMAND...: becomes the command, of the same user, with the same capabilities but SYS_PTRACE.
like() {
	local uid mask name caps=-all
	uid=$(status_of "$1" Uid | cut -f 1)
	mask=$((0x$(status_of "$1" CapPrm) & ~(1 << CAP_NUMBER[SYS_PTRACE]) & ~(1 << CAP_NUMBER[PERFMON])))
	for name in "${!CAP_NUMBER[@]}"; do
		((!(mask >> CAP_NUMBER[$name] & 1))) || caps+=,+${name,,}
	done
	exec setpriv --reuid "$uid" --regid "$uid" --clear-groups --inh-caps "$caps" --ambient-caps "$caps" \
		--bounding-set "$caps" "${@:2}"
}

# One that is like it does not see its environment; of another such, the control, it does. Who holds
# SYS_PTRACE is seen by nobody without; and who holds PERFMON reads any environment, on later kernels.
assert_not_dumpable() { # PID WHAT
	local control
	! (like "$1" cat "/proc/$1/environ") >/dev/null 2>&1 || fail "$2 is dumpable"
	(like "$1" sleep 20) &
	control=$!
	wait_until 5 has_become "$control" sleep
	(like "$1" cat "/proc/$control/environ") >/dev/null || fail "the control is not seen"
	stop $control || true
}

has_become() { # PID NAME
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

# assert_shut_in AGENT GRANTED: nothing of the agent has more than was granted; the worker has nothing.
assert_shut_in() {
	local pid worker kept=$((1 << 39 | 1 << 12))
	worker=$(worker_of "$1")
	# Probes are attached as libraries are mapped.
	! grep -q 'probes on TLS libraries' "$LOG" || kept=$((kept | 1 << 38))
	for pid in "$1" $(children "$1") $(looker_of "$1"); do
		assert_eq 1 "$(status_of "$pid" NoNewPrivs)" "no_new_privs"
		assert_eq 0 $((0x$(status_of "$pid" CapPrm) & ~0x$2)) "capabilities that were not granted"
		assert_eq 0 $((0x$(status_of "$pid" CapBnd) & ~0x$2)) "bounds that were not granted"
		assert_not_dumpable "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
	assert_eq 0 $((0x$(status_of "$worker" CapPrm) | 0x$(status_of "$worker" CapInh))) "capabilities of the worker"
	assert_eq 2 "$(status_of "$worker" Seccomp)" "filter of the worker's system calls"
	assert_eq 0 $((0x$(status_of "$1" CapEff) & ~kept)) "what the broker keeps, but BPF, NET_ADMIN and, for probes, PERFMON"
}

# ---- systemd ----

# The hierarchies that systemd uses: "MOUNT TYPE" each.
hierarchies() {
	findmnt -n -l -t cgroup,cgroup2 -o TARGET,FSTYPE,OPTIONS |
		awk '$2 == "cgroup2" || /name=systemd/ { print $1, $2 }'
}

# Those in it have just been ended.
drop_cgroup() {
	wait_until 5 is_dropped "$1"
}

is_dropped() {
	find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
	[ ! -e "$1" ]
}

# systemd_in_place UNIT: becomes systemd, which knows this one unit, with the program where the unit says
# that it is; in namespaces and cgroups of its own.
systemd_in_place() {
	local unit=$1 mount type
	mount --make-rprivate /
	mount -t tmpfs none /run
	mount -t tmpfs none /var/tmp
	mount -t tmpfs none /usr/local/bin
	mount --bind "$SCRATCH/group" /etc/group
	mount --bind "$SCRATCH/default" /etc/default
	install -o root -g obi -m 750 "$OBI" /usr/local/bin/obi
	mkdir -p "/run/systemd/system/$unit.service.d"
	cp "$ROOT/deploy/$unit.service" /run/systemd/system/
	# Where its output goes is another's, since there is no journal; and no other unit is there.
	printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=append:%s\nStandardError=inherit\n' "$LOG" \
		>"/run/systemd/system/$unit.service.d/test.conf"
	printf '[Unit]\nDefaultDependencies=no\nWants=%s.service\n' "$unit" >/run/systemd/system/obi-test.target
	while read -r mount type; do
		umount -l "$mount"
		if [ "$type" = cgroup2 ]; then
			mount -t cgroup2 none "$mount"
		else
			mount -t cgroup -o none,name=systemd none "$mount"
		fi
	done <"$SCRATCH/hierarchies"
	exec env -i container=obi-test /lib/systemd/systemd --system --unit=obi-test.target --log-target=console
}

# begin_systemd UNIT NAME=VALUE...: with this unit of deploy/, and variables where it says. AGENT, LOG.
begin_systemd() {
	local unit=$1 mount type
	need systemctl nsenter
	[ -x /lib/systemd/systemd ] || skip "needs systemd"
	LOG=$SCRATCH/log
	mkdir "$SCRATCH/default"
	printf '%s\n' "${@:2}" >"$SCRATCH/default/$unit"
	(cat /etc/group && echo obi:x:61090:) >"$SCRATCH/group"
	hierarchies >"$SCRATCH/hierarchies"
	while read -r mount type; do
		mkdir "$mount/obi-test.$$" || skip "no cgroup can be made"
		defer drop_cgroup "$mount/obi-test.$$"
	done <"$SCRATCH/hierarchies"
	(
		while read -r mount type; do
			echo "$BASHPID" >"$mount/obi-test.$$/cgroup.procs"
		done <"$SCRATCH/hierarchies"
		export SCRATCH ROOT OBI LOG
		exec unshare --mount --pid --fork --cgroup --ipc --uts --mount-proc --kill-child \
			bash -ec "$(declare -f systemd_in_place); systemd_in_place $unit"
	) >"$SCRATCH/systemd.log" 2>&1 &
	defer show "$SCRATCH/systemd.log"
	defer show "$LOG"
	defer end_now $!
	OUTSIDE=$!
	wait_until 20 systemd_answers || skip "no systemd runs here: $(tail -n 1 "$SCRATCH/systemd.log")"
	wait_until 20 has_begun || {
		in_systemd systemctl status "$unit" || true
		fail "the unit does not start"
	}
	AGENT=$(child_named "$(child_named $OUTSIDE systemd)" obi)
}

end_now() {
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

child_named() { # PID NAME
	local pid
	[ -n "$1" ] || return 0
	for pid in $(children "$1"); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$2" ] || echo "$pid"
	done
}

systemd_answers() {
	[ -n "$(child_named "$OUTSIDE" systemd)" ] && in_systemd systemctl show >"$SCRATCH/answer" 2>/dev/null
}

has_begun() {
	[ -n "$(child_named "$(child_named "$OUTSIDE" systemd)" obi)" ] && [ -s "$LOG" ]
}

in_systemd() {
	nsenter -t "$(child_named "$OUTSIDE" systemd)" -m -p "$@"
}

# granted UNIT: the mask of its capabilities.
granted() {
	# shellcheck disable=SC2046 # each is a word
	mask_of $(sed -n 's/^CapabilityBoundingSet=//p' "$ROOT/deploy/$1.service")
}

# It stops as systemd asks it to, with success.
stop_unit() {
	in_systemd systemctl stop "$1"
	assert_line "$LOG" 'successfully exiting' 5
	assert_eq "Result=success" "$(in_systemd systemctl show "$1" -p Result)" "of the unit"
}

assert_in_its_sandbox() {
	assert_shut_in "$AGENT" "$(granted "$1")"
	assert_ge "$(status_of "$AGENT" Uid | cut -f 1)" 61184 "user of the agent: a dynamic one"
	! nsenter -t "$AGENT" -m touch /etc/obi-test 2>/dev/null || fail "it may write to /etc"
}

test_unit_of_flows() {
	begin_peer veth0
	begin_systemd obi-network OTEL_EBPF_NETWORK_PRINT_FLOWS=1 OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=300ms \
		OTEL_EBPF_PROMETHEUS_PORT=$SCRAPED
	network_ready
	bash -c 'echo word >/dev/udp/10.77.0.2/5555'
	assert_line "$LOG" 'network_flow: .*dst.address=10.77.0.2 .*dst.port=5555' 5
	assert_in_its_sandbox obi-network
	scrape $SCRAPED "$SCRATCH/metrics"
	assert_ge "$(metric "$SCRATCH/metrics" obi_network_flow_bytes_total)" 40 "bytes of flows"
	stop_unit obi-network
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# Before: "User or group with specified name already exists", since its group has the name of the unit.
test_unit_of_applications() {
	begin_systemd obi OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_PROMETHEUS_PORT=$SCRAPED
	assert_line "$LOG" 'application tracer attached' 10
	wait_until 5 has_looker || fail "nobody looks at processes"
	assert_in_its_sandbox obi
	scrape $SCRAPED "$SCRATCH/metrics"
	stop_unit obi
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

has_looker() {
	[ -n "$(looker_of "$AGENT")" ]
}

# ---- Pods ----

# What deploy/k8s-daemonset.yaml asks for: root without but these capabilities, which no file can add to, on a
# file system that cannot be written. By seccomp what runtimes refuse by default; /proc and /sys as they show them.
in_pod() {
	local add dir
	add=$(sed -n 's/^ *add: \[\(.*\)\]$/\1/p' "$ROOT/deploy/k8s-daemonset.yaml" | tr '[:upper:]' '[:lower:]' | sed 's/, */,+/g')
	mount --make-rprivate /
	mount -t proc proc /proc
	for dir in /proc/sys /proc/bus /proc/fs /proc/irq /sys /sys/fs/cgroup; do
		mount --bind $dir $dir && mount -o remount,bind,ro $dir
	done
	for dir in /proc/kcore /proc/keys /proc/timer_list; do
		[ ! -e $dir ] || mount --bind /dev/null $dir
	done
	mount -t tmpfs -o ro none /sys/firmware
	mount -o remount,bind,ro /
	exec setpriv --bounding-set "-all,+$add" --inh-caps=-all --no-new-privs "$SCRATCH/runtime_default" "$@"
}

# begin_pod NAME=VALUE...: AGENT, LOG.
begin_pod() {
	need gcc setpriv
	gcc -O1 -o "$SCRATCH/runtime_default" "$LIB/targets/runtime_default.c" -lseccomp
	AGENT_DIR=$SCRATCH LOG=$SCRATCH/log
	install -m 755 "$OBI" "$SCRATCH/obi"
	(
		export SCRATCH ROOT
		exec unshare --mount bash -ec "$(declare -f in_pod)"'; in_pod "$@"' pod env -i "$@" "$SCRATCH/obi"
	) >"$LOG" 2>&1 &
	AGENT=$!
	defer show "$LOG"
	defer stop $AGENT
	assert_line "$LOG" 'application tracer attached' 10
}

begin_server() {
	setpriv --reuid $TARGET_UID --regid $TARGET_UID --clear-groups $PYTHON "$(for_all "$LIB/targets/echo.py")" $PORT &
	SERVER=$!
	defer stop $SERVER
	wait_until 10 listens $SERVER $PORT || fail "the server does not listen"
}

POD=("OTEL_EBPF_OPEN_PORT=$PORT" "OTEL_EBPF_PROMETHEUS_PORT=$SCRAPED" OTEL_EBPF_TRACE_PRINTER=text)

pod_mask() {
	# shellcheck disable=SC2046 # each is a word
	mask_of $(sed -n 's/^ *add: \[\(.*\)\]$/\1/p' "$ROOT/deploy/k8s-daemonset.yaml" | tr -d ,)
}

assert_serves() {
	application_ready "$SERVER"
	curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:$PORT/$1"
	expect_spans 1 "path=/$1" status=200 language=python
}

test_pod() {
	begin_peer veth0
	begin_server
	begin_pod "${POD[@]}" OTEL_EBPF_NETWORK_METRICS=true OTEL_EBPF_NETWORK_PRINT_FLOWS=1 \
		OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=300ms
	assert_serves pod
	bash -c 'echo word >/dev/udp/10.77.0.2/5555'
	assert_line "$LOG" 'network_flow: .*dst.address=10.77.0.2 .*dst.port=5555' 5
	assert_shut_in "$AGENT" "$(pod_mask)"
	stop_agent
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

# A worker that was taken over, in a pod as root: what it can do elsewhere it cannot here.
test_hostile_worker_in_a_pod() {
	local attack
	OBI=$ROOT/build/$(uname -m)/hostile/obi
	[ -x "$OBI" ] || skip "needs \`make hostile\`"
	begin_server
	for attack in signals paths; do
		step $attack
		begin_pod "${POD[@]}" ATTACK=worker:$attack
		assert_serves $attack
		assert_line "$LOG" "^attack $attack" 5
		stop_agent
		assert_ge "$(grep -c "^attack $attack .* EPERM$" "$LOG")" 4 "things that it tried"
		assert_no_line <(grep -vE ' EPERM$|tgkill_of_itself done$' "$LOG") "^attack $attack"
	done
}

run_tests "$@"
