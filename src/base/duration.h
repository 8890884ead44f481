/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as text, the way Go prints them: 0s, 850ns, 2µs, 1.934744ms, 1.5s, 1h0m2s. */
#ifndef OBI_BASE_DURATION_H
#define OBI_BASE_DURATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Longest text, of UINT64_MAX ns. */
#define DURATION_TEXT_MAX 32

/* Writes the text, not terminated; ret_text has room for DURATION_TEXT_MAX bytes. Returns its
 * length. */
size_t duration_format(uint64_t ns, char *ret_text);

#endif
