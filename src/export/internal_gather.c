// SPDX-License-Identifier: Apache-2.0
#include "export/internal_gather.h"

#include "base/cleanup.h"
#include "metrics/internal_metrics.h"
#include "otlp/outbox.h"
#include "settings/settings.h"

static const struct obi_otlp_options *gathered; /* NULL: nothing is sent */

void internal_gather_open(const struct obi_settings *settings)
{
	gathered = &settings->otlp;
}

void internal_gather_close(void)
{
	gathered = NULL;
}

static const struct {
	enum otlp_signal signal;
	const char *name;
	enum obi_internal_metric exports;
	enum obi_internal_metric errors;
} signals[] = {
	{ OTLP_TRACES, "traces", OBI_INTERNAL_TRACE_EXPORTS, OBI_INTERNAL_TRACE_EXPORT_ERRORS },
	{ OTLP_METRICS, "metrics", OBI_INTERNAL_METRIC_EXPORTS, OBI_INTERNAL_METRIC_EXPORT_ERRORS },
};

/* Thousandths of its bounds that the queue takes: bytes, and spans, whatever is fuller. */
static uint64_t fill(const struct outbox_counts *counts, enum otlp_signal signal)
{
	uint64_t bytes = obi_otlp_queue_bytes(gathered, signal);
	uint64_t of_bytes = bytes ? counts->queued_bytes * 1000 / bytes : 0, of_items = 0;

	if (signal == OTLP_TRACES && gathered->traces.queue_size > 0)
		of_items = counts->queued * 1000 / (uint64_t)gathered->traces.queue_size;
	return of_items > of_bytes ? of_items : of_bytes;
}

static void gather_signal(size_t i)
{
	struct outbox_counts counts = outbox_counts(signals[i].signal);

	obi_internal_set(signals[i].exports, NULL, counts.exported);
	obi_internal_set(OBI_INTERNAL_QUEUE_ITEMS, &signals[i].name, counts.queued);
	obi_internal_set(OBI_INTERNAL_QUEUE_MEMORY, &signals[i].name, counts.queued_bytes);
	obi_internal_set(OBI_INTERNAL_QUEUE_RATIO, &signals[i].name,
			 fill(&counts, signals[i].signal));
	for (int reason = 0; reason < OUTBOX_DROPS; reason++) {
		const char *name = outbox_drop_name((enum outbox_drop)reason);

		if (counts.dropped[reason])
			obi_internal_set(signals[i].errors, &name, counts.dropped[reason]);
	}
}

static bool is_sent(enum otlp_signal signal)
{
	return signal == OTLP_TRACES ? obi_otlp_traces_wanted(gathered)
				     : obi_otlp_metrics_wanted(gathered);
}

void internal_gather(void)
{
	for (size_t i = 0; gathered && i < ARRAY_SIZE(signals); i++) {
		if (is_sent(signals[i].signal))
			gather_signal(i);
	}
}
