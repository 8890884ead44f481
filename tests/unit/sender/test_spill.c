// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "sender/spill.h"

#define LIMIT (8u << 20)

static char path[64];
static int directory;

static int make_directory(void **state)
{
	(void)snprintf(path, sizeof(path), "/tmp/obi-spill-XXXXXX");
	assert_non_null(mkdtemp(path));
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(directory >= 0);
	return 0;
}

/* Calls each() with the name of every segment file. Returns how many. */
static int each_file(void (*each)(const char *name))
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (each)
			each(entry->d_name);
	}
	(void)closedir(dir);
	return count;
}

static void remove_file(const char *name)
{
	(void)unlinkat(directory, name, 0);
}

static int remove_directory(void **state)
{
	(void)each_file(remove_file);
	(void)close(directory);
	(void)rmdir(path);
	return 0;
}

static struct sender_spill *open_spill(uint64_t limit, uint64_t expected)
{
	struct sender_spill *spill;
	uint64_t items;

	assert_int_equal(sender_spill_open(directory, "traces", limit, &spill, &items), 0);
	assert_int_equal(items, expected);
	return spill;
}

static void append(struct sender_spill *spill, unsigned number, size_t size)
{
	_cleanup_free_ uint8_t *body = malloc(size);
	uint64_t lost;

	memset(body, (int)number, size);
	assert_int_equal(sender_spill_append(spill, slice_of(body, size), number, &lost), 0);
}

/* The number of the next batch, 0 where there is none. */
static unsigned next(struct sender_spill *spill, struct sender_spill_place *place, uint64_t *lost)
{
	struct buffer body = { 0 };
	unsigned number = 0;
	int error = sender_spill_next(spill, &body, place, lost);

	if (!error) {
		number = (uint8_t)body.data[body.len - 1];
		assert_int_equal((uint8_t)body.data[0], number);
		assert_int_equal(place->items, number);
	} else {
		assert_int_equal(error, -ENOENT);
	}
	buffer_free(&body);
	return number;
}

static void take(struct sender_spill *spill, unsigned expected)
{
	struct sender_spill_place place;
	uint64_t lost;

	assert_int_equal(next(spill, &place, &lost), expected);
	assert_int_equal(lost, 0);
	if (expected)
		assert_int_equal(sender_spill_done(spill, &place), expected);
}

static void first_in_is_first_out(void **state)
{
	struct sender_spill *spill = open_spill(LIMIT, 0);

	for (unsigned i = 1; i <= 100; i++)
		append(spill, i, 1000);
	assert_int_equal(sender_spill_items(spill), 5050);
	for (unsigned i = 1; i <= 100; i++)
		take(spill, i);
	take(spill, 0);
	assert_int_equal(sender_spill_items(spill), 0);
	assert_int_equal(each_file(NULL), 0);
	append(spill, 7, 10);
	take(spill, 7);
	sender_spill_close(spill);
}

static void what_was_not_done_is_found_again(void **state)
{
	struct sender_spill *spill = open_spill(LIMIT, 0);
	struct sender_spill_place place;
	uint64_t lost;

	for (unsigned i = 1; i <= 5; i++)
		append(spill, i, 100);
	take(spill, 1);
	assert_int_equal(next(spill, &place, &lost), 2);
	take(spill, 3);
	sender_spill_close(spill);

	spill = open_spill(LIMIT, 2 + 4 + 5);
	append(spill, 6, 100); /* never into a file of an earlier run */
	take(spill, 2);
	take(spill, 4);
	take(spill, 5);
	take(spill, 6);
	take(spill, 0);
	sender_spill_close(spill);
}

static void signals_do_not_mix(void **state)
{
	struct sender_spill *traces = open_spill(LIMIT, 0), *metrics;
	uint64_t items, lost;

	append(traces, 9, 10);
	assert_int_equal(sender_spill_open(directory, "metrics", LIMIT, &metrics, &items), 0);
	assert_int_equal(items, 0);
	assert_int_equal(sender_spill_append(metrics, SLICE_LIT("m"), 3, &lost), 0);
	take(traces, 9);
	take(traces, 0);
	assert_int_equal(sender_spill_items(metrics), 3);
	sender_spill_close(traces);
	sender_spill_close(metrics);
}

static void the_oldest_make_room(void **state)
{
	struct sender_spill *spill = open_spill(LIMIT, 0);
	uint64_t lost, all_lost = 0, put = 0;
	_cleanup_free_ uint8_t *body = calloc(1, 100000);
	struct sender_spill_place place, early;
	unsigned count = 0;

	append(spill, 1, 100);
	put = 1;
	assert_int_equal(next(spill, &early, &lost), 1);
	for (unsigned i = 0; i < 300; i++) {
		body[0] = body[99999] = 2;
		assert_int_equal(sender_spill_append(spill, slice_of(body, 100000), 2, &lost), 0);
		all_lost += lost;
		put += 2;
	}
	assert_true(all_lost > 0);
	assert_int_equal(sender_spill_items(spill) + all_lost, put);
	/* Counted as lost: not a second time. */
	assert_int_equal(sender_spill_done(spill, &early), 0);
	while (next(spill, &place, &lost) == 2) {
		count += sender_spill_done(spill, &place);
		assert_int_equal(lost, 0);
	}
	assert_int_equal(count + all_lost, put);
	assert_int_equal(sender_spill_append(spill, slice_of(body, LIMIT / 2), 2, &lost),
			 -EMSGSIZE);
	sender_spill_close(spill);
}

static void what_was_in_memory_longer_comes_first(void **state)
{
	struct sender_spill *spill = open_spill(LIMIT, 0);

	append(spill, 3, 10);
	assert_int_equal(sender_spill_prepend(spill, SLICE_LIT("\2"), 2), 0);
	assert_int_equal(sender_spill_prepend(spill, SLICE_LIT("\1"), 1), 0);
	sender_spill_close(spill);
	spill = open_spill(LIMIT, 6);
	take(spill, 1);
	take(spill, 2);
	take(spill, 3);
	sender_spill_close(spill);
}

/* ---- Damage ---- */

static off_t cut_to, flip_at;

static void cut_file(const char *name)
{
	int fd = openat(directory, name, O_WRONLY | O_CLOEXEC);

	assert_int_equal(ftruncate(fd, cut_to), 0);
	(void)close(fd);
}

static void flip_file(const char *name)
{
	int fd = openat(directory, name, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, flip_at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, flip_at), 1);
	(void)close(fd);
}

#define RECORD 24
#define BODY 50

static void fill(void)
{
	struct sender_spill *spill;

	(void)each_file(remove_file);
	spill = open_spill(LIMIT, 0);
	for (unsigned i = 1; i <= 3; i++)
		append(spill, i, BODY);
	sender_spill_close(spill);
}

static void a_tail_torn_anywhere_costs_only_itself(void **state)
{
	for (cut_to = 0; cut_to <= (off_t)3 * (RECORD + BODY); cut_to++) {
		unsigned whole = (unsigned)(cut_to / (RECORD + BODY));
		struct sender_spill *spill;

		fill();
		(void)each_file(cut_file);
		spill = open_spill(LIMIT, whole * (whole + 1) / 2);
		append(spill, 9, BODY);
		for (unsigned i = 1; i <= whole; i++)
			take(spill, i);
		take(spill, 9);
		take(spill, 0);
		sender_spill_close(spill);
	}
}

static void a_flipped_bit_is_noticed_wherever_it_is(void **state)
{
	for (flip_at = 0; flip_at < (off_t)3 * (RECORD + BODY); flip_at++) {
		unsigned hit = (unsigned)(flip_at / (RECORD + BODY)) + 1;
		off_t in_record = flip_at % (RECORD + BODY);
		struct sender_spill *spill;
		uint64_t items;

		fill();
		(void)each_file(flip_file);
		assert_int_equal(sender_spill_open(directory, "traces", LIMIT, &spill, &items), 0);
		/* Behind a broken header nothing is found; a mark loses its record, no other. */
		for (unsigned i = 1; i <= 3; i++)
			if (i < hit || (i > hit && in_record >= RECORD - 4))
				take(spill, i);
		take(spill, 0);
		assert_int_equal(sender_spill_items(spill), 0);
		sender_spill_close(spill);
	}
}

static void damage_after_the_count_is_told(void **state)
{
	struct sender_spill_place place;
	struct sender_spill *spill;
	uint64_t lost;

	fill();
	spill = open_spill(LIMIT, 6);
	flip_at = RECORD + BODY + RECORD;
	(void)each_file(flip_file);
	take(spill, 1);
	assert_int_equal(next(spill, &place, &lost), 3);
	assert_int_equal(sender_spill_done(spill, &place), 3);
	assert_int_equal(next(spill, &place, &lost), 0);
	assert_int_equal(lost, 2);
	assert_int_equal(sender_spill_items(spill), 0);
	sender_spill_close(spill);
}

static void foreign_files_are_left_alone(void **state)
{
	struct sender_spill *spill;

	assert_int_equal(mkdirat(directory, "traces-0000000100000000.spill", 0700), 0);
	(void)close(openat(directory, "traces-1.spill", O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	(void)close(openat(directory, "traces-000000010000000g.spill",
			   O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	spill = open_spill(LIMIT, 0);
	append(spill, 5, 10);
	take(spill, 5);
	assert_int_equal(each_file(NULL), 3);
	assert_int_equal(unlinkat(directory, "traces-0000000100000000.spill", AT_REMOVEDIR), 0);
	sender_spill_close(spill);
}

static struct sender_spill_found found_by_open(uint64_t expected)
{
	struct sender_spill *spill = open_spill(LIMIT, expected);
	struct sender_spill_found found = sender_spill_found(spill);

	sender_spill_close(spill);
	return found;
}

static void what_is_broken_is_counted(void **state)
{
	fill();
	flip_at = RECORD + BODY + RECORD;
	(void)each_file(flip_file);
	assert_int_equal(found_by_open(1 + 3).broken_items, 2);
	/* Behind a broken header nobody knows. */
	fill();
	flip_at = RECORD + BODY;
	(void)each_file(flip_file);
	assert_int_equal(found_by_open(1).broken_items, 1);
	fill();
	(void)each_file(flip_file);
	assert_int_equal(found_by_open(1).broken_bytes, 2 * (RECORD + BODY));
	fill();
	cut_to = (off_t)3 * (RECORD + BODY) - 1;
	(void)each_file(cut_file);
	assert_int_equal(found_by_open(1 + 2).broken_items, 3);
}

/* A record larger than any batch, in a file larger than any segment, that takes no disk. */
static void no_size_is_believed(void **state)
{
	struct {
		uint32_t magic, size, items, body_crc, header_crc, done;
	} record = { .magic = 0x4c50534f, .size = 3u << 30, .items = 7 };
	int fd = openat(directory, "traces-0000000100000000.spill", O_CREAT | O_CLOEXEC | O_RDWR,
			0600);

	record.header_crc = (uint32_t)crc32(0, (const void *)&record, 16);
	assert_int_equal(pwrite(fd, &record, sizeof(record), 0), sizeof(record));
	assert_int_equal(ftruncate(fd, (off_t)4 << 30), 0);
	assert_int_equal(found_by_open(0).broken_items, 7);
	assert_int_equal(each_file(NULL), 0);
	(void)close(fd);
}

#define SEGMENT "traces-0000000100000000.spill"

/* Whatever stands at a segment's name, it is neither waited for nor written, read or removed. */
static void only_files_of_our_own_are_used(void **state)
{
	struct sender_spill *spill;
	struct stat st;

	(void)close(openat(directory, "else", O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	assert_int_equal(mkfifoat(directory, SEGMENT, 0600), 0);
	assert_int_equal(symlinkat("else", directory, "traces-0000000100000001.spill"), 0);
	assert_int_equal(linkat(directory, "else", directory, "traces-0000000100000002.spill", 0),
			 0);
	(void)close(openat(directory, "traces-0000000100000003.spill",
			   O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	assert_int_equal(fchmodat(directory, "traces-0000000100000003.spill", 0666, 0), 0);
	spill = open_spill(LIMIT, 0);
	assert_int_equal(sender_spill_found(spill).foreign, 4);
	append(spill, 5, 10);
	take(spill, 5);
	sender_spill_close(spill);
	assert_int_equal(each_file(NULL), 5);
	assert_int_equal(fstatat(directory, "else", &st, 0), 0);
	assert_int_equal(st.st_size, 0);
}

/* One that appears after the start. */
static void a_name_that_is_taken_is_passed_over(void **state)
{
	struct sender_spill *spill = open_spill(LIMIT, 0);
	uint64_t lost;

	assert_int_equal(mkfifoat(directory, SEGMENT, 0600), 0);
	assert_int_equal(sender_spill_append(spill, SLICE_LIT("x"), 1, &lost), -EEXIST);
	assert_int_equal(each_file(NULL), 1);
	append(spill, 5, 10);
	take(spill, 5);
	assert_int_equal(each_file(NULL), 1);
	sender_spill_close(spill);
}

static void a_file_that_somebody_else_writes_is_left(void **state)
{
	struct sender_spill *spill = open_spill(LIMIT, 0);
	uint64_t lost;

	append(spill, 1, 10);
	cut_to = 5;
	(void)each_file(cut_file);
	assert_int_equal(sender_spill_append(spill, SLICE_LIT("x"), 1, &lost), -EIO);
	append(spill, 2, 10);
	assert_int_equal(each_file(NULL), 2);
	sender_spill_close(spill);
}

#define SPILL_TEST(name_) cmocka_unit_test_setup_teardown(name_, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPILL_TEST(first_in_is_first_out),
		SPILL_TEST(what_was_not_done_is_found_again),
		SPILL_TEST(signals_do_not_mix),
		SPILL_TEST(the_oldest_make_room),
		SPILL_TEST(what_was_in_memory_longer_comes_first),
		SPILL_TEST(a_tail_torn_anywhere_costs_only_itself),
		SPILL_TEST(a_flipped_bit_is_noticed_wherever_it_is),
		SPILL_TEST(damage_after_the_count_is_told),
		SPILL_TEST(foreign_files_are_left_alone),
		SPILL_TEST(what_is_broken_is_counted),
		SPILL_TEST(no_size_is_believed),
		SPILL_TEST(only_files_of_our_own_are_used),
		SPILL_TEST(a_name_that_is_taken_is_passed_over),
		SPILL_TEST(a_file_that_somebody_else_writes_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
