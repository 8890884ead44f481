// SPDX-License-Identifier: Apache-2.0
/* One flow at a time, nothing kept but the interfaces' names. */
#include "flow/pipeline.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "flow/cidr.h"
#include "flow/options.h"

struct iface {
	uint32_t ifindex;
	char name[16];
};

struct obi_flow_pipeline {
	const struct obi_network_options *options;
	struct obi_flow_sink sink;
	char agent_ip[48];
	struct cidrs *cidrs; /* NULL: none are configured */
	struct iface *ifaces;
	size_t count, room;
};

struct obi_flow_pipeline *obi_flow_pipeline_new(const struct obi_network_options *options,
						const char *agent_ip, struct obi_flow_sink sink)
{
	struct obi_flow_pipeline *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->options = options;
	p->sink = sink;
	(void)snprintf(p->agent_ip, sizeof(p->agent_ip), "%s", agent_ip);
	if (!options->cidrs.count)
		return p;
	p->cidrs = cidrs_new(&options->cidrs);
	if (!p->cidrs) {
		free(p);
		return NULL;
	}
	return p;
}

void obi_flow_pipeline_free(struct obi_flow_pipeline *pipeline)
{
	if (!pipeline)
		return;
	cidrs_free(pipeline->cidrs);
	free(pipeline->ifaces);
	free(pipeline);
}

static struct iface *find_iface(struct obi_flow_pipeline *p, uint32_t ifindex)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->ifaces[i].ifindex == ifindex)
			return &p->ifaces[i];
	return NULL;
}

void obi_flow_pipeline_iface(struct obi_flow_pipeline *p, uint32_t ifindex, const char *name)
{
	struct iface *iface = find_iface(p, ifindex);

	/* The name of one that is gone stays: its last flows are still to come. */
	if (!name[0])
		return;
	if (!iface && p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 16;
		struct iface *ifaces = realloc(p->ifaces, room * sizeof(*ifaces));

		if (!ifaces)
			return;
		p->ifaces = ifaces;
		p->room = room;
	}
	if (!iface)
		iface = &p->ifaces[p->count++];
	iface->ifindex = ifindex;
	(void)snprintf(iface->name, sizeof(iface->name), "%s", name);
}

/* Without a handshake seen, the lower port is taken for the server's where that is asked for. */
static void guess_initiator(const struct obi_network_options *options, struct obi_flow *flow)
{
	if (flow->value.initiator != OBI_INITIATOR_UNKNOWN ||
	    options->guess_ports != OBI_GUESS_PORTS_ORDINAL ||
	    flow->key.src_port == flow->key.dst_port)
		return;
	flow->value.initiator =
		flow->key.dst_port < flow->key.src_port ? OBI_INITIATOR_SRC : OBI_INITIATOR_DST;
}

void obi_flow_pipeline_put(struct obi_flow_pipeline *p, const struct obi_flow *flow)
{
	struct obi_flow_record record = { .flow = *flow, .obi_ip = p->agent_ip, .iface = "" };
	const struct iface *iface = flow->key.ifindex ? find_iface(p, flow->key.ifindex) : NULL;

	guess_initiator(p->options, &record.flow);
	if (flow->key.direction == OBI_DIRECTION_UNSET)
		record.flow.key.direction = flow->value.first_direction;
	if (iface)
		record.iface = iface->name;
	(void)address_format(flow->key.src_addr, record.src_address);
	(void)address_format(flow->key.dst_addr, record.dst_address);
	record.src_name = slice_cstr(record.src_address);
	record.dst_name = slice_cstr(record.dst_address);
	if (p->cidrs) {
		record.src_cidr = cidrs_find(p->cidrs, flow->key.src_addr);
		record.dst_cidr = cidrs_find(p->cidrs, flow->key.dst_addr);
	}
	p->sink.put(p->sink.context, &record);
}
