// SPDX-License-Identifier: Apache-2.0
#include "export/accept.h"

#include "base/cleanup.h"

/* Weights are thousandths, as the field has at most three digits. */
#define WEIGHT_FULL 1000

struct media_range {
	struct slice type;
	struct slice version;
	struct slice proto;
	struct slice encoding;
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
		else if (slice_equal_nocase(name, SLICE_LIT("proto")))
			range.proto = slice_trim(parameter);
		else if (slice_equal_nocase(name, SLICE_LIT("encoding")))
			range.encoding = slice_trim(parameter);
	}
	return range;
}

static bool takes_protobuf(const struct media_range *range)
{
	return slice_equal_nocase(range->type, SLICE_LIT("application/vnd.google.protobuf")) &&
	       slice_equal(range->proto, SLICE_LIT("io.prometheus.client.MetricFamily")) &&
	       slice_equal_nocase(range->encoding, SLICE_LIT("delimited"));
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
	unsigned weights[] = {
		[METRICS_TEXT] = 0, [METRICS_OPENMETRICS] = 0, [METRICS_PROTOBUF] = 0
	};
	enum metrics_format best = METRICS_TEXT;

	while (accept.len) {
		struct media_range range = parse_range(take_until(&accept, ','));
		const bool takes[] = {
			[METRICS_TEXT] = takes_text(&range),
			[METRICS_OPENMETRICS] = takes_openmetrics(&range),
			[METRICS_PROTOBUF] = takes_protobuf(&range),
		};

		for (size_t i = 0; i < ARRAY_SIZE(takes); i++) {
			if (takes[i] && range.weight > weights[i])
				weights[i] = range.weight;
		}
	}
	for (int i = METRICS_OPENMETRICS; i <= METRICS_PROTOBUF; i++) {
		if (weights[i] && weights[i] >= weights[best])
			best = (enum metrics_format)i;
	}
	return best;
}

bool accept_gzip(struct slice encodings)
{
	int gzip = -1, identity = -1, others = 0;

	while (encodings.len) {
		struct media_range coding = parse_range(take_until(&encodings, ','));

		if (slice_equal_nocase(coding.type, SLICE_LIT("gzip")) ||
		    slice_equal_nocase(coding.type, SLICE_LIT("x-gzip")))
			gzip = (int)coding.weight;
		else if (slice_equal_nocase(coding.type, SLICE_LIT("identity")))
			identity = (int)coding.weight;
		else if (slice_equal(coding.type, SLICE_LIT("*")))
			others = (int)coding.weight;
	}
	gzip = gzip < 0 ? others : gzip;
	return gzip > 0 && gzip >= identity;
}

const char *accept_content_type(enum metrics_format format)
{
	static const char *const types[] = {
		[METRICS_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
		[METRICS_OPENMETRICS] =
			"application/openmetrics-text; version=1.0.0; charset=utf-8",
		[METRICS_PROTOBUF] =
			("application/vnd.google.protobuf; "
			 "proto=io.prometheus.client.MetricFamily; encoding=delimited"),
	};

	return types[format];
}
