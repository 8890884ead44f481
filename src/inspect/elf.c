// SPDX-License-Identifier: Apache-2.0
/*
 * Only headers, notes, one page of data and string tables are read, each through read_at(), which
 * knows the limit. A table that lies outside of the file reads as empty. Section headers are read
 * where they are; a file without them (stripped of them, as some packers do) is judged by its
 * program headers.
 */
#include "inspect/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/slice.h"

#define SECTIONS_MAX 256
#define SEGMENTS_MAX 64
#define NAMES_MAX 16384 /* of sections */
#define NOTES_MAX 4096
#define COMMENT_MAX 4096
#define CHUNK 65536 /* of string tables and of data */

struct elf {
	int fd;
	size_t left; /* that may still be read */
	Elf64_Ehdr header;
	Elf64_Shdr sections[SECTIONS_MAX];
	size_t section_count;
	Elf64_Phdr segments[SEGMENTS_MAX];
	size_t segment_count;
	char names[NAMES_MAX];
	size_t names_len;
	uint8_t chunk[CHUNK];
};

/* Reads up to len bytes; returns how many there were. */
static size_t read_at(struct elf *elf, uint64_t offset, void *buf, size_t len)
{
	size_t done = 0;

	if (len > elf->left)
		len = elf->left;
	while (done < len && offset <= INT64_MAX - len) {
		ssize_t n = pread(elf->fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	elf->left -= done;
	return done;
}

static size_t min_size(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* ---- Headers ----------------------------------------------------------------------------------
 */

static bool read_header(struct elf *elf)
{
	const unsigned char *id = elf->header.e_ident;
	const unsigned char order =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	return read_at(elf, 0, &elf->header, sizeof(elf->header)) == sizeof(elf->header) &&
	       !memcmp(id, ELFMAG, SELFMAG) && id[EI_CLASS] == ELFCLASS64 && id[EI_DATA] == order;
}

/* Entries of another size than ours belong to no ELF that we know. */
static void read_sections(struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	size_t want = min_size(header->e_shnum, SECTIONS_MAX);
	const Elf64_Shdr *names;

	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return;
	elf->section_count =
		read_at(elf, header->e_shoff, elf->sections, want * sizeof(Elf64_Shdr)) /
		sizeof(Elf64_Shdr);
	if (header->e_shstrndx >= elf->section_count)
		return;
	names = &elf->sections[header->e_shstrndx];
	elf->names_len = read_at(elf, names->sh_offset, elf->names,
				 min_size(names->sh_size, sizeof(elf->names)));
}

static void read_segments(struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	size_t want = min_size(header->e_phnum, SEGMENTS_MAX);

	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return;
	elf->segment_count =
		read_at(elf, header->e_phoff, elf->segments, want * sizeof(Elf64_Phdr)) /
		sizeof(Elf64_Phdr);
}

/* NULL where it is no ELF file, or out of memory. */
static struct elf *open_elf(int fd)
{
	struct elf *elf = calloc(1, sizeof(*elf));

	if (!elf)
		return NULL;
	elf->fd = fd;
	elf->left = OBI_ELF_READ_MAX;
	if (!read_header(elf)) {
		free(elf);
		return NULL;
	}
	read_sections(elf);
	read_segments(elf);
	return elf;
}

static struct slice section_name(const struct elf *elf, const Elf64_Shdr *section)
{
	struct slice rest = slice_from(slice_of(elf->names, elf->names_len), section->sh_name);
	ptrdiff_t end = slice_find(rest, '\0');

	return end < 0 ? slice_of(NULL, 0) : slice_first(rest, (size_t)end);
}

/* ---- Go ---------------------------------------------------------------------------------------
 */

/* Names that only the Go linker gives (cmd/link/internal/ld). */
static bool has_go_section(const struct elf *elf)
{
	static const struct slice names[] = {
		SLICE_LIT(".go.buildinfo"),
		SLICE_LIT(".gopclntab"),
		SLICE_LIT(".data.rel.ro.gopclntab"),
		SLICE_LIT(".note.go.buildid"),
	};

	for (size_t i = 0; i < elf->section_count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			if (slice_equal(section_name(elf, &elf->sections[i]), names[j]))
				return true;
	return false;
}

static size_t note_align(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* elf(5), notes: sizes of name and description, type, name, description, both padded to 4. */
static bool has_go_note(struct slice notes)
{
	static const struct slice owner = { (const uint8_t *)"Go\0", 4 };
	Elf64_Nhdr note;

	while (notes.len >= sizeof(note)) {
		struct slice name;

		memcpy(&note, notes.data, sizeof(note));
		notes = slice_from(notes, sizeof(note));
		name = slice_first(notes, note.n_namesz);
		if (slice_equal(name, owner))
			return true;
		notes = slice_from(notes, note_align(note.n_namesz));
		notes = slice_from(notes, note_align(note.n_descsz));
	}
	return false;
}

/* Build information begins so, at the start of the data (Go, debug/buildinfo). */
static bool has_go_magic(struct slice data)
{
	static const struct slice magic = SLICE_LIT("\xff Go buildinf:");

	return data.len && memmem(data.data, data.len, magic.data, magic.len);
}

static bool has_go_segment(struct elf *elf)
{
	bool data_seen = false;

	for (size_t i = 0; i < elf->segment_count; i++) {
		const Elf64_Phdr *segment = &elf->segments[i];
		size_t want = 0;

		if (segment->p_type == PT_NOTE) {
			want = min_size(segment->p_filesz, NOTES_MAX);
		} else if (segment->p_type == PT_LOAD && (segment->p_flags & PF_W) && !data_seen) {
			data_seen = true;
			want = min_size(segment->p_filesz, CHUNK);
		}
		if (!want)
			continue;
		want = read_at(elf, segment->p_offset, elf->chunk, want);
		if (segment->p_type == PT_NOTE ? has_go_note(slice_of(elf->chunk, want))
					       : has_go_magic(slice_of(elf->chunk, want)))
			return true;
	}
	return false;
}

bool obi_elf_is_go(int fd)
{
	_cleanup_free_ struct elf *elf = open_elf(fd);

	if (!elf)
		return false;
	/* Where there are sections their names suffice, and C data is not searched for magic. */
	return elf->names_len ? has_go_section(elf) : has_go_segment(elf);
}

/* ---- Symbols ----------------------------------------------------------------------------------
 */

/* Reads strings, each terminated, piece by piece, each beginning with a whole string. */
static enum obi_language search_strings(struct elf *elf, uint64_t offset, uint64_t size)
{
	while (size) {
		size_t n = read_at(elf, offset, elf->chunk, min_size(size, CHUNK));
		struct slice rest = slice_of(elf->chunk, n);
		ptrdiff_t end;
		size_t used;

		while ((end = slice_find(rest, '\0')) >= 0) {
			enum obi_language language =
				obi_language_of_symbol(slice_first(rest, (size_t)end));

			if (language != OBI_LANGUAGE_GENERIC)
				return language;
			rest = slice_from(rest, (size_t)end + 1);
		}
		used = n - rest.len;
		if (!used) /* a string that fills the piece is skipped; n is 0 at the end */
			used = n;
		if (!used)
			break;
		offset += used;
		size -= used;
	}
	return OBI_LANGUAGE_GENERIC;
}

/* rustc names itself where each compiler does, and stripping leaves that alone. */
static bool rust_comment(struct elf *elf, const Elf64_Shdr *section)
{
	static const struct slice mark = SLICE_LIT("rustc version");
	size_t n = read_at(elf, section->sh_offset, elf->chunk,
			   min_size(section->sh_size, COMMENT_MAX));

	return memmem(elf->chunk, n, mark.data, mark.len) != NULL;
}

enum obi_language obi_elf_symbol_language(int fd)
{
	_cleanup_free_ struct elf *elf = open_elf(fd);
	enum obi_language language = OBI_LANGUAGE_GENERIC;

	if (!elf)
		return language;
	for (size_t i = 0; i < elf->section_count && !language; i++) {
		const Elf64_Shdr *section = &elf->sections[i];
		struct slice name = section_name(elf, section);

		if (section->sh_type == SHT_STRTAB && i != elf->header.e_shstrndx)
			language = search_strings(elf, section->sh_offset, section->sh_size);
		else if (slice_equal(name, SLICE_LIT(".comment")) && rust_comment(elf, section))
			language = OBI_LANGUAGE_RUST;
	}
	return language;
}
