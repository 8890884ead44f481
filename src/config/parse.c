// SPDX-License-Identifier: Apache-2.0
/* Each parser is total: any bytes give a value or -EINVAL, in time linear to their number. */
#include "config/parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define FLOAT_TEXT_MAX 63
#define ADDRESS_TEXT_MAX 63

/* Bits before the IPv4 part of a mapped address (RFC 4291 section 2.5.5.2). */
#define MAPPED_BITS 96

struct unit {
	const char *name;
	uint64_t ns;
};

/* Largest first, for printing; "µs" in both of its code points, as Go's time package has them. */
static const struct unit units[] = {
	{ "h", 3600 * NSEC_PER_SEC },   { "m", 60 * NSEC_PER_SEC },     { "s", NSEC_PER_SEC },
	{ "ms", NSEC_PER_MSEC },        { "us", NSEC_PER_USEC },        { "ns", 1 },
	{ "\xc2\xb5s", NSEC_PER_USEC }, { "\xce\xbcs", NSEC_PER_USEC },
};
#define PRINTED_UNITS 6

int obi_parse_bool(struct slice text, bool *ret_value)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{ "true", true }, { "false", false }, { "1", true },  { "0", false },
		{ "yes", true },  { "no", false },    { "on", true }, { "off", false },
		{ "t", true },    { "f", false },     { "y", true },  { "n", false },
	};

	text = slice_trim(text);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (slice_equal_nocase(text, slice_cstr(words[i].word))) {
			*ret_value = words[i].value;
			return 0;
		}
	}
	return -EINVAL;
}

/* Takes decimal digits from the front of *text; -EINVAL where there are none or too many. */
static int take_digits(struct slice *text, uint64_t *ret_value, size_t *ret_count)
{
	uint64_t value = 0;
	size_t i = 0;

	for (; i < text->len && text->data[i] >= '0' && text->data[i] <= '9'; i++) {
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text->data[i] - '0'), &value))
			return -EINVAL;
	}
	*text = slice_from(*text, i);
	*ret_value = value;
	*ret_count = i;
	return 0;
}

int obi_parse_int(struct slice text, int64_t *ret_value)
{
	bool negative = false;
	uint64_t value;
	size_t digits;

	text = slice_trim(text);
	if (text.len && (text.data[0] == '-' || text.data[0] == '+')) {
		negative = text.data[0] == '-';
		text = slice_from(text, 1);
	}
	if (take_digits(&text, &value, &digits) < 0 || digits == 0 || text.len || value > INT64_MAX)
		return -EINVAL;
	*ret_value = negative ? -(int64_t)value : (int64_t)value;
	return 0;
}

int obi_parse_float(struct slice text, double *ret_value)
{
	char copy[FLOAT_TEXT_MAX + 1];
	double value;
	char *end;

	text = slice_trim(text);
	if (text.len == 0 || text.len > FLOAT_TEXT_MAX)
		return -EINVAL;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	/* strtod also takes hexadecimal, inf and nan. */
	if (strspn(copy, "0123456789+-.eE") != text.len)
		return -EINVAL;
	value = strtod(copy, &end);
	if (end != copy + text.len || !isfinite(value))
		return -EINVAL;
	*ret_value = value;
	return 0;
}

static const struct unit *take_unit(struct slice *text)
{
	size_t len = 0;

	while (len < text->len && text->data[len] != '.' &&
	       !(text->data[len] >= '0' && text->data[len] <= '9'))
		len++;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (slice_equal(slice_first(*text, len), slice_cstr(units[i].name))) {
			*text = slice_from(*text, len);
			return &units[i];
		}
	}
	return NULL;
}

/* Takes a fraction, "." and digits, as parts of 10^9: enough for the smallest unit of all. */
static void take_fraction(struct slice *text, uint64_t *ret_billionths, size_t *ret_digits)
{
	uint64_t value = 0;
	size_t digits = 0;

	if (text->len && text->data[0] == '.') {
		*text = slice_from(*text, 1);
		while (digits < text->len && text->data[digits] >= '0' &&
		       text->data[digits] <= '9') {
			if (digits < 9)
				value = value * 10 + (uint64_t)(text->data[digits] - '0');
			digits++;
		}
		*text = slice_from(*text, digits);
	}
	for (size_t i = digits; i < 9; i++)
		value *= 10;
	*ret_billionths = value;
	*ret_digits = digits;
}

/* Adds one number with its unit to *total. */
static int take_part(struct slice *text, uint64_t *total)
{
	uint64_t whole, fraction, ns;
	const struct unit *unit;
	size_t digits, fraction_digits;

	if (take_digits(text, &whole, &digits) < 0)
		return -EINVAL;
	take_fraction(text, &fraction, &fraction_digits);
	if (digits + fraction_digits == 0)
		return -EINVAL;
	unit = take_unit(text);
	if (!unit || __builtin_mul_overflow(whole, unit->ns, &ns) ||
	    __builtin_add_overflow(*total, ns, total))
		return -EINVAL;
	ns = (uint64_t)((unsigned __int128)fraction * unit->ns / NSEC_PER_SEC);
	return __builtin_add_overflow(*total, ns, total) ? -EINVAL : 0;
}

int obi_parse_duration(struct slice text, uint64_t *ret_ns)
{
	uint64_t total = 0;

	text = slice_trim(text);
	if (text.len == 0)
		return -EINVAL;
	if (!slice_equal(text, SLICE_LIT("0"))) {
		while (text.len) {
			if (take_part(&text, &total) < 0)
				return -EINVAL;
		}
	}
	if (total > INT64_MAX)
		return -EINVAL;
	*ret_ns = total;
	return 0;
}

static int parse_bounded(struct slice text, uint32_t max, uint32_t *ret_value)
{
	uint64_t value;
	size_t digits;

	text = slice_trim(text);
	if (take_digits(&text, &value, &digits) < 0 || digits == 0 || text.len || value == 0 ||
	    value > max)
		return -EINVAL;
	*ret_value = (uint32_t)value;
	return 0;
}

int obi_parse_range(struct slice text, uint32_t max, struct obi_range *ret_range)
{
	ptrdiff_t dash = slice_find(text, '-');
	struct slice first = dash < 0 ? text : slice_first(text, (size_t)dash);
	struct slice last = dash < 0 ? text : slice_from(text, (size_t)dash + 1);
	struct obi_range range;

	if (parse_bounded(first, max, &range.first) < 0 ||
	    parse_bounded(last, max, &range.last) < 0 || range.first > range.last)
		return -EINVAL;
	*ret_range = range;
	return 0;
}

static void clear_host_bits(struct obi_prefix *prefix)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = prefix->bits > i * 8 ? prefix->bits - i * 8 : 0;

		if (kept < 8)
			prefix->address[i] &= (uint8_t)(0xff00u >> kept);
	}
}

int obi_parse_prefix(struct slice text, struct obi_prefix *ret_prefix)
{
	struct obi_prefix prefix = { 0 };
	char address[ADDRESS_TEXT_MAX + 1];
	unsigned skipped = 0;
	uint64_t bits;
	struct slice rest;
	ptrdiff_t slash;
	size_t digits;

	text = slice_trim(text);
	slash = slice_find(text, '/');
	if (slash < 0 || slash > ADDRESS_TEXT_MAX)
		return -EINVAL;
	memcpy(address, text.data, (size_t)slash);
	address[slash] = '\0';
	if (inet_pton(AF_INET, address, prefix.address + 12) == 1) {
		memset(prefix.address + 10, 0xff, 2);
		skipped = MAPPED_BITS;
	} else if (inet_pton(AF_INET6, address, prefix.address) != 1) {
		return -EINVAL;
	}
	rest = slice_from(text, (size_t)slash + 1);
	if (take_digits(&rest, &bits, &digits) < 0 || digits == 0 || rest.len ||
	    bits > 128 - skipped)
		return -EINVAL;
	prefix.bits = (uint8_t)(bits + skipped);
	clear_host_bits(&prefix);
	*ret_prefix = prefix;
	return 0;
}

void obi_put_duration(struct buffer *buf, uint64_t ns)
{
	if (ns == 0)
		buffer_put_cstr(buf, "0s");
	for (size_t i = 0; i < PRINTED_UNITS && ns; i++) {
		if (ns < units[i].ns)
			continue;
		buffer_put_u64(buf, ns / units[i].ns);
		buffer_put_cstr(buf, units[i].name);
		ns %= units[i].ns;
	}
}

void obi_put_prefix(struct buffer *buf, const struct obi_prefix *prefix)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = prefix->bits >= MAPPED_BITS && memcmp(prefix->address, mapped, 12) == 0;
	char text[INET6_ADDRSTRLEN];

	(void)inet_ntop(v4 ? AF_INET : AF_INET6, prefix->address + (v4 ? 12 : 0), text,
			sizeof(text));
	buffer_put_cstr(buf, text);
	buffer_put_char(buf, '/');
	buffer_put_u64(buf, prefix->bits - (v4 ? MAPPED_BITS : 0u));
}

void obi_put_float(struct buffer *buf, double value)
{
	char text[FLOAT_TEXT_MAX + 1];

	if (value == floor(value) && fabs(value) < 1e15) {
		buffer_put_i64(buf, (int64_t)value);
		return;
	}
	/* 17 significant digits tell any two doubles apart; most need far fewer. */
	for (int digits = 1; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buffer_put_cstr(buf, text);
}
