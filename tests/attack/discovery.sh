#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A local user against discovery: nobody is made invisible by what an ordinary user's processes do.
#
#   listeners    8,300 idle ones filled the table of processes: a server begun then had no span, and
#                nothing was said. Now the table holds selected processes alone.
#   full         And if these are selected: it is said of whom nothing is seen, and made good when
#                others end.
#   exec storm   of a process with 20,000 descriptors, each walked at each exec: servers were lost for
#                good. Now a look is bounded, users take turns, and what is lost is made good.
#   hang         An execve(2) that waits for a file system of its user's making: the broker stood
#                still with it, also at SIGTERM. Now a child looks, and is ended.
#   capabilities What /proc takes is held by that child, not by the broker.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

ATTACKER_UID=61007

observe() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_TRACE_PRINTER=json "$@"
	assert_line "$LOG" 'application tracer attached' 10
}

build() {
	need gcc
	gcc -O1 -o "$SCRATCH/$1" "$LIB/targets/$1.c"
}

# The attacker is an ordinary user.
as_attacker() {
	exec setpriv --reuid $ATTACKER_UID --regid $ATTACKER_UID --clear-groups "$@"
}

# begin_server PORT: SERVER
begin_server() {
	$PYTHON "$LIB/targets/echo.py" "$1" &
	SERVER=$!
	defer stop $SERVER
	wait_until 10 listens $SERVER "$1" || fail "the server does not listen"
}

get() {
	curl -sS --max-time 5 -o /dev/null "http://127.0.0.1:$1$2"
}

# seen PORT PATH: a request to a server that has just begun becomes a span.
seen() {
	get "$1" "$2"
	wait_until 2 has_spans 1 "path=$2"
}

LIMIT[test_listeners]=120

test_listeners() {
	build listeners
	observe OTEL_EBPF_OPEN_PORT=8080
	(as_attacker "$SCRATCH/listeners" 8300 0) >"$SCRATCH/listeners.out" &
	defer stop $!
	assert_line "$SCRATCH/listeners.out" ready 60
	sleep 1
	begin_server 8080
	application_ready $SERVER
	seen 8080 /server || fail "the server's request is not seen"
	assert_no_line "$LOG" 'not observed|has ended'
	stop_agent
}

LIMIT[test_full]=150

# All of them are on the port that is observed.
test_full() {
	local attack
	build listeners
	observe OTEL_EBPF_OPEN_PORT=7000,8080
	(as_attacker "$SCRATCH/listeners" 8300 7000) >"$SCRATCH/listeners.out" &
	attack=$!
	defer stop $attack
	assert_line "$SCRATCH/listeners.out" ready 60
	assert_line "$LOG" 'level=WARN msg="a process is selected but not observed.*pid=[0-9]' 30
	begin_server 8080
	stop $attack || true
	# Its line in the log may be one of those that are left out.
	wait_until 20 seen 8080 /later || fail "the server is not observed when there is room"
	stop_agent
	assert_ge "$(total 'process totals' notObserved)" 1 "processes that found no room"
}

LIMIT[test_exec_storm]=90

test_exec_storm() {
	local i attack=()
	build execstorm
	observe OTEL_EBPF_OPEN_PORT=8080-8099
	for i in 1 2; do
		(as_attacker "$SCRATCH/execstorm" 20000 25) >"$SCRATCH/storm.$i" &
		attack+=($!)
		defer stop $!
	done
	sleep 3
	for i in {0..9}; do
		begin_server $((8080 + i))
		application_ready $SERVER
		seen $((8080 + i)) "/storm/$i" || fail "server $i is not seen"
	done
	wait "${attack[@]}" || true
	cat "$SCRATCH"/storm.*
	is_alive "$AGENT" || fail "it has ended"
	stop_agent
}

# Of more news than there is room for, nothing is lost for good: servers that began meanwhile, one that
# became another, one that ended.
test_lost_news() {
	local i servers=()
	observe OTEL_EBPF_OPEN_PORT=8080-8089
	begin_server 8080
	application_ready $SERVER
	kill -STOP "$AGENT"
	for ((i = 0; i < 4500; i++)); do
		/usr/bin/true
	done
	for i in 1 2 3; do
		begin_server "808$i"
		servers+=("$SERVER")
	done
	kill -CONT "$AGENT"
	application_ready "${servers[@]}"
	assert_eq 1 "$(grep -c 'level=WARN msg="news of processes were lost.* lost=[1-9]' "$LOG")" "warnings"
	for i in 0 1 2 3; do
		seen "808$i" "/lost/$i" || fail "server $i is not seen"
	done
	stop_agent
}

# begin_hang PORT: HANG, a process that holds whoever looks at it, while HANG_FS answers no close(2).
begin_hang() {
	local file=$SCRATCH/hang.$1
	touch "$file"
	$PYTHON "$LIB/hang_fs.py" "$file" >"$file.out" 2>&1 &
	HANG_FS=$!
	defer umount -l "$file"
	defer end_now $HANG_FS
	wait_line "$file.out" mounted 5 || skip "no FUSE here: $(cat "$file.out")"
	(as_attacker "$SCRATCH/hang_exec" "$file" "$1") &
	HANG=$!
	defer end_now $HANG
}

end_now() {
	kill -KILL "$1" 2>/dev/null || true
}

# The mount is in a namespace of its own.
apart() {
	[ -c /dev/fuse ] || skip "needs /dev/fuse"
	need gcc umount
	[ -n "${OBI_TEST_APART:-}" ] ||
		OBI_TEST_APART=1 exec unshare --mount --propagation private bash "$0" --one "$1"
}

LIMIT[test_hang]=90

test_hang() {
	local begun i
	apart test_hang
	build hang_exec
	observe OTEL_EBPF_OPEN_PORT=8080-8099 OTEL_EBPF_SHUTDOWN_TIMEOUT=5s
	sleep 1
	begin_hang 8090
	begin_server 8080
	assert_line "$LOG" "level=WARN msg=\"a process holds whoever looks at it.* pid=$HANG\$" 10
	application_ready $SERVER
	seen 8080 /meanwhile || fail "the server is not seen while a process holds a look"
	for i in 1 2 3; do
		begin_server "808$i"
		application_ready $SERVER
		seen "808$i" "/next/$i" || fail "server $i is not seen"
	done
	# It holds no second one.
	sleep 3
	assert_eq 1 "$(grep -c 'a process holds whoever' "$LOG")" "warnings"
	begun=$(now_ms)
	stop_agent
	assert_le $(($(now_ms) - begun)) 5000 "milliseconds to stop"
	assert_no_line "$LOG" 'the worker (died|broke)|level=ERROR'
}

LIMIT[test_files_that_hold_who_reads_them]=60

# An executable on a file system of its own user, of which not all can be read, by nobody who could be
# ended: the worker, which looks for the language in executables, gets no such file. Before: it hung.
test_files_that_hold_who_reads_them() {
	local file=$SCRATCH/held
	apart test_files_that_hold_who_reads_them
	gcc -O1 -o "$SCRATCH/program" "$LIB/targets/listeners.c"
	touch "$file"
	$PYTHON "$LIB/hang_fs.py" "$file" "$SCRATCH/program" >"$file.out" 2>&1 &
	HANG_FS=$!
	defer umount -l "$file"
	defer end_now $HANG_FS
	wait_line "$file.out" mounted 5 || skip "no FUSE here: $(cat "$file.out")"
	observe OTEL_EBPF_OPEN_PORT=8080-8099 OTEL_EBPF_SHUTDOWN_TIMEOUT=5s
	(as_attacker "$file" 1 8090) &
	HANG=$!
	defer end_now $HANG
	assert_line "$LOG" "msg=\"instrumenting process\" cmd=$file " 10
	begin_server 8080
	application_ready $SERVER
	seen 8080 /meanwhile || fail "the server is not seen"
	stop_agent
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

LIMIT[test_hang_at_start_and_stop]=90

# One that hangs when the agent comes, and ten whose hold is on while it ends.
test_hang_at_start_and_stop() {
	local begun i
	apart test_hang_at_start_and_stop
	build hang_exec
	begin_hang 8090
	begin_server 8080
	sleep 0.5
	observe OTEL_EBPF_OPEN_PORT=8080-8099 OTEL_EBPF_SHUTDOWN_TIMEOUT=5s
	application_ready $SERVER
	seen 8080 /first || fail "the server that was there before is not seen"
	assert_line "$LOG" "a process holds whoever looks at it.* pid=$HANG\$" 10
	for i in 1 2 3; do
		begin_hang $((8090 + i))
	done
	begin_server 8081
	application_ready $SERVER
	begun=$(now_ms)
	stop_agent
	assert_le $(($(now_ms) - begun)) 5000 "milliseconds to stop"
	assert_no_line "$LOG" 'the worker (died|broke)|level=ERROR'
}

# ---- Odd processes ----

# A file of 2 GiB of which almost all is a hole, one that is there no more, and a process whose listening
# socket is the last of very many descriptors: each is found, and costs what any other does.
test_odd_executables() {
	local i python servers=()
	python=$(readlink -f $PYTHON)
	for i in large gone; do
		cp "$python" "$SCRATCH/$i"
	done
	truncate -s 2G "$SCRATCH/large"
	cat >"$SCRATCH/obi.yaml" <<-'END'
		discovery:
		  instrument:
		    - { open_ports: 8080-8089, languages: '*' }
	END
	observe OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml"
	PYTHONHOME=/usr "$SCRATCH/large" "$LIB/targets/echo.py" 8080 &
	servers+=($!)
	defer stop $!
	PYTHONHOME=/usr "$SCRATCH/gone" "$LIB/targets/echo.py" 8081 &
	servers+=($!)
	defer stop $!
	rm "$SCRATCH/gone"
	for i in 0 1; do
		wait_until 10 listens "${servers[i]}" "808$i" || fail "no server"
		application_ready "${servers[i]}"
		seen "808$i" "/odd/$i" || fail "$i is not seen"
	done
	assert_le "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(worker_of "$AGENT")/status")" 65536 \
		"KiB of the worker"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

test_last_of_many_descriptors() {
	local many
	$PYTHON - >"$SCRATCH/many" <<-'END' &
		import os, resource, signal, socket
		soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
		resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
		null = os.open("/dev/null", os.O_RDONLY)
		for _ in range(min(hard, 60000) - 50):
		    os.dup(null)
		server = socket.create_server(("127.0.0.1", 8080))
		print("ready", server.fileno(), flush=True)
		signal.pause()
	END
	many=$!
	defer stop $many
	assert_line "$SCRATCH/many" ready 10
	cat "$SCRATCH/many"
	observe OTEL_EBPF_OPEN_PORT=8080
	application_ready $many
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
	stop_agent
}

# caps_of PID: "effective permitted", as masks.
caps_of() {
	awk '/^Cap(Eff|Prm):/ { printf "%s ", $2 } END { print "" }' "/proc/$1/status" | sed 's/ $//'
}

# DAC_READ_SEARCH, SYS_PTRACE, CHECKPOINT_RESTORE: to look; BPF, PERFMON: to attach probes to what is
# mapped later.
PROC_CAPS=$(printf '%016x' $((1 << 2 | 1 << 19 | 1 << 40)))
NONE=$(printf '%016x' 0)
ATTACH=$(printf '%016x' $((1 << 39 | 1 << 38)))

assert_caps() {
	assert_eq "$ATTACH $ATTACH" "$(caps_of "$AGENT")" "capabilities of the broker"
	assert_eq "$PROC_CAPS $PROC_CAPS" "$(caps_of "$(keeper_of "$AGENT")")" "capabilities of the keeper"
	assert_eq "$PROC_CAPS $PROC_CAPS" "$(caps_of "$(looker_of "$AGENT")")" "capabilities of the looker"
	assert_eq "$NONE $NONE" "$(caps_of "$(worker_of "$AGENT")")" "capabilities of the worker"
}

secret_in() {
	local map
	while read -r map; do
		dd if="/proc/$1/mem" bs=4096 skip=$((0x${map%-*} / 4096)) \
			count=$(((0x${map#*-} - 0x${map%-*}) / 4096)) status=none 2>/dev/null
	done < <(sed -n 's/^\([0-9a-f]*-[0-9a-f]*\) rw-.*/\1/p' "/proc/$1/maps") | grep -qa "$2"
}

test_capabilities() {
	local pid
	begin_server 8080
	observe OTEL_EBPF_OPEN_PORT=8080,8081 OTEL_EXPORTER_OTLP_HEADERS=authorization=swordfish \
		OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
	application_ready $SERVER
	assert_caps
	for pid in $(keeper_of "$AGENT") $(looker_of "$AGENT"); do
		assert_eq 1 "$(sed -n 's/^NoNewPrivs:[^0-9]*//p' "/proc/$pid/status")" "no_new_privs"
		assert_eq "socket" "$(readlink "/proc/$pid/fd/"* | grep -v '^/dev/null$' | sed 's/:.*//' | sort -u)" \
			"descriptors"
		assert_eq 0 "$(stat -c %u "/proc/$pid/mem")" "owner of its memory: it is not dumpable"
	done
	secret_in "$AGENT" swordfish || fail "this test finds no secret where there is one"
	! secret_in "$(looker_of "$AGENT")" swordfish || fail "the looker's memory holds the collector's secret"
	# Another one, and another worker, are no different.
	kill -KILL "$(looker_of "$AGENT")" "$(worker_of "$AGENT")"
	begin_server 8081
	application_ready $SERVER
	assert_caps
	seen 8081 /after || fail "not seen with another looker"
	stop_agent
}

# The agent does not go on blind, and leaves nobody behind.
test_without_the_keeper_it_ends() {
	local pids status=0
	begin_server 8080
	observe OTEL_EBPF_OPEN_PORT=8080
	application_ready $SERVER
	pids=$(children "$AGENT")
	kill -KILL "$(keeper_of "$AGENT")"
	wait_until 10 has_ended "$AGENT" || fail "it goes on"
	wait "$AGENT" || status=$?
	assert_eq 255 $status "exit status"
	for pid in $pids; do
		wait_until 5 has_ended "$pid" || fail "a child outlives it"
	done
}

test_killed_broker_leaves_nobody() {
	local pids pid
	observe OTEL_EBPF_OPEN_PORT=8080
	sleep 0.5
	pids="$(children "$AGENT") $(looker_of "$AGENT")"
	kill -KILL "$AGENT"
	for pid in $pids; do
		wait_until 5 has_ended "$pid" || fail "a child outlives it"
	done
}

run_tests "$@"
