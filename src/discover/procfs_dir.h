/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the service room: a process' directory in /proc. */
#ifndef OBI_DISCOVER_PROCFS_DIR_H
#define OBI_DISCOVER_PROCFS_DIR_H

#include <stdint.h>

/* O_PATH descriptor of /proc/PID, or a negative errno (-ESRCH). */
int obi_procfs_open_dir(uint32_t pid);

/* What the error of a call below that directory means: the kernel says ENOENT both for what a
 * process does not have and for a process that is gone; the latter becomes -ESRCH. */
int obi_procfs_why(int dir, int error);

#endif
