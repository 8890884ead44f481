// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/elf.h"
#include "inspect/elf_file.h"

static struct elf_file file;

static bool is_go(void)
{
	_cleanup_close_ int fd = elf_file_fd(file.bytes, file.len);

	assert_true(fd >= 0);
	return obi_elf_is_go(fd);
}

static enum obi_language symbols(void)
{
	_cleanup_close_ int fd = elf_file_fd(file.bytes, file.len);

	assert_true(fd >= 0);
	return obi_elf_symbol_language(fd);
}

/* ---- Go ----------------------------------------------------------------------------------------
 */

static void go_is_known_by_its_sections(void **state)
{
	static const struct {
		const char *name;
		bool expected;
	} cases[] = {
		{ ".go.buildinfo", true },
		{ ".gopclntab", true },
		{ ".data.rel.ro.gopclntab", true },
		{ ".note.go.buildid", true },
		{ ".go", false },
		{ ".go.buildinfo2", false },
		{ ".text", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		elf_file_begin(&file);
		(void)elf_file_add(&file, cases[i].name, SHT_PROGBITS, "x", 1);
		elf_file_end(&file, 1);
		assert_int_equal(is_go(), cases[i].expected);
	}
}

static void go_without_sections_is_known_by_note_or_magic(void **state)
{
	static const uint8_t go_note[] = { 4, 0, 0,   0,   2, 0, 0,   0,   4, 0,
					   0, 0, 'G', 'o', 0, 0, 'i', 'd', 0, 0 };
	static const uint8_t second[] = { 4, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 'G', 'N', 'U', 0,
					  1, 2, 3, 0, /* padded */
					  4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 'G', 'o', 0,   0 };
	static const uint8_t other[] = { 4, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0 };
	static const char magic[] = "0123456789abcdef\xff Go buildinf:";

	elf_file_begin(&file);
	elf_file_segment(&file, PT_NOTE, PF_R, go_note, sizeof(go_note));
	elf_file_end(&file, 0);
	assert_true(is_go());
	elf_file_begin(&file);
	elf_file_segment(&file, PT_NOTE, PF_R, second, sizeof(second));
	elf_file_end(&file, 0);
	assert_true(is_go());
	elf_file_begin(&file);
	elf_file_segment(&file, PT_NOTE, PF_R, other, sizeof(other));
	elf_file_end(&file, 0);
	assert_false(is_go());
	elf_file_begin(&file);
	elf_file_segment(&file, PT_LOAD, PF_R | PF_W, magic, sizeof(magic));
	elf_file_end(&file, 0);
	assert_true(is_go());
	elf_file_begin(&file);
	elf_file_segment(&file, PT_LOAD, PF_R | PF_X, magic, sizeof(magic));
	elf_file_end(&file, 0);
	assert_false(is_go());
}

/* ---- Symbols ------------------------------------------------------------------------------------
 */

static void symbols_and_comment_tell_the_language(void **state)
{
	static const char rust[] = "\0main\0_ZN3std9panicking15begin_panic_rust_panic_17h\0",
			  java[] = "\0graal_create_isolate\0", c[] = "\0main\0rust\0graal\0",
			  comment[] = "GCC: (Debian)\0rustc version 1.79.0\0";

	elf_file_begin(&file);
	(void)elf_file_add(&file, ".strtab", SHT_STRTAB, rust, sizeof(rust));
	elf_file_end(&file, 1);
	assert_int_equal(symbols(), OBI_LANGUAGE_RUST);
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".dynstr", SHT_STRTAB, java, sizeof(java));
	elf_file_end(&file, 1);
	assert_int_equal(symbols(), OBI_LANGUAGE_JAVA);
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".comment", SHT_PROGBITS, comment, sizeof(comment));
	elf_file_end(&file, 1);
	assert_int_equal(symbols(), OBI_LANGUAGE_RUST);
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".strtab", SHT_STRTAB, c, sizeof(c));
	elf_file_end(&file, 1);
	assert_int_equal(symbols(), OBI_LANGUAGE_GENERIC);
	assert_false(is_go());
}

/* Of a program of a distribution neither symbols nor comments are left. */
static enum obi_language stripped(const char *constants, size_t len, const char *tables)
{
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".rodata", SHT_PROGBITS, constants, len);
	(void)elf_file_add(&file, tables, SHT_PROGBITS, "x", 1);
	elf_file_end(&file, 1);
	return symbols();
}

static void rust_is_known_by_its_constants(void **state)
{
	static const char mark[] = "/usr/src/rustc-1.63.0/library/std/src/panicking.rsBox<dyn Any>";
	static char constants[65536 * 2 + 100];

	assert_int_equal(stripped(mark, sizeof(mark), ".gcc_except_table"), OBI_LANGUAGE_RUST);
	assert_int_equal(stripped(mark, sizeof(mark), ".data"), OBI_LANGUAGE_GENERIC);
	assert_int_equal(stripped("library/std", 11, ".gcc_except_table"), OBI_LANGUAGE_GENERIC);
	/* Across the border of a piece, and at the very end. */
	for (size_t at = 65536 - sizeof(mark); at <= 65536 + 1; at++) {
		memset(constants, 'l', sizeof(constants));
		memcpy(constants + at, mark, sizeof(mark));
		assert_int_equal(stripped(constants, sizeof(constants), ".gcc_except_table"),
				 OBI_LANGUAGE_RUST);
	}
	memset(constants, 'l', sizeof(constants));
	assert_int_equal(stripped(constants, sizeof(constants), ".gcc_except_table"),
			 OBI_LANGUAGE_GENERIC);
	memcpy(constants + sizeof(constants) - 50, mark, 50);
	assert_int_equal(stripped(constants, sizeof(constants), ".gcc_except_table"),
			 OBI_LANGUAGE_RUST);
}

/* The table is read in pieces of 64 KiB; a name may lie across their border. */
static void symbol_is_found_wherever_a_piece_ends(void **state)
{
	static char table[65536 + 64];

	for (size_t at = 65536 - 12; at <= 65536 + 1; at++) {
		memset(table, 'a', sizeof(table));
		for (size_t i = 0; i < at; i += 100)
			table[i] = '\0';
		table[at - 1] = '\0';
		memcpy(table + at, "rust_panic", sizeof("rust_panic"));
		table[sizeof(table) - 1] = '\0';
		elf_file_begin(&file);
		(void)elf_file_add(&file, ".strtab", SHT_STRTAB, table, sizeof(table));
		elf_file_end(&file, 1);
		assert_int_equal(symbols(), OBI_LANGUAGE_RUST);
	}
}

static void string_longer_than_a_piece_is_skipped(void **state)
{
	static char table[3 * 65536 - 8192];
	const size_t last = sizeof(table) - sizeof("JVM_x");

	memset(table, 'a', sizeof(table));
	table[0] = '\0';
	table[last - 1] = '\0';
	memcpy(table + last, "JVM_x", sizeof("JVM_x"));
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".strtab", SHT_STRTAB, table, sizeof(table));
	elf_file_end(&file, 1);
	assert_int_equal(symbols(), OBI_LANGUAGE_JAVA);
}

/* ---- Damage -------------------------------------------------------------------------------------
 */

static void file_of_another_kind_is_generic(void **state)
{
	static const char *const texts[] = { "", "\x7f", "#!/bin/sh\n",
					     "\x7f"
					     "ELF" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_close_ int fd = elf_file_fd(texts[i], strlen(texts[i]));

		assert_false(obi_elf_is_go(fd));
		assert_int_equal(obi_elf_symbol_language(fd), OBI_LANGUAGE_GENERIC);
	}
	assert_false(obi_elf_is_go(-1));
	elf_file_begin(&file);
	(void)elf_file_add(&file, ".gopclntab", SHT_PROGBITS, "x", 1);
	elf_file_end(&file, 1);
	file.bytes[EI_CLASS] = ELFCLASS32;
	assert_false(is_go());
	file.bytes[EI_CLASS] = ELFCLASS64;
	file.bytes[EI_DATA] = ELFDATA2MSB;
	assert_false(is_go());
}

/* Cut at each length, and each byte of the headers turned over: no crash, no hang. */
static void damaged_file_does_no_harm(void **state)
{
	static const char strings[] = "\0rust_panic\0";
	struct elf_file whole;
	size_t len;

	elf_file_begin(&file);
	(void)elf_file_add(&file, ".go.buildinfo", SHT_PROGBITS, "x", 1);
	(void)elf_file_add(&file, ".strtab", SHT_STRTAB, strings, sizeof(strings));
	elf_file_end(&file, 1);
	len = file.len;
	for (size_t cut = 0; cut < len; cut++) {
		file.len = cut;
		assert_false(is_go() && cut < sizeof(Elf64_Ehdr));
		(void)symbols();
	}
	file.len = len;
	whole = file;
	for (size_t i = 0; i < len; i++) {
		static const uint8_t values[] = { 0x00, 0x7f, 0x80, 0xff };

		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			file.bytes[i] = values[j];
			(void)is_go();
			(void)symbols();
		}
		file.bytes[i] = whole.bytes[i];
	}
	assert_true(is_go());
}

/* Many sections that all claim the whole of a large file: what is read in all stays bounded. */
static void reading_is_bounded_whatever_the_sections_claim(void **state)
{
	static Elf64_Shdr sections[256];
	Elf64_Ehdr header = { .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = 0xffff,
			      .e_shoff = sizeof(Elf64_Ehdr) };
	_cleanup_close_ int fd = memfd_create("elf", MFD_CLOEXEC);

	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_shstrndx = 1;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		sections[i].sh_type = SHT_STRTAB;
		sections[i].sh_offset = 1;
		sections[i].sh_size = UINT64_MAX;
	}
	assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
	assert_int_equal(write(fd, sections, sizeof(sections)), sizeof(sections));
	assert_int_equal(ftruncate(fd, (off_t)1 << 34), 0);
	assert_int_equal(obi_elf_symbol_language(fd), OBI_LANGUAGE_GENERIC);
	assert_false(obi_elf_is_go(fd));
}

static void real_programs_are_read(void **state)
{
	_cleanup_close_ int fd = open("/bin/sleep", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		skip();
	assert_false(obi_elf_is_go(fd));
	assert_int_equal(obi_elf_symbol_language(fd), OBI_LANGUAGE_GENERIC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_is_known_by_its_sections),
		cmocka_unit_test(go_without_sections_is_known_by_note_or_magic),
		cmocka_unit_test(symbols_and_comment_tell_the_language),
		cmocka_unit_test(rust_is_known_by_its_constants),
		cmocka_unit_test(symbol_is_found_wherever_a_piece_ends),
		cmocka_unit_test(string_longer_than_a_piece_is_skipped),
		cmocka_unit_test(file_of_another_kind_is_generic),
		cmocka_unit_test(damaged_file_does_no_harm),
		cmocka_unit_test(reading_is_bounded_whatever_the_sections_claim),
		cmocka_unit_test(real_programs_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
