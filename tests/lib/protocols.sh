# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
# What tests of protocols share: a server that is observed, a client that waits until it is, and how
# what was asked is compared with the spans.

PORT=8080

# observe [PRINTER]: what listens on PORT.
observe() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_OPEN_PORT=$PORT OTEL_EBPF_TRACE_PRINTER="${1:-json}"
}

# begin_server COMMAND...: listens on PORT, is observed. Sets SERVER.
begin_server() {
	serve "$@"
	observe "${PRINTER:-json}"
	application_ready "$SERVER"
}

serve() {
	"$@" >"$SCRATCH/server.log" 2>&1 &
	SERVER=$!
	defer stop $SERVER
	wait_until 10 listens $SERVER $PORT || fail "the server does not listen"
}

# observe_both EXECUTABLES: SERVER and TALKER, by a glob that both meet.
observe_both() {
	start_agent "$CAPS_APPLICATION" OTEL_EBPF_AUTO_TARGET_EXE="$1" OTEL_EBPF_TRACE_PRINTER=json "${@:2}"
	application_ready "$SERVER" "$TALKER"
}

# expect_asked FILE FIELD,... CONDITION...: as many spans that meet the conditions as the file has lines,
# and each line's words, "-" for nothing, are the fields of one of them.
expect_asked() {
	sort "$1" | uniq -c | awk '{ $1 = $1; print }' | sort >"$SCRATCH/asked"
	wait_until 5 has_spans "$(grep -c . "$1")" "${@:3}" || true
	$PYTHON "$LIB/spans.py" tally "$LOG" "${@:2}" | sort >"$SCRATCH/seen"
	diff "$SCRATCH/asked" "$SCRATCH/seen" || fail "asked (<) is not what spans with ${*:3} say (>)"
	echo "asked and seen with ${*:3}: $(grep -c . "$1")"
}

# Ends the agent: it saw requests, and each became a span.
expect_all() {
	echo "asked: $1"
	wait_until 2 false || true
	stop_agent
	assert_eq "$1" "$(total 'span totals' requests)" "requests"
	assert_eq "$1" "$(total 'span totals' spans)" "spans"
}

# expect_most ASKED LOST: at least so many spans, and what is missing is counted.
expect_most() {
	local spans
	echo "asked: $1"
	wait_until 2 false || true
	stop_agent
	spans=$(total 'span totals' spans)
	assert_ge "$spans" $(($1 - $2)) "spans"
	assert_le "$spans" "$1" "spans"
	assert_eq "$(total 'span totals' requests)" $((spans + $(dropped))) "requests = spans + dropped"
}

REDIS=(redis-server --bind 127.0.0.1 --port "$PORT" --save '' --appendonly no)

# What the server itself has counted, this question too.
redis_counts() {
	redis-cli -h 127.0.0.1 -p $PORT INFO stats |
		sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p' |
		awk '{ print $1 + 1 }'
}

talk_grpc() {
	timeout 50 $PYTHON "$LIB/grpc_talk.py" "$@"
}

# www FILE...: small files that are served, and a large one.
www() {
	local file
	mkdir "$SCRATCH/www"
	truncate -s 20971520 "$SCRATCH/www/large"
	for file in "$@"; do
		echo hello >"$SCRATCH/www/$file"
	done
}
