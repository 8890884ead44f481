// SPDX-License-Identifier: Apache-2.0
/* pcap and pcapng: all byte orders and clocks, and files that are broken in any place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "replay/captures.h"

static void pcap_in_all_orders_and_units(void **state)
{
	static const struct {
		uint32_t magic, fraction, extra;
	} kinds[] = { { 0xa1b2c3d4, 123456, 0 },
		      { 0xa1b23c4d, 123456000, 0 },
		      { 0xa1b2cd34, 123456, 8 } };
	struct capture_packet packet;

	for (size_t i = 0; i < 3; i++)
		for (int big = 0; big < 2; big++) {
			begin(big);
			pcap_header(&file, kinds[i].magic, 0x04000071);
			put_int(&file, 1700000000, 4);
			put_int(&file, kinds[i].fraction, 4);
			put_int(&file, 5, 4);
			put_int(&file, 99, 4);
			put_zero(&file, kinds[i].extra);
			put(&file, "abcde", 5);
			packet = only_packet();
			assert_int_equal(packet.time_ns, 1700000000123456000);
			assert_int_equal(packet.link, 113);
		}
}

static void pcap_with_its_version_in_the_other_order(void **state)
{
	for (int big = 0; big < 2; big++) {
		begin(big);
		pcap_header(&file, 0xa1b2c3d4, 113);
		memcpy(file.data + 4, big ? "\2\0\4\0" : "\0\2\0\4", 4);
		pcap_packet(&file, 1700000000, 1, SLICE_LIT("abcde"), 99);
		assert_int_equal(only_packet().link, 113);
	}
}

static void pcapng_in_both_orders(void **state)
{
	static const struct {
		uint8_t resolution;
		uint64_t units, offset, ns;
	} clocks[] = {
		{ 0, 1700000000123456, 0, 1700000000123456000 },
		{ 6, 1700000000123456, 0, 1700000000123456000 },
		{ 9, 1700000000123456789, 0, 1700000000123456789 },
		{ 3, 123, 1700000000, 1700000000123000000 },
		{ 12, 123456789012, 1700000000, 1700000000123456789 },
		{ 0x80 | 10, 1700000000ull << 10 | 512, 0, 1700000000500000000 },
		{ 0x80 | 32, 1ull << 31, 1700000000, 1700000000500000000 },
	};
	struct capture_packet packet;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		for (int big = 0; big < 2; big++) {
			begin(big);
			ng_section_header(&file);
			ng_interface_of(&file, 1, 65535, clocks[i].resolution, clocks[i].offset);
			ng_enhanced(&file, 0, clocks[i].units, SLICE_LIT("abcde"), 99);
			packet = only_packet();
			assert_int_equal(packet.time_ns, clocks[i].ns);
			assert_int_equal(packet.link, 1);
		}
}

/* 2^64 - 1 units of 10^-n or 2^-n seconds, in whole nanoseconds. */
static void absurd_clocks_do_no_harm(void **state)
{
	static const struct {
		uint8_t resolution;
		uint64_t ns;
	} clocks[] = {
		{ 1, UINT64_MAX - NSEC_PER_SEC / 10 + 1 }, /* beyond the year 2554: wraps */
		{ 9, UINT64_MAX },
		{ 19, 1844674407 },
		{ 28, 1 },
		{ 29, 0 },
		{ 0x7f, 0 },
		{ 0x80, UINT64_MAX - NSEC_PER_SEC + 1 },
		{ 0x80 | 63, 1999999999 },
		{ 0x80 | 64, 999999999 },
		{ 0x80 | 65, 499999999 },
		{ 0xff, 0 },
	};

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++)
		for (uint64_t offset = 0; offset <= 1; offset++) {
			begin(false);
			ng_section_header(&file);
			/* An offset of all ones is one second back. */
			ng_interface_of(&file, 1, 65535, clocks[i].resolution, 0 - offset);
			ng_enhanced(&file, 0, UINT64_MAX, SLICE_LIT("abcde"), 99);
			assert_int_equal(only_packet().time_ns,
					 clocks[i].ns - offset * NSEC_PER_SEC);
		}
}

static void other_packet_blocks(void **state)
{
	for (int big = 0; big < 2; big++) {
		begin(big);
		ng_section_header(&file);
		ng_interface_of(&file, 101, 5, 0, 0);
		body = (struct bytes){ .big = big };
		put_int(&body, 99, 4); /* simple: cut at the snapshot length */
		put(&body, "abcde", 5);
		ng_block_of(&file, 3, &body);
		(void)only_packet();

		begin(big);
		ng_section_header(&file);
		ng_interface_of(&file, 101, 0, 0, 0);
		body = (struct bytes){ .big = big };
		put_int(&body, 0, 4); /* obsolete: interface and drops */
		put_int(&body, 0, 4);
		put_int(&body, 7, 4);
		put_int(&body, 5, 4);
		put_int(&body, 99, 4);
		put(&body, "abcde", 5);
		ng_block_of(&file, 2, &body);
		assert_int_equal(only_packet().time_ns, 7000);
	}
}

static void sections_interfaces_and_foreign_blocks(void **state)
{
	struct capture *capture;
	struct capture_packet packet;

	begin(false);
	ng_section_header(&file);
	ng_interface_of(&file, 1, 0, 0, 0);
	ng_interface_of(&file, 113, 0, 0, 0);
	body = (struct bytes){ 0 };
	put_zero(&body, 100);
	ng_block_of(&file, 4, &body); /* name resolution */
	ng_enhanced(&file, 1, 1, SLICE_LIT("one"), 3);
	file.big = true; /* sections may differ */
	ng_section_header(&file);
	ng_interface_of(&file, 101, 0, 0, 0);
	ng_enhanced(&file, 0, 2, SLICE_LIT("three"), 5);
	capture = capture_open_bytes(bytes_slice(&file));
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_int_equal(packet.link, 113);
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_int_equal(packet.link, 101);
	assert_int_equal(packet.bytes.len, 5);
	assert_int_equal(capture_next(capture, &packet), 0);
	capture_close(capture);
}

static void broken_files_say_what_and_where(void **state)
{
	begin(false);
	assert_problem(-EPROTO, "the file is empty", 0);
	put(&file, "#!/bin/sh\n", 10);
	assert_problem(-EPROTO, "text, not a capture: tcpdump -w FILE writes one", 0);
	file.len = 3;
	assert_problem(-EPROTO, "text, not a capture: tcpdump -w FILE writes one", 0);
	file.data[1] = 0;
	assert_problem(-EPROTO, "not a pcap or pcapng file", 0);

	begin(false);
	pcap_header(&file, 0xa1b2c3d4, 1);
	file.data[4] = 9;
	assert_problem(-EPROTO, "pcap version 9 is not known", 0);
	file.data[4] = 2;
	file.len = 23;
	assert_problem(-ENODATA, "the file ends within its header", 0);
	file.len = 24;
	pcap_packet(&file, 1, 2, SLICE_LIT("abc"), 3);
	file.len--;
	assert_problem(-ENODATA, "the file ends within a packet", 24);
	file.len = 24 + 15;
	assert_problem(-ENODATA, "the file ends within a packet's header", 24);
	file.len = 24;
	put_int(&file, 0, 8);
	put_int(&file, 0x7fffffff, 4);
	put_int(&file, 0, 4);
	assert_problem(-EPROTO, "a packet of 2147483647 bytes", 24);

	begin(false);
	ng_section_header(&file);
	ng_enhanced(&file, 0, 0, SLICE_LIT("abc"), 3);
	assert_problem(-EPROTO, "a packet of interface 0, which is not described", 28);

	begin(false);
	ng_section_header(&file);
	put_int(&file, 99, 4);
	put_int(&file, 13, 4);
	put_int(&file, 13, 4);
	assert_problem(-EPROTO, "a block of 13 bytes", 28);

	begin(false);
	ng_section_header(&file);
	ng_interface_of(&file, 1, 0, 0, 0);
	file.data[file.len - 4] ^= 4;
	assert_problem(-EPROTO, "a block whose two lengths differ", 28);

	begin(false);
	ng_section_header(&file);
	file.data[8] = 0;
	assert_problem(-EPROTO, "a section without byte order", 0);
}

static void pcapng_cut_anywhere(void **state)
{
	char problem[PROBLEM_ROOM];
	uint64_t offset;

	begin(false);
	ng_section_header(&file);
	ng_interface_of(&file, 1, 0, 9, 0);
	ng_enhanced(&file, 0, 0, SLICE_LIT("abc"), 3);
	for (size_t len = 4; len < file.len; len++) {
		int got = read_all(slice_of(file.data, len), problem, &offset);

		if (len == 28 || len == 28 + 52)
			assert_int_equal(got, 0);
		else
			assert_int_equal(got, -ENODATA);
	}
}

/* A file with one bit turned over: its packets, or a problem that is told in words. What
 * came before the broken place is read as it was. */
static void assert_broken_at(size_t at, size_t second_packet)
{
	struct capture *capture = capture_open_bytes(guarded(slice_of(file.data, file.len)));
	struct capture_packet packet;
	uint64_t offset;
	int got = 1, count = 0;
	const char *problem;

	for (; got == 1 && count < 4; count += got == 1) {
		got = capture_next(capture, &packet);
		if (got == 1 && count == 0 && at >= second_packet) {
			assert_int_equal(packet.length, 7);
			assert_true(slice_equal(packet.bytes, SLICE_LIT("abcdefg")));
		}
	}
	problem = capture_problem(capture, &offset);
	assert_true(got == 0 || got == -EPROTO || got == -ENODATA);
	assert_true(count <= 2);
	assert_true(at < second_packet || count >= 1);
	if (got < 0) {
		assert_true(strlen(problem) > 0);
		assert_true(offset <= file.len);
	}
	capture_close(capture);
}

static void any_byte_broken(void **state)
{
	size_t second_packet;

	for (int format = 0; format < 2; format++) {
		begin(format);
		if (format) {
			ng_section_header(&file);
			ng_interface_of(&file, 1, 0, 9, 0);
			ng_enhanced(&file, 0, 0, SLICE_LIT("abcdefg"), 7);
			second_packet = file.len;
			ng_enhanced(&file, 0, 0, SLICE_LIT("abcdefg"), 7);
		} else {
			pcap_header(&file, 0xa1b2c3d4, 1);
			pcap_packet(&file, 1, 2, SLICE_LIT("abcdefg"), 7);
			second_packet = file.len;
			pcap_packet(&file, 1, 2, SLICE_LIT("abcdefg"), 7);
		}
		for (size_t i = 0; i < file.len; i++)
			for (int bit = 0; bit < 8; bit++) {
				file.data[i] ^= (uint8_t)(1 << bit);
				assert_broken_at(i, second_packet);
				file.data[i] ^= (uint8_t)(1 << bit);
			}
	}
}

static void wire_is_not_shorter_than_the_capture(void **state)
{
	struct capture *capture;
	struct capture_packet packet;

	begin(false);
	pcap_header(&file, 0xa1b2c3d4, 1);
	pcap_packet(&file, 1, 2, SLICE_LIT("abcdefg"), 1);
	capture = capture_open_bytes(bytes_slice(&file));
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_int_equal(packet.length, 7);
	capture_close(capture);
}

/* A pipe gives a few bytes at a time, and more in all than the window holds. */
static void capture_from_a_pipe(void **state)
{
	enum {
		PACKETS = 200
	};
	static uint8_t data[5000];
	struct capture_packet packet;
	struct capture *capture;
	int fds[2], got, count = 0;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (fork() == 0) {
		begin(false);
		pcap_header(&file, 0xa1b2c3d4, 1);
		for (size_t i = 0; i < file.len; i++)
			(void)!write(fds[1], file.data + i, 1);
		for (int i = 0; i < PACKETS; i++) {
			file.len = 0;
			memset(data, i, sizeof(data));
			pcap_packet(&file, (uint32_t)i, 0, slice_of(data, sizeof(data)),
				    sizeof(data));
			(void)!write(fds[1], file.data, 17);
			(void)!write(fds[1], file.data + 17, file.len - 17);
		}
		_exit(0);
	}
	close(fds[1]);
	capture = capture_open(fds[0]);
	while ((got = capture_next(capture, &packet)) == 1) {
		assert_int_equal(packet.bytes.len, sizeof(data));
		assert_int_equal(packet.bytes.data[0], count);
		assert_int_equal(packet.bytes.data[sizeof(data) - 1], count);
		count++;
	}
	assert_int_equal(got, 0);
	assert_int_equal(count, PACKETS);
	capture_close(capture);
	close(fds[0]);
}

static void unreadable_file_says_why(void **state)
{
	int dir = open("/", O_RDONLY | O_CLOEXEC);
	struct capture *capture = capture_open(dir);
	struct capture_packet packet;
	uint64_t offset;

	assert_int_equal(capture_next(capture, &packet), -EISDIR);
	assert_string_equal(capture_problem(capture, &offset), "cannot be read: Is a directory");
	capture_close(capture);
	close(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_in_all_orders_and_units),
		cmocka_unit_test(pcap_with_its_version_in_the_other_order),
		cmocka_unit_test(pcapng_in_both_orders),
		cmocka_unit_test(absurd_clocks_do_no_harm),
		cmocka_unit_test(other_packet_blocks),
		cmocka_unit_test(sections_interfaces_and_foreign_blocks),
		cmocka_unit_test(broken_files_say_what_and_where),
		cmocka_unit_test(pcapng_cut_anywhere),
		cmocka_unit_test(any_byte_broken),
		cmocka_unit_test(wire_is_not_shorter_than_the_capture),
		cmocka_unit_test(capture_from_a_pipe),
		cmocka_unit_test(unreadable_file_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
