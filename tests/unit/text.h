/* SPDX-License-Identifier: Apache-2.0 */
/* What a text holds, for tests that show all of it where that is wrong. */
#ifndef OBI_TESTS_TEXT_H
#define OBI_TESTS_TEXT_H

#include <string.h>

static inline void has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("no %s\nin %s", part, text ? text : "(null)");
}

static inline void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("%s\nin %s", part, text);
}

/* Without those that overlap. */
static inline size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

#endif
