// SPDX-License-Identifier: Apache-2.0
/* Captures that are gzipped, and files that are none. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "replay/captures.h"

/* Appends a member to `to`. */
static void put_gzip(struct bytes *to, struct slice bytes)
{
	z_stream stream = { .next_in = (Bytef *)bytes.data,
			    .avail_in = (uInt)bytes.len,
			    .next_out = to->data + to->len,
			    .avail_out = (uInt)(sizeof(to->data) - to->len) };

	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	to->len += stream.total_out;
	(void)deflateEnd(&stream);
}

static void begin_kind(int format)
{
	begin(false);
	if (format) {
		ng_section_header(&file);
		ng_interface_of(&file, 101, 0, 9, 0);
		ng_enhanced(&file, 0, 1, SLICE_LIT("abcde"), 99);
	} else {
		pcap_header(&file, 0xa1b2c3d4, 101);
		pcap_packet(&file, 0, 1, SLICE_LIT("abcde"), 99);
	}
}

/* The file becomes members of so many bytes each. */
static void compress_file(size_t of_a_member)
{
	body = file;
	file.len = 0;
	for (size_t at = 0; at < body.len; at += of_a_member)
		put_gzip(&file,
			 slice_first(slice_from(slice_of(body.data, body.len), at), of_a_member));
}

static void gzipped_files(void **state)
{
	static const size_t members[] = { 1, 7, sizeof(file.data) };

	for (int format = 0; format < 2; format++)
		for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
			begin_kind(format);
			compress_file(members[i]);
			(void)only_packet();
			put_zero(&file, 200); /* as on a tape */
			(void)only_packet();
		}
}

static void gzipped_file_from_a_pipe(void **state)
{
	struct capture_packet packet;
	struct capture *capture;
	int fds[2];

	begin_kind(0);
	compress_file(7);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (fork() == 0) {
		for (size_t i = 0; i < file.len; i++)
			(void)!write(fds[1], file.data + i, 1);
		_exit(0);
	}
	close(fds[1]);
	capture = capture_open(fds[0]);
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_true(slice_equal(packet.bytes, SLICE_LIT("abcde")));
	assert_int_equal(capture_next(capture, &packet), 0);
	capture_close(capture);
	close(fds[0]);
}

static void gzipped_file_cut_anywhere(void **state)
{
	char problem[PROBLEM_ROOM];
	uint64_t offset;

	for (int format = 0; format < 2; format++) {
		begin_kind(format);
		compress_file(sizeof(file.data));
		for (size_t len = 2; len < file.len; len++) {
			assert_int_equal(read_all(slice_of(file.data, len), problem, &offset),
					 -ENODATA);
			assert_string_equal(problem, "the gzip file ends too early");
		}
	}
}

static void gzipped_file_broken_anywhere(void **state)
{
	char problem[PROBLEM_ROOM];
	uint64_t offset;

	begin_kind(1);
	compress_file(sizeof(file.data));
	for (size_t i = 0; i < file.len * 8; i++) {
		int got;

		file.data[i / 8] ^= (uint8_t)(1 << i % 8);
		got = read_all(slice_of(file.data, file.len), problem, &offset);
		/* Not all bits count: the time, what pads, which of two equal matches. */
		assert_true(got == -EPROTO || got == -ENODATA || got == 0);
		if (got == 0)
			(void)only_packet();
		assert_true(got == 0 || strlen(problem) > 0);
		file.data[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	file.data[file.len - 5] ^= 1; /* of the checksum */
	assert_problem(-EPROTO, "its gzip data are broken", body.len);
}

/* sanitizer/allocator_interface.h, which gcc does not bring */
extern int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
						     void (*)(const volatile void *));

static size_t allocated; /* bytes, freed or not */

static void count_malloc(const volatile void *at, size_t size)
{
	allocated += size;
}

static void ignore_free(const volatile void *at)
{
}

/* A thousand times its size: it takes its time, and no memory. */
static void what_is_inflated_is_not_held(void **state)
{
	enum {
		GROWN = 48 << 20
	};
	uint8_t *zeros = calloc(1, GROWN);

	begin(false);
	ng_section_header(&file);
	ng_interface_of(&file, 101, 0, 9, 0);
	put_int(&file, 99, 4); /* a block that nobody knows */
	put_int(&file, GROWN + 12, 4);
	compress_file(sizeof(file.data));
	put_gzip(&file, slice_of(zeros, GROWN));
	free(zeros);
	body.len = 0;
	put_int(&body, GROWN + 12, 4);
	ng_enhanced(&body, 0, 1, SLICE_LIT("abcde"), 99);
	put_gzip(&file, slice_of(body.data, body.len));
	assert_true(__sanitizer_install_malloc_and_free_hooks(count_malloc, ignore_free) > 0);
	allocated = 0;
	(void)only_packet();
	assert_in_range(allocated, 1, 1 << 20);
}

static void other_kinds_are_named_with_a_remedy(void **state)
{
	static const struct {
		struct slice begin;
		const char *words;
	} cases[] = {
		{ SLICE_LIT("\x28\xb5\x2f\xfd\x04"),
		  "a zstd-compressed file: zstd -dc FILE | obi replay -" },
		{ SLICE_LIT("\xfd\x37zXZ\0\0"),
		  "an xz-compressed file: xz -dc FILE | obi replay -" },
		{ SLICE_LIT("BZh91AY&SY"),
		  "a bzip2-compressed file: bzip2 -dc FILE | obi replay -" },
		{ SLICE_LIT("PK\x03\x04\x14"), "a zip archive: unzip -p FILE | obi replay -" },
		{ SLICE_LIT("snoop\0\0\0\0\0\0\2"),
		  "a snoop capture: editcap -F pcap FILE NEW makes a pcap file of it" },
		{ SLICE_LIT("10:00:00.123456 IP 10.0.0.1.80 > 10.0.0.2.4711: Flags [S]\r\n\tx"),
		  "text, not a capture: tcpdump -w FILE writes one" },
		{ SLICE_LIT("\x7f"
			    "ELF\2\1\1"),
		  "a program" },
		{ SLICE_LIT("\1\2\3\4\5"), "not a pcap or pcapng file" },
	};
	char words[PROBLEM_ROOM];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(false);
		put(&file, cases[i].begin.data, cases[i].begin.len);
		assert_problem(-EPROTO, cases[i].words, 0);
		compress_file(sizeof(file.data));
		(void)snprintf(words, sizeof(words), "what is in the gzip file: %s",
			       cases[i].words);
		assert_problem(-EPROTO, words, 0);
	}
	begin(false);
	put_zero(&file, 256);
	put(&file, "\0ustar", 6);
	assert_problem(-EPROTO, "a tar archive: unpack it by tar -xf FILE", 0);
	begin(false);
	put_gzip(&file, SLICE_LIT(""));
	assert_problem(-EPROTO, "the gzip file is empty", 0);
	compress_file(sizeof(file.data));
	assert_problem(-EPROTO,
		       "what is in the gzip file: a gzip-compressed file: "
		       "gzip -dc FILE | obi replay -",
		       0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzipped_files),
		cmocka_unit_test(gzipped_file_from_a_pipe),
		cmocka_unit_test(gzipped_file_cut_anywhere),
		cmocka_unit_test(gzipped_file_broken_anywhere),
		cmocka_unit_test(what_is_inflated_is_not_held),
		cmocka_unit_test(other_kinds_are_named_with_a_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
