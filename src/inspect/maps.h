/* SPDX-License-Identifier: Apache-2.0 */
/* What code a process maps, read from a descriptor of /proc/PID/maps: hostile bytes. */
#ifndef OBI_INSPECT_MAPS_H
#define OBI_INSPECT_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define OBI_MAPS_MAX (4u << 20) /* bytes read */

struct obi_mapped {
	uint64_t start, end; /* addresses */
	uint64_t inode;
	uint32_t major, minor; /* of the device, as shown there */
	struct slice path;     /* without " (deleted)" */
};

/* Calls take with each executable mapping of a file, in the order of addresses, until it returns
 * false. 0 or a negative errno. */
int obi_maps_read(int fd, bool (*take)(void *context, const struct obi_mapped *mapped),
		  void *context);

#endif
