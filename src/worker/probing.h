/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that probes may belong into: named to the broker as processes map them, and looked through
 * when it hands one over. See broker/probed.h for the whole way.
 */
#ifndef OBI_WORKER_PROBING_H
#define OBI_WORKER_PROBING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "wire/wire.h"

/* Calls take with what of the process's mappings is worth a look, of which maps_fd is the list:
 * libraries, and the executable, of that path. handshakes: are these asked for? 0 or a negative
 * errno. */
int obi_probing_each(uint32_t pid, const char *exe, int maps_fd, bool handshakes,
		     void (*take)(void *context, const struct obi_wire_mapping *mapping,
				  struct slice path),
		     void *context);

/* Names these to the broker. */
void obi_probing_process(uint32_t pid, const char *exe, int maps_fd, bool handshakes);

/* Looks through a file, and says where probes belong. */
void obi_probing_file(const struct obi_wire_file *file, int fd, bool handshakes);

#endif
