/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file read through a descriptor: headers at once, all else in pieces, by pread(2) and
 * never by mmap(2), since a file that is cut short meanwhile would end the process. Every offset,
 * size and count in it is a lie until shown otherwise, and what is read in all has a limit, so that
 * nothing that stands in a file can stop or slow the worker. A file system that does not answer can
 * (FUSE, NFS): read(2) waits for it. 64-bit, of this machine's byte order.
 */
#ifndef OBI_INSPECT_IMAGE_H
#define OBI_INSPECT_IMAGE_H

#include <elf.h>
#include <stdbool.h>

#include "base/slice.h"

#define OBI_IMAGE_SECTIONS_MAX 256 /* others are not looked at */
#define OBI_IMAGE_SEGMENTS_MAX 64
#define OBI_IMAGE_NAMES_MAX 16384 /* of sections, bytes */
#define OBI_IMAGE_CHUNK 65536
#define OBI_IMAGE_NOTES_MAX 4096 /* bytes read of one run of notes */

struct obi_image {
	int fd;        /* borrowed */
	uint64_t left; /* bytes that may still be read */
	uint64_t size; /* of the file when it was opened, bytes */
	Elf64_Ehdr header;
	Elf64_Shdr sections[OBI_IMAGE_SECTIONS_MAX];
	size_t section_count;
	Elf64_Phdr segments[OBI_IMAGE_SEGMENTS_MAX];
	size_t segment_count;
	char names[OBI_IMAGE_NAMES_MAX];
	size_t names_len;
	uint8_t chunk[OBI_IMAGE_CHUNK]; /* where the caller reads pieces to */
};

/* Reads the headers; fd is used until obi_image_free(). At most limit bytes are read in all.
 * -EINVAL: a pipe or the like. -ENOEXEC: no ELF file of 64 bits and this byte order. -ENOMEM. */
int obi_image_open(int fd, uint64_t limit, struct obi_image **ret);
void obi_image_free(struct obi_image *image); /* NULL is fine */

/* Reads up to len bytes; returns how many there were, none where the limit is reached. */
size_t obi_image_read(struct obi_image *image, uint64_t offset, void *buf, size_t len);

static inline size_t obi_image_min(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* Hands over what strings, each terminated, stand in a part of the file, and where in it each
 * begins, until take says false. Strings longer than OBI_IMAGE_CHUNK are skipped. */
void obi_image_each_string(struct obi_image *image, uint64_t offset, uint64_t size,
			   bool (*take)(void *context, uint64_t at, struct slice string),
			   void *context);

/* Does part stand somewhere in a part of the file? At most OBI_IMAGE_CHUNK / 2 bytes long. */
bool obi_image_contains(struct obi_image *image, uint64_t offset, uint64_t size, struct slice part);

struct obi_note {
	uint32_t type;
	struct slice owner; /* with the byte that ends it */
	struct slice text;
	bool whole; /* not cut by the end of the notes */
};

/* The first of notes, which then begin behind it. */
bool obi_image_next_note(struct slice *notes, struct obi_note *ret);

/* Empty where there is none. */
struct slice obi_image_section_name(const struct obi_image *image, const Elf64_Shdr *section);

/* Where in the file an address lies, and how many bytes of its segment follow. Only executable
 * segments are looked at, or all. False: in none, or past the end of the file. */
bool obi_image_locate(const struct obi_image *image, uint64_t address, bool executable,
		      uint64_t *ret_offset, uint64_t *ret_len);

#define OBI_BUILD_ID_MAX 20 /* bytes, of SHA-1 as linkers write it; longer ones are cut */

struct obi_build_id {
	uint8_t bytes[OBI_BUILD_ID_MAX];
	uint8_t len;
	bool made; /* there is none: of headers and size */
};

/* What the file says of itself, so that anybody can make a file that says the same: what was found
 * in one file holds for another only where device, inode, size and times are the same, too. */
void obi_image_build_id(struct obi_image *image, struct obi_build_id *ret);

#endif
