/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629). */
#ifndef OBI_BASE_UTF8_H
#define OBI_BASE_UTF8_H

#include "base/slice.h"

/* Length of the valid sequence at the start of s, which is not empty; 0 if there is none. */
size_t utf8_length(struct slice s);

/* Is all of s valid? */
bool utf8_valid(struct slice s);

#endif
