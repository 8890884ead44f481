/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of spans on its way into an ExportTraceServiceRequest
 * (opentelemetry/proto/collector/trace/v1/trace_service.proto). A span is encoded when it is put,
 * into the buffer of its service; these are joined when the batch is taken. So each byte is written
 * once and copied once, and the batch takes no more memory than its spans' encoding, twice that at
 * most, since buffers double.
 *
 * The shape is the existing program's: a ResourceSpans a service, in it a ScopeSpans with an empty
 * scope for each operation; the scope's name is the resource attribute otel.scope.name. Where an
 * operation waited before it was handled (request_start_ns < start_ns) it has two child spans,
 * `in queue` and `processing`, and it is `processing` that carries the span id that was handed on.
 */
#ifndef OBI_OTLP_SPANS_H
#define OBI_OTLP_SPANS_H

#include "otlp/key_value.h"
#include "span/span.h"

struct obi_settings;
struct otlp_spans;

/* The settings must outlive the batch. Reads files that name this host: before the sandbox closes.
 * 0, or -ENOMEM. */
int otlp_spans_new(const struct obi_settings *settings, struct otlp_spans **ret_batch);
void otlp_spans_free(struct otlp_spans *batch);

/* Adds a span, with its children; keeps nothing of it. What routes keep out of traces
 * (OBI_SPAN_IGNORE_TRACES) is left to the caller. 0, or -ENOMEM: the batch is as before. */
int otlp_spans_put(struct otlp_spans *batch, const struct obi_span *span);

/* How many spans went in since the last take: operations, as put, and with their children. */
size_t otlp_spans_count(const struct otlp_spans *batch);
size_t otlp_spans_encoded(const struct otlp_spans *batch);

/* How many bytes a take would give, some 10 for each service too many. */
size_t otlp_spans_bytes(const struct otlp_spans *batch);

/* Services whose resource is there, from this batch or one before. */
size_t otlp_spans_services(const struct otlp_spans *batch);

/* Appends the whole request to buf and begins anew, whatever comes of it. 0, or -ENOMEM: the spans
 * are lost. */
int otlp_spans_take(struct otlp_spans *batch, struct buffer *buf);

/* What had to be done to texts, since the beginning. */
struct otlp_faults otlp_spans_faults(const struct otlp_spans *batch);

/* docs/spans.md, from the tables of spans and of resources. */
void otlp_spans_put_markdown(struct buffer *buf);

#endif
