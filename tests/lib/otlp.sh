# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What tests of the sender share: nginx with an agent that exports its spans, the sums that the agent
# says at its end, and a collector that answers as it is told. Source it after lib.sh.

QUICK=(OTEL_EBPF_OTLP_TRACES_BATCH_TIMEOUT=100ms OTEL_EBPF_BACKOFF_INITIAL_INTERVAL=100ms
	OTEL_EBPF_BACKOFF_MAX_INTERVAL=300ms)

# requests COUNT PATH
requests() {
	timeout 40 $PYTHON "$LIB/client.py" keep_alive 127.0.0.1 8080 "$2" "$1"
}

begin_nginx() {
	need nginx
	start_nginx 'server { listen 8080; keepalive_requests 1000000; location / { return 200 "hello"; } }'
}

observe() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=8080 "${QUICK[@]}" "$@"
	application_ready "$NGINX" "$(children "$NGINX")"
}

# otlp KEY: a number of the line about traces.
otlp() {
	grep 'msg="otlp totals" signal=traces' "$LOG" | tail -n 1 | tr ' ' '\n' | sed -n "s/^$1=//p"
}

# Nothing is lost without a word: what went in came out, one way or the other.
expect_balance() {
	local out=0 key
	for key in exported queued queue_full too_large refused rejected expired sender_lost shutdown spill_lost; do
		out=$((out + $(otlp $key)))
	done
	assert_eq $(($(otlp put) + $(otlp recovered))) $out "put and recovered, exported and dropped"
}

# What the next request gets; the collector never sees half of it.
set_mode() {
	echo "$1" >"$SCRATCH/mode.new"
	mv "$SCRATCH/mode.new" "$SCRATCH/mode"
}

start_bad_collector() {
	need node
	set_mode ok
	node "$LIB/collector.js" "$1" "$2" "$SCRATCH/mode" >"$SCRATCH/requests" &
	BAD=$!
	defer stop $BAD
	wait_until 10 listens $BAD "$1" || fail "the collector does not listen"
}

# Spans that it took: of each mode that takes any.
taken() {
	awk '$1 == "ok" || $1 == "big" || $1 == "slow" { n += $2 } $1 == "partial" { n += $2 - 1 } END { print n + 0 }' \
		"$SCRATCH/requests"
}

has_seen() {
	grep -q "^$1 " "$SCRATCH/requests"
}
