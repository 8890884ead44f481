// SPDX-License-Identifier: Apache-2.0
/*
 * Section headers are read where they are; a file without them (stripped of them, as some packers
 * do) is judged by its program headers.
 */
#include "inspect/elf.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/slice.h"
#include "inspect/image.h"

#define COMMENT_MAX 4096

/* NULL where it is no ELF file, or out of memory. */
static struct obi_image *open_image(int fd)
{
	struct obi_image *image;

	return obi_image_open(fd, OBI_ELF_READ_MAX, &image) < 0 ? NULL : image;
}

/* ---- Go ----------------------------------------------------------------------------------------
 */

/* Names that only the Go linker gives (cmd/link/internal/ld). */
static bool has_go_section(const struct obi_image *image)
{
	static const struct slice names[] = {
		SLICE_LIT(".go.buildinfo"),
		SLICE_LIT(".gopclntab"),
		SLICE_LIT(".data.rel.ro.gopclntab"),
		SLICE_LIT(".note.go.buildid"),
	};

	for (size_t i = 0; i < image->section_count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			if (slice_equal(obi_image_section_name(image, &image->sections[i]),
					names[j]))
				return true;
	return false;
}

static bool has_go_note(struct slice notes)
{
	static const struct slice owner = { (const uint8_t *)"Go\0", 4 };
	struct obi_note note;

	while (obi_image_next_note(&notes, &note))
		if (slice_equal(note.owner, owner))
			return true;
	return false;
}

/* Build information begins so, at the start of the data (Go, debug/buildinfo). */
static bool has_go_magic(struct slice data)
{
	static const struct slice magic = SLICE_LIT("\xff Go buildinf:");

	return data.len && memmem(data.data, data.len, magic.data, magic.len);
}

static bool has_go_segment(struct obi_image *image)
{
	bool data_seen = false;

	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		size_t want = 0;

		if (segment->p_type == PT_NOTE) {
			want = obi_image_min(segment->p_filesz, OBI_IMAGE_NOTES_MAX);
		} else if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) && !data_seen) {
			data_seen = true;
			want = obi_image_min(segment->p_filesz, OBI_IMAGE_CHUNK);
		}
		if (!want)
			continue;
		want = obi_image_read(image, segment->p_offset, image->chunk, want);
		if (segment->p_type == PT_NOTE ? has_go_note(slice_of(image->chunk, want))
					       : has_go_magic(slice_of(image->chunk, want)))
			return true;
	}
	return false;
}

bool obi_elf_is_go(int fd)
{
	_cleanup_free_ struct obi_image *image = open_image(fd);

	if (!image)
		return false;
	/* Where there are sections their names suffice, and C data is not searched for magic. */
	return image->names_len ? has_go_section(image) : has_go_segment(image);
}

/* ---- Symbols -----------------------------------------------------------------------------------
 */

static bool take_symbol(void *context, uint64_t at, struct slice symbol)
{
	enum obi_language *language = context;

	*language = obi_language_of_symbol(symbol);
	return *language == OBI_LANGUAGE_GENERIC;
}

/* rustc names itself where each compiler does, and stripping leaves that alone. */
static bool rust_comment(struct obi_image *image, const Elf64_Shdr *section)
{
	static const struct slice mark = SLICE_LIT("rustc version");
	size_t n = obi_image_read(image, section->sh_offset, image->chunk,
				  obi_image_min(section->sh_size, COMMENT_MAX));

	return memmem(image->chunk, n, mark.data, mark.len) != NULL;
}

/* Distributions strip comments too. What stays is where the standard library of Rust may panic,
 * by file; and it has tables of what to do then, which spares us the constants of C programs. */
static bool rust_constants(struct obi_image *image)
{
	static const struct slice mark = SLICE_LIT("library/std/src/panicking.rs");
	const Elf64_Shdr *constants = NULL;
	bool may_panic = false;

	for (size_t i = 0; i < image->section_count; i++) {
		struct slice name = obi_image_section_name(image, &image->sections[i]);

		if (slice_equal(name, SLICE_LIT(".rodata")))
			constants = &image->sections[i];
		else if (slice_equal(name, SLICE_LIT(".gcc_except_table")))
			may_panic = true;
	}
	return constants && may_panic &&
	       obi_image_contains(image, constants->sh_offset, constants->sh_size, mark);
}

enum obi_language obi_elf_symbol_language(int fd)
{
	_cleanup_free_ struct obi_image *image = open_image(fd);
	enum obi_language language = OBI_LANGUAGE_GENERIC;

	if (!image)
		return language;
	for (size_t i = 0; i < image->section_count && !language; i++) {
		const Elf64_Shdr *section = &image->sections[i];
		struct slice name = obi_image_section_name(image, section);

		if (section->sh_type == SHT_STRTAB && i != image->header.e_shstrndx)
			obi_image_each_string(image, section->sh_offset, section->sh_size,
					      take_symbol, &language);
		else if (slice_equal(name, SLICE_LIT(".comment")) && rust_comment(image, section))
			language = OBI_LANGUAGE_RUST;
	}
	if (!language && rust_constants(image))
		language = OBI_LANGUAGE_RUST;
	return language;
}
