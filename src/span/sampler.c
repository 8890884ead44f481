// SPDX-License-Identifier: Apache-2.0
/*
 * The number of a trace is what the SDKs take: the last eight bytes of its id, big endian, without
 * the lowest bit. So all services of a trace decide alike, whatever language samples.
 */
#include "span/sampler.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALL (UINT64_C(1) << 63)
#define FLAG_SAMPLED 0x01 /* W3C Trace Context, section 3.2.2.5 */

const struct obi_name obi_sampler_names[] = {
	{ "parentbased_always_on", OBI_SAMPLER_PARENT_ALWAYS_ON },
	{ "parentbased_always_off", OBI_SAMPLER_PARENT_ALWAYS_OFF },
	{ "parentbased_traceidratio", OBI_SAMPLER_PARENT_RATIO },
	{ "always_on", OBI_SAMPLER_ALWAYS_ON },
	{ "always_off", OBI_SAMPLER_ALWAYS_OFF },
	{ "traceidratio", OBI_SAMPLER_RATIO },
	{ NULL, 0 },
};

static int read_bound(const char *text, uint64_t *ret_bound)
{
	char *end;
	double ratio;

	*ret_bound = ALL;
	if (!*text)
		return 0;
	errno = 0;
	ratio = strtod(text, &end);
	if (*end || isnan(ratio))
		return -EINVAL;
	if (ratio <= 0)
		*ret_bound = 0;
	else if (ratio < 1)
		*ret_bound = (uint64_t)(ratio * (double)ALL);
	return 0;
}

int obi_sampler_init(const struct obi_sampler_options *options, struct obi_sampler *ret_sampler)
{
	struct obi_sampler sampler = { .parent_based = true, .bound = ALL };
	int error = 0;

	switch (options->name) {
	case OBI_SAMPLER_ALWAYS_ON:
		sampler.parent_based = false;
		break;
	case OBI_SAMPLER_PARENT_ALWAYS_OFF:
		sampler.bound = 0;
		break;
	case OBI_SAMPLER_ALWAYS_OFF:
		sampler = (struct obi_sampler){ false, 0 };
		break;
	case OBI_SAMPLER_RATIO:
	case OBI_SAMPLER_PARENT_RATIO:
		error = read_bound(options->arg, &sampler.bound);
		sampler.parent_based = error || options->name == OBI_SAMPLER_PARENT_RATIO;
		break;
	default:
		break;
	}
	*ret_sampler = sampler;
	return error;
}

static bool has_parent(const struct obi_trace *trace)
{
	static const uint8_t none[sizeof(trace->parent_id)];

	return memcmp(trace->parent_id, none, sizeof(none)) != 0;
}

static uint64_t number(const struct obi_trace *trace)
{
	uint64_t number = 0;

	for (int i = 8; i < 16; i++)
		number = number << 8 | trace->trace_id[i];
	return number >> 1;
}

bool obi_sampler_takes(const struct obi_sampler *sampler, const struct obi_trace *trace)
{
	if (sampler->parent_based && has_parent(trace))
		return trace->trace_flags & FLAG_SAMPLED;
	return number(trace) < sampler->bound;
}
