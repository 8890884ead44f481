// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "inspect/maps.h"

#define LONGEST 8192 /* of a line, with its end */
#define LIBSSL "7f01-7f02 r-xp 1000 fe:01 77 /lib/libssl.so.3\n"
#define LIBSSL_SEEN "7f01-7f02 fe:1 77 /lib/libssl.so.3;"

static bool take(void *context, const struct obi_mapped *mapped)
{
	struct buffer *text = context;
	char line[128];

	(void)snprintf(line, sizeof(line), "%lx-%lx %x:%x %lu " SLICE_FMT ";", mapped->start,
		       mapped->end, mapped->major, mapped->minor, mapped->inode,
		       SLICE_ARG(slice_first(mapped->path, 40)));
	buffer_put_slice(text, slice_cstr(line));
	return true;
}

static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("maps", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void check(struct slice bytes, const char *expected)
{
	_cleanup_close_ int fd = file_of(bytes.data, bytes.len);
	struct buffer text = { 0 };

	assert_int_equal(obi_maps_read(fd, take, &text), 0);
	buffer_put_char(&text, '\0');
	assert_string_equal(text.data, expected);
	buffer_free(&text);
}

#define CHECK(text_, expected_) check(SLICE_LIT(text_), expected_)

static void code_of_files_is_told_as_the_kernel_shows_it(void **state)
{
	CHECK("55d0c8a00000-55d0c8a02000 r--p 00000000 fe:01 1234   /usr/bin/cat\n"
	      "55d0c8a02000-55d0c8a07000 r-xp 00002000 fe:01 1234                       "
	      "/usr/bin/cat\n"
	      "55d0c9000000-55d0c9021000 rw-p 00000000 00:00 0                          [heap]\n"
	      "7f2a00000000-7f2a00100000 r-xs 00001000 103:0a 18446744073709551615      "
	      "/usr/lib/a b.so\n"
	      "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                          [vdso]\n"
	      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  "
	      "[vsyscall]\n",
	      "55d0c8a02000-55d0c8a07000 fe:1 1234 /usr/bin/cat;"
	      "7f2a00000000-7f2a00100000 103:a 18446744073709551615 /usr/lib/a b.so;");
	CHECK("", "");
	CHECK("\n\n\n" LIBSSL "\n", LIBSSL_SEEN);
}

static void deleted_file_has_its_name_of_before(void **state)
{
	CHECK("1-2 r-xp 0 fe:01 7 /lib/libssl.so.3 (deleted)\n", "1-2 fe:1 7 /lib/libssl.so.3;");
	CHECK("1-2 r-xp 0 fe:01 7 /lib/a (deleted) (deleted)\n", "1-2 fe:1 7 /lib/a (deleted);");
	CHECK("1-2 r-xp 0 fe:01 7 /lib/a(deleted)\n", "1-2 fe:1 7 /lib/a(deleted);");
	CHECK("1-2 r-xp 0 00:01 7 /memfd:jit (deleted)\n", "1-2 0:1 7 /memfd:jit;");
}

/* PR_SET_VMA_ANON_NAME: whatever the process likes, also slashes. */
static void memory_without_a_file_is_none(void **state)
{
	CHECK("1-2 r-xp 00000000 00:00 0\n"
	      "1-2 r-xp 00000000 00:00 0 \n"
	      "1-2 r-xp 00000000 00:00 0     [anon:jit]\n"
	      "1-2 r-xp 00000000 00:00 0     [anon:/lib/libssl.so.3]\n"
	      "1-2 r-xs 00000000 00:0e 1057  anon_inode:[perf_event]\n"
	      "1-2 r-xs 00000000 00:0e 1057  anon_inode:/libssl.so.3\n",
	      "");
}

/* The kernel writes "\n" of a name as its octal number: no line can be made up. */
static void end_of_line_in_a_name_is_a_part_of_it(void **state)
{
	CHECK("1-2 r-xp 0 fe:01 7 /a\\0121-2 r-xp 0 fe:01 8 /libssl.so.3\n",
	      "1-2 fe:1 7 /a\\0121-2 r-xp 0 fe:01 8 /libssl.so.3;");
}

static void line_with_odd_numbers_is_left_out(void **state)
{
	CHECK("11112222333344445-2 r-xp 0 fe:01 7 /a\n" /* 17 digits */
	      "1-11112222333344445 r-xp 0 fe:01 7 /a\n"
	      "-2 r-xp 0 fe:01 7 /a\n"
	      "1- r-xp 0 fe:01 7 /a\n"
	      "1 2 r-xp 0 fe:01 7 /a\n"
	      "+1-2 r-xp 0 fe:01 7 /a\n"
	      " 1-2 r-xp 0 fe:01 7 /a\n"
	      "A-B r-xp 0 fe:01 7 /a\n"
	      "0x1-0x2 r-xp 0 fe:01 7 /a\n"
	      "1-2 r-xp  fe:01 7 /a\n"
	      "1-2 r-xp 0 fe01 7 /a\n"
	      "1-2 r-xp 0 fe: 7 /a\n"
	      "1-2 r-xp 0 :01 7 /a\n"
	      "1-2 r-xp 0 fe:01 /a\n"
	      "1-2 r-xp 0 fe:01 -7 /a\n"
	      "1-2 r-xp 0 fe:01 x /a\n"
	      "1-2 r-xp 0 fe:01 7/a\n"
	      "1-2 r-xp 0 fe:01 18446744073709551616 /a\n" /* 2^64 */
	      "1-2 r-xp 0 fe:01 100000000000000000007 /a\n"
	      "1-2 r-xp 0 100000001:01 7 /a\n"
	      "1-2 r-xp 0 fe:100000001 7 /a\n" LIBSSL,
	      LIBSSL_SEEN);
}

static void line_that_is_cut_is_none(void **state)
{
	const struct slice all = SLICE_LIT(LIBSSL LIBSSL);
	const size_t one = strlen(LIBSSL);

	for (size_t len = 0; len <= all.len; len++)
		check(slice_first(all, len), len < one       ? ""
					     : len < all.len ? LIBSSL_SEEN
							     : LIBSSL_SEEN LIBSSL_SEEN);
	/* Its end in the middle. */
	for (size_t len = 0; len + 2 < one - strlen("lib/libssl.so.3\n"); len++) {
		char text[2 * sizeof(LIBSSL)];
		int n = snprintf(text, sizeof(text), "%.*s\n" LIBSSL, (int)len, LIBSSL);

		check(slice_of(text, (size_t)n), LIBSSL_SEEN);
	}
}

/* One line of that length with its end, and one behind it. */
static struct buffer lines(size_t len)
{
	struct buffer text = { 0 };

	buffer_put_slice(&text, SLICE_LIT("1-2 r-xp 0 fe:01 7 /"));
	while (text.len < len - 1)
		buffer_put_char(&text, 'a');
	buffer_put_slice(&text, SLICE_LIT("\n" LIBSSL));
	return text;
}

/* Every length around the size of a piece, so that every cut is met. */
static void line_is_whole_wherever_a_piece_ends(void **state)
{
	for (size_t len = LONGEST - strlen(LIBSSL) - 2; len <= LONGEST; len++) {
		struct buffer text = lines(len);

		check(slice_of(text.data, text.len),
		      "1-2 fe:1 7 /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa;" LIBSSL_SEEN);
		buffer_free(&text);
	}
}

static void line_that_is_too_long_ends_it(void **state)
{
	struct buffer text = lines(LONGEST + 1), seen = { 0 };
	_cleanup_close_ int fd = file_of(text.data, text.len);

	assert_int_equal(obi_maps_read(fd, take, &seen), -EINVAL);
	assert_int_equal(seen.len, 0);
	buffer_free(&text);
	buffer_free(&seen);
}

static bool count_two(void *context, const struct obi_mapped *mapped)
{
	return ++*(int *)context < 2;
}

static void reader_may_have_enough(void **state)
{
	_cleanup_close_ int fd = file_of(LIBSSL LIBSSL LIBSSL, 3 * strlen(LIBSSL));
	int count = 0;

	assert_int_equal(obi_maps_read(fd, count_two, &count), 0);
	assert_int_equal(count, 2);
}

static bool count_all(void *context, const struct obi_mapped *mapped)
{
	++*(size_t *)context;
	return true;
}

static void reading_is_bounded(void **state)
{
	_cleanup_close_ int fd = memfd_create("maps", MFD_CLOEXEC);
	size_t count = 0, len = strlen(LIBSSL);
	struct buffer text = { 0 };

	while (text.len < 2 * OBI_MAPS_MAX)
		buffer_put_slice(&text, SLICE_LIT(LIBSSL));
	assert_int_equal(write(fd, text.data, text.len), text.len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(obi_maps_read(fd, count_all, &count), 0);
	assert_in_range(count, OBI_MAPS_MAX / len - 1, (OBI_MAPS_MAX + LONGEST) / len);
	buffer_free(&text);
}

static void what_cannot_be_read_is_said(void **state)
{
	struct buffer seen = { 0 };

	assert_int_equal(obi_maps_read(-1, take, &seen), -EBADF);
}

struct self {
	struct stat exe;
	bool found;
};

static bool find_self(void *context, const struct obi_mapped *mapped)
{
	struct self *self = context;
	uint64_t here = (uintptr_t)find_self;

	if (here < mapped->start || here >= mapped->end)
		return true;
	self->found = mapped->inode == self->exe.st_ino;
	return false;
}

static void this_process_maps_its_program(void **state)
{
	_cleanup_fclose_ FILE *maps = fopen("/proc/self/maps", "re");
	struct self self = { 0 };

	assert_int_equal(stat("/proc/self/exe", &self.exe), 0);
	assert_int_equal(obi_maps_read(fileno(maps), find_self, &self), 0);
	assert_true(self.found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_of_files_is_told_as_the_kernel_shows_it),
		cmocka_unit_test(deleted_file_has_its_name_of_before),
		cmocka_unit_test(memory_without_a_file_is_none),
		cmocka_unit_test(end_of_line_in_a_name_is_a_part_of_it),
		cmocka_unit_test(line_with_odd_numbers_is_left_out),
		cmocka_unit_test(line_that_is_cut_is_none),
		cmocka_unit_test(line_is_whole_wherever_a_piece_ends),
		cmocka_unit_test(line_that_is_too_long_ends_it),
		cmocka_unit_test(reader_may_have_enough),
		cmocka_unit_test(reading_is_bounded),
		cmocka_unit_test(what_cannot_be_read_is_said),
		cmocka_unit_test(this_process_maps_its_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
