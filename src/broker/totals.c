// SPDX-License-Identifier: Apache-2.0
#include "broker/totals.h"

#include "base/cleanup.h"
#include "base/log.h"

static const char *const app_names[] = {
	[OBI_APP_RECORDS] = "records",
	[OBI_APP_RING_FULL] = "ringFull",
	[OBI_APP_RING_SHARE] = "ringShare",
	[OBI_APP_UNREADABLE] = "unreadable",
	[OBI_APP_UNREAD_CALLS] = "unreadCalls",
	[OBI_APP_STATE_FULL] = "stateFull",
	[OBI_APP_MUTED] = "muted",
	[OBI_APP_UNRECOGNISED] = "unrecognised",
	[OBI_APP_INJECTED] = "injected",
	[OBI_APP_INJECT_FAILED] = "injectFailed",
	[OBI_APP_TLS_LATE] = "tlsLate",
	[OBI_APP_TLS_UNJOINED] = "tlsUnjoined",
	[OBI_APP_MISSED] = "missed",
	[OBI_APP_INJECT_TAKEN] = "injectTaken",
	[OBI_APP_NOT_INJECTED] = "notInjected",
	[OBI_APP_UNCLEAR_PARENT] = "unclearParent",
	[OBI_APP_EVENTS_LOST] = "eventsLost",
};

static const char *const net_names[] = {
	[OBI_NET_PACKETS] = "packets",
	[OBI_NET_BYTES] = "bytes",
	[OBI_NET_FILTERED] = "filtered",
	[OBI_NET_DUPLICATE] = "duplicate",
	[OBI_NET_NOT_IP] = "notIP",
	[OBI_NET_OVERFLOW_PACKETS] = "overflowPackets",
	[OBI_NET_OVERFLOW_BYTES] = "overflowBytes",
	[OBI_NET_LOST_PACKETS] = "lostPackets",
	[OBI_NET_LOST_BYTES] = "lostBytes",
	[OBI_NET_MALFORMED] = "malformed",
	[OBI_NET_FLOWS] = "flows",
};

_Static_assert(ARRAY_SIZE(app_names) == OBI_APP_COUNTERS, "a name for each application counter");
_Static_assert(ARRAY_SIZE(net_names) == OBI_NET_COUNTERS, "a name for each network counter");

static void log_counters(const char *msg, const uint64_t *counters, const char *const *names,
			 size_t count)
{
	struct log_field fields[OBI_APP_COUNTERS + OBI_NET_COUNTERS];

	for (size_t i = 0; i < count; i++)
		fields[i] = (struct log_field)F(names[i], log_int((int64_t)counters[i]));
	log_write(LOG_INFO, msg, fields, (int)count);
}

void obi_totals_log(const struct obi_wire_counters *counters, bool application, bool network)
{
	if (application) {
		log_counters("application totals", counters->app, app_names, OBI_APP_COUNTERS);
		log_info("process totals",
			 F("unannounced", log_int((int64_t)counters->unannounced)),
			 F("notObserved", log_int((int64_t)counters->not_observed)));
	}
	if (!network)
		return;
	log_counters("network totals", counters->net, net_names, OBI_NET_COUNTERS);
	log_info("flow records", F("sent", log_int((int64_t)counters->flows_drained)),
		 F("dropped", log_int((int64_t)counters->flows_dropped)),
		 F("droppedPackets", log_int((int64_t)counters->flows_dropped_packets)),
		 F("droppedBytes", log_int((int64_t)counters->flows_dropped_bytes)));
}
