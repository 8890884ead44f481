// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/table.h"

#define GRACE 100

static int put(struct obi_services *services, uint32_t pid, const char *name)
{
	struct obi_service service = { .pid = pid };

	(void)snprintf(service.name, sizeof(service.name), "%s", name);
	return obi_services_put(services, &service);
}

static const char *name_of(const struct obi_services *services, uint32_t pid)
{
	const struct obi_service *service = obi_services_find(services, pid);

	return service ? service->name : "(none)";
}

static void process_is_found_until_its_grace_ends(void **state)
{
	struct obi_services *services = obi_services_new(8, GRACE);

	assert_int_equal(put(services, 1, "one"), 0);
	assert_string_equal(name_of(services, 1), "one");
	assert_string_equal(name_of(services, 2), "(none)");
	obi_services_gone(services, 1, 1000);
	obi_services_gone(services, 2, 1000);
	obi_services_tick(services, 1000 + GRACE - 1);
	assert_string_equal(name_of(services, 1), "one");
	obi_services_tick(services, 1000 + GRACE);
	assert_string_equal(name_of(services, 1), "(none)");
	assert_int_equal(obi_services_count(services), 0);
	obi_services_free(services);
}

static void put_replaces_and_revives(void **state)
{
	struct obi_services *services = obi_services_new(8, GRACE);

	assert_int_equal(put(services, 1, "before exec"), 0);
	assert_int_equal(put(services, 1, "after exec"), 0);
	assert_string_equal(name_of(services, 1), "after exec");
	assert_int_equal(obi_services_count(services), 1);
	obi_services_gone(services, 1, 1000);
	assert_int_equal(put(services, 1, "its pid again"), 0);
	obi_services_tick(services, 5000);
	assert_string_equal(name_of(services, 1), "its pid again");
	obi_services_free(services);
}

static void second_exit_does_not_prolong_the_grace(void **state)
{
	struct obi_services *services = obi_services_new(8, GRACE);

	assert_int_equal(put(services, 1, "one"), 0);
	obi_services_gone(services, 1, 1000);
	obi_services_gone(services, 1, 1090);
	obi_services_tick(services, 1100);
	assert_null(obi_services_find(services, 1));
	obi_services_free(services);
}

/* The clock was read for the tick, then the end was heard of. */
static void a_tick_from_before_the_end_forgets_nobody(void **state)
{
	struct obi_services *services = obi_services_new(4, 100);

	put(services, 1, "one");
	obi_services_gone(services, 1, 1000);
	obi_services_tick(services, 999);
	assert_non_null(obi_services_find(services, 1));
	obi_services_tick(services, 1099);
	assert_non_null(obi_services_find(services, 1));
	obi_services_tick(services, 1100);
	assert_null(obi_services_find(services, 1));
	obi_services_free(services);
}

static void full_table_takes_from_the_gone_first_and_counts_refusals(void **state)
{
	struct obi_services *services = obi_services_new(3, GRACE);

	assert_int_equal(put(services, 1, "one"), 0);
	assert_int_equal(put(services, 2, "two"), 0);
	assert_int_equal(put(services, 3, "three"), 0);
	assert_int_equal(put(services, 4, "four"), -ENOSPC);
	assert_int_equal(obi_services_refused(services), 1);
	obi_services_gone(services, 2, 10);
	obi_services_gone(services, 1, 20);
	assert_int_equal(put(services, 4, "four"), 0);
	assert_null(obi_services_find(services, 2)); /* went first */
	assert_string_equal(name_of(services, 1), "one");
	assert_int_equal(put(services, 5, "five"), 0);
	assert_null(obi_services_find(services, 1));
	assert_int_equal(put(services, 6, "six"), -ENOSPC);
	assert_int_equal(obi_services_count(services), 3);
	obi_services_free(services);
}

static void absurd_sizes_are_refused(void **state)
{
	assert_null(obi_services_new(0, GRACE));
	assert_null(obi_services_new(65537, GRACE));
	obi_services_free(NULL);
}

/* Against a plain array, with pids that collide. */
#define PIDS 400
#define ROOM 64

struct model {
	uint64_t gone_ns;
	unsigned value;
	bool there, gone;
};

static uint32_t pid_of(unsigned i)
{
	return i % 2 ? i * 4096 + 1 : i + 1;
}

static void model_tick(struct model *model, uint64_t now, size_t *count)
{
	for (unsigned i = 0; i < PIDS; i++)
		if (model[i].gone && now - model[i].gone_ns >= GRACE) {
			model[i] = (struct model){ 0 };
			(*count)--;
		}
}

static void compare(const struct obi_services *services, const struct model *model)
{
	for (unsigned i = 0; i < PIDS; i++) {
		char expected[16] = "(none)";

		if (model[i].there)
			(void)snprintf(expected, sizeof(expected), "%u", model[i].value);
		assert_string_equal(name_of(services, pid_of(i)), expected);
	}
}

static void table_agrees_with_a_model_over_many_steps(void **state)
{
	struct obi_services *services = obi_services_new(ROOM, GRACE);
	struct model model[PIDS] = { 0 };
	size_t count = 0;

	srandom(1);
	for (uint64_t now = 1; now < 20000; now++) {
		unsigned i = (unsigned)random() % PIDS, value = (unsigned)random();
		char name[16];

		(void)snprintf(name, sizeof(name), "%u", value);
		if (random() % 2 && (model[i].there || count < ROOM)) {
			assert_int_equal(put(services, pid_of(i), name), 0);
			count += !model[i].there;
			model[i] = (struct model){ .there = true, .value = value };
		} else if (model[i].there && !model[i].gone) {
			obi_services_gone(services, pid_of(i), now);
			model[i].gone = true;
			model[i].gone_ns = now;
		}
		obi_services_tick(services, now);
		model_tick(model, now, &count);
		assert_int_equal(obi_services_count(services), count);
		if (now % 50 == 0)
			compare(services, model);
	}
	obi_services_free(services);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(process_is_found_until_its_grace_ends),
		cmocka_unit_test(put_replaces_and_revives),
		cmocka_unit_test(second_exit_does_not_prolong_the_grace),
		cmocka_unit_test(a_tick_from_before_the_end_forgets_nobody),
		cmocka_unit_test(full_table_takes_from_the_gone_first_and_counts_refusals),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(table_agrees_with_a_model_over_many_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
