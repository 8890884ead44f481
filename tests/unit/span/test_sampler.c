// SPDX-License-Identifier: Apache-2.0
/* The samplers of the specification: each with roots, with parents, and at the bounds of a ratio.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "span/sampler.h"

#define HALF UINT64_C(0x8000000000000000) /* of the last eight bytes of a trace's id */

/* number: the last eight bytes of the id. flags < 0: a root. */
static struct obi_trace trace_of(uint64_t number, int flags)
{
	struct obi_trace trace = { .trace_id = { [0 ... 7] = 0xff } };

	for (int i = 15; i >= 8; i--, number >>= 8)
		trace.trace_id[i] = (uint8_t)number;
	if (flags >= 0) {
		trace.parent_id[7] = 1;
		trace.trace_flags = (uint8_t)flags;
	}
	return trace;
}

static bool takes(int name, const char *arg, uint64_t number, int flags)
{
	struct obi_sampler_options options = { .name = name, .arg = arg };
	struct obi_trace trace = trace_of(number, flags);
	struct obi_sampler sampler;

	assert_int_equal(obi_sampler_init(&options, &sampler), 0);
	return obi_sampler_takes(&sampler, &trace);
}

static void each_sampler_decides_as_specified(void **state)
{
	static const struct {
		int name;
		const char *arg;
		bool root, low_root, sampled_child, other_child;
	} cases[] = {
		{ OBI_SAMPLER_UNSET, "", true, true, true, false }, /* the default */
		{ OBI_SAMPLER_PARENT_ALWAYS_ON, "", true, true, true, false },
		{ OBI_SAMPLER_PARENT_ALWAYS_OFF, "", false, false, true, false },
		{ OBI_SAMPLER_PARENT_RATIO, "0.5", false, true, true, false },
		{ OBI_SAMPLER_ALWAYS_ON, "", true, true, true, true },
		{ OBI_SAMPLER_ALWAYS_OFF, "", false, false, false, false },
		{ OBI_SAMPLER_RATIO, "0.5", false, true, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(takes(cases[i].name, cases[i].arg, UINT64_MAX, -1), cases[i].root);
		assert_int_equal(takes(cases[i].name, cases[i].arg, 2, -1), cases[i].low_root);
		assert_int_equal(takes(cases[i].name, cases[i].arg, UINT64_MAX, 1),
				 cases[i].sampled_child);
		assert_int_equal(takes(cases[i].name, cases[i].arg, UINT64_MAX, 0),
				 cases[i].other_child);
	}
}

/* Flags that are not known yet say nothing of sampling. */
static void only_the_sampled_flag_of_a_parent_counts(void **state)
{
	assert_true(takes(OBI_SAMPLER_PARENT_ALWAYS_OFF, "", 0, 0xff));
	assert_false(takes(OBI_SAMPLER_PARENT_ALWAYS_ON, "", 0, 0xfe));
}

static void ratio_is_a_bound_of_the_traces_number(void **state)
{
	assert_true(takes(OBI_SAMPLER_RATIO, "0.5", HALF - 1, -1));
	assert_false(takes(OBI_SAMPLER_RATIO, "0.5", HALF, -1));
	assert_true(takes(OBI_SAMPLER_RATIO, "0.25", HALF / 2 - 1, -1));
	assert_false(takes(OBI_SAMPLER_RATIO, "0.25", HALF / 2, -1));
	/* The lowest bit does not count: 0 and 1 are one number. */
	assert_true(takes(OBI_SAMPLER_RATIO, "1e-18", 1, -1));
	assert_true(takes(OBI_SAMPLER_PARENT_RATIO, "5e-1", HALF - 1, -1));
	assert_false(takes(OBI_SAMPLER_PARENT_RATIO, "5e-1", HALF, -1));
}

static void ratios_beyond_the_bounds_take_all_or_none(void **state)
{
	static const char *const all[] = { "", "1", "1.5", "1e300", "inf" };
	static const char *const none[] = { "0", "-0", "-1", "-inf", "1e-300" };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_true(takes(OBI_SAMPLER_RATIO, all[i], UINT64_MAX, -1));
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(takes(OBI_SAMPLER_RATIO, none[i], 0, -1));
}

static void what_is_no_ratio_is_said_and_samples_by_default(void **state)
{
	static const char *const wrong[] = { "half", "0.5x", "0,5", "nan", " " };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct obi_sampler_options options = { OBI_SAMPLER_RATIO, wrong[i] };
		struct obi_trace root = trace_of(UINT64_MAX, -1), child = trace_of(0, 0);
		struct obi_sampler sampler;

		assert_int_equal(obi_sampler_init(&options, &sampler), -EINVAL);
		assert_true(obi_sampler_takes(&sampler, &root));
		assert_false(obi_sampler_takes(&sampler, &child));
	}
}

static void every_sampler_has_the_name_of_the_specification(void **state)
{
	static const char *const names[] = {
		[OBI_SAMPLER_PARENT_ALWAYS_ON] = "parentbased_always_on",
		[OBI_SAMPLER_PARENT_ALWAYS_OFF] = "parentbased_always_off",
		[OBI_SAMPLER_PARENT_RATIO] = "parentbased_traceidratio",
		[OBI_SAMPLER_ALWAYS_ON] = "always_on",
		[OBI_SAMPLER_ALWAYS_OFF] = "always_off",
		[OBI_SAMPLER_RATIO] = "traceidratio",
	};
	size_t count = 0;

	for (const struct obi_name *name = obi_sampler_names; name->name; name++, count++)
		assert_string_equal(name->name, names[name->value]);
	assert_int_equal(count, ARRAY_SIZE(names) - 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sampler_decides_as_specified),
		cmocka_unit_test(only_the_sampled_flag_of_a_parent_counts),
		cmocka_unit_test(ratio_is_a_bound_of_the_traces_number),
		cmocka_unit_test(ratios_beyond_the_bounds_take_all_or_none),
		cmocka_unit_test(what_is_no_ratio_is_said_and_samples_by_default),
		cmocka_unit_test(every_sampler_has_the_name_of_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
