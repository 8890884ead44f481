// SPDX-License-Identifier: Apache-2.0
#include "pipeline/avoid.h"

#include <string.h>

#include "base/cleanup.h"

static struct avoided *slot(struct avoid_stage *stage, uint32_t pid)
{
	return &stage->slots[pid % AVOID_SLOTS];
}

static bool ends_with(struct slice text, struct slice end)
{
	return text.len >= end.len && slice_equal(slice_from(text, text.len - end.len), end);
}

/* Which signal it sends to a collector; paths of the OTLP specification (otlphttp-request). What
 * no collector took says nothing. */
static unsigned exported_signal(const struct obi_span *span)
{
	if (span->kind != OBI_KIND_CLIENT || span->op.http.status < 200 ||
	    span->op.http.status > 299)
		return 0;
	if (ends_with(span->op.http.path, SLICE_LIT("/v1/traces")))
		return OBI_SIGNAL_TRACES;
	return ends_with(span->op.http.path, SLICE_LIT("/v1/metrics")) ? OBI_SIGNAL_METRICS : 0;
}

/* Paths of gRPC's export calls, as HPACK has them on a connection's first request: plain, or in its
 * Huffman code (RFC 7541, sections 5.2 and Appendix B), which is the same for everybody. */
#define TRACE_PATH "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define METRICS_PATH "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
#define TRACE_CODE                                                                                 \
	"\x60\xf5\x96\xa4\x96\x82\xd2\x54\xd9\xe9\x7a\xec\x3a\x4e"                                 \
	"\xb9\x0f\x45\x05\x22\x4f\x62\xe9\xb0\x64\x2a\xfd\xc2\xbe"                                 \
	"\xfb\x06\x42\xee\x2d\x9d\xcc\x42\xb1\x83\xcd\x67\xb1\x3f"
#define METRICS_CODE                                                                               \
	"\x60\xf5\x96\xa4\x96\x82\xd2\x54\xd9\xe9\x7a\xec\x3a\x4e"                                 \
	"\xb9\x0f\x45\x05\x22\x4f\x62\xf4\x95\x36\x18\x88\x5f\xb8"                                 \
	"\x57\xd0\x54\xd8\x62\x23\x71\x6c\xee\x62\x15\x8c\x1e\x6b"                                 \
	"\x3d\x89"

static const struct {
	struct slice text;
	unsigned signal;
} grpc_paths[] = {
	{ { (const uint8_t *)TRACE_PATH, sizeof(TRACE_PATH) - 1 }, OBI_SIGNAL_TRACES },
	{ { (const uint8_t *)TRACE_CODE, sizeof(TRACE_CODE) - 1 }, OBI_SIGNAL_TRACES },
	{ { (const uint8_t *)METRICS_PATH, sizeof(METRICS_PATH) - 1 }, OBI_SIGNAL_METRICS },
	{ { (const uint8_t *)METRICS_CODE, sizeof(METRICS_CODE) - 1 }, OBI_SIGNAL_METRICS },
};

static unsigned note(struct avoid_stage *stage, uint32_t pid, unsigned signal)
{
	struct avoided *avoided = slot(stage, pid);

	if (avoided->pid != pid) {
		stage->count += avoided->pid == 0;
		*avoided = (struct avoided){ .pid = pid };
	}
	if (avoided->signals & signal)
		return 0;
	avoided->signals |= (uint8_t)signal;
	return signal;
}

unsigned avoid_stage_apply(struct avoid_stage *stage, struct obi_span *span)
{
	uint32_t pid = span->service->pid;
	unsigned signal, fresh = 0;
	const struct avoided *avoided;

	if (!stage->options->exclude_otel_instrumented || !pid)
		return 0;
	signal = exported_signal(span);
	if (signal)
		fresh = note(stage, pid, signal);
	if (!stage->count)
		return 0;
	avoided = slot(stage, pid);
	if (avoided->pid != pid)
		return fresh;
	if (avoided->signals & OBI_SIGNAL_TRACES)
		span->flags |= OBI_SPAN_UNSAMPLED;
	if (avoided->signals & OBI_SIGNAL_METRICS)
		span->flags |= stage->options->exclude_otel_instrumented_span_metrics
				       ? OBI_SPAN_IGNORE_METRICS
				       : OBI_SPAN_OWN_METRICS;
	return fresh;
}

unsigned avoid_stage_http2(struct avoid_stage *stage, uint32_t pid, struct slice bytes)
{
	unsigned fresh = 0;

	if (!stage->options->exclude_otel_instrumented || !pid)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(grpc_paths); i++)
		if (memmem(bytes.data, bytes.len, grpc_paths[i].text.data, grpc_paths[i].text.len))
			fresh |= note(stage, pid, grpc_paths[i].signal);
	return fresh;
}

void avoid_stage_gone(struct avoid_stage *stage, uint32_t pid)
{
	struct avoided *avoided = slot(stage, pid);

	if (!pid || avoided->pid != pid)
		return;
	*avoided = (struct avoided){ 0 };
	stage->count--;
}
