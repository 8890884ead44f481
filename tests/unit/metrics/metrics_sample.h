/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics that several tests encode: durations in the buckets given, and a counter. */
#ifndef OBI_TESTS_METRICS_SAMPLE_H
#define OBI_TESTS_METRICS_SAMPLE_H

#include "base/clock.h"
#include "metrics/registry.h"

/* Rows of struct metric_desc. */
#define SAMPLE_METRICS(buckets_)                                                                   \
	{ .name = "took",                                                                          \
	  .unit = "s",                                                                             \
	  .help = "how long",                                                                      \
	  .type = METRIC_HISTOGRAM,                                                                \
	  .scale = NSEC_PER_SEC,                                                                   \
	  .buckets = (buckets_) },                                                                 \
	{                                                                                          \
		.name = "things", .help = "how many", .type = METRIC_COUNTER                       \
	}

static const char *const sample_names[] = { "http.route", "server.port" };

#endif
