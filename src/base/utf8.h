/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629). */
#ifndef OBI_BASE_UTF8_H
#define OBI_BASE_UTF8_H

#include "base/slice.h"

/* Length of the valid sequence at the start of s, which is not empty; 0 if there is none. */
size_t utf8_length(struct slice s);

/* The same of a character that shows itself as what it is: no control of the sets C0 and C1, none
 * that turns the direction of what follows (Unicode's UAX 9, bidirectional formatting characters)
 * or ends a line. Everything that people read goes by this. */
size_t utf8_printable(struct slice s);

/* Is all of s so? */
bool utf8_all_printable(struct slice s);

/* Is all of s valid? */
bool utf8_valid(struct slice s);

#endif
