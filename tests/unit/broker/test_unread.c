// SPDX-License-Identifier: Apache-2.0
/* Each process that cannot be read is named, and whatever processes do, the log stays short. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/clock.h"
#include "broker/unread.h"

#define MINUTE (60 * NSEC_PER_SEC)

static struct obi_process_event event_of(const char *command, enum obi_unread unread)
{
	struct obi_process_event event = { .type = OBI_PROCESS_UNREAD, .unread = unread };

	(void)snprintf(event.command, sizeof(event.command), "%s", command);
	return event;
}

/* -1: no line; else how many were folded into it. */
static int say(struct obi_unread_log *log, const char *command, enum obi_unread unread,
	       uint64_t now_ns)
{
	struct obi_process_event event = event_of(command, unread);
	uint32_t folded = 0;

	return obi_unread_due(log, &event, now_ns, &folded) ? (int)folded : -1;
}

static void each_name_and_reason_is_said(void **state)
{
	struct obi_unread_log log = { 0 };

	assert_int_equal(0, say(&log, "ring", OBI_UNREAD_URING, 1));
	assert_int_equal(0, say(&log, "ring", OBI_UNREAD_OTHER, 1));
	assert_int_equal(0, say(&log, "other", OBI_UNREAD_URING, 1));
}

static void the_same_is_folded_for_a_minute(void **state)
{
	struct obi_unread_log log = { 0 };

	assert_int_equal(0, say(&log, "ring", OBI_UNREAD_URING, 1));
	for (int i = 0; i < 100; i++)
		assert_int_equal(-1, say(&log, "ring", OBI_UNREAD_URING, MINUTE));
	assert_int_equal(100, say(&log, "ring", OBI_UNREAD_URING, MINUTE + 1));
	assert_int_equal(-1, say(&log, "ring", OBI_UNREAD_URING, MINUTE + 2));
}

static void a_minute_has_few_lines(void **state)
{
	struct obi_unread_log log = { 0 };
	char name[32];
	int said = 0;

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "name-%d", i);
		said += say(&log, name, OBI_UNREAD_URING, (uint64_t)(1 + i)) >= 0;
	}
	assert_int_equal(OBI_UNREAD_LINES, said);
	assert_int_equal(1000 - OBI_UNREAD_LINES,
			 say(&log, "later", OBI_UNREAD_URING, MINUTE + 1001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_name_and_reason_is_said),
		cmocka_unit_test(the_same_is_folded_for_a_minute),
		cmocka_unit_test(a_minute_has_few_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
