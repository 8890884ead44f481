/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs over whole strings:
 *   *      any bytes, also none, also '/'
 *   ?      one byte
 *   [abc]  one of these bytes, [a-z] a range, [!abc] one byte that is none of them
 *   {a,b}  either; may be nested, and hold globs
 *   \x     the byte x itself
 *
 * No allocation; time is bounded by length of pattern times length of text,
 * whatever the pattern.
 */
#ifndef OBI_BASE_GLOB_H
#define OBI_BASE_GLOB_H

#include <stdbool.h>

#include "base/slice.h"

#define OBI_GLOB_MAX 512 /* longest pattern, bytes */

/* 0, or -EINVAL: *ret_why says what is wrong (a constant). */
int obi_glob_check(const char *pattern, const char **ret_why);

/* Does the pattern match all of text? A pattern that does not pass the check matches nothing. */
bool obi_glob_match(const char *pattern, struct slice text);

#endif
