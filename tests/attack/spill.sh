#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The spill directory: what other agents, other users and a bad disk do to it.
#
#   the attack                          before                           now
#   a flipped bit in a record           28 spans, 21 exported, 0 lost    7 counted as lost, and said
#   a FIFO at a segment's name          the sender hangs for good        left alone, said
#   a record of 300 MiB                 believed: 611 MiB of memory      its items counted as lost
#   two agents in one directory         37 + 12 spans destroyed          the second goes without, and says so
#   a directory of another user, for    spans in that user's file        refused
#   all to write in
#   a link of another user              followed                         refused
#   a disk that is full                 -                                said, and nothing lost uncounted

# shellcheck source=../lib/lib.sh
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=../lib/otlp.sh
. "$(dirname "$0")/../lib/otlp.sh"

SEGMENT=traces-0000000100000000.spill
REFUSED='level=ERROR msg="cannot use the spill directory, going on without it"'

# new_spill NAME: a directory of the agent's user.
new_spill() {
	SPILL=$SCRATCH/$1
	mkdir "$SPILL"
	chown $AGENT_UID "$SPILL"
}

observe_with_spill() {
	observe OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:4318 OTEL_EBPF_SHUTDOWN_TIMEOUT=3s \
		OTEL_EBPF_OTLP_SPILL_DIRECTORY="$SPILL"
}

# make_segment PYTHON: it writes the file out, with rec(body, items) for a record.
make_segment() {
	$PYTHON - "$SPILL/$SEGMENT" <<-END
		import struct, sys, zlib
		def rec(body, items=7):
		    head = struct.pack('<IIII', 0x4c50534f, len(body), items, zlib.crc32(body))
		    return head + struct.pack('<II', zlib.crc32(head), 0) + body
		out = open(sys.argv[1], 'wb')
		$1
	END
	chown $AGENT_UID "$SPILL/$SEGMENT"
}

expect_exported() {
	wait_until 5 has_taken "$1" || fail "the collector took $(taken) of $1"
}

has_taken() {
	[ "$(taken)" -ge "$1" ]
}

test_a_flipped_bit_is_counted() {
	begin_nginx
	start_bad_collector 4318 http
	new_spill spill
	make_segment 'records = [bytearray(rec(bytes(5) + b"\n\0")) for _ in range(4)]; records[1][-1] ^= 1; out.write(b"".join(records))'
	observe_with_spill
	assert_line "$LOG" 'level=WARN msg="damaged data in the spill directory is lost" signal=traces items=7 bytes=7$' 5
	stop_agent
	assert_eq 21 "$(otlp recovered)" "recovered"
	assert_eq 7 "$(otlp spill_lost)" "lost"
}

test_a_fifo_stops_nobody() {
	local begin
	begin_nginx
	start_bad_collector 4318 http
	new_spill spill
	mkfifo "$SPILL/$SEGMENT"
	chown $AGENT_UID "$SPILL/$SEGMENT"
	observe_with_spill
	assert_line "$LOG" "level=WARN msg=\"files in the spill directory are not this agent's: left alone\" signal=traces files=1" 5
	requests 3 /x/
	expect_exported 3
	begin=$(now_ms)
	stop_agent
	assert_le $(($(now_ms) - begin)) 2000 "milliseconds of the stop"
	expect_balance
	[ -p "$SPILL/$SEGMENT" ] || fail "the FIFO is gone"
}

test_no_size_is_believed() {
	local memory
	begin_nginx
	start_bad_collector 4318 http
	new_spill spill
	make_segment 'out.write(rec(bytes(300 << 20)))'
	observe_with_spill
	requests 3 /x/
	expect_exported 3
	memory=$(awk '/VmHWM/ { print int($2 / 1024) }' "/proc/$(child_of "$AGENT" sender)/status")
	assert_le "$memory" 48 "MiB of the sender"
	stop_agent
	assert_eq 7 "$(otlp spill_lost)" "lost"
}

test_one_agent_a_directory() {
	local first first_log second second_log
	begin_nginx
	new_spill spill
	observe_with_spill
	first=$AGENT first_log=$LOG
	observe_with_spill
	second=$AGENT second_log=$LOG
	assert_line "$second_log" "$REFUSED directory=$SPILL reason=\"another agent uses it\"" 5
	requests 40 /x/
	sleep 1
	start_bad_collector 4318 http
	expect_exported 80
	for AGENT in $first $second; do
		stop_agent
	done
	for LOG in $first_log $second_log; do
		assert_eq 40 "$(otlp exported)" "exported"
		expect_balance
	done
	step after_one_that_was_killed
	observe_with_spill
	kill -KILL "$(child_of "$AGENT" sender)"
	assert_line "$LOG" 'msg="the sender died' 5
	sleep 1
	assert_no_line "$LOG" 'cannot use the spill directory'
	stop_agent
}

test_no_directory_of_another_user() {
	begin_nginx
	SPILL=$SCRATCH/spill
	mkdir -m 777 "$SPILL"
	chown 33:33 "$SPILL"
	step another_owner
	observe_with_spill
	assert_line "$LOG" "$REFUSED directory=$SPILL reason=\"it belongs to another user\"" 5
	setpriv --reuid 33 --regid 33 --clear-groups sh -c "umask 0; : >$SPILL/$SEGMENT"
	requests 5 /x/
	sleep 0.5
	stop_agent
	assert_eq 0 "$(stat -c %s "$SPILL/$SEGMENT")" "bytes in the file of that user"
	expect_balance
	step for_all_to_write_in
	chown 0:0 "$SPILL"
	observe_with_spill
	assert_line "$LOG" "$REFUSED directory=$SPILL reason=\"every user may write in it" 5
	stop_agent
	step a_link
	new_spill mine
	ln -s "$SPILL" "$SCRATCH/link"
	chown -h 33:33 "$SCRATCH/link"
	SPILL=$SCRATCH/link
	observe_with_spill
	assert_line "$LOG" "$REFUSED directory=$SPILL reason=\"it is a link of another user\"" 5
	stop_agent
	assert_eq "" "$(ls -A "$SCRATCH/mine")" "files behind the link"
}

# The directory's name is another's while the sender runs: it goes on in its own.
test_a_renamed_directory() {
	begin_nginx
	new_spill spill
	observe_with_spill
	mv "$SPILL" "$SCRATCH/moved"
	mkdir -m 777 "$SPILL"
	requests 20 /x/
	assert_line "$LOG" 'msg="cannot export"' 5
	requests 20 /x/
	sleep 0.5
	stop_agent
	expect_balance
	assert_eq 40 "$(otlp queued)" "on disk"
	assert_eq "" "$(ls -A "$SPILL")" "files in the other's"
}

test_a_full_disk() {
	begin_nginx
	SPILL=$SCRATCH/disk
	mkdir "$SPILL"
	mount -t tmpfs -o size=64k,mode=755,uid=$AGENT_UID tmpfs "$SPILL" 2>/dev/null || skip "no tmpfs to mount"
	defer umount "$SPILL"
	observe_with_spill
	requests 300 /x/
	assert_line "$LOG" 'msg="cannot export"' 5
	requests 1500 /x/
	assert_line "$LOG" 'level=ERROR msg="cannot write to the spill directory" signal=traces error="No space left on device"' 5
	start_bad_collector 4318 http
	expect_exported 1800
	stop_agent
	assert_eq 1800 "$(otlp exported)" "exported"
	expect_balance
	assert_eq "" "$(ls -A "$SPILL")" "files left"
}

run_tests "$@"
