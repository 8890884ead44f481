#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo, as a stranger runs it.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

LIMIT[test_shows_spans_and_flows]=90

# The agent to run is the one that is built: the demo builds nothing then.
demo() {
	need nginx curl wrk
	[ "$OBI" = "$ROOT/bin/obi" ] || skip "the demo runs bin/obi, not $OBI"
	DEMO_SECONDS=3 "$@" "$ROOT/demo" >"$SCRATCH/output" 2>&1 || {
		show "$SCRATCH/output"
		fail "status $?"
	}
}

test_shows_spans_and_flows() {
	local begun
	begun=$(now_ms)
	demo env
	assert_le $(($(now_ms) - begun)) 60000 "milliseconds"
	assert_line "$SCRATCH/output" '^20.* HTTP\(subType=0\) 200 GET /users/[0-9]+\(/users/\*\) '
	assert_line "$SCRATCH/output" '^20.* HTTPClient\(subType=0\) 200 GET /orders/'
	assert_line "$SCRATCH/output" '^network_flow: transport=6 .*10\.77\.0\.2.* bytes=[1-9]'
	assert_line "$SCRATCH/output" '^ +server +8080 +GET +/users/\* +200 +[1-9][0-9]* '
	assert_line "$SCRATCH/output" '^ +10\.77\.0\.1:8080 +10\.77\.0\.2 +TCP +[0-9]+ +2[0-9]{7}$'
	assert_line "$SCRATCH/output" 'Left behind: nothing'
	assert_no_line "$SCRATCH/output" 'level=|command not found|syntax error'
	assert_eq lo "$(ip -br link | awk '{ print $1 }')" "network interfaces that are left"
}

test_replays_where_bpf_is_refused() {
	demo setpriv --bounding-set -bpf --inh-caps -bpf
	assert_line "$SCRATCH/output" '^This kernel refuses BPF here \(this container has no CAP_BPF\)'
	assert_line "$SCRATCH/output" '^20.* 200 GET /users/17\(/users/\*\) '
	assert_line "$SCRATCH/output" '^ +server +8080 +GET +/orders/\* +200 +2 '
}

test_needs_root() {
	local status=0
	(unprivileged "$ROOT/demo") >"$SCRATCH/output" 2>&1 || status=$?
	[ $status != 0 ] || fail "it runs"
	# Where the sources are not readable for others there is nothing to see.
	[ $status != 126 ] || skip "the sources are not readable for another user"
	assert_line "$SCRATCH/output" 'demo: needs root.*sudo'
}

run_tests "$@"
