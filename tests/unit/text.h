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

/* Without those that overlap. By memmem(): under ASan strstr() looks for the end of the text each
 * time.
 */
static inline size_t count_of(const char *text, const char *part)
{
	const char *end = text + strlen(text);
	size_t count = 0, len = strlen(part);

	for (; (text = memmem(text, (size_t)(end - text), part, len)); text += len)
		count++;
	return count;
}

#endif
