// SPDX-License-Identifier: Apache-2.0
/*
 * Exporter: spans as OTLP traces (`otel_traces_export`), in batches that the sender takes to a
 * collector, or printed (protocol `debug`).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/line_writer.h"
#include "export/exporter.h"
#include "metrics/internal_metrics.h"
#include "otlp/json.h"
#include "otlp/outbox.h"
#include "otlp/spans.h"
#include "settings/settings.h"
#include "span/semconv.h"

/* How long the end of the program waits for a slow reader of what is printed. */
#define CLOSE_MS 1000

struct traces {
	const struct obi_otlp_traces_options *options;
	struct otlp_spans *batch;
	struct buffer body; /* kept from batch to batch */
	uint64_t since_ns;  /* of the tick before the first span of the batch */
	uint64_t now_ns;    /* of the last tick */
	uint64_t lost;      /* spans for which memory was short */
	bool debug;
	struct line_writer writer;
};

static bool traces_wanted(const struct obi_settings *settings)
{
	return obi_otlp_traces_wanted(&settings->otlp);
}

static int traces_open(const struct obi_settings *settings, void **ret_state, char *why,
		       size_t why_size)
{
	struct traces *traces = calloc(1, sizeof(*traces));
	int error = traces ? otlp_spans_new(settings, &traces->batch) : -ENOMEM;

	if (error) {
		(void)snprintf(why, why_size, "out of memory");
		free(traces);
		return error;
	}
	traces->options = &settings->otlp.traces;
	traces->debug = traces->options->target.protocol == OTLP_PROTOCOL_DEBUG;
	traces->now_ns = clock_monotonic_ns();
	line_writer_open(&traces->writer, STDOUT_FILENO);
	traces->writer.patience_ms = LINE_WRITER_PATIENCE_MS;
	*ret_state = traces;
	return 0;
}

static void print_batch(struct traces *traces)
{
	struct slice request = slice_of(traces->body.data, traces->body.len);
	struct buffer *line = line_writer_begin(&traces->writer);

	if (!line)
		return;
	if (otlp_json_put(OTLP_TRACES, request, OTLP_JSON_PRETTY, line))
		line->failed = true;
	line_writer_end(&traces->writer);
}

/* What cannot be handed on is counted where it is found out: here, or in the outbox. */
static void end_batch(struct traces *traces)
{
	size_t spans = otlp_spans_encoded(traces->batch);

	if (!spans)
		return;
	traces->body.len = 0;
	traces->body.failed = false;
	if (otlp_spans_take(traces->batch, &traces->body))
		traces->lost += spans;
	else if (traces->debug)
		print_batch(traces);
	else
		(void)outbox_put(OTLP_TRACES, &traces->body, (uint32_t)spans);
}

static bool is_selected(const struct traces *traces, const struct obi_span *span)
{
	return !(span->flags & (OBI_SPAN_IGNORE_TRACES | OBI_SPAN_UNSAMPLED)) &&
	       traces->options->instrumentations.bits & span_instrumentation(span);
}

static void traces_put_span(void *state, const struct obi_span *span)
{
	struct traces *traces = state;

	if (!is_selected(traces, span))
		return;
	if (!otlp_spans_count(traces->batch))
		traces->since_ns = traces->now_ns;
	if (otlp_spans_put(traces->batch, span))
		traces->lost++;
	if (otlp_spans_encoded(traces->batch) >= (size_t)traces->options->batch_max_size ||
	    otlp_spans_bytes(traces->batch) >= OUTBOX_BODY_SOFT)
		end_batch(traces);
}

static void publish(const struct traces *traces)
{
	struct otlp_faults faults = otlp_spans_faults(traces->batch);

	if (traces->lost)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "otlp_traces_memory" },
				 traces->lost);
	if (traces->writer.dropped)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "otlp_debug_blocked" },
				 traces->writer.dropped);
	if (faults.cut)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "otlp_text_cut" },
				 faults.cut);
	if (faults.replaced)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "otlp_text_replaced" },
				 faults.replaced);
}

static void traces_tick(void *state, uint64_t now_ns)
{
	struct traces *traces = state;

	traces->now_ns = now_ns;
	if (otlp_spans_count(traces->batch) &&
	    now_ns - traces->since_ns >= traces->options->batch_timeout)
		end_batch(traces);
	line_writer_flush(&traces->writer);
	publish(traces);
}

static uint64_t traces_due(void *state)
{
	const struct traces *traces = state;

	if (line_writer_waits(&traces->writer))
		return 0;
	return otlp_spans_count(traces->batch)
		       ? traces->since_ns + (uint64_t)traces->options->batch_timeout
		       : UINT64_MAX;
}

static uint64_t traces_held(void *state)
{
	return otlp_spans_count(((struct traces *)state)->batch);
}

static void traces_close(void *state)
{
	struct traces *traces = state;

	end_batch(traces);
	line_writer_close(&traces->writer, CLOSE_MS);
	otlp_spans_free(traces->batch);
	buffer_free(&traces->body);
	free(traces);
}

const struct obi_exporter exporter_otlp_traces = {
	.name = "otlp_traces",
	.help = "spans to an OpenTelemetry collector",
	.wanted = traces_wanted,
	.open = traces_open,
	.put_span = traces_put_span,
	.tick = traces_tick,
	.due = traces_due,
	.held = traces_held,
	.close = traces_close,
};
