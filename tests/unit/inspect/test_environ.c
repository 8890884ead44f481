// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "inspect/environ.h"

static void take(void *context, struct slice name, struct slice value)
{
	struct buffer *text = context;

	buffer_put_slice(text, name);
	buffer_put_char(text, '=');
	buffer_put_slice(text, slice_first(value, 40));
	buffer_put_char(text, ';');
}

static void check(const void *bytes, size_t len, const char *expected)
{
	struct buffer text = { 0 };
	int fd = memfd_create("environ", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(obi_environ_read(fd, take, &text), 0);
	buffer_put_char(&text, '\0');
	assert_string_equal(text.data, expected);
	buffer_free(&text);
	(void)close(fd);
}

#define CHECK(bytes_, expected_) check(bytes_, sizeof(bytes_) - 1, expected_)

static void variables_are_split_and_what_is_none_left_out(void **state)
{
	CHECK("ok=\"=  =\"\0nothing\0=wrong\0something=somethingelse\0something_empty=\0"
	      "something= else\0weird==  =\0resources=a=b,c=d,e=  fg\0\0",
	      "ok=\"=  =\";something=somethingelse;something=else;weird==  =;"
	      "resources=a=b,c=d,e=  fg;");
	CHECK("", "");
	CHECK("\0\0\0", "");
	CHECK("A=1", "A=1;"); /* cut off */
	CHECK("A=1\0B", "A=1;");
}

/* Every length around the size of a piece, so that every cut is met. */
static void variable_is_whole_wherever_a_piece_ends(void **state)
{
	for (size_t fill = OBI_ENVIRON_ENTRY_MAX - 24; fill < OBI_ENVIRON_ENTRY_MAX - 2; fill++) {
		struct buffer bytes = { 0 };
		char expected[128];

		buffer_put_cstr(&bytes, "PAD=");
		for (size_t i = 4; i < fill; i++)
			buffer_put_char(&bytes, 'x');
		buffer_put_char(&bytes, '\0');
		buffer_put(&bytes, "OTEL_SERVICE_NAME=cart", sizeof("OTEL_SERVICE_NAME=cart"));
		(void)snprintf(expected, sizeof(expected), "PAD=%.40s;OTEL_SERVICE_NAME=cart;",
			       bytes.data + 4);
		check(bytes.data, bytes.len, expected);
		buffer_free(&bytes);
	}
}

static void entry_that_is_too_long_is_skipped_alone(void **state)
{
	struct buffer bytes = { 0 };

	buffer_put(&bytes, "A=1", sizeof("A=1"));
	buffer_put_cstr(&bytes, "HUGE=");
	for (size_t i = 0; i < (size_t)3 * OBI_ENVIRON_ENTRY_MAX; i++)
		buffer_put_char(&bytes, 'x');
	buffer_put_char(&bytes, '\0');
	buffer_put(&bytes, "B=2", sizeof("B=2"));
	check(bytes.data, bytes.len, "A=1;B=2;");
	buffer_free(&bytes);
}

static void endless_environment_ends(void **state)
{
	int fd = memfd_create("environ", MFD_CLOEXEC);
	struct buffer text = { 0 };

	assert_int_equal(ftruncate(fd, (off_t)OBI_ENVIRON_MAX * 64), 0);
	assert_int_equal(obi_environ_read(fd, take, &text), 0);
	assert_true(lseek(fd, 0, SEEK_CUR) <= OBI_ENVIRON_MAX + OBI_ENVIRON_ENTRY_MAX);
	assert_int_equal(text.len, 0);
	(void)close(fd);
}

static void unreadable_descriptor_is_an_error(void **state)
{
	struct buffer text = { 0 };

	assert_true(obi_environ_read(-1, take, &text) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_split_and_what_is_none_left_out),
		cmocka_unit_test(variable_is_whole_wherever_a_piece_ends),
		cmocka_unit_test(entry_that_is_too_long_is_skipped_alone),
		cmocka_unit_test(endless_environment_ends),
		cmocka_unit_test(unreadable_descriptor_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
