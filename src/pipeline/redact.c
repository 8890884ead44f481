// SPDX-License-Identifier: Apache-2.0
/*
 * Names are compared as they are meant, not as they are spelled: after undoing percent-encoding
 * (RFC 3986 section 2.1), without case, and by letters and digits alone, so that `access_token`,
 * `accessToken`, `ACCESS-TOKEN` and `access%5Ftoken[]` are one. Of a name with parts, as
 * `user[password]` and `user.password`, each part counts as well.
 *
 * Parameters stand in the query, separated by '&' or ';', and behind ';' in the segments of the
 * path (RFC 3986 section 3.3). Whether ';' separates or is a part of a value is the server's to
 * know: it begins a name that may be secret, and ends no value that is.
 */
#include "pipeline/redact.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/percent.h"

#define REDACTED "REDACTED"
/* Longer names are none of ours. */
#define NAME_MAX_BYTES 64

static const char *const built_in[] = {
	/* the existing program's */
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
	"api_key",
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
	/* and more */
	"auth",
	"auth_token",
	"authorization",
	"bearer",
	"code",
	"credential",
	"credentials",
	"csrf_token",
	"device_token",
	"jsessionid",
	"key",
	"access_key",
	"access_key_id",
	"private_key",
	"secret_key",
	"secret_access_key",
	"session_key",
	"subscription_key",
	"passcode",
	"passphrase",
	"passwd",
	"phpsessid",
	"pin",
	"SAMLRequest",
	"session_id",
	"session_token",
	"sessid",
	"user_token",
	"X-Api-Key",
	"X-Auth-Token",
	"X-Goog-Credential",
	"xsrf_token",
};

struct name {
	char text[NAME_MAX_BYTES]; /* as it is meant */
};

struct names {
	struct name *items; /* sorted */
	size_t count;
};

struct redact_stage {
	struct names secret;
	struct names allowed;
	bool allow_only;
	struct buffer query, path;
};

/* ---- Names ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static bool has_name(const struct names *names, const struct name *name)
{
	return names->count &&
	       bsearch(name, names->items, names->count, sizeof(*name), compare_names);
}

/* The next byte of a name, decoded. */
static uint8_t take_byte(struct slice *name)
{
	int escaped = percent_byte(*name, 0);
	uint8_t c = escaped < 0 ? name->data[0] : (uint8_t)escaped;

	*name = slice_from(*name, escaped < 0 ? 1 : 3);
	return c;
}

static bool is_letter_or_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80;
}

/* Letters and digits of the name, or of its next part; false where they are too many. */
static bool mean(struct slice *rest, bool parts, struct name *ret_name)
{
	size_t used = 0;

	while (rest->len) {
		uint8_t c = take_byte(rest);

		if (parts && (c == '[' || c == ']' || c == '.'))
			break;
		if (!is_letter_or_digit(c))
			continue;
		if (used < NAME_MAX_BYTES)
			ret_name->text[used++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	ret_name->text[used < NAME_MAX_BYTES ? used : 0] = '\0';
	return used && used < NAME_MAX_BYTES;
}

static bool is_secret(const struct redact_stage *stage, struct slice text)
{
	struct slice rest = text;
	struct name name;

	if (stage->allow_only)
		return !mean(&rest, false, &name) || !has_name(&stage->allowed, &name);
	if (mean(&rest, false, &name) && has_name(&stage->secret, &name))
		return true;
	for (rest = text; rest.len;)
		if (mean(&rest, true, &name) && has_name(&stage->secret, &name))
			return true;
	return false;
}

/* ---- Parameters ---- */

struct parameter {
	struct slice name;
	struct slice whole; /* up to what separates it from the next */
	bool has_value;
};

/* Up to one of these two, or the end. */
static size_t find_either(struct slice s, uint8_t a, uint8_t b)
{
	size_t i = 0;

	while (i < s.len && s.data[i] != a && s.data[i] != b)
		i++;
	return i;
}

static struct parameter read_parameter(struct slice text, uint8_t separator)
{
	struct parameter p = { .whole = slice_first(text, find_either(text, separator, ';')) };
	ptrdiff_t equals = slice_find(p.whole, '=');

	p.has_value = equals >= 0;
	p.name = slice_first(p.whole, equals < 0 ? p.whole.len : (size_t)equals);
	return p;
}

/* Does it hide something? Then it goes up to the separator that is sure to be one. */
static bool hides(const struct redact_stage *stage, struct parameter *p, struct slice text,
		  uint8_t separator)
{
	if (p->whole.len == 0 || (!p->has_value && !stage->allow_only) ||
	    !is_secret(stage, p->name))
		return false;
	p->whole = slice_first(text, find_either(text, separator, separator));
	return true;
}

static bool has_secret(const struct redact_stage *stage, struct slice text, uint8_t separator)
{
	while (text.len) {
		struct parameter p = read_parameter(text, separator);

		if (hides(stage, &p, text, separator))
			return true;
		text = slice_from(text, p.whole.len + 1);
	}
	return false;
}

/* Without its name where only what is listed may be shown: it may be a value by itself. */
static void put_hidden(const struct redact_stage *stage, const struct parameter *p,
		       struct buffer *to)
{
	if (!stage->allow_only) {
		buffer_put_slice(to, p->name);
		buffer_put_char(to, '=');
	}
	buffer_put_cstr(to, REDACTED);
}

static void put_parameters(const struct redact_stage *stage, struct slice text, uint8_t separator,
			   struct buffer *to)
{
	while (text.len) {
		struct parameter p = read_parameter(text, separator);

		if (hides(stage, &p, text, separator))
			put_hidden(stage, &p, to);
		else
			buffer_put_slice(to, p.whole);
		if (p.whole.len < text.len)
			buffer_put_char(to, (char)text.data[p.whole.len]);
		text = slice_from(text, p.whole.len + 1);
	}
}

static void reset(struct buffer *to)
{
	to->len = 0;
	to->failed = false;
}

static void redact_query(struct redact_stage *stage, struct obi_span *span)
{
	struct buffer *to = &stage->query;

	if (!has_secret(stage, span->op.http.query, '&'))
		return;
	reset(to);
	put_parameters(stage, span->op.http.query, '&', to);
	span->op.http.query = slice_of(to->data, to->failed ? 0 : to->len);
}

/* Of each segment what is behind the first ';'. */
static void redact_path(struct redact_stage *stage, struct obi_span *span)
{
	struct buffer *to = &stage->path;
	struct slice rest = span->op.http.path;

	if (slice_find(rest, ';') < 0)
		return;
	reset(to);
	while (rest.len) {
		struct slice segment = slice_first(rest, find_either(rest, '/', '/'));
		size_t name = find_either(segment, ';', ';');

		buffer_put_slice(to, slice_first(segment, name + 1));
		put_parameters(stage, slice_from(segment, name + 1), '/', to);
		if (segment.len < rest.len)
			buffer_put_char(to, '/');
		rest = slice_from(rest, segment.len + 1);
	}
	span->op.http.path = slice_of(to->data, to->failed ? 0 : to->len);
}

void redact_stage_apply(struct redact_stage *stage, struct obi_span *span)
{
	redact_query(stage, span);
	redact_path(stage, span);
}

/* ---- The lists ---- */

static void add_names(struct names *names, const char *const *texts, size_t count,
		      const struct names *but)
{
	for (size_t i = 0; i < count; i++) {
		struct slice text = slice_cstr(texts[i]);
		struct name *name = &names->items[names->count];

		if (mean(&text, false, name) && !(but && has_name(but, name)))
			names->count++;
	}
}

static int read_names(const struct obi_list *list, struct names *ret_names)
{
	ret_names->items = calloc(list->count + 1, sizeof(*ret_names->items));
	if (!ret_names->items)
		return -ENOMEM;
	add_names(ret_names, list->items, list->count, NULL);
	qsort(ret_names->items, ret_names->count, sizeof(*ret_names->items), compare_names);
	return 0;
}

static int make_secret(const struct redact_options *options, struct names *secret)
{
	size_t count = ARRAY_SIZE(built_in) + options->add->count + 1;
	struct names removed = { 0 };
	int error = read_names(options->remove, &removed);

	secret->items = error ? NULL : calloc(count, sizeof(*secret->items));
	if (secret->items) {
		add_names(secret, built_in, ARRAY_SIZE(built_in), &removed);
		add_names(secret, options->add->items, options->add->count, &removed);
		qsort(secret->items, secret->count, sizeof(*secret->items), compare_names);
	}
	free(removed.items);
	return secret->items ? 0 : -ENOMEM;
}

int redact_stage_new(const struct redact_options *options, struct redact_stage **ret_stage)
{
	struct redact_stage *stage = calloc(1, sizeof(*stage));

	if (!stage)
		return -ENOMEM;
	stage->allow_only = options->allow_only->set;
	if (make_secret(options, &stage->secret) ||
	    read_names(options->allow_only, &stage->allowed)) {
		redact_stage_free(stage);
		return -ENOMEM;
	}
	*ret_stage = stage;
	return 0;
}

void redact_stage_free(struct redact_stage *stage)
{
	if (!stage)
		return;
	buffer_free(&stage->query);
	buffer_free(&stage->path);
	free(stage->secret.items);
	free(stage->allowed.items);
	free(stage);
}
