// SPDX-License-Identifier: Apache-2.0
/* What the log leaves out, by a clock of the test's own; and that it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log_fold.h"

#define BEGIN_NS (1000 * NSEC_PER_SEC)

static struct log_fold fold;

static int clear(void **state)
{
	memset(&fold, 0, sizeof(fold));
	return 0;
}

static unsigned take(const char *msg, unsigned times, uint64_t now_ns)
{
	unsigned taken = 0;

	for (unsigned i = 0; i < times; i++)
		taken += log_fold_take(&fold, LOG_INFO, msg, now_ns);
	return taken;
}

static void beyond_its_allowance_a_message_is_counted(void **state)
{
	struct log_fold_entry *entry;

	assert_int_equal(take("often", 1000, BEGIN_NS), LOG_FOLD_BURST);
	assert_int_equal(take("seldom", 1, BEGIN_NS), 1);
	assert_null(log_fold_due(&fold, BEGIN_NS + LOG_FOLD_PERIOD_NS - 1));
	assert_int_equal(log_fold_next(&fold), BEGIN_NS + LOG_FOLD_PERIOD_NS);
	entry = log_fold_due(&fold, BEGIN_NS + LOG_FOLD_PERIOD_NS);
	assert_non_null(entry);
	assert_string_equal(entry->text, "often");
	assert_int_equal(entry->level, LOG_INFO);
	assert_int_equal(entry->folded, 1000 - LOG_FOLD_BURST);
	log_fold_told(entry);
	assert_null(log_fold_due(&fold, UINT64_MAX));
	assert_int_equal(log_fold_next(&fold), 0);
}

static void the_same_text_at_another_level_is_another_message(void **state)
{
	assert_int_equal(take("text", 1000, BEGIN_NS), LOG_FOLD_BURST);
	assert_true(log_fold_take(&fold, LOG_ERROR, "text", BEGIN_NS));
}

/* An hour of 1,000 a second: bounded, and nothing is missing in the sum. */
static void a_long_storm_is_a_few_lines_a_period_and_adds_up(void **state)
{
	uint64_t lines = 0, folded = 0, told = 0;
	struct log_fold_entry *entry;

	for (uint64_t second = 0; second < 3600; second++) {
		uint64_t now = BEGIN_NS + second * NSEC_PER_SEC;

		for (; (entry = log_fold_due(&fold, now)); told++) {
			folded += entry->folded;
			log_fold_told(entry);
		}
		lines += take("storm", 1000, now);
	}
	entry = log_fold_due(&fold, UINT64_MAX);
	assert_non_null(entry);
	assert_int_equal(lines + folded + entry->folded, 3600 * 1000);
	assert_int_equal(lines, LOG_FOLD_BURST + 359 * LOG_FOLD_SHARE);
	assert_int_equal(told, 359);
}

static void quiet_gives_the_allowance_back(void **state)
{
	uint64_t later = BEGIN_NS + LOG_FOLD_PERIOD_NS;

	assert_int_equal(take("text", LOG_FOLD_BURST, BEGIN_NS), LOG_FOLD_BURST);
	assert_int_equal(take("text", LOG_FOLD_SHARE, later), LOG_FOLD_SHARE);
	assert_int_equal(take("text", 1000, later + 5 * LOG_FOLD_PERIOD_NS), LOG_FOLD_BURST);
}

/* Where the log had no room it is tried again, and the count goes on. */
static void what_was_not_told_goes_on_counting(void **state)
{
	uint64_t later = BEGIN_NS + LOG_FOLD_PERIOD_NS;

	(void)take("text", LOG_FOLD_BURST + 5, BEGIN_NS);
	assert_non_null(log_fold_due(&fold, later));
	assert_int_equal(take("text", 3, later), 0);
	assert_int_equal(log_fold_due(&fold, later)->folded, 8);
	log_fold_told(log_fold_due(&fold, later));
	assert_int_equal(take("text", 1, later), 1);
}

static void too_many_messages_share_a_place(void **state)
{
	unsigned taken = 0;
	char msg[32];

	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(msg, sizeof(msg), "message %u", i);
		taken += log_fold_take(&fold, LOG_WARN, msg, BEGIN_NS);
	}
	assert_int_equal(taken, LOG_FOLD_MESSAGES - 1 + LOG_FOLD_BURST);
	assert_string_equal(log_fold_due(&fold, UINT64_MAX)->text, "other messages");
	assert_int_equal(log_fold_due(&fold, UINT64_MAX)->folded, 1000 - taken);
	/* A message that had its place keeps it. */
	assert_true(log_fold_take(&fold, LOG_WARN, "message 1", BEGIN_NS));
	/* Later there is room again. */
	assert_true(log_fold_take(&fold, LOG_WARN, "new", BEGIN_NS + 100 * LOG_FOLD_PERIOD_NS));
	assert_int_equal(log_fold_due(&fold, UINT64_MAX)->folded, 1000 - taken);
}

static void a_long_message_is_shown_cut(void **state)
{
	char msg[1000];

	memset(msg, 'x', sizeof(msg) - 1);
	msg[sizeof(msg) - 1] = '\0';
	(void)take(msg, LOG_FOLD_BURST + 1, BEGIN_NS);
	assert_int_equal(strlen(log_fold_due(&fold, UINT64_MAX)->text), LOG_FOLD_TEXT - 1);
}

/* ---- The log itself ---- */

static char last[512];
static unsigned written;
static bool full;

static bool put(void *context, struct slice line)
{
	if (full)
		return false;
	written++;
	(void)snprintf(last, sizeof(last), "%.*s", (int)line.len, (const char *)line.data);
	return true;
}

static void the_log_folds_when_it_was_begun(void **state)
{
	log_set_writer(put, NULL);
	for (unsigned i = 0; i < 300; i++)
		log_info("before", F("i", log_int(i)));
	assert_int_equal(written, 300);
	log_begin_folding();
	for (unsigned i = 0; i < 300; i++)
		log_warn("after", F("i", log_int(i)));
	assert_int_equal(written, 300 + LOG_FOLD_BURST);
	full = true;
	log_flush(); /* nobody is told */
	full = false;
	log_flush();
	assert_int_equal(written, 300 + LOG_FOLD_BURST + 1);
	assert_non_null(strstr(last, "level=WARN msg=\"" LOG_FOLDED "\" like=after count=200"));
	log_flush();
	assert_int_equal(written, 300 + LOG_FOLD_BURST + 1);
	log_set_writer(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(beyond_its_allowance_a_message_is_counted, clear),
		cmocka_unit_test_setup(the_same_text_at_another_level_is_another_message, clear),
		cmocka_unit_test_setup(a_long_storm_is_a_few_lines_a_period_and_adds_up, clear),
		cmocka_unit_test_setup(quiet_gives_the_allowance_back, clear),
		cmocka_unit_test_setup(what_was_not_told_goes_on_counting, clear),
		cmocka_unit_test_setup(too_many_messages_share_a_place, clear),
		cmocka_unit_test_setup(a_long_message_is_shown_cut, clear),
		cmocka_unit_test(the_log_folds_when_it_was_begun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
