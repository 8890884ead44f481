/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Samplers: which traces are exported. Metrics and printed spans are not sampled. The samplers of
 * the OpenTelemetry specification (trace/sdk.md#built-in-samplers).
 */
#ifndef OBI_SPAN_SAMPLER_H
#define OBI_SPAN_SAMPLER_H

#include "config/option.h"
#include <stdbool.h>
#include <stdint.h>

#include "obi/sampler.h"

/* What the configuration says. */
struct obi_sampler_options {
	int name;        /* enum obi_sampler_name */
	const char *arg; /* ratio, "" = none given */
};

enum obi_sampler_name {
	OBI_SAMPLER_UNSET, /* of one service: the global one */
	OBI_SAMPLER_PARENT_ALWAYS_ON,
	OBI_SAMPLER_PARENT_ALWAYS_OFF,
	OBI_SAMPLER_PARENT_RATIO,
	OBI_SAMPLER_ALWAYS_ON,
	OBI_SAMPLER_ALWAYS_OFF,
	OBI_SAMPLER_RATIO,
};

extern const struct obi_name obi_sampler_names[];

/* A ratio that cannot be read makes it the default, parentbased_always_on, and the result -EINVAL.
 * One of 1 and more takes all, of 0 and less none; where none is given, all. */
int obi_sampler_init(const struct obi_sampler_options *options, struct obi_sampler *ret_sampler);

#endif
