// SPDX-License-Identifier: Apache-2.0
#include "export/accept.h"

/* Weights are thousandths, as the field has at most three digits. */
#define WEIGHT_FULL 1000

struct media_range {
	struct slice type;
	struct slice version;
	unsigned weight;
};

/* Takes what stands before the separator, without blanks around it. */
static struct slice take_until(struct slice *from, uint8_t separator)
{
	ptrdiff_t end = slice_find(*from, separator);
	struct slice part = end < 0 ? *from : slice_first(*from, (size_t)end);

	*from = slice_from(*from, part.len + 1);
	return slice_trim(part);
}

/* "0.75" is 750; what is no weight is 0. */
static unsigned parse_weight(struct slice text)
{
	unsigned weight = 0, unit = WEIGHT_FULL;

	for (size_t i = 0; i < text.len && i < 5; i++) {
		if (i == 1 && text.data[i] == '.')
			continue;
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
		weight += (unsigned)(text.data[i] - '0') * unit;
		unit /= 10;
	}
	return weight < WEIGHT_FULL ? weight : WEIGHT_FULL;
}

static struct media_range parse_range(struct slice text)
{
	struct media_range range = { .weight = WEIGHT_FULL };

	range.type = take_until(&text, ';');
	while (text.len) {
		struct slice parameter = take_until(&text, ';');
		struct slice name = take_until(&parameter, '=');

		if (slice_equal_nocase(name, SLICE_LIT("q")))
			range.weight = parse_weight(slice_trim(parameter));
		else if (slice_equal_nocase(name, SLICE_LIT("version")))
			range.version = slice_trim(parameter);
	}
	return range;
}

static bool takes_openmetrics(const struct media_range *range)
{
	return slice_equal_nocase(range->type, SLICE_LIT("application/openmetrics-text")) &&
	       (!range->version.len || slice_equal(range->version, SLICE_LIT("1.0.0")) ||
		slice_equal(range->version, SLICE_LIT("0.0.1")));
}

static bool takes_text(const struct media_range *range)
{
	if (slice_equal_nocase(range->type, SLICE_LIT("*/*")) ||
	    slice_equal_nocase(range->type, SLICE_LIT("text/*")))
		return true;
	return slice_equal_nocase(range->type, SLICE_LIT("text/plain")) &&
	       (!range->version.len || slice_equal(range->version, SLICE_LIT("0.0.4")));
}

enum metrics_format accept_format(struct slice accept)
{
	unsigned text = 0, openmetrics = 0;

	while (accept.len) {
		struct media_range range = parse_range(take_until(&accept, ','));

		if (takes_openmetrics(&range) && range.weight > openmetrics)
			openmetrics = range.weight;
		if (takes_text(&range) && range.weight > text)
			text = range.weight;
	}
	return openmetrics && openmetrics >= text ? METRICS_OPENMETRICS : METRICS_TEXT;
}

const char *accept_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}
