/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions in the syntax of RE2 (and of Go's regexp), as a question of yes or no. The
 * time is linear in the text, whatever the pattern: texts are paths and command lines of strangers.
 *
 * Not there: Unicode classes (\p{...}), \C, octal escapes; (?i) takes ASCII letters alike only.
 */
#ifndef OBI_BASE_REGEX_H
#define OBI_BASE_REGEX_H

#include <stdbool.h>

#include "base/slice.h"

/* 0 where pattern can be matched, else -EINVAL and what is wrong with it. */
int obi_regex_check(const char *pattern, const char **ret_why);

/* Does pattern match anywhere in text (UTF-8; other bytes are one character each)? False for a
 * pattern that does not pass the check. Nothing is allocated. */
bool obi_regex_match(const char *pattern, struct slice text);

#endif
