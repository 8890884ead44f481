/* SPDX-License-Identifier: Apache-2.0 */
/* What metrics are made, wherever they go. */
#ifndef OBI_METRICS_OPTIONS_H
#define OBI_METRICS_OPTIONS_H

#include "config/option.h"
#include "metrics/features.h"

/* Defaults of the upper bounds of histograms: seconds, bytes. */
#define OBI_DURATION_BUCKETS "0,0.005,0.01,0.025,0.05,0.075,0.1,0.25,0.5,0.75,1,2.5,5,7.5,10"
#define OBI_SIZE_BUCKETS "0,32,64,128,256,512,1024,2048,4096,8192"

/* Which measurements carry the span that they come from. */
enum obi_exemplar_filter {
	OBI_EXEMPLARS_OFF,
	OBI_EXEMPLARS_ON,
	OBI_EXEMPLARS_TRACE, /* of sampled spans */
};

/* How OTLP counts: since the start of the series, or since the last time. */
enum obi_temporality {
	OBI_TEMPORALITY_CUMULATIVE,
	OBI_TEMPORALITY_DELTA,
	OBI_TEMPORALITY_LOW_MEMORY, /* delta, but for what is read from elsewhere */
};

struct obi_metrics_options {
	struct obi_flags features; /* enum obi_feature_bit, after network.enable has had its say */
	int64_t series_limit;      /* of each metric */
	int64_t metric_span_names_limit; /* of a service; 0 or less: none */
	int temporality;                 /* enum obi_temporality */
	int otlp_exemplar_filter;        /* enum obi_exemplar_filter */
};

extern const struct obi_options obi_metrics_option_rows;

/* Words of a row whose value is enum obi_exemplar_filter. */
extern const struct obi_name obi_exemplar_filter_names[];

#endif
