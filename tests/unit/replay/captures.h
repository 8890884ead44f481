/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files that tests put together, and what is expected of reading them. */
#ifndef OBI_TESTS_REPLAY_CAPTURES_H
#define OBI_TESTS_REPLAY_CAPTURES_H

#include <stdio.h>

#include "replay/capture.h"
#include "replay/frames.h"

#define PROBLEM_ROOM 128

static struct bytes file, body; /* under way */

static inline void begin(bool big)
{
	file.len = 0;
	file.big = big;
}

/* Reads the one packet of the file, and its end. */
static inline struct capture_packet only_packet(void)
{
	struct capture *capture = capture_open_bytes(bytes_slice(&file));
	struct capture_packet packet, none;

	assert_int_equal(capture_next(capture, &packet), 1);
	assert_memory_equal(packet.bytes.data, "abcde", 5);
	assert_int_equal(packet.bytes.len, 5);
	assert_int_equal(packet.length, 99);
	assert_int_equal(capture_next(capture, &none), 0);
	assert_int_equal(capture_next(capture, &none), 0);
	capture_close(capture);
	return packet;
}

/* Reads to the end; returns what ended it. */
static inline int read_all(struct slice bytes, char *ret_problem, uint64_t *ret_offset)
{
	struct capture *capture = capture_open_bytes(guarded(bytes));
	struct capture_packet packet;
	volatile uint8_t sum = 0;
	int got;

	while ((got = capture_next(capture, &packet)) == 1)
		for (size_t i = 0; i < packet.bytes.len; i++)
			sum = (uint8_t)(sum + packet.bytes.data[i]);
	snprintf(ret_problem, PROBLEM_ROOM, "%s", capture_problem(capture, ret_offset));
	capture_close(capture);
	return got;
}

static inline void assert_problem(int error, const char *words, uint64_t offset)
{
	char problem[PROBLEM_ROOM];
	uint64_t at;

	assert_int_equal(read_all(slice_of(file.data, file.len), problem, &at), error);
	assert_string_equal(problem, words);
	assert_int_equal(at, offset);
}

#endif
