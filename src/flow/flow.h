/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow records on their way from the broker to the exporters: names for what the
 * kernel counted. Everything borrowed, as with spans.
 */
#ifndef OBI_FLOW_FLOW_H
#define OBI_FLOW_FLOW_H

#include "base/slice.h"
#include "obi/flow.h"

struct obi_flow_record {
	struct obi_flow flow;
	const char *obi_ip;   /* address of this agent */
	const char *iface;    /* name, "" where deduplicated */
	char src_address[48]; /* text, IPv4 dotted */
	char dst_address[48];
	struct slice src_name; /* falls back to the address */
	struct slice dst_name;
	const char *src_cidr; /* "" if none matched; NULL if no cidrs are configured */
	const char *dst_cidr;
};

struct obi_flow_sink {
	void (*put)(void *context, struct obi_flow_record *record);
	void *context;
};

#endif
