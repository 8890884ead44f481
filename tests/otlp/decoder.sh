#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is encoded, read by the official definitions of OTLP; and what these write, read by us.

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

BUILT=$ROOT/build/otlp
TOOL=$BUILT/otlp_tool
export NODE_PATH=$BUILT/node_modules
LIMIT[test_random_spans_are_decoded_as_they_were]=120

# Tests have no network, so what they need is fetched before. What cannot be had is skipped by name.
fetch() {
	mkdir -p "$BUILT"
	cmp -s "$ROOT/tests/otlp/package-lock.json" "$BUILT/installed" && return
	command -v npm >/dev/null || {
		echo "npm is not installed" >"$BUILT/why"
		return
	}
	cp "$ROOT"/tests/otlp/package*.json "$BUILT/"
	if (cd "$BUILT" && timeout 120 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1) \
		>"$BUILT/npm.log" 2>&1 </dev/null; then
		cp "$BUILT/package-lock.json" "$BUILT/installed"
	else
		echo "npm cannot fetch the definitions: $(grep -m 1 'npm error' "$BUILT/npm.log")" \
			>"$BUILT/why"
	fi
}

begin() {
	need node make
	[ -e "$BUILT/installed" ] || skip "$(cat "$BUILT/why")"
	flock "$BUILT" make -s -f tests/otlp/Makefile >"$SCRATCH/make.log" 2>&1 || {
		show "$SCRATCH/make.log"
		fail "the tool does not build"
	}
}

node_script() {
	node "$ROOT/tests/otlp/$1" "${@:2}"
}

test_random_spans_are_decoded_as_they_were() {
	local seed first=${OTLP_SEED:-$((RANDOM * 32768 + RANDOM))}
	begin
	unset OTEL_RESOURCE_ATTRIBUTES
	echo "OTLP_SEED=$first gives the same again"
	for ((seed = first; seed < first + 20; seed++)); do
		"$TOOL" spans "$seed" 300 "$SCRATCH"
		node_script property.js "$SCRATCH" || fail "seed $seed"
	done
}

test_broken_requests_are_found() {
	begin
	"$TOOL" spans 1 50 "$SCRATCH"
	# A byte more, an unknown field, and a kind that there is not.
	cp "$SCRATCH/request.bin" "$SCRATCH/whole.bin"
	printf '\x0a' >>"$SCRATCH/request.bin"
	! node_script property.js "$SCRATCH" || fail "a byte more is not seen"
	{ cat "$SCRATCH/whole.bin" && printf '\x7a\x01x'; } >"$SCRATCH/request.bin"
	! node_script property.js "$SCRATCH" || fail "an unknown field is not seen"
	# ResourceSpans, its ScopeSpans, its Span with kind 9 and nothing else
	printf '\x0a\x06\x12\x04\x12\x02\x30\x09' >"$SCRATCH/kind.bin"
	! node_script decode.js traces "$SCRATCH/kind.bin" >/dev/null 2>"$SCRATCH/broken" ||
		fail "a kind that there is not is not seen"
	assert_line "$SCRATCH/broken" 'kind 9'
	assert_line "$SCRATCH/broken" 'id undefined is not 16 bytes'
	assert_line "$SCRATCH/broken" 'no service.name'
}

test_json_of_metrics_is_the_official_one() {
	begin
	# Without its first byte, which says the signal, it is a request of all kinds of metrics.
	tail -c +2 "$ROOT/tests/data/fuzz/otlp_json/metrics" >"$SCRATCH/metrics.bin"
	"$TOOL" json metrics "$SCRATCH/metrics.bin" >"$SCRATCH/ours.json"
	node_script same.js metrics "$SCRATCH/ours.json" "$SCRATCH/metrics.bin"
	assert_line "$SCRATCH/ours.json" '"exponentialHistogram"'
}

test_official_answers_are_read() {
	local file count=0
	begin
	mkdir "$SCRATCH/answers"
	node_script reply.js "$SCRATCH/answers"
	for file in "$SCRATCH"/answers/*.protobuf "$SCRATCH"/answers/*.json; do
		assert_eq "$(cat "$file.expected")" "$("$TOOL" reply "${file##*.}" "$file")" "${file##*/}"
		count=$((count + 1))
	done
	assert_eq 10 $count answers
}

[ "${1:-}" = --one ] || [ -n "${OBI_TEST_ONLY:-}" ] || fetch
cd "$ROOT" || exit 2
run_tests "$@"
