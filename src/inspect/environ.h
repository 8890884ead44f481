/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a process, read from a descriptor of /proc/PID/environ: hostile bytes. */
#ifndef OBI_INSPECT_ENVIRON_H
#define OBI_INSPECT_ENVIRON_H

#include "base/slice.h"

/* What execve(2) takes: three quarters of _STK_LIM in all (fs/exec.c), MAX_ARG_STRLEN for an entry
 * with pages of 4 KiB. More is not read; a longer entry is skipped. */
#define OBI_ENVIRON_MAX (6u << 20)
#define OBI_ENVIRON_ENTRY_MAX 131072u

/* Calls take with each variable, in order; values without blanks around them. An entry without
 * '=', name or value is left out. 0, or a negative errno of reading. */
int obi_environ_read(int fd, void (*take)(void *context, struct slice name, struct slice value),
		     void *context);

/* The same for one entry, "NAME=value". False where it is left out. */
bool obi_environ_split(struct slice entry, struct slice *ret_name, struct slice *ret_value);

#endif
