// SPDX-License-Identifier: Apache-2.0
/* Lists of mappings that grow after exec(2). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/fresh.h"

#define JVM "7f0000000000-7f0000001000 r-xp 00000000 fe:00 1 /usr/lib/jvm/lib/server/libjvm.so\n"
#define CPP "7f0000002000-7f0000003000 r-xp 00000000 fe:00 1 /usr/lib/libstdc++.so.6\n"

static struct obi_fresh fresh;
static unsigned taken;
static enum obi_language taken_language;

static int maps(void)
{
	return memfd_create("maps", MFD_CLOEXEC);
}

static void grow(int fd, const char *line)
{
	assert_int_equal(pwrite(fd, line, strlen(line), lseek(fd, 0, SEEK_END)), strlen(line));
}

static void take(void *context, uint32_t pid, enum obi_language language)
{
	taken++;
	taken_language = language;
	assert_int_equal(pid, 7);
}

static void tick(uint64_t ms)
{
	obi_fresh_tick(&fresh, ms * NSEC_PER_MSEC, take, NULL);
}

static int clean(void **state)
{
	obi_fresh_close(&fresh);
	taken = 0;
	return 0;
}

static void a_runtime_is_found_as_it_is_mapped(void **state)
{
	int fd = maps();

	obi_fresh_put(&fresh, 7, fd, 0);
	assert_int_equal(obi_fresh_next(&fresh), 20 * NSEC_PER_MSEC);
	tick(20);
	assert_int_equal(taken, 0);
	grow(fd, CPP);
	tick(60);
	assert_int_equal(taken, 1);
	assert_int_equal(taken_language, OBI_LANGUAGE_CPP);
	grow(fd, JVM);
	tick(149);
	assert_int_equal(taken, 1);
	tick(150);
	assert_int_equal(taken, 2);
	assert_int_equal(taken_language, OBI_LANGUAGE_JAVA);
	assert_int_equal(fresh.count, 0); /* settled */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(obi_fresh_next(&fresh), UINT64_MAX);
}

static void a_first_span_is_a_look_of_its_own(void **state)
{
	int fd = maps();

	obi_fresh_put(&fresh, 7, fd, 0);
	assert_int_equal(obi_fresh_first(&fresh, 8), OBI_LANGUAGE_GENERIC);
	assert_int_equal(obi_fresh_first(&fresh, 7), OBI_LANGUAGE_GENERIC);
	grow(fd, JVM);
	assert_int_equal(obi_fresh_first(&fresh, 7), OBI_LANGUAGE_GENERIC); /* the second */
	tick(20);
	assert_int_equal(taken_language, OBI_LANGUAGE_JAVA);

	fd = maps();
	grow(fd, JVM);
	obi_fresh_put(&fresh, 7, fd, 0);
	assert_int_equal(obi_fresh_first(&fresh, 7), OBI_LANGUAGE_JAVA);
	assert_int_equal(fresh.count, 0);
}

static void who_stays_generic_is_let_go(void **state)
{
	int fd = maps();

	obi_fresh_put(&fresh, 7, fd, 10 * NSEC_PER_MSEC);
	tick(0); /* before it was put: clocks are read in any order */
	assert_int_equal(fresh.count, 1);
	for (uint64_t ms = 10; ms < 5009; ms += 7)
		tick(ms);
	assert_int_equal(fresh.count, 1);
	tick(5010);
	assert_int_equal(fresh.count, 0);
	assert_int_equal(taken, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void descriptors_are_bounded_and_given_back(void **state)
{
	int first = maps(), again = maps();

	obi_fresh_put(&fresh, 1, first, 0);
	for (uint32_t pid = 2; pid <= OBI_FRESH_MAX; pid++)
		obi_fresh_put(&fresh, pid, maps(), 0);
	assert_int_equal(fresh.count, OBI_FRESH_MAX);
	obi_fresh_put(&fresh, 2, again, 0); /* has become yet another program */
	assert_int_equal(fresh.count, OBI_FRESH_MAX);
	assert_int_not_equal(fcntl(first, F_GETFD), -1);
	obi_fresh_put(&fresh, 100, maps(), 0);
	assert_int_equal(fresh.count, OBI_FRESH_MAX);
	assert_int_equal(fcntl(first, F_GETFD), -1);
	obi_fresh_forget(&fresh, 2);
	assert_int_equal(fcntl(again, F_GETFD), -1);
	assert_int_equal(fresh.count, OBI_FRESH_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_runtime_is_found_as_it_is_mapped, clean),
		cmocka_unit_test_teardown(a_first_span_is_a_look_of_its_own, clean),
		cmocka_unit_test_teardown(who_stays_generic_is_let_go, clean),
		cmocka_unit_test_teardown(descriptors_are_bounded_and_given_back, clean),
	};

	return cmocka_run_group_tests_name("fresh", tests, NULL, NULL);
}
