#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# obi explain says of a process what an agent makes of it: beside one that runs with the same
# configuration, of real programs; and of what cannot be looked at, one line in a bounded time.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

PORT=8080
LOOK_CAPS=+dac_read_search,+sys_ptrace,+checkpoint_restore
STRANGER=61007

# A copy without capabilities of its own, that everybody may run.
begin_explain() {
	EXPLAIN=$SCRATCH/explain/obi
	mkdir "$SCRATCH/explain"
	cp "$OBI" "$EXPLAIN"
	chmod 755 "$SCRATCH/explain" "$EXPLAIN"
	REPORT=$SCRATCH/report
	CONFIG=(OTEL_EBPF_TRACE_PRINTER=json)
	defer show "$REPORT"
}

# as_looker COMMAND...: another user, with what it takes to look at everybody's processes.
as_looker() {
	setpriv --reuid $AGENT_UID --regid $AGENT_UID --clear-groups --inh-caps $LOOK_CAPS \
		--ambient-caps $LOOK_CAPS "$@"
}

# explain ARGUMENT...: the REPORT of it, with CONFIG.
explain() {
	as_looker env -i PATH=/usr/bin:/bin "${CONFIG[@]}" timeout 30 "$EXPLAIN" explain "$@" >"$REPORT" 2>&1
}

# said EXPRESSION: of r, the report as JSON. files: those that are probed.
said() {
	$PYTHON -c '
import json, sys
r = json.load(open(sys.argv[1]))
files = [f["file"] for f in r["files"] if f["probed"]]
unseen = "; ".join(u["what"] for u in r["unseen"])
value = eval(sys.argv[2])
print(" ".join(map(str, value)) if isinstance(value, list) else value)' "$REPORT" "$1"
}

expect() {
	assert_eq "$1" "$(said "$2")" "$2"
}

# expect_like REGEX EXPRESSION
expect_like() {
	[[ $(said "$2") =~ $1 ]] || fail "$2 is '$(said "$2")', not like '$1'"
}

serve() {
	"$@" >"$SCRATCH/server.log" 2>&1 </dev/null &
	SERVER=$!
	defer stop $SERVER
	wait_until 10 listens $SERVER $PORT || fail "the server does not listen"
}

# logged MESSAGE FIELD [PART]: its value in the last such line, with PART in it.
logged() {
	grep "msg=\"$1\".*${3:-}" "$LOG" | tail -n 1 | sed -n "s/.* $2=\(\"[^\"]*\"\|[^ ]*\).*/\1/p" | tr -d '"'
}

# agrees PID [LIBRARY]: what an agent with this configuration does is what is explained while it runs.
# LIBRARY: the one that is probed, else none is.
agrees() {
	start_agent "$CAPS_APPLICATION" "${CONFIG[@]}"
	application_ready "$1"
	[ -z "${2:-}" ] || assert_line "$LOG" "library probed.*$2" 10
	explain --format json "$1"
	expect True 'r["selected"]'
	expect "$(logged 'instrumenting process' type "pid=$1 ")" 'r["language"]["name"]'
	expect "$(logged 'instrumenting process' service "pid=$1 ")" 'r["service"]["name"]'
	if [ -n "${2:-}" ]; then
		expect_like "$2" 'files'
		expect "$(for field in library sites singleStepped; do logged 'TLS library found' $field; done | xargs)" \
			'[v for f in r["files"] if f["probed"] for v in (f["library"], f["sites"], f["single_stepped"])]'
	else
		expect "" 'files'
		assert_no_line "$LOG" 'library probed'
	fi
	stop_agent
}

# ---- Real programs ----

test_nginx_inside_tls() {
	local worker
	need nginx curl
	begin_explain
	make_certificate
	start_nginx "server { listen $PORT ssl; ssl_certificate $CERT; ssl_certificate_key $KEY;
		location / { return 200 'hello'; } }"
	worker=$(children "$NGINX" | head -n 1)
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT" OTEL_EBPF_SERVICE_NAME=front)
	agrees "$worker" libssl
	expect generic 'r["language"]["name"]'
	expect OTEL_EBPF_OPEN_PORT 'r["because"]'
	expect $PORT 'r["listens"]'
	expect front 'r["service"]["name"]'
	expect "configuration, OTEL_EBPF_OPEN_PORT" '[s["source"] for s in r["service"]["sources"] if s["wins"]]'
	expect "OpenSSL a shared library" '[[f["library"], f["is"]] for f in r["files"] if f["probed"]][0]'
	expect "True []" '[r["complete"], r["unreadable"]]'
	# An agent of this user would lack some.
	expect_like 'a capability that neither .*: CAP_NET_RAW, CAP_PERFMON, CAP_BPF$' unseen
	env -i PATH=/usr/bin:/bin "${CONFIG[@]}" "$EXPLAIN" explain --format json "$worker" >"$REPORT"
	expect "" unseen
}

test_python_inside_tls() {
	begin_explain
	make_certificate
	CONFIG+=(OTEL_EBPF_AUTO_TARGET_EXE='*/python3*')
	# shellcheck disable=SC2016 # for the agent
	serve env OTEL_SERVICE_NAME='$(NOBODY_SAYS)' POD=a \
		OTEL_RESOURCE_ATTRIBUTES='service.namespace=shop,service.name=cart%20${POD}' \
		$PYTHON "$LIB/tls_talk.py" serve $PORT "$CERT" "$KEY"
	agrees $SERVER libssl
	expect python 'r["language"]["name"]'
	expect "the executable, a runtime" 'r["language"]["by"]'
	expect "cart a" 'r["service"]["name"]'
	expect shop 'r["service"]["namespace"]'
	# shellcheck disable=SC2016 # that is what it says
	expect '$(NOBODY_SAYS)' 'r["service"]["sources"][0]["says_nothing"]'
	expect "False True False False" '[s["wins"] for s in r["service"]["sources"]]'
}

test_redis_inside_tls() {
	need redis-server
	begin_explain
	make_certificate
	CONFIG+=(OTEL_EBPF_AUTO_TARGET_EXE='*/redis-*')
	serve redis-server --bind 127.0.0.1 --port 0 --tls-port $PORT --save '' --appendonly no \
		--tls-cert-file "$CERT" --tls-key-file "$KEY" --tls-ca-cert-file "$CERT" \
		--tls-auth-clients no --dir "$SCRATCH"
	agrees $SERVER libssl
}

test_node() {
	need node
	begin_explain
	CONFIG+=(OTEL_EBPF_AUTO_TARGET_LANGUAGE=nodejs)
	serve env OTEL_SERVICE_NAME=shop node -e "require('https').createServer().listen($PORT)"
	# Debian's has it shared, the makers' linked in.
	agrees $SERVER 'libssl|/node'
	expect OTEL_EBPF_AUTO_TARGET_LANGUAGE 'r["because"]'
	expect 'what it encrypts in memory on connections that are older than the agent' 'r["unseen"][-1]["what"]'
}

test_go() {
	need prometheus
	begin_explain
	CONFIG+=(OTEL_EBPF_OPEN_PORT=9090)
	start_prometheus 1
	SERVER=$!
	wait_until 10 listens $SERVER 9090 || fail "prometheus does not listen"
	agrees $SERVER
	expect "go the Go linker's marks in the executable" 'list(r["language"].values())'
	expect_like 'what crypto/tls encrypts' unseen
}

test_static_and_stripped() {
	need busybox
	begin_explain
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT")
	serve busybox httpd -f -p 127.0.0.1:$PORT -h "$SCRATCH"
	agrees $SERVER
	expect_like 'stripped, so that this cannot be told' unseen
}

# build_static FLAG...: a program with OpenSSL in it that listens.
build_static() {
	cat >"$SCRATCH/linked.c" <<-'END'
		#include <openssl/ssl.h>
		#include <netinet/in.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(8080) };
			int sock = socket(AF_INET, SOCK_STREAM, 0);
			char byte;
			if (argc > 5)
				return SSL_read((SSL *)argv, &byte, 1) + SSL_write((SSL *)argv, &byte, 1);
			bind(sock, (struct sockaddr *)&at, sizeof(at));
			listen(sock, 1);
			for (;;)
				pause();
		}
	END
	gcc -o "$SCRATCH/linked" "$@" "$SCRATCH/linked.c" -Wl,-Bstatic -lssl -lcrypto -Wl,-Bdynamic ||
		skip "needs gcc and libssl.a"
}

test_library_linked_into_the_executable() {
	begin_explain
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT")
	build_static
	serve "$SCRATCH/linked"
	agrees $SERVER linked
	expect "OpenSSL the executable" '[[f["library"], f["is"]] for f in r["files"] if f["probed"]][0]'
	stop $SERVER || true
	build_static -s
	serve "$SCRATCH/linked"
	agrees $SERVER
	expect_like 'stripped, so that this cannot be told' unseen
}

test_probes_switched_off() {
	begin_explain
	CONFIG+=(OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_BPF_TLS_PROBES=false)
	serve $PYTHON "$LIB/targets/echo.py" $PORT
	agrees $SERVER
	expect_like 'ebpf.tls_probes is off' '[f.get("why_not", "") for f in r["files"]]'
	expect_like 'what it encrypts: ebpf.tls_probes is off' unseen
}

test_library_left_alone() {
	begin_explain
	make_certificate
	CONFIG+=(OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_BPF_TLS_PROBES_EXCLUDE='*/libssl.so*')
	serve $PYTHON "$LIB/tls_talk.py" serve $PORT "$CERT" "$KEY"
	agrees $SERVER
	expect_like 'ebpf.tls_probes_exclude has it left alone' \
		'[f.get("why_not", "") for f in r["files"] if f.get("library")]'
}

# A program of 32 bits, whose clear text is seen.
test_of_32_bits() {
	[ "$(uname -m)" = x86_64 ] || skip "32-bit x86 programs run on x86-64 alone"
	begin_explain
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT")
	gcc -m32 -O2 -ffreestanding -fno-stack-protector -fno-pic -no-pie -nostdlib -static \
		-o "$SCRATCH/narrow" "$LIB/targets/compat.c" || skip "gcc makes no 32-bit programs"
	"$SCRATCH/narrow" >/dev/null 2>&1 || [ $? = 1 ] || skip "the kernel runs no 32-bit programs"
	serve "$SCRATCH/narrow" $PORT rw
	agrees $SERVER
	expect_like 'what a program of 32 bits encrypts' unseen
}

test_io_uring() {
	begin_explain
	gcc -O2 -pthread -o "$SCRATCH/uring" "$LIB/targets/uring.c" || skip "no linux/io_uring.h of 6.0 or later"
	[ "$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)" = 0 ] || skip "io_uring is forbidden"
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT")
	serve "$SCRATCH/uring" $PORT plain
	agrees $SERVER
	expect_like 'what io_uring moves' unseen
}

test_asyncio() {
	begin_explain
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT")
	serve $PYTHON -c "
import asyncio, ssl
async def main():
    await (await asyncio.start_server(print, '127.0.0.1', $PORT)).serve_forever()
asyncio.run(main())"
	agrees $SERVER libssl
	expect_like 'in memory on connections that are older' unseen
}

# ---- Selection ----

# What each of several entries says, and which one wins; and what an exclude list holds.
test_criteria() {
	begin_explain
	cat >"$SCRATCH/config.yml" <<-END
		trace_printer: json
		discovery:
		  instrument:
		    - { open_ports: 1, name: nobody }
		    - { exe_path: '*/python3*', name: first, namespace: space }
		    - { languages: python, cmd_args: '*echo.py*', name: second }
		  exclude_instrument:
		    - { cmd_args: '*secret*' }
	END
	chmod 644 "$SCRATCH/config.yml"
	CONFIG=(OTEL_EBPF_CONFIG_PATH="$SCRATCH/config.yml")
	serve $PYTHON "$LIB/targets/echo.py" $PORT
	agrees $SERVER libssl
	expect second 'r["service"]["name"]'
	expect space 'r["service"]["namespace"]'
	expect 'discovery.instrument[2]' 'r["because"]'
	expect 'not: ports|matches|matches|not: cmd_args' '"|".join(c["outcome"] for c in r["criteria"][:4])'
	expect 'configuration, discovery.instrument[1]' 'r["service"]["namespace_sources"][1]["source"]'
	expect 'configuration, discovery.instrument[2]' 'r["service"]["sources"][2]["source"]'
	$PYTHON -c 'import time; time.sleep(60)' secret &
	defer stop $!
	explain --format json $!
	expect False 'r["selected"]'
	expect 'an exclude list holds it' 'r["because"]'
	expect_like 'not selected' unseen
	start_agent "$CAPS_APPLICATION" "${CONFIG[@]}"
	application_ready $SERVER
	assert_no_line "$LOG" "instrumenting process.* pid=$! "
}

# A child is selected with its parent, whatever it is.
test_children() {
	local parent
	begin_explain
	CONFIG+=(OTEL_EBPF_AUTO_TARGET_EXE='*/python3*' OTEL_EBPF_SERVICE_NAME=family)
	$PYTHON -c 'import subprocess; subprocess.run(["sleep", "60"])' &
	parent=$!
	defer stop $parent
	wait_until 5 has_child $parent || fail "no child"
	agrees "$(children $parent)"
	expect "a child of PID $parent, which OTEL_EBPF_AUTO_TARGET_EXE selects" 'r["because"]'
	expect family 'r["service"]["name"]'
}

has_child() {
	[ -n "$(children "$1")" ]
}

# ---- Rights ----

# By a user of the agent's group: the capabilities of the file do not serve to read what strangers say.
test_capabilities_of_the_file_are_not_used() {
	begin_explain
	setcap "$CAPS_APPLICATION+ep" "$EXPLAIN"
	serve env OTEL_SERVICE_NAME=secret $PYTHON "$LIB/targets/echo.py" $PORT
	! setpriv --reuid $STRANGER --regid $STRANGER --clear-groups "$EXPLAIN" explain $SERVER >"$REPORT" 2>&1 ||
		fail "it is explained"
	assert_line "$REPORT" "^obi explain: PID $SERVER: .*CAP_SYS_PTRACE"
	assert_eq 1 "$(wc -l <"$REPORT")" lines
	assert_no_line "$REPORT" secret
}

# Of one's own process all is said but what is in its files, and what that would take.
test_what_may_not_be_read_is_named() {
	begin_explain
	install -m 644 "$LIB/targets/echo.py" "$SCRATCH/" # where that user may read it
	serve setpriv --reuid $STRANGER --regid $STRANGER --clear-groups env OTEL_SERVICE_NAME=mine \
		$PYTHON "$SCRATCH/echo.py" $PORT
	setpriv --reuid $STRANGER --regid $STRANGER --clear-groups "$EXPLAIN" explain --format json $SERVER >"$REPORT"
	expect mine 'r["service"]["name"]'
	expect $PORT 'r["listens"]'
	expect CAP_CHECKPOINT_RESTORE '[u["takes"] for u in r["unreadable"]]'
	LOOK_CAPS=+sys_ptrace explain --format json $SERVER
	expect python 'r["language"]["name"]'
	expect 'False False' '[r["complete"], "listens" in r]'
	expect 'True True False False' '[s.get("unread", False) for s in r["service"]["sources"]]'
	expect 'CAP_DAC_READ_SEARCH|CAP_DAC_READ_SEARCH|CAP_CHECKPOINT_RESTORE' \
		'"|".join(u["takes"] for u in r["unreadable"])'
	LOOK_CAPS=+dac_read_search explain $SERVER && fail "it is explained"
	assert_line "$REPORT" CAP_SYS_PTRACE
}

# ---- What cannot be looked at ----

# one_line STATUS REGEX ARGUMENT...
one_line() {
	local status=0 begun
	begun=$(now_ms)
	explain "${@:3}" || status=$?
	assert_eq "$1" $status "exit status of ${*:3}"
	assert_line "$REPORT" "$2"
	assert_le $(($(now_ms) - begun)) $((10000 * SLOWNESS)) "milliseconds"
}

test_no_such_process_and_no_number() {
	local word
	begin_explain
	sleep 0 &
	wait $!
	one_line 1 "^obi explain: PID $!: no such process\$" $!
	for word in x 0 1x 99999999999 ''; do
		one_line 2 "not the number of a process: '$word'" "$word"
	done
	one_line 2 "unknown argument '-1'" -1 1
	one_line 2 'which PID' --format json
	one_line 2 'text or json' 1 --format xml
	one_line 2 'text or json' 1 --format=xml
	one_line 0 '^Usage' --help
	# What can be told is told.
	sleep 60 &
	defer stop $!
	one_line 1 "^pid: +$!\$" $! 999999
	assert_line "$REPORT" 'PID 999999: no such process'
}

# As a kernel thread it has no executable.
test_zombie() {
	begin_explain
	$PYTHON -c 'import os, time
if os.fork(): time.sleep(60)' &
	defer stop $!
	wait_until 5 has_child $!
	one_line 1 'a kernel thread, or ending' "$(children $!)"
}

test_process_that_exits_meanwhile() {
	local i status
	begin_explain
	for i in $(seq 20); do
		sleep "0.00$i" &
		status=0
		explain $! || status=$?
		assert_le $status 1 "exit status"
		[ -s "$REPORT" ] || fail "nothing is said"
	done
}

# What a process says of itself does not reach the terminal as it is.
test_hostile_texts() {
	local file
	begin_explain
	file=$SCRATCH/$'a\e[31m"\nb'
	cp /bin/sleep "$file"
	OTEL_SERVICE_NAME=$'\e]0;x\a\xff' "$file" 60 &
	defer stop $!
	wait_until 5 grep -q 31m "/proc/$!/cmdline"
	explain $!
	LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f-\xff]' "$REPORT" && fail "bytes for the terminal"
	explain --format json $!
	expect True 'r["executable"].endswith("a\x1b[31m\"\nb")'
}

# Each byte of the headers is wrong once in some run.
test_hostile_executables() {
	local i
	need gcc
	begin_explain
	CONFIG+=(OTEL_EBPF_OPEN_PORT="$PORT")
	gcc -O1 -o "$SCRATCH/good" "$LIB/targets/listeners.c"
	for i in $(seq 8); do
		$PYTHON - "$SCRATCH/good" "$SCRATCH/bad" "$i" <<-'END'
			import random, struct, sys
			bytes_ = bytearray(open(sys.argv[1], "rb").read())
			random.seed(int(sys.argv[3]))
			sections = struct.unpack_from("<Q", bytes_, 40)[0]
			for at in random.sample(range(sections, len(bytes_)), 200) + random.sample(range(40, 48), 2):
			    bytes_[at] = random.randrange(256)
			open(sys.argv[2] + sys.argv[3], "wb").write(bytes_)
		END
		chmod 755 "$SCRATCH/bad$i"
		"$SCRATCH/bad$i" 1 0 >"$SCRATCH/out" &
		defer stop $!
		assert_line "$SCRATCH/out" ready 5
		one_line 0 "^executable: +$SCRATCH/bad$i\$" $!
	done
}

# ---- Who holds whoever looks ----

apart() {
	[ -c /dev/fuse ] || skip "needs /dev/fuse"
	need gcc umount
	[ -n "${OBI_TEST_APART:-}" ] ||
		OBI_TEST_APART=1 exec unshare --mount --propagation private bash "$0" --one "$1"
}

end_now() {
	kill -KILL "$1" 2>/dev/null || true
}

# mount_hanging FILE [PROGRAM]
mount_hanging() {
	touch "$1"
	$PYTHON "$LIB/hang_fs.py" "$@" >"$1.out" 2>&1 &
	defer umount -l "$1"
	defer end_now $!
	wait_line "$1.out" mounted 5 || skip "no FUSE here: $(cat "$1.out")"
}

test_process_that_holds_who_looks() {
	apart test_process_that_holds_who_looks
	begin_explain
	gcc -O1 -o "$SCRATCH/hang_exec" "$LIB/targets/hang_exec.c"
	mount_hanging "$SCRATCH/file"
	"$SCRATCH/hang_exec" "$SCRATCH/file" $PORT &
	defer end_now $!
	wait_until 5 listens $! $PORT
	sleep 0.2
	one_line 1 "PID $!: it holds whoever looks at it" $!
}

test_executable_that_is_never_read() {
	apart test_executable_that_is_never_read
	begin_explain
	gcc -O1 -o "$SCRATCH/program" "$LIB/targets/listeners.c"
	mount_hanging "$SCRATCH/file" "$SCRATCH/program"
	"$SCRATCH/file" 1 0 >"$SCRATCH/out" &
	defer end_now $!
	assert_line "$SCRATCH/out" ready 5
	one_line 0 "error: +of a file system in user space" $!
}

run_tests "$@"
