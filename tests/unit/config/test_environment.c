// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config/environment.h"

static char *const variables[] = {
	"TEST_VAR=test_value",
	"ANOTHER_VAR=another_value",
	"EMPTY_VAR=",
	"TEST=wrong",
	"BROKEN",
	"DOLLAR=${TEST_VAR}",
	NULL,
};

static void expect(const char *text, const char *want)
{
	struct buffer got = { 0 };

	assert_int_equal(obi_environment_replace(variables, slice_cstr(text), 4096, &got), 0);
	if (!slice_equal(slice_of(got.data, got.len), slice_cstr(want)))
		fail_msg("'%s' became '%.*s', want '%s'", text, (int)got.len, got.data, want);
	buffer_free(&got);
}

/* What the existing program's own tests assert. */
static void variables_are_replaced_as_by_the_existing_program(void **state)
{
	expect("key: ${TEST_VAR}\n", "key: test_value\n");
	expect("key: ${TEST_VAR:-default}\n", "key: test_value\n");
	expect("key: ${NON_EXISTENT_VAR:-default}\n", "key: default\n");
	expect("key: ${NON_EXISTENT_VAR}\n", "key: \n");
	expect("key: ${NON_EXISTENT_VAR:-}\n", "key: \n");
	expect("key: $${TEST_VAR}\n", "key: ${TEST_VAR}\n");
	expect("key1: ${TEST_VAR}\nkey2: ${ANOTHER_VAR}\n",
	       "key1: test_value\nkey2: another_value\n");
	expect("key: prefix-${TEST_VAR}-suffix\n", "key: prefix-test_value-suffix\n");
	expect("key: ${EMPTY_VAR}\n", "key: \n");
	expect("key: ${EMPTY_VAR:-default}\n", "key: default\n");
	expect("\nservice:\n  name: ${TEST_VAR}\n  port: 8080\nconfig:\n"
	       "  timeout: ${NON_EXISTENT_VAR:-30}\n  retries: 3\n  credentials:\n"
	       "    username: admin\n    password: $${PASSWORD}\n",
	       "\nservice:\n  name: test_value\n  port: 8080\nconfig:\n  timeout: 30\n"
	       "  retries: 3\n  credentials:\n    username: admin\n    password: ${PASSWORD}\n");
	expect("key: ${env:TEST_VAR}\n", "key: test_value\n");
	expect("key: ${env:TEST_VAR_UNEXISTING}\n", "key: \n");
	expect("key: value\n", "key: value\n");
}

static void parentheses_are_the_same_as_braces(void **state)
{
	expect("$(TEST_VAR)/$(env:TEST_VAR)/$(NO:-x)/$(env:NO:-y)/$$(A)",
	       "test_value/test_value/x/y/$(A)");
}

static void what_is_no_reference_stays(void **state)
{
	expect("", "");
	expect("$", "$");
	expect("$$", "$$");
	expect("cost: 5$ ${", "cost: 5$ ${");
	expect("${1A} ${} ${A B} ${A", "${1A} ${} ${A B} ${A");
	expect("${TEST_VAR) $(TEST_VAR}", "${TEST_VAR) $(TEST_VAR}");
	expect("${NO:-a\nb}", "${NO:-a\nb}");
	expect("^a$|^b$", "^a$|^b$");
}

static void values_are_not_replaced_again(void **state)
{
	expect("${DOLLAR}", "${TEST_VAR}");
}

static void a_text_that_unfolds_is_cut_off(void **state)
{
	struct buffer text = { 0 }, got = { 0 };

	for (int i = 0; i < 1000; i++)
		buffer_put_cstr(&text, "${TEST_VAR}");
	assert_int_equal(
		obi_environment_replace(variables, slice_of(text.data, text.len), 5000, &got),
		-EFBIG);
	assert_true(got.len < 6000);
	buffer_free(&text);
	buffer_free(&got);
}

static void an_empty_variable_is_not_set(void **state)
{
	assert_null(obi_environment_get(variables, SLICE_LIT("EMPTY_VAR")));
	assert_null(obi_environment_get(variables, SLICE_LIT("TEST_")));
	assert_null(obi_environment_get(variables, SLICE_LIT("BROKEN")));
	assert_null(obi_environment_get(NULL, SLICE_LIT("TEST")));
	assert_string_equal(obi_environment_get(variables, SLICE_LIT("TEST")), "wrong");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_replaced_as_by_the_existing_program),
		cmocka_unit_test(parentheses_are_the_same_as_braces),
		cmocka_unit_test(what_is_no_reference_stays),
		cmocka_unit_test(values_are_not_replaced_again),
		cmocka_unit_test(a_text_that_unfolds_is_cut_off),
		cmocka_unit_test(an_empty_variable_is_not_set),
	};

	return cmocka_run_group_tests_name("config/environment", tests, NULL, NULL);
}
