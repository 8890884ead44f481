// SPDX-License-Identifier: Apache-2.0
#include "config/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/glob.h"
#include "base/regex.h"

static int allowed_is(char *why, size_t why_size, const char *text)
{
	(void)snprintf(why, why_size, "%s", text);
	return -EINVAL;
}

int obi_check_ip_or_empty(const void *field, char *why, size_t why_size)
{
	const char *text = *(const char *const *)field;
	unsigned char address[16];

	if (!*text || inet_pton(AF_INET, text, address) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1)
		return 0;
	return allowed_is(why, why_size, "an IP address such as 10.0.0.1 or 2001:db8::1");
}

int obi_check_url_path(const void *field, char *why, size_t why_size)
{
	const char *text = *(const char *const *)field;

	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == '?' || *c == '#')
			text = "";
	}
	if (*text == '/')
		return 0;
	return allowed_is(why, why_size, "a path that begins with '/', such as /metrics");
}

int obi_check_glob_item(const void *item, char *why, size_t why_size)
{
	const char *reason;

	if (obi_glob_check(item, &reason) == 0)
		return 0;
	(void)snprintf(why, why_size, "a glob (%s)", reason);
	return -EINVAL;
}

int obi_check_regex(const void *field, char *why, size_t why_size)
{
	const char *pattern = *(const char *const *)field, *reason;

	if (obi_regex_check(pattern, &reason) == 0)
		return 0;
	(void)snprintf(why, why_size, "a regular expression (%s)", reason);
	return -EINVAL;
}

int obi_check_text_item(const void *item, char *why, size_t why_size)
{
	const char *text = item;

	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ')
			text = "";
	}
	return *text ? 0 : allowed_is(why, why_size, "text without control characters");
}
