/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of an ELF file by name: x86-64 and aarch64. Looks through .symtab and .dynsym; where
 * there are no section headers, through what PT_DYNAMIC says. Versions of names do not count.
 * Memory is some 300 KiB, whatever the file says.
 */
#ifndef OBI_INSPECT_SYMBOLS_H
#define OBI_INSPECT_SYMBOLS_H

#include "inspect/image.h"

/* Bytes read of one file at most, for obi_image_open(). A build of node with both tables has
 * 17 MiB of them; a browser with all symbols has more than is read here. */
#define OBI_SYMBOLS_READ_MAX (64u << 20)
#define OBI_SYMBOLS_WANTED_MAX 1024

struct obi_symbol_wanted {
	const char *name; /* not empty, at most 255 bytes */
	bool within;      /* anywhere in a symbol's name, as in mangled ones */
};

struct obi_symbol {
	uint64_t address; /* as the file says */
	uint64_t offset;  /* in the file, inside an executable segment */
	uint64_t size;    /* bytes; 0 unknown; never beyond the segment */
	uint16_t wanted;  /* index */
	bool local;       /* STB_LOCAL: other files of the program may have one of the same name */
};

/*
 * Defined functions (STT_FUNC; not STT_GNU_IFUNC, which is called once, to find another) with
 * wanted names: each address once for each wanted name. Sorted by wanted; of one, those with a size
 * first, then global ones, then by address. Returns how many there are in ret_found, at most max;
 * *ret_cut says that there may be more: max, or a limit of reading, was reached.
 * -ENOTSUP: another machine. -ENODATA: there is no table of symbols. -EINVAL: too many wanted.
 * -ENOMEM.
 */
int obi_symbols_find(struct obi_image *image, const struct obi_symbol_wanted *wanted, size_t count,
		     struct obi_symbol *ret_found, size_t max, bool *ret_cut);

#endif
