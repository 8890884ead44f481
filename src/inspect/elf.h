/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded look at an ELF file through a descriptor: every offset, size and count in it is a lie
 * until shown otherwise, and what is read in all has a limit, so that no file can stop or slow the
 * worker. 64-bit, of this machine's byte order.
 */
#ifndef OBI_INSPECT_ELF_H
#define OBI_INSPECT_ELF_H

#include "base/slice.h"

#define OBI_ELF_READ_MAX (8u << 20) /* bytes read of one file at most */

struct obi_elf_signs {
	bool go;   /* build information, build id or line table of the Go linker */
	bool rust; /* symbol or compiler's comment */
	bool java; /* native image of GraalVM */
};

/* 0; -ENOEXEC where it is no ELF file that we read; another negative errno of reading. What a file
 * has damaged is taken as not there. */
int obi_elf_inspect(int fd, struct obi_elf_signs *ret_signs);

#endif
