// SPDX-License-Identifier: Apache-2.0
#include "span/sampler.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALL (UINT64_C(1) << 63)

const struct obi_name obi_sampler_names[] = {
	{ "parentbased_always_on", OBI_SAMPLER_PARENT_ALWAYS_ON },
	{ "parentbased_always_off", OBI_SAMPLER_PARENT_ALWAYS_OFF },
	{ "parentbased_traceidratio", OBI_SAMPLER_PARENT_RATIO },
	{ "always_on", OBI_SAMPLER_ALWAYS_ON },
	{ "always_off", OBI_SAMPLER_ALWAYS_OFF },
	{ "traceidratio", OBI_SAMPLER_RATIO },
	{ NULL, 0 },
};

static int read_bound(const char *text, __u64 *ret_bound)
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
		*ret_bound = (__u64)(ratio * (double)ALL);
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
		sampler = (struct obi_sampler){ 0 };
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
