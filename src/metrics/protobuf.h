/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics as Prometheus has them in Protocol Buffers: io.prometheus.client.MetricFamily, each with
 * its length in front (https://github.com/prometheus/client_model, metrics.proto). It alone has
 * native histograms; explicit buckets go with them. */
#ifndef OBI_METRICS_PROTOBUF_H
#define OBI_METRICS_PROTOBUF_H

#include "metrics/render.h"

/* metrics_render() in this format. A family of many rows becomes several messages of its name, so
 * that none needs much memory. */
bool metrics_render_protobuf(struct metrics_rendering *rendering, struct buffer *buf, size_t bytes);

#endif
