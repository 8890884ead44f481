// SPDX-License-Identifier: Apache-2.0
/*
 * Names are compared as they stand in the query, upper and lower case apart, after
 * undoing percent-encoding (RFC 3986 section 2.1): what the server takes for `token`
 * must not pass as `t%6fken`.
 */
#include "pipeline/redact.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"

#define REDACTED "REDACTED"
/* Longer names are none of ours. */
#define NAME_MAX_BYTES 64

static const char *const built_in[] = {
	"X-Amz-Signature",
	"X-Amz-Credential",
	"X-Amz-Security-Token",
	"AWSAccessKeyId",
	"Signature",
	"SecurityToken",
	"X-Goog-Signature",
	"sig",
	"token",
	"access_token",
	"refresh_token",
	"id_token",
	"jwt",
	"session",
	"sid",
	"signature",
	"api_key",
	"apikey",
	"client_secret",
	"secret",
	"password",
	"pass",
	"pwd",
	"reset_token",
	"invite_token",
	"verify_token",
	"otp",
	"totp",
	"mfa_code",
	"verification_code",
	"SAMLResponse",
	"assertion",
	"card",
	"cc",
	"pan",
	"cvv",
	"ssn",
	"tax_id",
};

struct redact_stage {
	const char **names; /* sorted */
	size_t count;
	struct buffer query;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool list_has(const struct obi_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i], name) == 0)
			return true;
	}
	return false;
}

static void add_names(struct redact_stage *stage, const char *const *names, size_t count,
		      const struct obi_list *remove)
{
	for (size_t i = 0; i < count; i++) {
		if (!list_has(remove, names[i]))
			stage->names[stage->count++] = names[i];
	}
}

int redact_stage_new(const struct obi_list *add, const struct obi_list *remove,
		     struct redact_stage **ret_stage)
{
	struct redact_stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return -ENOMEM;
	stage->names = calloc(ARRAY_SIZE(built_in) + add->count, sizeof(*stage->names));
	if (!stage->names) {
		free(stage);
		return -ENOMEM;
	}
	add_names(stage, built_in, ARRAY_SIZE(built_in), remove);
	add_names(stage, add->items, add->count, remove);
	qsort(stage->names, stage->count, sizeof(*stage->names), compare_names);
	*ret_stage = stage;
	return 0;
}

void redact_stage_free(struct redact_stage *stage)
{
	if (!stage)
		return;
	buffer_free(&stage->query);
	free(stage->names);
	free(stage);
}

#define NO_DIGIT 16

static unsigned hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : NO_DIGIT;
}

/* The byte that %xx stands for, or -1 where there is no such thing at the start of s. */
static int escaped_byte(struct slice s)
{
	unsigned high, low;

	if (s.len < 3 || s.data[0] != '%')
		return -1;
	high = hex_digit(s.data[1]);
	low = hex_digit(s.data[2]);
	return high == NO_DIGIT || low == NO_DIGIT ? -1 : (int)(high << 4 | low);
}

/* Writes the name decoded and terminated, NAME_MAX_BYTES at most; false: too long. */
static bool decode_name(struct slice name, char *ret_text)
{
	size_t used = 0;

	while (name.len) {
		int escaped = escaped_byte(name);

		if (used == NAME_MAX_BYTES - 1)
			return false;
		ret_text[used++] = (char)(escaped < 0 ? name.data[0] : escaped);
		name = slice_from(name, escaped < 0 ? 1 : 3);
	}
	ret_text[used] = '\0';
	return true;
}

static bool is_secret(const struct redact_stage *stage, struct slice name)
{
	char text[NAME_MAX_BYTES];
	const char *key = text;

	return decode_name(name, text) &&
	       bsearch(&key, stage->names, stage->count, sizeof(*stage->names), compare_names);
}

/* Takes the next parameter; ret_name ends at its '=', or is empty where it has none. */
static struct slice next_parameter(struct slice *query, struct slice *ret_name)
{
	ptrdiff_t end = slice_find(*query, '&');
	struct slice parameter = end < 0 ? *query : slice_first(*query, (size_t)end);
	ptrdiff_t equals = slice_find(parameter, '=');

	*ret_name = slice_first(parameter, equals < 0 ? 0 : (size_t)equals);
	*query = slice_from(*query, parameter.len + 1);
	return parameter;
}

static bool has_secret(const struct redact_stage *stage, struct slice query)
{
	while (query.len) {
		struct slice name;

		(void)next_parameter(&query, &name);
		if (name.len && is_secret(stage, name))
			return true;
	}
	return false;
}

void redact_stage_apply(struct redact_stage *stage, struct obi_span *span)
{
	struct slice query = span->query;
	const uint8_t *end = query.data + query.len;
	struct buffer *to = &stage->query;

	if (!has_secret(stage, query))
		return;
	to->len = 0;
	to->failed = false;
	while (query.len) {
		struct slice name, parameter = next_parameter(&query, &name);
		bool secret = name.len && is_secret(stage, name);

		buffer_put_slice(to, secret ? name : parameter);
		if (secret)
			buffer_put_cstr(to, "=" REDACTED);
		if (parameter.data + parameter.len < end)
			buffer_put_char(to, '&');
	}
	span->query = slice_of(to->data, to->failed ? 0 : to->len);
}
