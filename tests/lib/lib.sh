# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: Apache-2.0
#
# A test file sources this, defines functions test_NAME, may give LIMIT[test_NAME]=SECONDS, and ends
# with: run_tests "$@". Every test runs in a shell of its own, in a network and a PID namespace of its
# own (loopback up, nothing else; no process but its own), within its time limit, and cleans up by defer
# whatever happens. So files run side by side. A file whose tests are about the host itself sets
# ON_THE_HOST=1: no PID namespace; it runs alone, as does a test with ALONE[test_NAME]=1, whose numbers
# are those of a machine that does nothing else. OBI_TEST_ALONE=no leaves these out, =only takes no
# others. OBI_TEST_LIST=1 prints the names of the tests, and OBI_TEST_ONLY=NAME runs the one of just that
# name. A test fails by its exit status, at the first `fail`, or is skipped by `skip`. Each prints one
# line:
#
#   ok NAME | FAIL NAME (reason) | skip NAME (reason)
#
# and after a FAIL its log, indented (VERBOSE=1: after each). A long test may be cut by `step NAME`:
# each step is then a line of its own. Arguments of the file select tests by a part of their names.

LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$LIB/../.." && pwd)
# shellcheck source=tests/lib/process.sh
. "$LIB/process.sh"

PYTHON=/usr/bin/python3
PATH=$PATH:/usr/sbin:/sbin
declare -A LIMIT ALONE
ON_THE_HOST=
DEFAULT_LIMIT=60
SKIPPED=77

# ---- The runner ----

run_tests() {
	local file prefix name full
	file=$(readlink -f "$0")
	if [ "${1:-}" = --one ]; then
		run_one "$2"
	fi
	prefix=${file#"$ROOT/tests/"}
	prefix=${OBI_TEST_PREFIX:-${prefix%.sh}}
	while read -r name; do
		full=$prefix/${name#test_}
		is_selected "$full" "$@" || continue
		is_its_turn "$name" || continue
		[ "${OBI_TEST_ONLY:-$name}" = "$name" ] || continue
		if [ -n "${OBI_TEST_LIST:-}" ]; then
			echo "$name"
		else
			run_in_a_shell "$file" "$name" "$full"
		fi
	done < <(sed -n 's/^\(test_[a-z0-9_]*\)() {$/\1/p' "$file")
}

is_its_turn() {
	local alone=no
	[ -z "$ON_THE_HOST${ALONE[$1]:-}" ] || alone=only
	[ "${OBI_TEST_ALONE:-$alone}" = $alone ]
}

is_selected() {
	local full=$1 word
	shift
	[ $# -gt 0 ] || return 0
	for word in "$@"; do
		[[ $full == *"$word"* ]] && return 0
	done
	return 1
}

# report_steps NAME STATUS LOG: all that are done; last_step is the one it ended in.
report_steps() {
	local step
	last_step=
	while read -r step; do
		[ -z "$last_step" ] || echo "ok $1$last_step"
		last_step=/$step
	done < <(sed -n 's/^STEP: //p' "$3")
	[ "$2" != 0 ] || [ -z "$last_step" ] || echo "ok $1$last_step"
}

run_in_a_shell() {
	local log status=0 reason limit last_step
	limit=$((${LIMIT[$2]:-$DEFAULT_LIMIT} * SLOWNESS))
	log=$(mktemp)
	timeout -k 10 $limit bash "$1" --one "$2" >"$log" 2>&1 </dev/null ||
		status=$?
	report_steps "$3" $status "$log"
	case $status in
	0) [ -n "$last_step" ] || echo "ok $3" ;;
	"$SKIPPED") echo "skip $3$last_step ($(sed -n 's/^SKIP: //p' "$log" | tail -n 1))" ;;
	*)
		reason=$(sed -n 's/^FAIL: //p' "$log" | tail -n 1)
		[ $status = 124 ] && reason="longer than $limit s"
		echo "FAIL $3$last_step (${reason:-exit status $status})"
		;;
	esac
	case $status in
	0 | "$SKIPPED") [ -z "${VERBOSE:-}" ] || print_log "$log" ;;
	*) print_log "$log" ;;
	esac
	rm -f "$log"
}

print_log() {
	tail -n 60 "$1" | cut -c 1-240 | sed 's/^/    | /'
}

run_one() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -x "$OBI" ] || fail "$OBI is not built"
	if [ -z "${OBI_TEST_NETNS:-}" ] && unshare --net true 2>/dev/null; then
		local apart=(--pid --fork --kill-child --mount-proc)
		[ -z "$ON_THE_HOST" ] || apart=()
		OBI_TEST_NETNS=1 exec unshare --net "${apart[@]}" bash "$0" --one "$1"
	fi
	[ -z "${OBI_TEST_NETNS:-}" ] || ip link set lo up
	begin_scratch
	set -E
	trap 'echo "FAIL: line $LINENO: $BASH_COMMAND"' ERR
	set -e
	"$1"
	exit 0
}

fail() {
	echo "FAIL: $*"
	trap - ERR
	exit 1
}

skip() {
	echo "SKIP: $*"
	trap - ERR
	exit $SKIPPED
}

# From here on the test is about this.
step() {
	printf '\nSTEP: %s\n' "$1"
}

# need COMMAND...: skips the test where one is not installed.
need() {
	local tool
	for tool in "$@"; do
		command -v "$tool" >/dev/null || skip "needs $tool"
	done
}

# need_python MODULE PACKAGE
need_python() {
	$PYTHON -c "import $1" 2>/dev/null || skip "needs $2"
}

# ---- Assertions ----

assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-values differ}: expected '$1', got '$2'"
}

assert_le() {
	[ "$1" -le "$2" ] || fail "${3:-too much}: $1 is more than $2"
}

assert_ge() {
	[ "$1" -ge "$2" ] || fail "${3:-too little}: $1 is less than $2"
}

# assert_line FILE REGEX [SECONDS]: it is there, or comes within the time.
assert_line() {
	wait_line "$1" "$2" "${3:-0}" || {
		show "$1"
		fail "no line '$2'"
	}
}

assert_no_line() {
	! grep -E -- "$2" "$1" || fail "unexpected line '$2'"
}

# assert_near EXPECTED ACTUAL PER_MILLE WHAT
assert_near() {
	local off=$(($1 > $2 ? $1 - $2 : $2 - $1))
	echo "$4: expected $1, got $2"
	[ $((off * 1000)) -le $(($1 * $3)) ] || fail "$4: expected $1 within $3/1000, got $2"
}

show() {
	echo "--- $1"
	tail -n 25 "$1" 2>/dev/null || true
	echo "---"
}

# ---- The agent under test ----

# start_agent CAPABILITIES NAME=VALUE...: with exactly these capabilities and variables, as another
# user. Sets AGENT (the broker's id), LOG (its output) and AGENT_DIR, where the file begun has the
# time of its start.
start_agent() {
	local caps=$1
	shift
	AGENT_DIR=$(mktemp -d "$SCRATCH/agent.XXXXXX")
	mkdir "$AGENT_DIR/bin"
	chmod 755 "$AGENT_DIR" "$AGENT_DIR/bin"
	copy_agent "$caps" "$AGENT_DIR/bin/obi"
	LOG=$AGENT_DIR/log
	(cd "$AGENT_DIR" && now_ms >begun && unprivileged env -i PATH=/usr/bin:/bin "$@" bin/obi) >"$LOG" 2>&1 &
	AGENT=$!
	defer show "$LOG"
	defer stop $AGENT
}

# Waits until the agent does its work.
network_ready() {
	assert_line "$LOG" 'Flows agent successfully started' 10
}

# application_ready PID...: until each is instrumented.
application_ready() {
	local pid
	for pid in "$@"; do
		assert_line "$LOG" "msg=\"instrumenting process\".* pid=$pid( |\$)" 10
	done
}

# child_of PID VERB: the child that was started as `obi VERB`.
child_of() {
	local pid
	for pid in $(children "$1"); do
		[ "$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | sed -n 2p)" != "$2" ] || echo "$pid"
	done
}

worker_of() {
	child_of "$1" worker
}

# The child that starts lookers, and the looker of now.
keeper_of() {
	child_of "$1" ""
}

looker_of() {
	children "$(keeper_of "$1")" | tail -n 1
}

# Ends it as a service manager does; it must have flushed within its time, and say so by status 0.
stop_agent() {
	local status=0
	stop "$AGENT" 12 || status=$?
	assert_eq 0 $status "exit status of the agent"
}

# total LINE KEY: a number from a totals line of the log: total "network totals" bytes
total() {
	local value
	value=$(grep -E "msg=\"$1\"" "$LOG" | tail -n 1 | tr ' ' '\n' | sed -n "s/^$2=//p")
	[ -n "$value" ] || fail "no $2 in a line '$1'"
	echo "$value"
}

# log_count MESSAGE: how often it was said, those lines included that were left out as like it.
log_count() {
	local line folded=0 n
	line=$(grep -cE "msg=\"?$1\"? " "$LOG" || true)
	while read -r n; do
		folded=$((folded + n))
	done < <(sed -n "s/.*msg=\"more lines like this were left out\" like=\"\{0,1\}$1\"\{0,1\} count=\([0-9]*\)$/\1/p" "$LOG")
	echo $((line + folded))
}

# Requests that became no span, of the totals in the log.
dropped() {
	local sum=0 reason
	for reason in evicted lost_record unrecognised_request unparsed no_service; do
		sum=$((sum + $(total 'span totals' $reason)))
	done
	echo $sum
}

# ---- Spans and metrics ----

# spans CONDITION...: how many spans (trace printer json or text) meet all: spans method=GET url=/a
spans() {
	$PYTHON "$LIB/spans.py" count "$LOG" "$@"
}

# span_field FIELD CONDITION...: its value in each such span, one a line.
span_field() {
	local field=$1
	shift
	$PYTHON "$LIB/spans.py" get "$LOG" "$field" "$@"
}

has_spans() {
	[ "$(spans "${@:2}")" -ge "$1" ]
}

# expect_spans COUNT CONDITION...: exactly so many, waiting up to 5 s for the last.
expect_spans() {
	local n
	wait_until 5 has_spans "$@" || true
	n=$(spans "${@:2}")
	[ "$n" = "$1" ] || {
		$PYTHON "$LIB/spans.py" list "$LOG" | tail -n 12
		fail "expected $1 spans with ${*:2}, got $n"
	}
}

# scrape PORT FILE
scrape() {
	curl -sS --max-time 5 -o "$2" "http://127.0.0.1:$1/metrics"
}

# metric FILE NAME [LABEL_REGEX]: the sum over all its series.
metric() {
	awk -v name="$2" -v labels="${3:-}" '
		/^#/ { next }
		{ n = $1; sub(/[{].*/, "", n); if (n == name && $0 ~ labels) sum += $NF }
		END { printf "%.0f\n", sum }' "$1"
}

# start_prometheus PORT [ARGUMENT...]: at 127.0.0.1:9090, it scrapes that port each second.
start_prometheus() {
	cat >"$SCRATCH/prometheus.yml" <<-END
		global: { scrape_interval: 1s }
		scrape_configs:
		  - job_name: obi
		    honor_labels: true
		    static_configs: [{ targets: ['127.0.0.1:$1'] }]
	END
	prometheus --config.file="$SCRATCH/prometheus.yml" --storage.tsdb.path="$SCRATCH/tsdb" \
		--web.listen-address=127.0.0.1:9090 "${@:2}" >"$SCRATCH/prometheus.log" 2>&1 &
	defer stop $!
}

# ---- A client that waits until it is observed ----

# A key and a certificate for localhost, which clients are told to trust.
make_certificate() {
	need openssl
	CERT=$SCRATCH/cert.pem
	KEY=$SCRATCH/key.pem
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$KEY" -out "$CERT" -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
	chmod 644 "$CERT" "$KEY"
	export SSL_CERT_FILE=$CERT CURL_CA_BUNDLE=$CERT
}

# begin_talker COMMAND...: it waits for a line. Sets TALKER; what it prints is in the file answer.
begin_talker() {
	mkfifo "$SCRATCH/line"
	"$@" <"$SCRATCH/line" >"$SCRATCH/answer" &
	TALKER=$!
	defer stop $TALKER
	exec 9>"$SCRATCH/line"
}

go_on() {
	local status=0
	echo >&9
	exec 9>&-
	wait "$TALKER" || status=$?
	assert_eq 0 $status "status of the client"
}
