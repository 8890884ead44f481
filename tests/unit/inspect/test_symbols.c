// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/elf_file.h"
#include "inspect/symbols.h"

#define FOUND_MAX 16

static struct elf_file file;
static struct obi_symbol found[FOUND_MAX];
static bool cut;
static uint64_t text; /* address of the code */

static const struct obi_symbol_wanted wanted[] = {
	{ "SSL_read", false },
	{ "SSL_write", false },
	{ "read", false },
	{ "rustls", true },
};

static int find(void)
{
	_cleanup_close_ int fd = elf_file_fd(file.bytes, file.len);
	struct obi_image *image = NULL;
	int n;

	assert_true(fd >= 0);
	assert_int_equal(obi_image_open(fd, OBI_SYMBOLS_READ_MAX, &image), 0);
	n = obi_symbols_find(image, wanted, ARRAY_SIZE(wanted), found, FOUND_MAX, &cut);
	obi_image_free(image);
	return n;
}

static void assert_found(size_t i, uint16_t which, uint64_t at, uint64_t size)
{
	assert_int_equal(found[i].wanted, which);
	assert_int_equal(found[i].address, text + at);
	assert_int_equal(found[i].offset, text - ELF_FILE_BASE + at);
	assert_int_equal(found[i].size, size);
}

/* ---- Files -------------------------------------------------------------------------------------
 */

static Elf64_Sym function(uint32_t name, uint64_t at, uint64_t size)
{
	return (Elf64_Sym){
		.st_name = name,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = text + at,
		.st_size = size,
	};
}

static void begin(void)
{
	static const uint8_t code[256] = { 0x55 };

	elf_file_begin(&file);
	file.header.e_machine = EM_X86_64;
	text = elf_file_segment(&file, PT_LOAD, PF_R | PF_X, code, sizeof(code))->p_vaddr;
}

static void add_table(uint32_t type, const Elf64_Sym *symbols, size_t count, const char *names,
		      size_t names_len)
{
	Elf64_Shdr *strings = elf_file_add(&file, ".strtab", SHT_STRTAB, names, names_len);
	Elf64_Shdr *table = elf_file_add(&file, ".symtab", type, symbols, count * sizeof(*symbols));

	table->sh_link = (uint32_t)(strings - file.sections);
	table->sh_entsize = sizeof(*symbols);
}

#define NAMES "\0SSL_read\0SSL_write\0my_SSL_read\0_ZN6rustls4conn4read17hE\0SSL_read_ex\0"
#define AT_READ 1
#define AT_WRITE 10
#define AT_MY_READ 20
#define AT_RUST 32
#define AT_READ_EX 57

static const char names[] = NAMES;

/* ---- What is found -----------------------------------------------------------------------------
 */

static void functions_are_found_by_name(void **state)
{
	begin();
	{
		const Elf64_Sym symbols[] = {
			{ 0 },
			function(AT_READ_EX, 0, 8),
			function(AT_WRITE, 64, 10),
			function(AT_MY_READ, 80, 4),
			function(AT_READ, 32, 16),
			function(AT_RUST, 100, 20),
		};

		add_table(SHT_SYMTAB, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
	}
	elf_file_end(&file, 1);
	assert_int_equal(find(), 3);
	assert_found(0, 0, 32, 16);
	assert_found(1, 1, 64, 10);
	assert_found(2, 3, 100, 20);
	assert_false(cut);
}

/* A name may be the end of another: linkers store it once. */
static void end_of_a_longer_name_is_a_name(void **state)
{
	begin();
	{
		const Elf64_Sym symbols[] = {
			function(AT_MY_READ + 3, 16, 1), /* SSL_read */
			function(AT_READ + 4, 32, 2),    /* read */
			function(AT_RUST + 4, 48, 3),    /* rustls4conn... */
			function(AT_RUST + 5, 64, 4),    /* ustls4conn... */
		};

		add_table(SHT_DYNSYM, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
	}
	elf_file_end(&file, 1);
	assert_int_equal(find(), 3);
	assert_found(0, 0, 16, 1);
	assert_found(1, 2, 32, 2);
	assert_found(2, 3, 48, 3);
}

static void versions_of_names_do_not_count(void **state)
{
	static const char versioned[] = "\0SSL_read@@OPENSSL_3.0.0\0SSL_write@OPENSSL_1\0@read\0";

	begin();
	{
		const Elf64_Sym symbols[] = {
			function(1, 16, 1),
			function(25, 32, 2),
			function(45, 48, 3),
		};

		add_table(SHT_SYMTAB, symbols, ARRAY_SIZE(symbols), versioned, sizeof(versioned));
	}
	elf_file_end(&file, 1);
	assert_int_equal(find(), 2);
	assert_found(0, 0, 16, 1);
	assert_found(1, 1, 32, 2);
}

static void only_defined_functions_in_executable_segments_count(void **state)
{
	begin();
	{
		Elf64_Sym symbols[8];

		for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
			symbols[i] = function(AT_READ, 16 * i, 8);
		symbols[0].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
		symbols[1].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
		symbols[2].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
		symbols[3].st_shndx = SHN_UNDEF;
		symbols[4].st_value = text - 1;
		symbols[5].st_value = text + 256;
		symbols[6].st_value = UINT64_MAX;
		symbols[7].st_size = UINT64_MAX; /* is cut at the segment's end */
		add_table(SHT_SYMTAB, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
	}
	elf_file_end(&file, 1);
	assert_int_equal(find(), 1);
	assert_int_equal(found[0].address, text + 112);
	assert_true(found[0].size >= 144 && found[0].size <= file.len);
}

/* Both tables name it, and some names have several functions. */
static void each_function_comes_once_the_best_first(void **state)
{
	begin();
	{
		Elf64_Sym symbols[] = {
			function(AT_READ, 96, 0),  function(AT_READ, 16, 8),
			function(AT_READ, 32, 8),  function(AT_READ, 32, 0),
			function(AT_WRITE, 64, 8), function(AT_READ, 8, 8),
		};

		symbols[1].st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
		add_table(SHT_SYMTAB, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
		symbols[4].st_info = ELF64_ST_INFO(STB_WEAK, STT_FUNC);
		add_table(SHT_DYNSYM, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
	}
	elf_file_end(&file, 1);
	assert_int_equal(find(), 5);
	assert_found(0, 0, 8, 8);
	assert_found(1, 0, 32, 8);
	assert_found(2, 0, 16, 8);
	assert_true(found[2].local);
	assert_found(3, 0, 96, 0);
	assert_found(4, 1, 64, 8);
	assert_false(found[4].local);
}

static void more_than_asked_for_is_cut(void **state)
{
	begin();
	{
		Elf64_Sym symbols[FOUND_MAX + 1];

		for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
			symbols[i] = function(AT_READ, i, 1);
		add_table(SHT_SYMTAB, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
	}
	elf_file_end(&file, 1);
	assert_int_equal(find(), FOUND_MAX);
	assert_true(cut);
}

/* ---- Without section headers -------------------------------------------------------------------
 */

/* Everything in one loaded segment; hash is DT_HASH or DT_GNU_HASH. */
static void begin_dynamic(int64_t tag, const void *hash, size_t hash_len)
{
	static uint8_t bytes[1024];
	Elf64_Sym symbols[3];
	Elf64_Dyn dynamic[6];
	Elf64_Phdr *segment;
	uint64_t at;

	elf_file_begin(&file);
	file.header.e_machine = EM_AARCH64;
	segment = elf_file_segment(&file, PT_LOAD, PF_R | PF_X, bytes, sizeof(bytes));
	text = segment->p_vaddr;
	at = segment->p_offset;
	symbols[0] = (Elf64_Sym){ 0 };
	symbols[1] = function(AT_WRITE, 16, 4);
	symbols[2] = function(AT_READ, 32, 4);
	memcpy(file.bytes + at + 256, symbols, sizeof(symbols));
	memcpy(file.bytes + at + 512, names, sizeof(names));
	memcpy(file.bytes + at + 768, hash, hash_len);
	dynamic[0] = (Elf64_Dyn){ DT_SYMTAB, { text + 256 } };
	dynamic[1] = (Elf64_Dyn){ DT_STRTAB, { text + 512 } };
	dynamic[2] = (Elf64_Dyn){ DT_STRSZ, { sizeof(names) } };
	dynamic[3] = (Elf64_Dyn){ DT_SYMENT, { sizeof(Elf64_Sym) } };
	dynamic[4] = (Elf64_Dyn){ tag, { text + 768 } };
	dynamic[5] = (Elf64_Dyn){ DT_NULL, { 0 } };
	(void)elf_file_segment(&file, PT_DYNAMIC, PF_R, dynamic, sizeof(dynamic));
	elf_file_end(&file, 0);
}

static void dynamic_symbols_are_counted_by_their_hash_table(void **state)
{
	/* buckets, chains, a bucket, chains that lead in a circle: none of them is followed */
	static const uint32_t hash[] = { 1, 3, 1, 0, 2, 1 };
	/* buckets, first symbol, words of filter, shift, filter, bucket, chain */
	static const uint32_t gnu[] = { 1, 1, 1, 0, 0, 0, 1, 2, 3 };
	static const uint32_t gnu_empty[] = { 1, 3, 1, 0, 0, 0, 0 };
	static const uint32_t gnu_endless[] = { 1, 1, 1, 0, 0, 0, 1, 2, 2 };

	begin_dynamic(DT_HASH, hash, sizeof(hash));
	assert_int_equal(find(), 2);
	assert_found(0, 0, 32, 4);
	assert_found(1, 1, 16, 4);
	begin_dynamic(DT_GNU_HASH, gnu, sizeof(gnu));
	assert_int_equal(find(), 2);
	begin_dynamic(DT_GNU_HASH, gnu_empty, sizeof(gnu_empty));
	assert_int_equal(find(), 2);
	begin_dynamic(DT_GNU_HASH, gnu_endless, sizeof(gnu_endless));
	assert_true(find() <= 2);
	begin_dynamic(DT_NEEDED, hash, sizeof(hash));
	assert_int_equal(find(), -ENODATA);
}

static void hash_tables_that_lie_are_bounded(void **state)
{
	static const uint32_t cases[][9] = {
		{ UINT32_MAX, UINT32_MAX, 0, 0, 0, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0 },
		{ 1, 0, UINT32_MAX, 0, 0, 0, 1, 2, 3 },
		{ 1, 1, 1, 0, 0, 0, UINT32_MAX, 2, 3 },
		{ UINT32_MAX, 1, 1, 0, 0, 0, 1, 2, 3 },
		{ 1, UINT32_MAX, 1, 0, 0, 0, 1, 2, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin_dynamic(DT_HASH, cases[i], sizeof(cases[i]));
		assert_true(find() <= 2);
		begin_dynamic(DT_GNU_HASH, cases[i], sizeof(cases[i]));
		assert_true(find() <= 2);
	}
}

/* ---- Damage ------------------------------------------------------------------------------------
 */

static void what_is_wrong_is_said(void **state)
{
	const struct obi_symbol_wanted empty = { "", false };
	struct obi_image *image = NULL;
	_cleanup_close_ int fd = -1;

	begin();
	elf_file_end(&file, 1);
	assert_int_equal(find(), -ENODATA);
	file.header.e_machine = EM_RISCV;
	memcpy(file.bytes, &file.header, sizeof(file.header));
	assert_int_equal(find(), -ENOTSUP);
	file.header.e_machine = EM_X86_64;
	memcpy(file.bytes, &file.header, sizeof(file.header));
	fd = elf_file_fd(file.bytes, file.len);
	assert_int_equal(obi_image_open(fd, OBI_SYMBOLS_READ_MAX, &image), 0);
	assert_int_equal(obi_symbols_find(image, &empty, 1, found, FOUND_MAX, &cut), -EINVAL);
	assert_int_equal(
		obi_symbols_find(image, wanted, OBI_SYMBOLS_WANTED_MAX + 1, found, FOUND_MAX, &cut),
		-EINVAL);
	obi_image_free(image);
}

static void tables_that_lie_are_left_alone(void **state)
{
	static const struct {
		uint64_t offset, size, entry;
		uint32_t link;
	} cases[] = {
		{ UINT64_MAX, 24, 24, 1 },
		{ UINT64_MAX - 12, UINT64_MAX, 24, 1 },
		{ INT64_MAX, INT64_MAX, 24, 1 },
		{ 64, UINT64_MAX, 24, 1 },
		{ 64, 23, 24, 1 },
		{ 64, 24, 0, 1 },
		{ 64, 24, 23, 1 },
		{ 64, 24, 24, UINT32_MAX },
		{ 64, 24, 24, 2 },
		{ 64, 24, 24, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const Elf64_Sym symbol = { .st_name = UINT32_MAX,
					   .st_info = STT_FUNC,
					   .st_shndx = 1 };
		int n;

		begin();
		add_table(SHT_SYMTAB, &symbol, 1, names, sizeof(names));
		file.sections[2].sh_offset = cases[i].offset;
		file.sections[2].sh_size = cases[i].size;
		file.sections[2].sh_entsize = cases[i].entry;
		file.sections[2].sh_link = cases[i].link;
		elf_file_end(&file, 1);
		n = find();
		assert_true(n == 0 || n == -ENODATA);
		file.sections[1].sh_offset = cases[i].offset; /* the names */
		file.sections[1].sh_size = cases[i].size;
		elf_file_end(&file, 1);
		n = find();
		assert_true(n == 0 || n == -ENODATA);
	}
}

/* 65535 sections that are all tables of symbols and claim the whole of a sparse file of 16 GiB. */
static void reading_is_bounded_whatever_the_tables_claim(void **state)
{
	static Elf64_Shdr sections[OBI_IMAGE_SECTIONS_MAX];
	Elf64_Ehdr header = { .e_shentsize = sizeof(Elf64_Shdr),
			      .e_machine = EM_X86_64,
			      .e_shnum = 0xffff,
			      .e_shstrndx = 0xfffe,
			      .e_shoff = sizeof(Elf64_Ehdr) };
	_cleanup_close_ int fd = memfd_create("elf", MFD_CLOEXEC);
	struct obi_image *image = NULL;

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		sections[i] = (Elf64_Shdr){
			.sh_type = i % 3 == 0   ? SHT_STRTAB
				   : i % 3 == 1 ? SHT_SYMTAB
						: SHT_DYNSYM,
			.sh_link = 3,
			.sh_offset = 1,
			.sh_size = UINT64_MAX / 2,
			.sh_entsize = sizeof(Elf64_Sym),
		};
	assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
	assert_int_equal(write(fd, sections, sizeof(sections)), sizeof(sections));
	assert_int_equal(ftruncate(fd, (off_t)1 << 34), 0);
	assert_int_equal(obi_image_open(fd, OBI_SYMBOLS_READ_MAX, &image), 0);
	assert_int_equal(
		obi_symbols_find(image, wanted, ARRAY_SIZE(wanted), found, FOUND_MAX, &cut), 0);
	assert_true(cut);
	obi_image_free(image);
}

/* Cut at each length, each byte changed: what is found lies in the file. */
static void damaged_file_does_no_harm(void **state)
{
	struct elf_file whole;

	begin();
	{
		const Elf64_Sym symbols[] = { function(AT_WRITE, 64, 10),
					      function(AT_READ, 32, 16) };

		add_table(SHT_SYMTAB, symbols, ARRAY_SIZE(symbols), names, sizeof(names));
	}
	elf_file_end(&file, 1);
	whole = file;
	for (size_t len = sizeof(Elf64_Ehdr); len < whole.len; len++) {
		file.len = len;
		for (int i = 0, n = find(); i < n; i++)
			assert_true(found[i].offset < len &&
				    found[i].size <= len - found[i].offset);
	}
	file.len = whole.len;
	for (size_t i = 20; i < file.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			file.bytes[i] ^= (uint8_t)(1u << bit);
			for (int j = 0, n = find(); j < n; j++)
				assert_true(found[j].offset < file.len &&
					    found[j].size <= file.len - found[j].offset);
			file.bytes[i] = whole.bytes[i];
		}
	assert_int_equal(find(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_are_found_by_name),
		cmocka_unit_test(end_of_a_longer_name_is_a_name),
		cmocka_unit_test(versions_of_names_do_not_count),
		cmocka_unit_test(only_defined_functions_in_executable_segments_count),
		cmocka_unit_test(each_function_comes_once_the_best_first),
		cmocka_unit_test(more_than_asked_for_is_cut),
		cmocka_unit_test(dynamic_symbols_are_counted_by_their_hash_table),
		cmocka_unit_test(hash_tables_that_lie_are_bounded),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(tables_that_lie_are_left_alone),
		cmocka_unit_test(reading_is_bounded_whatever_the_tables_claim),
		cmocka_unit_test(damaged_file_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
