/* SPDX-License-Identifier: Apache-2.0 */
/* TLS libraries in files: where in them probes see plain text. */
#ifndef OBI_INSPECT_TLS_H
#define OBI_INSPECT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "obi/tls.h"

#define OBI_TLS_SITES_MAX 24

struct obi_tls_site {
	uint64_t offset; /* in the file */
	uint32_t op;     /* enum obi_tls_op */
	uint32_t count;  /* enum obi_tls_count */
};

struct obi_tls_sites {
	size_t count;
	size_t stepped; /* of these: not emulated by the kernel, so that each hit costs more */
	struct obi_tls_site sites[OBI_TLS_SITES_MAX];
	const char *library; /* OpenSSL, GnuTLS, ...; NULL: none */
	struct obi_tls_random random;
	size_t functions; /* that were found, each with a site or without one */
	bool stripped;    /* of names that others need not: more may be in it than can be told */
	bool cut;         /* not all of it was looked at */
};

/* Looks through an ELF file; handshakes: also for what only these need. 0, also where nothing is
 * found; or a negative errno of obi_image_open() or obi_symbols_find(). */
int obi_tls_inspect(int fd, bool handshakes, struct obi_tls_sites *ret_sites);

#endif
