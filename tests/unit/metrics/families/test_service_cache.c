// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "metrics/families/service_cache.h"

static struct obi_service service(unsigned number)
{
	struct obi_service made = { .pid = number };

	(void)snprintf(made.name, sizeof(made.name), "s%u", number);
	return made;
}

static bool use(struct service_cache *cache, unsigned number)
{
	struct obi_service asked = service(number);

	return service_cache_use(cache, &asked);
}

/* The number of the one that was forgotten, or 0. */
static unsigned put(struct service_cache *cache, unsigned number)
{
	struct obi_service added = service(number), forgotten = { 0 };
	int result = service_cache_put(cache, &added, &forgotten);

	assert_int_equal(result, forgotten.pid ? 1 : 0);
	return forgotten.pid;
}

static void drop(struct service_cache *cache, unsigned number)
{
	struct obi_service dropped = service(number);

	service_cache_drop(cache, &dropped);
}

static void the_one_not_used_for_longest_is_forgotten(void **state)
{
	struct service_cache *cache = service_cache_new(2);

	assert_false(use(cache, 1));
	assert_int_equal(put(cache, 1), 0);
	assert_int_equal(put(cache, 2), 0);
	assert_true(use(cache, 1));
	assert_int_equal(put(cache, 3), 2);
	assert_false(use(cache, 2));
	assert_int_equal(put(cache, 1), 0);
	assert_int_equal(put(cache, 4), 3);
	drop(cache, 4);
	drop(cache, 4);
	assert_int_equal(put(cache, 5), 0);
	assert_int_equal(put(cache, 6), 1);
	service_cache_free(cache);
}

static void one_is_enough(void **state)
{
	struct service_cache *cache = service_cache_new(1);

	for (unsigned i = 1; i < 200; i++)
		assert_int_equal(put(cache, i), i - 1);
	drop(cache, 199);
	assert_int_equal(put(cache, 1), 0);
	service_cache_free(cache);
}

/* A list that does the same by looking at everything. */
struct model {
	unsigned items[8]; /* the last used one first */
	unsigned count;
};

static bool model_take(struct model *model, unsigned number)
{
	for (unsigned i = 0; i < model->count; i++) {
		if (model->items[i] != number)
			continue;
		model->count--;
		for (; i < model->count; i++)
			model->items[i] = model->items[i + 1];
		return true;
	}
	return false;
}

static unsigned model_put(struct model *model, unsigned number)
{
	unsigned forgotten = 0;

	if (!model_take(model, number) && model->count == 8)
		forgotten = model->items[--model->count];
	for (unsigned i = model->count++; i > 0; i--)
		model->items[i] = model->items[i - 1];
	model->items[0] = number;
	return forgotten;
}

static void order_survives_everything(void **state)
{
	struct service_cache *cache = service_cache_new(8);
	struct model model = { 0 };

	srand(1);
	for (int i = 0; i < 20000; i++) {
		unsigned number = 1 + (unsigned)rand() % 12;

		switch (rand() % 4) {
		case 0:
			drop(cache, number);
			(void)model_take(&model, number);
			break;
		case 1:
			if (use(cache, number))
				assert_int_equal(model_put(&model, number), 0);
			else
				assert_false(model_take(&model, number));
			break;
		default:
			assert_int_equal(put(cache, number), model_put(&model, number));
		}
	}
	service_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_one_not_used_for_longest_is_forgotten),
		cmocka_unit_test(one_is_enough),
		cmocka_unit_test(order_survives_everything),
	};

	return cmocka_run_group_tests_name("export/service_cache", tests, NULL, NULL);
}
