// SPDX-License-Identifier: Apache-2.0
/* A table that lies outside of the file reads as empty. */
#include "inspect/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"

size_t obi_image_read(struct obi_image *image, uint64_t offset, void *buf, size_t len)
{
	size_t done = 0;

	len = obi_image_min(image->left, len);
	while (done < len && offset <= INT64_MAX - len) {
		ssize_t n =
			pread(image->fd, (char *)buf + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	image->left -= done;
	return done;
}

static bool read_header(struct obi_image *image)
{
	const unsigned char *id = image->header.e_ident;
	const unsigned char order =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	return obi_image_read(image, 0, &image->header, sizeof(image->header)) ==
		       sizeof(image->header) &&
	       !memcmp(id, ELFMAG, SELFMAG) && id[EI_CLASS] == ELFCLASS64 && id[EI_DATA] == order;
}

/* Entries of another size than ours belong to no ELF that we know. */
static void read_sections(struct obi_image *image)
{
	const Elf64_Ehdr *header = &image->header;
	size_t want = obi_image_min(header->e_shnum, OBI_IMAGE_SECTIONS_MAX);
	const Elf64_Shdr *names;

	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return;
	image->section_count =
		obi_image_read(image, header->e_shoff, image->sections, want * sizeof(Elf64_Shdr)) /
		sizeof(Elf64_Shdr);
	if (header->e_shstrndx >= image->section_count)
		return;
	names = &image->sections[header->e_shstrndx];
	image->names_len = obi_image_read(image, names->sh_offset, image->names,
					  obi_image_min(names->sh_size, sizeof(image->names)));
}

static void read_segments(struct obi_image *image)
{
	const Elf64_Ehdr *header = &image->header;
	size_t want = obi_image_min(header->e_phnum, OBI_IMAGE_SEGMENTS_MAX);

	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return;
	image->segment_count =
		obi_image_read(image, header->e_phoff, image->segments, want * sizeof(Elf64_Phdr)) /
		sizeof(Elf64_Phdr);
}

int obi_image_open(int fd, uint64_t limit, struct obi_image **ret)
{
	_cleanup_free_ struct obi_image *image = NULL;
	off_t size = lseek(fd, 0, SEEK_END); /* a sandbox has no fstat(2) */

	if (size < 0)
		return errno == ESPIPE ? -EINVAL : -errno;
	image = calloc(1, sizeof(*image));
	if (!image)
		return -ENOMEM;
	image->fd = fd;
	image->left = limit;
	image->size = (uint64_t)size;
	if (!read_header(image))
		return -ENOEXEC;
	read_sections(image);
	read_segments(image);
	*ret = take_ptr(image);
	return 0;
}

void obi_image_free(struct obi_image *image)
{
	free(image);
}

struct slice obi_image_section_name(const struct obi_image *image, const Elf64_Shdr *section)
{
	struct slice rest = slice_from(slice_of(image->names, image->names_len), section->sh_name);
	ptrdiff_t end = slice_find(rest, '\0');

	return end < 0 ? slice_of(NULL, 0) : slice_first(rest, (size_t)end);
}

bool obi_image_locate(const struct obi_image *image, uint64_t address, bool executable,
		      uint64_t *ret_offset, uint64_t *ret_len)
{
	for (size_t i = 0; i < image->segment_count; i++) {
		const Elf64_Phdr *segment = &image->segments[i];
		uint64_t at = address - segment->p_vaddr, end;

		if (segment->p_type != PT_LOAD || (executable && !(segment->p_flags & PF_X)))
			continue;
		if (address < segment->p_vaddr || at >= segment->p_filesz)
			continue;
		if (__builtin_add_overflow(segment->p_offset, segment->p_filesz, &end))
			continue;
		if (end > image->size)
			end = image->size;
		if (segment->p_offset + at >= end)
			continue;
		*ret_offset = segment->p_offset + at;
		*ret_len = end - *ret_offset;
		return true;
	}
	return false;
}

void obi_image_each_string(struct obi_image *image, uint64_t offset, uint64_t size,
			   bool (*take)(void *context, uint64_t at, struct slice string),
			   void *context)
{
	uint64_t at = 0;

	while (at < size && offset <= UINT64_MAX - at) {
		size_t n = obi_image_read(image, offset + at, image->chunk,
					  obi_image_min(size - at, OBI_IMAGE_CHUNK));
		struct slice rest = slice_of(image->chunk, n);
		ptrdiff_t end;
		size_t used;

		while ((end = slice_find(rest, '\0')) >= 0) {
			if (!take(context, at + (n - rest.len), slice_first(rest, (size_t)end)))
				return;
			rest = slice_from(rest, (size_t)end + 1);
		}
		used = n - rest.len;
		if (!used) /* a string that fills the piece is skipped; n is 0 at the end */
			used = n;
		if (!used)
			break;
		at += used;
	}
}

bool obi_image_contains(struct obi_image *image, uint64_t offset, uint64_t size, struct slice part)
{
	uint64_t at = 0;

	while (at < size && offset <= UINT64_MAX - at) {
		size_t n = obi_image_read(image, offset + at, image->chunk,
					  obi_image_min(size - at, OBI_IMAGE_CHUNK));

		if (n < part.len)
			break;
		if (memmem(image->chunk, n, part.data, part.len))
			return true;
		at += n - part.len + 1; /* it may begin in this piece and end in the next */
	}
	return false;
}

/* ---- Build id ----------------------------------------------------------------------------------
 */

static size_t note_align(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* elf(5), notes: sizes of name and description, type, name, description, both padded to 4. */
bool obi_image_next_note(struct slice *notes, struct obi_note *ret)
{
	Elf64_Nhdr note;

	if (notes->len < sizeof(note))
		return false;
	memcpy(&note, notes->data, sizeof(note));
	*notes = slice_from(*notes, sizeof(note));
	ret->type = note.n_type;
	ret->owner = slice_first(*notes, note.n_namesz);
	*notes = slice_from(*notes, note_align(note.n_namesz));
	ret->text = slice_first(*notes, note.n_descsz);
	ret->whole = ret->owner.len == note.n_namesz && ret->text.len == note.n_descsz;
	*notes = slice_from(*notes, note_align(note.n_descsz));
	return true;
}

static bool find_build_id(struct slice notes, struct obi_build_id *ret)
{
	static const struct slice owner = { (const uint8_t *)"GNU", 4 };
	struct obi_note note;

	while (obi_image_next_note(&notes, &note)) {
		if (note.type != NT_GNU_BUILD_ID || !note.whole || !note.text.len ||
		    !slice_equal(note.owner, owner))
			continue;
		*ret = (struct obi_build_id){ .len = (uint8_t)obi_image_min(note.text.len,
									    OBI_BUILD_ID_MAX) };
		memcpy(ret->bytes, note.text.data, ret->len);
		return true;
	}
	return false;
}

static bool read_build_id(struct obi_image *image, uint64_t offset, uint64_t size,
			  struct obi_build_id *ret)
{
	size_t n = obi_image_read(image, offset, image->chunk,
				  obi_image_min(size, OBI_IMAGE_NOTES_MAX));

	return find_build_id(slice_of(image->chunk, n), ret);
}

static void make_build_id(const struct obi_image *image, struct obi_build_id *ret)
{
	uint64_t sum = hash_bytes(&image->header, sizeof(image->header), image->size);

	sum = hash_bytes(image->segments, image->segment_count * sizeof(Elf64_Phdr), sum);
	sum = hash_bytes(image->sections, image->section_count * sizeof(Elf64_Shdr), sum);
	*ret = (struct obi_build_id){ .len = sizeof(sum), .made = true };
	memcpy(ret->bytes, &sum, sizeof(sum));
}

void obi_image_build_id(struct obi_image *image, struct obi_build_id *ret)
{
	for (size_t i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == PT_NOTE &&
		    read_build_id(image, image->segments[i].p_offset, image->segments[i].p_filesz,
				  ret))
			return;
	for (size_t i = 0; i < image->section_count; i++)
		if (image->sections[i].sh_type == SHT_NOTE &&
		    read_build_id(image, image->sections[i].sh_offset, image->sections[i].sh_size,
				  ret))
			return;
	make_build_id(image, ret);
}
