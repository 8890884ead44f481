// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/elf_file.h"
#include "inspect/image.h"

static struct elf_file file;

static struct obi_image *opened(void)
{
	_cleanup_close_ int fd = elf_file_fd(file.bytes, file.len);
	struct obi_image *image = NULL;

	assert_true(fd >= 0);
	assert_int_equal(obi_image_open(fd, 1 << 20, &image), 0);
	return image; /* the descriptor is closed: what is read later is not there */
}

static int open_error(int fd)
{
	struct obi_image *image = NULL;
	int err = obi_image_open(fd, 1 << 20, &image);

	assert_null(image);
	return err;
}

/* None of them blocks or is read from. */
static void only_regular_files_are_read(void **state)
{
	char dir[] = "/tmp/test_image.XXXXXX";
	char path[64];
	int pipes[2];

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	{
		_cleanup_close_ int fifo = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		_cleanup_close_ int device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		_cleanup_close_ int directory = open(dir, O_RDONLY | O_CLOEXEC);

		assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
		assert_int_equal(open_error(fifo), -EINVAL);
		assert_int_equal(open_error(device), -EINVAL);
		assert_int_equal(open_error(directory), -EINVAL);
		assert_int_equal(open_error(pipes[0]), -EINVAL);
		assert_int_equal(open_error(-1), -EBADF);
		(void)close(pipes[0]);
		(void)close(pipes[1]);
	}
	(void)unlink(path);
	(void)rmdir(dir);
}

static void other_files_are_no_images(void **state)
{
	elf_file_begin(&file);
	elf_file_end(&file, 0);
	for (size_t i = 0; i < sizeof(Elf64_Ehdr); i++) {
		_cleanup_close_ int fd = elf_file_fd(file.bytes, i);

		assert_int_equal(open_error(fd), -ENOEXEC);
	}
	for (size_t i = 0; i < 6; i++) { /* magic, class, byte order */
		_cleanup_close_ int fd = -1;

		file.bytes[i] ^= 0x40;
		fd = elf_file_fd(file.bytes, file.len);
		assert_int_equal(open_error(fd), -ENOEXEC);
		file.bytes[i] ^= 0x40;
	}
}

static void addresses_are_located_in_loaded_segments(void **state)
{
	static const uint8_t text[64] = { 0 }, data[32] = { 0 };
	struct obi_image *image;
	Elf64_Phdr code, rest;
	uint64_t offset, len;

	elf_file_begin(&file);
	rest = *elf_file_segment(&file, PT_LOAD, PF_R | PF_W, data, sizeof(data));
	code = *elf_file_segment(&file, PT_LOAD, PF_R | PF_X, text, sizeof(text));
	elf_file_end(&file, 0);
	image = opened();
	assert_true(obi_image_locate(image, code.p_vaddr, true, &offset, &len));
	assert_int_equal(offset, code.p_offset);
	assert_int_equal(len, sizeof(text));
	assert_true(obi_image_locate(image, code.p_vaddr + 63, true, &offset, &len));
	assert_int_equal(offset, code.p_offset + 63);
	assert_int_equal(len, 1);
	assert_false(obi_image_locate(image, code.p_vaddr + 64, true, &offset, &len));
	assert_false(obi_image_locate(image, rest.p_vaddr, true, &offset, &len));
	assert_true(obi_image_locate(image, rest.p_vaddr, false, &offset, &len));
	assert_false(obi_image_locate(image, rest.p_vaddr - 1, false, &offset, &len));
	assert_false(obi_image_locate(image, 0, false, &offset, &len));
	assert_false(obi_image_locate(image, UINT64_MAX, false, &offset, &len));
	obi_image_free(image);
}

/* Offsets and sizes that overflow, or lie past the end of the file. */
static void segments_that_lie_hold_nothing(void **state)
{
	static const uint8_t text[64] = { 0 };
	static const struct {
		uint64_t vaddr, offset, filesz, address;
	} cases[] = {
		{ 0x1000, UINT64_MAX, 2, 0x1001 },
		{ 0x1000, UINT64_MAX - 10, UINT64_MAX, 0x1000 },
		{ 0x1000, 1 << 20, 4096, 0x1000 },
		{ 0x1000, 0, 0, 0x1000 },
		{ UINT64_MAX - 15, INT64_MAX, 64, UINT64_MAX },
		{ 0, 1, UINT64_MAX - 1, UINT64_MAX - 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_image *image;
		Elf64_Phdr *segment;
		uint64_t offset, len;

		elf_file_begin(&file);
		segment = elf_file_segment(&file, PT_LOAD, PF_R | PF_X, text, sizeof(text));
		segment->p_vaddr = cases[i].vaddr;
		segment->p_offset = cases[i].offset;
		segment->p_filesz = cases[i].filesz;
		elf_file_end(&file, 0);
		image = opened();
		assert_false(obi_image_locate(image, cases[i].address, true, &offset, &len));
		obi_image_free(image);
	}
}

/* ---- Build id ----------------------------------------------------------------------------------
 */

static struct obi_build_id build_id(void)
{
	_cleanup_close_ int fd = elf_file_fd(file.bytes, file.len);
	struct obi_build_id id = { .len = 99 };
	struct obi_image *image = NULL;

	assert_int_equal(obi_image_open(fd, 1 << 20, &image), 0);
	obi_image_build_id(image, &id);
	obi_image_free(image);
	return id;
}

static size_t note(uint8_t *to, const char *owner, uint32_t type, size_t len)
{
	Elf64_Nhdr head = { .n_namesz = (uint32_t)strlen(owner) + 1,
			    .n_descsz = (uint32_t)len,
			    .n_type = type };

	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), owner, strlen(owner) + 1);
	for (size_t i = 0; i < len; i++)
		to[sizeof(head) + 4 + i] = (uint8_t)(i + 1);
	return sizeof(head) + 4 + (len + 3) / 4 * 4;
}

static void build_id_stands_in_a_note(void **state)
{
	static const size_t lens[] = { 1, 8, 16, 20, 32 };

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		for (int sections = 0; sections < 2; sections++) {
			uint8_t notes[256] = { 0 };
			size_t len = note(notes, "GNU", NT_GNU_ABI_TAG, 16);
			struct obi_build_id id;

			len += note(notes + len, "Go", NT_GNU_BUILD_ID, 12);
			len += note(notes + len, "GNU", NT_GNU_BUILD_ID, lens[i]);
			elf_file_begin(&file);
			if (sections)
				(void)elf_file_add(&file, ".note.gnu.build-id", SHT_NOTE, notes,
						   len);
			else
				(void)elf_file_segment(&file, PT_NOTE, PF_R, notes, len);
			elf_file_end(&file, sections);
			id = build_id();
			assert_int_equal(id.len, lens[i] < 20 ? lens[i] : 20);
			assert_false(id.made);
			for (uint8_t j = 0; j < id.len; j++)
				assert_int_equal(id.bytes[j], j + 1);
		}
}

/* Without one, or with one that the notes cut: another for another file. */
static void build_id_is_made_of_headers_and_size(void **state)
{
	uint8_t notes[64] = { 0 };
	size_t len = note(notes, "GNU", NT_GNU_BUILD_ID, 20);
	struct obi_build_id first, second;

	elf_file_begin(&file);
	(void)elf_file_segment(&file, PT_NOTE, PF_R, notes, len - 1);
	elf_file_end(&file, 0);
	first = build_id();
	assert_true(first.made);
	assert_int_equal(first.len, 8);
	second = build_id();
	assert_memory_equal(&first, &second, sizeof(first));
	file.len++;
	second = build_id();
	assert_true(second.made);
	assert_memory_not_equal(first.bytes, second.bytes, first.len);
	memset(notes, 0xff, sizeof(notes)); /* sizes of 4 GiB */
	elf_file_begin(&file);
	(void)elf_file_segment(&file, PT_NOTE, PF_R, notes, sizeof(notes));
	elf_file_end(&file, 0);
	assert_true(build_id().made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_regular_files_are_read),
		cmocka_unit_test(other_files_are_no_images),
		cmocka_unit_test(addresses_are_located_in_loaded_segments),
		cmocka_unit_test(segments_that_lie_hold_nothing),
		cmocka_unit_test(build_id_stands_in_a_note),
		cmocka_unit_test(build_id_is_made_of_headers_and_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
