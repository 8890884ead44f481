/* SPDX-License-Identifier: Apache-2.0 */
/* What an ELF file tells of the language that it was written in: a bounded look at it. */
#ifndef OBI_INSPECT_ELF_H
#define OBI_INSPECT_ELF_H

#include <stdbool.h>

#include "inspect/language.h"

#define OBI_ELF_READ_MAX (8u << 20) /* bytes read of one file at most */

/* Was it linked by Go? False also where it is no ELF file. Reads some 100 KiB at most. */
bool obi_elf_is_go(int fd);

/* The first of its symbol names and compiler comments that tells a language, else what its
 * constants tell; OBI_LANGUAGE_GENERIC where none does. */
enum obi_language obi_elf_symbol_language(int fd);

#endif
