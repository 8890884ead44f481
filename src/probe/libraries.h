/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS libraries that are seen into: the names of their files, and the functions that have probes. A
 * library is a row, and a row for each of its functions.
 */
#ifndef OBI_PROBE_LIBRARIES_H
#define OBI_PROBE_LIBRARIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define OBI_PROBE_FILES 3
#define OBI_PROBE_FUNCTIONS 37

struct obi_probe_library {
	const char *name;
	const char *files[OBI_PROBE_FILES]; /* how the names of its files begin */
	/* The function that copies the random of the ClientHello out of a session, or NULL. */
	const char *random;
	bool handshakes; /* only where these are asked for */
};

/* A call of (session, memory, length, ...) or of (session). */
struct obi_probe_function {
	const char *name;
	uint8_t library; /* index */
	uint8_t op;      /* enum obi_tls_op */
	uint8_t count;   /* enum obi_tls_count */
};

#define OBI_PROBE_LIBRARIES 8

extern const struct obi_probe_library obi_probe_libraries[];
extern const struct obi_probe_function obi_probe_functions[];

/* Is that the name of a TLS library's file, as they are shared? Executables may hold one besides.
 * handshakes: are these asked for? */
bool obi_probe_is_library(struct slice path, bool handshakes);

#endif
