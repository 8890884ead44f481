#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the capabilities of the agent's file are good for in the hands of whoever may run it, and what
# is to be had of the agent's secrets: nothing but what the capabilities are for.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

# as_user COMMAND...: the agent's file with all its capabilities, in an ordinary user's hands. Its
# output is in $SCRATCH/said.
as_user() {
	[ -x "$SCRATCH/obi" ] || copy_agent "$CAPS_PROPAGATION" "$SCRATCH/obi"
	(cd "$SCRATCH" && unprivileged env -i "$@") >"$SCRATCH/said" 2>&1
}

begin_secret() {
	echo "SECRET7777: value" >"$SCRATCH/secret"
	chmod 600 "$SCRATCH/secret"
}

assert_refused() {
	assert_line "$SCRATCH/said" "[Pp]ermission denied"
	assert_no_line "$SCRATCH/said" SECRET7777
}

# Before: every verb opened a file that only root can read, and printed its lines.
test_a_configuration_of_root_stays_closed() {
	local verb
	begin_secret
	for verb in config check ""; do
		step "${verb:-agent}"
		as_user "$SCRATCH/obi" ${verb:+$verb} --config "$SCRATCH/secret" && fail "it was read"
		assert_refused
	done
	step by_variable
	as_user OTEL_EBPF_CONFIG_PATH="$SCRATCH/secret" "$SCRATCH/obi" config && fail "it was read"
	assert_refused
}

# Before: the spans of the capture were printed.
test_a_capture_of_root_stays_closed() {
	begin_secret
	as_user "$SCRATCH/obi" replay "$SCRATCH/secret" && fail "it was read"
	assert_refused
}

test_certificates_of_root_stay_closed() {
	begin_secret
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:4318 OTEL_EXPORTER_OTLP_CERTIFICATE="$SCRATCH/secret"
	assert_line "$LOG" 'cannot read a file for TLS.*error="Permission denied"' 10
	stop_agent
}

# Of a file that is no configuration not a word is said.
test_the_text_of_another_file_is_not_said() {
	printf 'SECRET7777 and\n\tSECRET7777: [ more\nSECRET7777: 1\nSECRET7777: 2\n' >"$SCRATCH/text"
	as_user "$SCRATCH/obi" config --config "$SCRATCH/text" && fail "it was taken"
	assert_line "$SCRATCH/said" 'parsing YAML configuration'
	assert_no_line "$SCRATCH/said" SECRET7777
}

# Before: nothing was said of a file that everybody may run.
test_a_file_that_everybody_may_run_is_warned_of() {
	need nginx
	copy_agent "$CAPS_APPLICATION" "$SCRATCH/obi"
	chmod 755 "$SCRATCH/obi"
	setcap "$CAPS_APPLICATION+ep" "$SCRATCH/obi"
	(unprivileged env -i OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text "$SCRATCH/obi") >"$SCRATCH/said" 2>&1 &
	defer stop $!
	assert_line "$SCRATCH/said" 'level=WARN msg="any user of this host can run this program.*remedy=.*0750' 5
}

test_it_is_installed_for_its_group_alone() {
	make -s -n -C "$ROOT" install DESTDIR="$SCRATCH/to" >"$SCRATCH/said" 2>&1
	assert_line "$SCRATCH/said" 'install -D -m 750 .*bin/obi'
}

# Before: a configuration that anybody can write was taken without a word.
test_a_doubtful_configuration_is_warned_of() {
	echo 'log_level: INFO' >"$SCRATCH/obi.yaml"
	step writable_by_all
	chmod 666 "$SCRATCH/obi.yaml"
	as_user "$SCRATCH/obi" config --config "$SCRATCH/obi.yaml" || true
	assert_line "$SCRATCH/said" 'any user may write this file'
	step of_another_user
	chmod 644 "$SCRATCH/obi.yaml"
	chown 33:33 "$SCRATCH/obi.yaml"
	as_user "$SCRATCH/obi" config --config "$SCRATCH/obi.yaml" || true
	assert_line "$SCRATCH/said" 'this file belongs to another user'
	step of_root
	chown 0:0 "$SCRATCH/obi.yaml"
	as_user "$SCRATCH/obi" config --config "$SCRATCH/obi.yaml" || true
	assert_no_line "$SCRATCH/said" 'this file'
}

# with_secrets COMMAND...: the agent, with credentials in its environment and its file.
with_secrets() {
	cat >"$SCRATCH/obi.yaml" <<-END
		otel_traces_export: { endpoint: 'http://user:\${IN_FILE}@127.0.0.1:4318' }
		discovery: { instrument: [ { open_ports: 8080 } ] }
	END
	AGENT_DIR=$SCRATCH LOG=$SCRATCH/log
	copy_agent "$CAPS_APPLICATION" "$SCRATCH/obi"
	("$@" env -i OTEL_EBPF_CONFIG_PATH="$SCRATCH/obi.yaml" IN_FILE=SECRET8888 TOKEN=SECRET7777 \
		UNRELATED=SECRET6666 OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer \${TOKEN}" \
		OTEL_EXPORTER_OTLP_CLIENT_KEY=/SECRET5555 "$SCRATCH/obi") >"$LOG" 2>&1 &
	AGENT=$!
	defer show "$LOG"
	defer stop $AGENT
	assert_line "$LOG" 'application tracer attached' 10
	assert_line "$LOG" 'exporting by OTLP' 10
}

# memory_of PID: all of it that can be written, in a file.
memory_of() {
	$PYTHON - "$1" >"$SCRATCH/memory" <<-'END'
		import re, sys
		pid = sys.argv[1]
		with open(f"/proc/{pid}/mem", "rb") as mem:
		    for line in open(f"/proc/{pid}/maps"):
		        match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
		        if match and "[v" not in line:
		            begin, end = (int(x, 16) for x in match.groups())
		            try:
		                mem.seek(begin)
		                sys.stdout.buffer.write(mem.read(end - begin))
		            except OSError:
		                pass
	END
}

assert_has_not() {
	memory_of "$1"
	assert_ge "$(stat -c %s "$SCRATCH/memory")" 100000 "bytes of its memory"
	[ "$(grep -ac "$2" "$SCRATCH/memory" || true)" = 0 ] || fail "$3 has $2"
}

# Before: the collector's headers were in the worker's environment and settings.
test_a_child_has_the_secrets_that_it_uses() {
	local secret worker sender
	with_secrets unprivileged
	worker=$(worker_of "$AGENT")
	sender=$(child_of "$AGENT" sender)
	for secret in 5555 6666 7777 8888; do
		step "worker_without_$secret"
		assert_has_not "$worker" "SECRET$secret" "the worker"
	done
	step sender_without_what_is_not_its_own
	assert_has_not "$sender" SECRET6666 "the sender"
	memory_of "$sender"
	grep -aq SECRET7777 "$SCRATCH/memory" || fail "the sender has not its header"
	stop_agent
}

# core_of PID: as a core file would be.
core_of() {
	gcore -o "$SCRATCH/core" "$1" >/dev/null 2>&1
	mv "$SCRATCH/core.$1" "$SCRATCH/core"
}

with_ambient() {
	local set=+${CAPS_APPLICATION//cap_/}
	setcap -r "$SCRATCH/obi" 2>/dev/null || true
	exec setpriv --reuid $AGENT_UID --regid $AGENT_UID --clear-groups --inh-caps "${set//,/,+}" \
		--ambient-caps "${set//,/,+}" "$@"
}

# Before: with ambient capabilities, or as root, the broker was dumpable, and its core held the token.
test_a_core_of_the_broker_has_no_secret() {
	local how secret
	need gcore
	for how in with_ambient unprivileged; do
		step $how
		with_secrets $how
		assert_eq 0 "$(stat -c %u "/proc/$AGENT/environ")" "owner of /proc/PID/environ: not dumpable"
		core_of "$AGENT"
		for secret in 6666 7777 8888; do
			[ "$(grep -ac "SECRET$secret" "$SCRATCH/core" || true)" = 0 ] || fail "the core has SECRET$secret"
		done
		stop_agent
	done
}

run_tests "$@"
