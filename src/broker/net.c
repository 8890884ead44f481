// SPDX-License-Identifier: Apache-2.0
/*
 * Drain: the programs are turned over to the other map, an RCU grace period passes
 * (membarrier waits for one), and nothing writes to the old map any more while it is read
 * and cleared. So no byte is lost, and none is counted twice.
 */
#include "broker/net.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/counters.h"
#include "broker/iface.h"
#include "broker/rcu.h"
#include "broker/tc.h"
#include "net.skel.h"
#include "wire/ring.h"

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

#define DRAIN_BATCH 512

enum place {
	SOCKET,
	INGRESS,
	EGRESS,
	PLACES,
};

struct obi_net {
	struct net_bpf *skel;
	struct bpf_program *programs[PLACES]; /* NULL: none there */
	const struct obi_network_options *options;
	int socket;
	struct obi_tc *tc; /* NULL with the socket filter */
	struct obi_ring ring;
	void (*take)(void *context, const struct obi_flow *flow);
	void *take_context;
	bool pressed;
	struct obi_iface_filter *filter;
};

static void set_knobs(struct obi_net *net)
{
	const struct obi_network_options *options = net->options;
	uint32_t max_flows =
		options->cache_max_flows > 0 ? (uint32_t)options->cache_max_flows : 5000;
	struct net_bpf *skel = net->skel;

	skel->rodata->first_come = options->deduper == OBI_DEDUPER_FIRST_COME;
	skel->rodata->sampling = (uint32_t)options->sampling;
	skel->rodata->pressure = max_flows / 2 ? max_flows / 2 : 1;
	skel->rodata->filter_transports =
		options->protocols.count || options->exclude_protocols.count;
	/* tc is attached where it is wanted alone. */
	skel->rodata->iface_fallback =
		options->source != OBI_SOURCE_SOCKET_FILTER || obi_iface_filter_empty(net->filter);
	(void)bpf_map__set_max_entries(skel->maps.flows_0, max_flows);
	(void)bpf_map__set_max_entries(skel->maps.flows_1, max_flows);
	(void)bpf_map__set_max_entries(skel->maps.initiators, 2 * max_flows);
}

/* Those that this configuration wants; the others are not loaded. */
static void choose_programs(struct obi_net *net)
{
	const struct obi_network_options *options = net->options;
	struct net_bpf *skel = net->skel;
	bool segments = options->count_segments;
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj)
	{
		bpf_program__set_autoload(program, false);
	}
	if (options->source == OBI_SOURCE_SOCKET_FILTER) {
		net->programs[SOCKET] =
			segments ? skel->progs.socket_segments : skel->progs.socket_flows;
	} else {
		if (options->direction & OBI_NETWORK_INGRESS)
			net->programs[INGRESS] = segments ? skel->progs.tc_ingress_segments
							  : skel->progs.tc_ingress_flows;
		if (options->direction & OBI_NETWORK_EGRESS)
			net->programs[EGRESS] = segments ? skel->progs.tc_egress_segments
							 : skel->progs.tc_egress_flows;
	}
	for (int i = 0; i < PLACES; i++)
		if (net->programs[i])
			bpf_program__set_autoload(net->programs[i], true);
}

/* -1: none there */
static int program_fd(const struct obi_net *net, enum place place)
{
	return net->programs[place] ? bpf_program__fd(net->programs[place]) : -1;
}

static void allow_transports(struct obi_net *net)
{
	int map = bpf_map__fd(net->skel->maps.transports);

	for (uint32_t number = 0; number < 256; number++) {
		uint8_t wanted = obi_network_protocol_wanted(net->options, (uint8_t)number);

		(void)bpf_map_update_elem(map, &number, &wanted, BPF_ANY);
	}
}

/* A packet socket on all interfaces, whose filter counts and lets nothing through. */
static int attach_socket(struct obi_net *net)
{
	int program = program_fd(net, SOCKET);
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

	/* Protocol 0 receives nothing until bind: no packet passes before the filter is there. */
	net->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (net->socket < 0 ||
	    setsockopt(net->socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) ||
	    bind(net->socket, (struct sockaddr *)&all, sizeof(all)))
		return -errno;
	return 0;
}

static int attach(struct obi_net *net, const struct obi_settings *settings, char *why,
		  size_t why_size)
{
	int error;

	if (net->options->source == OBI_SOURCE_SOCKET_FILTER) {
		error = attach_socket(net);
		if (error)
			(void)snprintf(why, why_size, "attaching the socket filter: %s",
				       strerror(-error));
		return error;
	}
	net->tc = obi_tc_new((enum obi_tc_backend)settings->broker.tc_backend,
			     program_fd(net, INGRESS), program_fd(net, EGRESS));
	return net->tc ? 0 : -ENOMEM;
}

static int load(struct obi_net *net, char *why, size_t why_size)
{
	int error;

	net->skel = net_bpf__open();
	if (!net->skel)
		return -errno;
	set_knobs(net);
	choose_programs(net);
	error = net_bpf__load(net->skel);
	if (error)
		(void)snprintf(why, why_size, "loading the network tracer: %s", strerror(-error));
	return error;
}

int obi_net_open(const struct obi_settings *settings, struct obi_net **ret_net, char *why,
		 size_t why_size)
{
	struct obi_net *net = calloc(1, sizeof(*net));
	int error;

	if (!net)
		return -ENOMEM;
	net->socket = -1;
	net->options = &settings->network;
	error = obi_iface_filter_new(net->options, &net->filter, why, why_size);
	if (!error)
		error = load(net, why, why_size);
	if (!error) {
		struct bpf_map *records = net->skel->maps.net_records;

		allow_transports(net);
		error = obi_ring_map(&net->ring, bpf_map__fd(records),
				     bpf_map__max_entries(records));
	}
	if (!error)
		error = attach(net, settings, why, why_size);
	if (error) {
		obi_net_close(net);
		return error;
	}
	*ret_net = net;
	return 0;
}

static void detach(struct obi_net *net)
{
	obi_tc_free(net->tc);
	net->tc = NULL;
	if (net->socket >= 0)
		(void)close(net->socket);
	net->socket = -1;
}

void obi_net_close(struct obi_net *net)
{
	if (!net)
		return;
	detach(net);
	obi_ring_unmap(&net->ring);
	net_bpf__destroy(net->skel);
	obi_iface_filter_free(net->filter);
	free(net);
}

static void forget_iface(struct obi_net *net, uint32_t index)
{
	__u64 *recent = &net->skel->bss->recent_interfaces[OBI_IFACE_SLOT(index)];

	(void)bpf_map_delete_elem(bpf_map__fd(net->skel->maps.interfaces), &index);
	if ((uint32_t)*recent == index)
		__atomic_store_n(recent, 0, __ATOMIC_RELAXED);
	if (net->tc)
		obi_tc_detach(net->tc, index);
}

#define BEHIND_XDP                                                                                 \
	"an XDP program decides on packets before they are counted: what it drops, redirects or "  \
	"answers is not counted on the way in"

/* Tells the programs whether it is observed. Does an XDP program decide there of which was not said
 * yet, it is said now. */
static bool note_iface(struct obi_net *net, const struct obi_iface *iface)
{
	int map = bpf_map__fd(net->skel->maps.interfaces);
	bool wanted = obi_iface_wanted(net->filter, iface->name);
	uint8_t before = 0, now = (wanted ? OBI_IFACE_OBSERVED : 0) |
				  (iface->ethernet ? OBI_IFACE_ETHERNET : 0) |
				  (wanted && iface->xdp ? OBI_IFACE_XDP_SAID : 0);

	(void)bpf_map_lookup_elem(map, &iface->index, &before);
	(void)bpf_map_update_elem(map, &iface->index, &now, BPF_ANY);
	__atomic_store_n(&net->skel->bss->recent_interfaces[OBI_IFACE_SLOT(iface->index)],
			 (uint64_t)now << 32 | iface->index, __ATOMIC_RELAXED);
	if (now & ~before & OBI_IFACE_XDP_SAID)
		log_warn(BEHIND_XDP, F("interface", log_str(iface->name)));
	return wanted;
}

int obi_net_iface(struct obi_net *net, const struct obi_iface *iface, char *why, size_t why_size)
{
	int error;

	if (!iface->name) {
		forget_iface(net, iface->index);
		return 0;
	}
	if (!note_iface(net, iface))
		return 0;
	if (!net->tc)
		return 1;
	error = obi_tc_attach(net->tc, iface->index, iface->name);
	if (error) {
		(void)snprintf(why, why_size, "attaching to %s: %s", iface->name, strerror(-error));
		return error;
	}
	return 1;
}

const char *obi_net_hook(const struct obi_net *net)
{
	return net->tc ? obi_tc_name(net->tc) : "socket filter";
}

int obi_net_events_fd(const struct obi_net *net)
{
	return bpf_map__fd(net->skel->maps.net_records);
}

static void take_record(void *context, const void *record, size_t size)
{
	struct obi_net *net = context;
	const struct obi_flow *flow = record;

	if (size < sizeof(*flow))
		return;
	if (flow->value.packets)
		net->take(net->take_context, flow);
	else
		net->pressed = true;
}

bool obi_net_take_events(struct obi_net *net,
			 void (*take)(void *context, const struct obi_flow *flow), void *context)
{
	net->take = take;
	net->take_context = context;
	net->pressed = false;
	while (obi_ring_drain(&net->ring, DRAIN_BATCH, take_record, net))
		;
	return net->pressed;
}

/* Without batches (before 5.6, or refused): one by one. */
static int drain_singly(int map, void (*take)(void *context, const struct obi_flow *flow),
			void *context)
{
	struct obi_flow flow;

	while (!bpf_map_get_next_key(map, NULL, &flow.key)) {
		if (bpf_map_lookup_elem(map, &flow.key, &flow.value))
			return -errno;
		(void)bpf_map_delete_elem(map, &flow.key);
		take(context, &flow);
	}
	return 0;
}

static int drain_map(int map, void (*take)(void *context, const struct obi_flow *flow),
		     void *context)
{
	_cleanup_free_ struct obi_flow_key *keys = calloc(DRAIN_BATCH, sizeof(*keys));
	_cleanup_free_ struct obi_flow_value *values = calloc(DRAIN_BATCH, sizeof(*values));
	uint32_t in, out, count;
	bool first = true, more = true;

	if (!keys || !values)
		return -ENOMEM;
	while (more) {
		struct obi_flow flow;

		count = DRAIN_BATCH;
		if (bpf_map_lookup_and_delete_batch(map, first ? NULL : &in, &out, keys, values,
						    &count, NULL)) {
			if (errno == ENOSPC) /* a bucket with more flows than the batch */
				return drain_singly(map, take, context);
			if (errno != ENOENT)
				return first ? drain_singly(map, take, context) : -errno;
			more = false;
		}
		for (uint32_t i = 0; i < count; i++) {
			flow.key = keys[i];
			flow.value = values[i];
			take(context, &flow);
		}
		in = out;
		first = false;
	}
	return 0;
}

int obi_net_drain(struct obi_net *net, void (*take)(void *context, const struct obi_flow *flow),
		  void *context)
{
	struct net_bpf *skel = net->skel;
	uint32_t old = skel->bss->active & 1;
	struct bpf_map *map = old ? skel->maps.flows_1 : skel->maps.flows_0;

	skel->bss->fill[!old] = 0;
	__atomic_store_n(&skel->bss->active, !old, __ATOMIC_RELEASE);
	obi_wait_for_programs();
	skel->bss->pressed = 0;
	return drain_map(bpf_map__fd(map), take, context);
}

void obi_net_stop(struct obi_net *net)
{
	detach(net);
	obi_wait_for_programs();
}

struct bpf_object *obi_net_object(const struct obi_net *net)
{
	return net->skel->obj;
}

void obi_net_counters(const struct obi_net *net, uint64_t ret_counters[OBI_NET_COUNTERS])
{
	const struct bpf_map *cpus = net->skel->maps.net_cpus;

	obi_counters_sum_first(bpf_map__fd(cpus), bpf_map__value_size(cpus), ret_counters,
			       OBI_NET_COUNTERS);
}
