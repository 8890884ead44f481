// SPDX-License-Identifier: Apache-2.0
#include "pipeline/avoid.h"

static struct avoided *slot(struct avoid_stage *stage, uint32_t pid)
{
	return &stage->slots[pid % AVOID_SLOTS];
}

static bool ends_with(struct slice text, struct slice end)
{
	return text.len >= end.len && slice_equal(slice_from(text, text.len - end.len), end);
}

/* Which signal it sends to a collector. What no collector took says nothing. Paths of the OTLP
 * specification (otlphttp-request), methods of opentelemetry-proto. */
static unsigned http_signal(const struct obi_http *http)
{
	if (http->status < 200 || http->status > 299)
		return 0;
	if (ends_with(http->path, SLICE_LIT("/v1/traces")))
		return OBI_SIGNAL_TRACES;
	return ends_with(http->path, SLICE_LIT("/v1/metrics")) ? OBI_SIGNAL_METRICS : 0;
}

static unsigned rpc_signal(const struct obi_rpc *rpc)
{
	if (rpc->status != 0)
		return 0;
	if (slice_equal(rpc->method,
			SLICE_LIT("opentelemetry.proto.collector.trace.v1.TraceService/Export")))
		return OBI_SIGNAL_TRACES;
	return slice_equal(
		       rpc->method,
		       SLICE_LIT("opentelemetry.proto.collector.metrics.v1.MetricsService/Export"))
		       ? OBI_SIGNAL_METRICS
		       : 0;
}

static unsigned exported_signal(const struct obi_span *span)
{
	if (span->kind != OBI_KIND_CLIENT)
		return 0;
	switch (span->system->family) {
	case OBI_FAMILY_HTTP:
		return http_signal(&span->op.http);
	case OBI_FAMILY_RPC:
		return rpc_signal(&span->op.rpc);
	default:
		return 0;
	}
}

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

void avoid_stage_gone(struct avoid_stage *stage, uint32_t pid)
{
	struct avoided *avoided = slot(stage, pid);

	if (!pid || avoided->pid != pid)
		return;
	*avoided = (struct avoided){ 0 };
	stage->count--;
}
