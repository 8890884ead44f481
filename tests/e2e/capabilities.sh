#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each documented capability is needed: without it the thing that it is for fails, or `obi check`
# says that this kernel, or this version, does without. And obi check tells what is so.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

NETWORK=(OTEL_EBPF_NETWORK_METRICS=1 OTEL_EBPF_NETWORK_PRINT_FLOWS=1
	OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT=200ms)
APPLICATION=(OTEL_EBPF_OPEN_PORT=8081 OTEL_EBPF_TRACE_PRINTER=text)
TARGET_UID=61002

# without CAPABILITY SET: the set less that one
without() {
	tr , '\n' <<<"$2" | grep -vx "$1" | paste -sd,
}

# check CAPABILITIES NAME=VALUE...: what obi check says to somebody with these. Sets REPORT.
check() {
	local caps=$1 dir status=0
	shift
	dir=$(mktemp -d "$SCRATCH/check.XXXXXX")
	chmod 755 "$dir"
	copy_agent "$caps" "$dir/obi"
	(unprivileged env -i PATH=/usr/bin:/bin "$@" "$dir/obi" check "${CHECK_ARGUMENTS[@]}") >"$dir/report" 2>&1 || status=$?
	REPORT=$dir/report
	return $status
}
CHECK_ARGUMENTS=()

# A server of another user, named by its environment, that asks a third one on the way.
begin_target() {
	# As another user than the agent, so that looking at it takes capabilities.
	OTEL_SERVICE_NAME=shop setpriv --reuid $TARGET_UID --regid $TARGET_UID --clear-groups \
		$PYTHON "$(for_all "$LIB/targets/echo.py")" 8081 &
	TARGET=$!
	defer stop $TARGET
	wait_until 5 listens $TARGET 8081 || fail "the target does not listen"
}

# ---- Does it work? ----

flows_seen() {
	local i
	for i in 1 2 3; do
		bash -c 'exec 3<>/dev/udp/10.77.0.2/5555; echo word >&3'
		wait_line "$LOG" 'network_flow: .*dst.address=10.77.0.2 .*dst.port=5555' 1 && return 0
		is_alive "$AGENT" || return 1
	done
	return 1
}

named_spans_seen() {
	local i
	for i in 1 2 3; do
		curl -sS --max-time 2 -o /dev/null http://127.0.0.1:8081/seen || true
		wait_until 1 has_spans 1 path=/seen service=shop language=python && return 0
		is_alive "$AGENT" || return 1
	done
	return 1
}

# The same of a server that speaks TLS. Its library is looked for as soon as it is selected.
encrypted_spans_seen() {
	local i
	for i in 1 2 3; do
		sleep 0.5
		curl -sSk --max-time 2 -o /dev/null https://127.0.0.1:8081/seen || true
		wait_until 1 has_spans 1 path=/seen && return 0
		is_alive "$AGENT" || return 1
	done
	return 1
}

# The target's own requests carry a header.
headers_seen() {
	local answer
	sleep 0.5
	answer=$(curl -sS --max-time 5 http://127.0.0.1:8080/headers)
	[[ $answer == *traceparent* ]]
}

# needed CAPABILITY SET WORKS NAME=VALUE...
needed() {
	local capability=$1 set=$2 works=$3 rest name
	shift 3
	rest=$(without "$capability" "$set")
	name=${capability^^}
	check "$rest" "$@" || true
	grep -E -A 1 "^  $name " "$REPORT" || fail "obi check does not name $name"
	start_agent "$rest" "$@"
	sleep 0.5
	if $works; then
		grep -E -A 1 "^  $name " "$REPORT" |
			grep -qE 'not needed by this kernel|no code of this version uses it' ||
			fail "it works without $name, which obi check does not say"
	else
		grep -E "^  $name " "$REPORT" | grep -q missing || fail "it fails without $name, and obi check does not say so"
		# Where the kernel says no, the agent must have said what it lacks.
		assert_line "$LOG" "required: .*$name"
	fi
}

network_needs() {
	begin_peer veth0
	needed "$1" "$CAPS_NETWORK" flows_seen "${NETWORK[@]}"
}

tc_needs() {
	begin_peer veth0
	needed "$1" "$CAPS_NETWORK_TC" flows_seen "${NETWORK[@]}" OTEL_EBPF_NETWORK_SOURCE=tc
}

application_needs() {
	begin_target
	needed "$1" "$CAPS_APPLICATION" named_spans_seen "${APPLICATION[@]}"
}

tls_needs() {
	need openssl
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$SCRATCH/key.pem" -out "$SCRATCH/cert.pem" \
		-days 2 -subj /CN=localhost 2>/dev/null
	chmod 644 "$SCRATCH"/*.pem
	setpriv --reuid $TARGET_UID --regid $TARGET_UID --clear-groups $PYTHON \
		"$(for_all "$LIB/tls_talk.py")" serve 8081 \
		"$SCRATCH/cert.pem" "$SCRATCH/key.pem" &
	TARGET=$!
	defer stop $TARGET
	wait_until 5 listens $TARGET 8081 || fail "the target does not listen"
	needed "$1" "$CAPS_APPLICATION" encrypted_spans_seen "${APPLICATION[@]}"
}

test_network_needs_bpf() {
	network_needs cap_bpf
}

test_network_needs_net_raw() {
	network_needs cap_net_raw
}

test_tc_needs_bpf() {
	tc_needs cap_bpf
}

test_tc_needs_net_admin() {
	tc_needs cap_net_admin
}

test_tc_needs_perfmon() {
	tc_needs cap_perfmon
}

test_application_needs_bpf() {
	application_needs cap_bpf
}

test_application_needs_perfmon() {
	application_needs cap_perfmon
}

test_application_needs_dac_read_search() {
	application_needs cap_dac_read_search
}

test_application_needs_sys_ptrace() {
	application_needs cap_sys_ptrace
}

test_application_needs_net_raw() {
	application_needs cap_net_raw
}

test_application_needs_checkpoint_restore() {
	tls_needs cap_checkpoint_restore
}

test_propagation_needs_net_admin() {
	begin_target
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	needed cap_net_admin "$CAPS_PROPAGATION" headers_seen OTEL_EBPF_OPEN_PORT=8080 \
		OTEL_EBPF_TRACE_PRINTER=text OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
}

# The controls: what the tests above look for is there with the whole set.
test_whole_sets_work() {
	begin_peer veth0
	start_agent "$CAPS_NETWORK" "${NETWORK[@]}"
	flows_seen || fail "no flows"
	start_agent "$CAPS_NETWORK_TC" "${NETWORK[@]}" OTEL_EBPF_NETWORK_SOURCE=tc
	flows_seen || fail "no flows by tc"
	begin_target
	start_agent "$CAPS_APPLICATION" "${APPLICATION[@]}"
	application_ready "$TARGET"
	named_spans_seen || fail "no spans"
	stop_agent
	start_nginx 'server { listen 8080; location / { proxy_pass http://127.0.0.1:8081; } }'
	start_agent "$CAPS_PROPAGATION" OTEL_EBPF_OPEN_PORT=8080 OTEL_EBPF_TRACE_PRINTER=text \
		OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all
	application_ready "$NGINX"
	headers_seen || fail "no headers"
}

# ---- obi check itself ----

test_check_is_content_with_the_whole_set() {
	check "$CAPS_APPLICATION" "${APPLICATION[@]}" || {
		show "$REPORT"
		fail "status $?"
	}
	assert_line "$REPORT" 'All that is needed is there'
	assert_line "$REPORT" 'message hooks'
}

test_check_names_what_is_missing() {
	check cap_bpf "${APPLICATION[@]}" && fail "it is content"
	assert_line "$REPORT" 'the following capabilities are required: CAP_DAC_READ_SEARCH, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, CAP_CHECKPOINT_RESTORE$'
}

test_check_calls_bpf_metrics_optional() {
	check "$CAPS_NETWORK" "${NETWORK[@]}" OTEL_EBPF_PROMETHEUS_PORT=9400 \
		OTEL_EBPF_METRICS_FEATURES=network,ebpf || fail "it is not content"
	assert_line "$REPORT" 'CAP_SYS_ADMIN +missing; tried: Operation not permitted; optional'
	assert_line "$REPORT" 'BPF metrics: run times of BPF programs and entries of BPF maps'
}

test_check_works_without_any_capability() {
	check "" "${NETWORK[@]}" && fail "it is content"
	assert_line "$REPORT" 'the following capabilities are required: CAP_NET_RAW, CAP_BPF$'
}

# The grant that it prints is pasted, and is enough.
test_grant_of_check_can_be_pasted() {
	CHECK_ARGUMENTS=(--as setcap)
	check "" "${NETWORK[@]}" || true
	cat "$REPORT"
	start_agent "" OTEL_EBPF_LOG_LEVEL=INFO
	wait_until 5 has_ended "$AGENT"
	sed "s|[^ ]*/obi\$|$AGENT_DIR/bin/obi|" "$REPORT" >"$SCRATCH/grant"
	# shellcheck disable=SC2317 # the grant calls it
	sudo() {
		"$@"
	}
	# shellcheck source=/dev/null
	. "$SCRATCH/grant"
	getcap "$AGENT_DIR/bin/obi"
	begin_peer veth0
	(cd "$AGENT_DIR" && unprivileged env -i "${NETWORK[@]}" bin/obi) >"$LOG" 2>&1 &
	AGENT=$!
	defer stop $AGENT
	flows_seen || fail "no flows with the pasted grant"
	assert_no_line "$LOG" 'level=(WARN|ERROR)'
}

test_grants_for_the_others() {
	local form
	for form in systemd docker k8s; do
		CHECK_ARGUMENTS=(--as "$form")
		check "" "${NETWORK[@]}" || true
		assert_line "$REPORT" 'NET_RAW'
	done
}

run_tests "$@"
