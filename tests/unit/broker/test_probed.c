// SPDX-License-Identifier: Apache-2.0
/* The way of a file with probes: looked at, asked about, probed, let go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/others.h"
#include "text.h"

#define IDLE_NS (60 * NSEC_PER_SEC)

/* ---- Looking ---- */

static void one_look_for_many_processes_with_one_file(void **state)
{
	struct others *o = *state;

	for (uint32_t pid = 1; pid <= 100; pid++)
		map(o, pid, 7);
	assert_int_equal(o->looks, 1);
	assert_int_equal(o->look.pid, 1);
	assert_int_equal(o->look.mapping.inode, 7);
	assert_int_equal(o->look.mapping.major, 8);
	assert_int_equal(o->look.mapping.minor, 1);
	assert_int_equal(o->look.mapping.start, 0x1000);
	assert_int_equal(o->look.mapping.end, 0x1800);
	assert_int_equal(o->inspects, 0);
	looked(o, 0);
	assert_int_equal(o->inspects, 1);
	assert_int_equal(o->inspect.pid, 1);
	assert_true(say(o, o->inspect.number, 5));
	assert_int_equal(o->attaches, 1);
	assert_int_equal(o->sites, 5);
	assert_int_equal(counters(o).files, 1);
	map(o, 101, 7);
	assert_int_equal(o->looks, 1);
	assert_int_equal(counters(o).missed, 0);
	has(o->log, "library probed");
}

static void file_that_is_to_be_left_alone_is_looked_at_once(void **state)
{
	struct others *o = *state;

	o->leaves_alone = true;
	map(o, 1, 7);
	looked(o, 0);
	map(o, 2, 7);
	assert_int_equal(o->looks, 1);
	assert_int_equal(o->inspects, 0);
	assert_int_equal(counters(o).files, 0);
	assert_int_equal(counters(o).missed, 0);
	has(o->log, "left alone");
}

static void a_file_is_one_of_its_device(void **state)
{
	const struct obi_wire_mapping others[] = {
		{ .pid = 1, .major = 8, .minor = 1, .inode = 8 },
		{ .pid = 1, .major = 9, .minor = 1, .inode = 7 },
		{ .pid = 1, .major = 8, .minor = 2, .inode = 7 },
	};
	struct others *o = *state;

	map(o, 1, 7);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		obi_probed_mapped(o->probed, &others[i]);
	assert_int_equal(o->looks, 4);
}

static void where_one_is_gone_another_is_looked_at(void **state)
{
	struct others *o = *state;

	map(o, 1, 7);
	map(o, 2, 7);
	map(o, 3, 7);
	looked(o, -ESRCH);
	assert_int_equal(o->looks, 2);
	assert_int_not_equal(o->look.pid, 1);
	assert_int_equal(o->look.mapping.start, 0x1000ULL * o->look.pid);
	/* It is told of before the looker says so. */
	obi_probed_gone(o->probed, o->look.pid);
	looked(o, -ESRCH);
	assert_int_equal(o->looks, 3);
	looked(o, 0);
	assert_int_equal(o->inspects, 1);
	assert_int_equal(counters(o).missed, 2);
}

static void a_file_that_nobody_maps_any_more_may_come_again(void **state)
{
	struct others *o = *state;

	map(o, 1, 7);
	looked(o, -ESRCH);
	assert_int_equal(o->looks, 1);
	obi_probed_tick(o->probed, clock_monotonic_ns());
	assert_int_equal(obi_probed_next(o->probed), 0);
	map(o, 2, 7);
	assert_int_equal(o->looks, 2);
	assert_int_equal(o->look.pid, 2);
}

static void a_look_that_cannot_be_asked_for_waits(void **state)
{
	struct others *o = *state;
	uint64_t now = clock_monotonic_ns();

	o->look_error = -EAGAIN;
	map(o, 1, 7);
	assert_int_equal(o->looks, 1);
	assert_in_range(obi_probed_next(o->probed), now, now + NSEC_PER_SEC);
	obi_probed_tick(o->probed, now);
	assert_int_equal(o->looks, 2);
	o->look_error = 0;
	obi_probed_tick(o->probed, now);
	obi_probed_tick(o->probed, now);
	assert_int_equal(o->looks, 3);
	assert_int_equal(obi_probed_next(o->probed), 0);
	looked(o, 0);
	assert_int_equal(o->inspects, 1);
	assert_int_equal(counters(o).missed, 0);
}

static void who_may_not_be_looked_at_is_passed_over(void **state)
{
	struct others *o = *state;

	o->look_error = -EAGAIN;
	map(o, 1, 7);
	map(o, 2, 7);
	o->look_error = -EBUSY;
	obi_probed_tick(o->probed, clock_monotonic_ns());
	assert_int_equal(counters(o).missed, 2);
	assert_int_equal(obi_probed_next(o->probed), 0);
}

/* ---- Asking ---- */

static void a_file_without_sites_is_not_looked_at_again(void **state)
{
	struct others *o = *state;

	map(o, 1, 7);
	looked(o, 0);
	assert_true(say(o, o->inspect.number, 0));
	assert_int_equal(o->attaches, 0);
	assert_int_equal(open_descriptors(), o->descriptors);
	map(o, 2, 7);
	assert_int_equal(o->looks, 1);
	assert_int_equal(counters(o).files, 0);
	assert_string_equal(o->log, "");
}

static void refused_probes_are_counted_and_said_once(void **state)
{
	struct others *o = *state;

	o->attach_error = -EPERM;
	probe_file(o, 1, 7);
	for (uint32_t pid = 2; pid < 10; pid++)
		map(o, pid, 7);
	obi_probed_tick(o->probed, clock_monotonic_ns());
	assert_int_equal(o->looks, 1);
	assert_int_equal(o->attaches, 1);
	assert_int_equal(counters(o).refused, 1);
	assert_int_equal(counters(o).files, 0);
	assert_int_equal(count_of(o->log, "probes are refused"), 1);
	has(o->log, "CAP_SYS_ADMIN");
	assert_int_equal(open_descriptors(), o->descriptors);
}

static void a_new_worker_is_asked_again(void **state)
{
	struct others *o = *state;
	uint32_t asked;

	probe_file(o, 1, 6);
	map(o, 1, 8); /* which is still looked at */
	map(o, 1, 7);
	looked(o, 0);
	asked = o->inspect.number;
	assert_int_equal(o->inspects, 2);
	obi_probed_repeat(o->probed);
	assert_int_equal(o->inspects, 3);
	assert_int_equal(o->inspect.number, asked);
	assert_true(say(o, asked, 1));
	assert_int_equal(counters(o).files, 2);
	obi_probed_repeat(o->probed);
	assert_int_equal(o->inspects, 3);
}

/* Nothing but another worker would ask it again, and that may never come. */
static void a_worker_without_room_is_asked_later(void **state)
{
	struct others *o = *state;
	uint64_t now = clock_monotonic_ns();

	o->inspect_error = -EAGAIN;
	map(o, 1, 7);
	looked(o, 0);
	assert_int_equal(o->inspects, 1);
	assert_false(say(o, o->inspect.number, 1));
	assert_in_range(obi_probed_next(o->probed), now, now + NSEC_PER_SEC);
	obi_probed_tick(o->probed, now);
	assert_int_equal(o->inspects, 2);
	o->inspect_error = 0;
	obi_probed_tick(o->probed, now);
	obi_probed_tick(o->probed, now);
	assert_int_equal(o->inspects, 3);
	assert_int_equal(obi_probed_next(o->probed), 0);
	assert_true(say(o, o->inspect.number, 1));
	assert_int_equal(counters(o).files, 1);
	assert_int_equal(o->looks, 1);
}

static void a_dead_worker_is_not_asked_but_the_next_one(void **state)
{
	struct others *o = *state;

	o->inspect_error = -EPIPE;
	map(o, 1, 7);
	looked(o, 0);
	obi_probed_tick(o->probed, clock_monotonic_ns());
	assert_int_equal(o->inspects, 1);
	assert_int_equal(obi_probed_next(o->probed), 0);
	o->inspect_error = -EAGAIN;
	obi_probed_repeat(o->probed);
	o->inspect_error = 0;
	obi_probed_tick(o->probed, clock_monotonic_ns());
	assert_int_equal(o->inspects, 3);
	assert_true(say(o, o->inspect.number, 1));
}

static void what_nobody_asked_is_an_offence(void **state)
{
	struct others *o = *state;

	assert_false(say(o, 0, 1));
	assert_false(say(o, 1, 1));
	map(o, 1, 7);
	assert_false(say(o, 1, 1)); /* still looked at */
	looked(o, 0);
	assert_false(say(o, o->inspect.number + 1, 1));
	assert_false(say(o, UINT32_MAX, 1));
	assert_false(say(o, 0, 1));
	assert_int_equal(o->attaches, 0);
	assert_true(say(o, o->inspect.number, 1));
	assert_false(say(o, o->inspect.number, 1)); /* twice */
	assert_int_equal(o->attaches, 1);
}

/* ---- Processes come and go ---- */

static void a_file_is_let_go_a_while_after_its_last_process(void **state)
{
	struct others *o = *state;
	uint64_t before, after;

	probe_file(o, 1, 7);
	assert_int_equal(obi_probed_next(o->probed), 0);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 100 * IDLE_NS);
	assert_int_equal(counters(o).files, 1);
	before = clock_monotonic_ns();
	obi_probed_gone(o->probed, 1);
	after = clock_monotonic_ns();
	assert_in_range(obi_probed_next(o->probed), before + IDLE_NS, after + IDLE_NS);
	obi_probed_tick(o->probed, before - 1); /* of a round that began earlier */
	obi_probed_tick(o->probed, before + IDLE_NS - 1);
	assert_int_equal(counters(o).files, 1);
	assert_true(link_is_open(o));
	obi_probed_tick(o->probed, after + IDLE_NS);
	assert_int_equal(counters(o).files, 0);
	assert_false(link_is_open(o));
	assert_int_equal(obi_probed_next(o->probed), 0);
	map(o, 2, 7);
	assert_int_equal(o->looks, 2);
}

static void who_comes_again_in_time_finds_the_probes(void **state)
{
	struct others *o = *state;

	probe_file(o, 1, 7);
	obi_probed_gone(o->probed, 1);
	map(o, 2, 7);
	assert_int_equal(obi_probed_next(o->probed), 0);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_int_equal(counters(o).files, 1);
	assert_int_equal(o->looks, 1);
}

static void a_child_maps_what_its_parent_does(void **state)
{
	struct others *o = *state;

	probe_file(o, 1, 7);
	probe_file(o, 9, 8);
	obi_probed_forked(o->probed, 1, 2);
	obi_probed_gone(o->probed, 1);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_int_equal(counters(o).files, 2);
	obi_probed_gone(o->probed, 9);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_int_equal(counters(o).files, 1); /* 2 does not map that */
	obi_probed_gone(o->probed, 2);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_int_equal(counters(o).files, 0);
}

static void a_child_is_looked_at_where_its_parent_is_gone(void **state)
{
	struct others *o = *state;

	map(o, 1, 7);
	obi_probed_forked(o->probed, 1, 2);
	obi_probed_gone(o->probed, 1);
	looked(o, -ESRCH);
	assert_int_equal(o->look.pid, 2);
	assert_int_equal(o->look.mapping.pid, 2);
	assert_int_equal(o->look.mapping.start, 0x1000);
}

static void exec_and_exit_leave_all_files(void **state)
{
	struct others *o = *state;

	probe_file(o, 1, 7);
	probe_file(o, 1, 8);
	probe_file(o, 2, 9);
	obi_probed_gone(o->probed, 1);
	obi_probed_gone(o->probed, 1);
	obi_probed_gone(o->probed, 3);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_int_equal(counters(o).files, 1);
}

/* What is under way has an answer to come. */
static void a_file_is_not_let_go_while_it_is_asked_about(void **state)
{
	struct others *o = *state;

	map(o, 1, 7);
	obi_probed_gone(o->probed, 1);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	looked(o, 0);
	assert_int_equal(o->inspects, 1);
	assert_int_equal(o->inspect.pid, 0);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_true(say(o, o->inspect.number, 1));
	assert_int_equal(counters(o).files, 1);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	assert_int_equal(counters(o).files, 0);
}

static void files_beyond_the_table_are_missed_and_said_once(void **state)
{
	struct others *o = *state;

	for (uint32_t i = 0; i < OBI_PROBED_FILES_MAX; i++)
		map(o, 1, 1 + i);
	assert_int_equal(counters(o).missed, 0);
	assert_string_equal(o->log, "");
	for (uint32_t i = 0; i < 10; i++)
		map(o, 2, 100000 + i);
	assert_int_equal(o->looks, OBI_PROBED_FILES_MAX);
	assert_int_equal(counters(o).missed, 10);
	assert_int_equal(count_of(o->log, "too many files"), 1);
	map(o, 2, 1); /* which is there */
	assert_int_equal(counters(o).missed, 10);
	/* Room comes as others are let go. */
	looked(o, 0);
	assert_true(say(o, o->inspect.number, 0));
	obi_probed_gone(o->probed, 1);
	obi_probed_tick(o->probed, clock_monotonic_ns() + 2 * IDLE_NS);
	map(o, 2, 100000);
	assert_int_equal(o->look.mapping.inode, 100000);
}

static void after_the_end_nothing_is_taken(void **state)
{
	struct others *o = *state;
	uint32_t asked;

	probe_file(o, 1, 7);
	map(o, 1, 8);
	looked(o, 0);
	asked = o->inspect.number;
	map(o, 1, 9);
	obi_probed_detach(o->probed);
	assert_false(link_is_open(o));
	looked(o, 0); /* takes the descriptor */
	assert_true(say(o, asked, 1));
	map(o, 1, 10);
	obi_probed_forked(o->probed, 1, 2);
	obi_probed_gone(o->probed, 1);
	obi_probed_repeat(o->probed);
	obi_probed_tick(o->probed, clock_monotonic_ns());
	assert_int_equal(o->looks, 3);
	assert_int_equal(o->inspects, 2);
	assert_int_equal(o->attaches, 1);
	assert_int_equal(counters(o).files, 0);
	assert_int_equal(obi_probed_next(o->probed), 0);
	assert_int_equal(open_descriptors(), o->descriptors);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void links_of_many_files_end_together(void **state)
{
	struct others *o = *state;

	for (uint32_t i = 1; i <= 101; i++) {
		map(o, 1, i);
		looked(o, 0);
		assert_true(say(o, o->inspect.number, 1));
	}
	assert_int_equal(open_descriptors(), o->descriptors + 101);
	obi_probed_detach(o->probed);
	assert_int_equal(open_descriptors(), o->descriptors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_look_for_many_processes_with_one_file),
		TEST(links_of_many_files_end_together),
		TEST(a_file_is_one_of_its_device),
		TEST(file_that_is_to_be_left_alone_is_looked_at_once),
		TEST(where_one_is_gone_another_is_looked_at),
		TEST(a_file_that_nobody_maps_any_more_may_come_again),
		TEST(a_look_that_cannot_be_asked_for_waits),
		TEST(who_may_not_be_looked_at_is_passed_over),
		TEST(a_file_without_sites_is_not_looked_at_again),
		TEST(refused_probes_are_counted_and_said_once),
		TEST(a_new_worker_is_asked_again),
		TEST(a_worker_without_room_is_asked_later),
		TEST(a_dead_worker_is_not_asked_but_the_next_one),
		TEST(what_nobody_asked_is_an_offence),
		TEST(a_file_is_let_go_a_while_after_its_last_process),
		TEST(who_comes_again_in_time_finds_the_probes),
		TEST(a_child_maps_what_its_parent_does),
		TEST(a_child_is_looked_at_where_its_parent_is_gone),
		TEST(exec_and_exit_leave_all_files),
		TEST(a_file_is_not_let_go_while_it_is_asked_about),
		TEST(files_beyond_the_table_are_missed_and_said_once),
		TEST(after_the_end_nothing_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
