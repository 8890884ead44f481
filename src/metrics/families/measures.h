/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application metrics from spans: durations of operations, sizes of bodies. What a family of spans
 * is measured by is data, a file a family; the machinery is one.
 */
#ifndef OBI_METRICS_FAMILIES_MEASURES_H
#define OBI_METRICS_FAMILIES_MEASURES_H

#include "metrics/families/catalog.h"
#include "metrics/families/family.h"
#include "span/span.h"

#define MEASURES_METRICS 3
#define MEASURES_SIDES 2

/* Metrics that a span feeds together. */
struct measures_side {
	const struct attribute_group *attributes; /* in the order of the labels' names */
	enum metric_id metrics[MEASURES_METRICS];
	size_t count;
};

struct measures_family {
	struct measures_side sides[MEASURES_SIDES];
	size_t count;
	/* Which side a span feeds, one without gauges. */
	size_t (*side)(const struct obi_span *span);
	/* What the side's i-th metric is fed with. */
	uint64_t (*value)(const struct obi_span *span, size_t metric);
	/* NULL, or the last side is one of gauges, which spans feed besides: with what. false: this
	 * one tells nothing of it. */
	bool (*gauge)(const struct obi_span *span, uint64_t *ret_value);
};

extern const struct measures_family measures_http, measures_rpc, measures_db, measures_messaging,
	measures_dns, measures_tls;

extern const struct attribute_group http_server_attributes, http_client_attributes,
	rpc_server_attributes, rpc_client_attributes, db_server_attributes, db_client_attributes,
	messaging_attributes, dns_attributes, tls_attributes, tls_certificate_attributes;

struct measures;

/* Adds its tables to the registry; options and registry must outlive the result. A side that is
 * not asked for has none. 0, or -ENOMEM. */
int measures_new(const struct measures_family *family, const struct family_options *options,
		 struct metrics *metrics, struct measures **ret_measures);
void measures_free(struct measures *measures);

/* A span of that family. */
void measures_put_span(struct measures *measures, const struct obi_span *span, uint64_t now_ns);

/* For struct measures_family: 0 for a server, else 1; the only side; how long it took. */
size_t measures_side_by_kind(const struct obi_span *span);
size_t measures_side_only(const struct obi_span *span);
uint64_t measures_duration(const struct obi_span *span, size_t metric);

#endif
