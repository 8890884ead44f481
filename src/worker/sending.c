// SPDX-License-Identifier: Apache-2.0
#include "worker/sending.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "metrics/internal_metrics.h"
#include "otlp/outbox.h"

void obi_worker_open_sending(const struct obi_otlp_options *options)
{
	outbox_limit(OTLP_TRACES, (struct outbox_limits){
					  .items = (uint64_t)options->traces.queue_size,
					  .bytes = obi_otlp_queue_bytes(options, OTLP_TRACES),
				  });
	/* How many points there are is the exporter's to bound. */
	outbox_limit(OTLP_METRICS, (struct outbox_limits){
					   .items = UINT64_MAX / 4,
					   .bytes = obi_otlp_queue_bytes(options, OTLP_METRICS),
				   });
}

static void publish(enum otlp_signal signal)
{
	struct outbox_counts counts = outbox_counts(signal);

	for (int i = 0; i < OUTBOX_DROPS; i++) {
		char reason[48];

		if (!counts.dropped[i])
			continue;
		(void)snprintf(reason, sizeof(reason), "otlp_%s_%s", otlp_signal_name(signal),
			       outbox_drop_name((enum outbox_drop)i));
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ reason },
				 counts.dropped[i]);
	}
}

void obi_worker_publish_sending(void)
{
	publish(OTLP_TRACES);
	publish(OTLP_METRICS);
}

static void log_totals(enum otlp_signal signal)
{
	struct outbox_counts counts = outbox_counts(signal);
	struct log_field fields[5 + OUTBOX_DROPS];
	int count = 0;

	if (!counts.put && !counts.recovered)
		return;
	fields[count++] = (struct log_field)F("signal", log_str(otlp_signal_name(signal)));
	fields[count++] = (struct log_field)F("put", log_int((int64_t)counts.put));
	fields[count++] = (struct log_field)F("recovered", log_int((int64_t)counts.recovered));
	fields[count++] = (struct log_field)F("exported", log_int((int64_t)counts.exported));
	fields[count++] = (struct log_field)F("queued", log_int((int64_t)counts.queued));
	for (int i = 0; i < OUTBOX_DROPS; i++)
		fields[count++] = (struct log_field)F(outbox_drop_name((enum outbox_drop)i),
						      log_int((int64_t)counts.dropped[i]));
	log_write(LOG_INFO, "otlp totals", fields, count);
}

void obi_worker_close_sending(const struct obi_otlp_options *options, uint64_t timeout_ns)
{
	if (!obi_otlp_sender_wanted(options))
		return;
	outbox_close((uint32_t)((timeout_ns - timeout_ns / 8) / NSEC_PER_MSEC));
	log_totals(OTLP_TRACES);
	log_totals(OTLP_METRICS);
}
