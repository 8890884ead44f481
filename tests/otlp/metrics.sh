#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Metrics over OTLP, read by the official definitions (fetched by decoder.sh).

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"

BUILT=$ROOT/build/otlp
export NODE_PATH=$BUILT/node_modules
LIMIT[test_collections_add_up_to_what_was_measured]=120

test_collections_add_up_to_what_was_measured() {
	local seed temporality kind
	need node make
	[ -e "$BUILT/installed" ] || skip "$(cat "$BUILT/why" 2>/dev/null || echo 'run decoder.sh first')"
	flock "$BUILT" make -s -f tests/otlp/Makefile build/otlp/metrics_tool >"$SCRATCH/make.log" 2>&1 || {
		show "$SCRATCH/make.log"
		fail "the tool does not build"
	}
	seed=${OTLP_SEED:-$((RANDOM * 32768 + RANDOM))}
	echo "OTLP_SEED=$seed gives the same again"
	for temporality in cumulative delta; do
		for kind in explicit exponential; do
			mkdir "$SCRATCH/$temporality.$kind"
			"$BUILT/metrics_tool" "$seed" $temporality $kind "$SCRATCH/$temporality.$kind"
			node tests/otlp/metrics.js $temporality "$SCRATCH/$temporality.$kind" ||
				fail "$temporality, $kind"
		done
	done
	# The test can fail: a point that is counted twice, a request that is not there.
	! node tests/otlp/metrics.js delta "$SCRATCH/cumulative.explicit" 2>/dev/null ||
		fail "cumulative points pass as deltas"
	rm "$SCRATCH/cumulative.explicit/3.001.bin"
	! node tests/otlp/metrics.js cumulative "$SCRATCH/cumulative.explicit" 2>/dev/null ||
		fail "a missing request is not seen"
}

cd "$ROOT" || exit 2
run_tests "$@"
