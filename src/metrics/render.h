/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics for a Prometheus, in pieces: the text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), OpenMetrics 1.0
 * (https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md), or Protocol
 * Buffers (protobuf.h). Text has no exemplars, OpenMetrics no native histograms.
 */
#ifndef OBI_METRICS_RENDER_H
#define OBI_METRICS_RENDER_H

#include "base/buffer.h"
#include "metrics/registry.h"

enum metrics_format {
	METRICS_TEXT,
	METRICS_OPENMETRICS,
	METRICS_PROTOBUF,
};

struct metrics_rendering {
	struct metrics *metrics;
	enum metrics_format format;
	size_t family;             /* next */
	size_t row;                /* of it, next */
	bool headed;               /* its HELP and TYPE are out */
	uint64_t rows_freed_under; /* of the registry, at the beginning */
	struct buffer labels;
};

/* While a rendering is under way no row of the registry is freed, for some minutes; end every one.
 */
void metrics_render_begin(struct metrics_rendering *rendering, struct metrics *metrics,
			  enum metrics_format format);

/* Appends whole rows until buf holds at least so many bytes. Returns whether there is more; the
 * end of OpenMetrics (`# EOF`) is not written. A rendering that took too long fails: buf->failed.
 */
bool metrics_render(struct metrics_rendering *rendering, struct buffer *buf, size_t bytes);

void metrics_render_end(struct metrics_rendering *rendering);

#endif
