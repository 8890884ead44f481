/* SPDX-License-Identifier: Apache-2.0 */
/* Where TLS sessions have the random of their ClientHello. */
#ifndef OBI_INSPECT_RANDOM_H
#define OBI_INSPECT_RANDOM_H

#include "inspect/sites.h"
#include "obi/tls.h"

/* From a function that copies it out of its first argument, SSL_get_client_random() say: the places
 * that it may be at, all 0 where the function does not show it. size: bytes; 0, unknown: it is not
 * looked at. */
struct obi_tls_random obi_random_find(const struct obi_code *code, uint64_t address, uint64_t size);

#endif
