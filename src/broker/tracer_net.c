// SPDX-License-Identifier: Apache-2.0
/* The network tracer among the broker's: flows by period, interfaces as they come and go. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/agent_ip.h"
#include "broker/state.h"
#include "broker/tracer.h"

static int open_network(struct broker *b)
{
	uint64_t ns = b->settings->network.cache_active_timeout;
	char why[256] = "";
	int error;

	log_info0("starting OBI in Network metrics mode");
	obi_agent_ip(&b->settings->network, b->agent_ip);
	obi_flow_batch_init(&b->flows, broker_send_flows, b);
	error = obi_net_open(b->settings, &b->net, why, sizeof(why));
	if (error) {
		log_error("cannot start Network metrics mode", F("error", log_str(why)));
		return error;
	}
	ns = ns < NSEC_PER_MSEC ? NSEC_PER_MSEC : ns;
	b->timer = broker_open_timer(b, ns, ns);
	if (b->timer < 0)
		return b->timer;
	return 0;
}

static void take_flow(void *context, const struct obi_flow *flow)
{
	struct broker *b = context;

	obi_flow_batch_put(&b->flows, flow);
}

void broker_end_flow_period(struct broker *b)
{
	int error = obi_net_drain(b->net, take_flow, b);

	if (error)
		log_error("cannot read flows", F("error", log_errno(error)));
	obi_flow_batch_flush(&b->flows);
}

static void read_events(struct broker *b)
{
	bool pressed = obi_net_take_events(b->net, take_flow, b);

	if (pressed)
		broker_end_flow_period(b);
	else
		obi_flow_batch_flush(&b->flows);
}

static void take_iface(void *context, const struct obi_iface *iface)
{
	struct broker *b = context;
	struct obi_wire_iface message = { .ifindex = iface->index };
	char why[256] = "";
	int wanted = obi_net_iface(b->net, iface, why, sizeof(why));

	if (wanted < 0 && wanted != -ENODEV) { /* gone already */
		b->tc_errors++;
		log_warn("interface is not observed", F("interface", log_str(iface->name)),
			 F("error", log_str(why)));
	}
	(void)snprintf(message.name, sizeof(message.name), "%s", iface->name ? iface->name : "");
	(void)broker_send_worker(b, OBI_WIRE_IFACE, &message, sizeof(message), NULL, 0);
}

void broker_read_interfaces(struct broker *b)
{
	int error = obi_iface_watch_read(b->ifaces, take_iface, b);

	if (error)
		log_warn("cannot read network interfaces", F("error", log_errno(error)));
}

/* tc attaches to the interfaces that are there. */
static void begin(struct broker *b)
{
	broker_read_interfaces(b);
}

static int events_fd(const struct broker *b)
{
	return obi_net_events_fd(b->net);
}

static void add_counters(const struct broker *b, struct obi_wire_counters *counters)
{
	obi_net_counters(b->net, counters->net);
}

static struct bpf_object *object(const struct broker *b)
{
	return obi_net_object(b->net);
}

static void stop(struct broker *b)
{
	obi_net_stop(b->net);
	read_events(b);
	broker_end_flow_period(b);
}

static void close_net(struct broker *b)
{
	obi_net_close(b->net);
	b->net = NULL;
}

const struct obi_tracer_ops broker_tracer_net = {
	.name = "network",
	.wanted = obi_settings_network,
	.open = open_network,
	.begin = begin,
	.events_fd = events_fd,
	.take_events = read_events,
	.counters = add_counters,
	.object = object,
	.stop = stop,
	.close = close_net,
};
