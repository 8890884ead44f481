// SPDX-License-Identifier: Apache-2.0
/*
 * As in red.c, the two counters share a table unless the selection tells their
 * attributes apart. Zones and everything of Kubernetes are not known yet: a zone is
 * empty where it is selected.
 */
#include "export/net.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/catalog.h"
#include "flow/names.h"
#include "settings/settings.h"

/* In the order of the labels' names. */
enum flow_attribute {
	FLOW_CLIENT_PORT,
	FLOW_DIRECTION,
	FLOW_DST_ADDRESS,
	FLOW_DST_CIDR,
	FLOW_DST_NAME,
	FLOW_DST_PORT,
	FLOW_DST_ZONE,
	FLOW_IFACE,
	FLOW_IFACE_DIRECTION,
	FLOW_PROTOCOL_NAME,
	FLOW_NETWORK_TYPE,
	FLOW_OBI_IP,
	FLOW_SERVER_PORT,
	FLOW_SRC_ADDRESS,
	FLOW_SRC_CIDR,
	FLOW_SRC_NAME,
	FLOW_SRC_PORT,
	FLOW_SRC_ZONE,
	FLOW_TRANSPORT,
	FLOW_ATTRIBUTES,
};

static const struct attribute attributes[FLOW_ATTRIBUTES] = {
	[FLOW_CLIENT_PORT] = { "client.port", false, 0 },
	[FLOW_DIRECTION] = { "direction", true, 0 },
	[FLOW_DST_ADDRESS] = { "dst.address", false, 0 },
	[FLOW_DST_CIDR] = { "dst.cidr", false, 0 },
	[FLOW_DST_NAME] = { "dst.name", false, 0 },
	[FLOW_DST_PORT] = { "dst.port", false, 0 },
	[FLOW_DST_ZONE] = { "dst.zone", false, 0 },
	[FLOW_IFACE] = { "iface", false, 0 },
	[FLOW_IFACE_DIRECTION] = { "iface.direction", false, 0 },
	[FLOW_PROTOCOL_NAME] = { "network.protocol.name", false, 0 },
	[FLOW_NETWORK_TYPE] = { "network.type", false, 0 },
	[FLOW_OBI_IP] = { "obi.ip", false, 0 },
	[FLOW_SERVER_PORT] = { "server.port", false, 0 },
	[FLOW_SRC_ADDRESS] = { "src.address", false, 0 },
	[FLOW_SRC_CIDR] = { "src.cidr", false, 0 },
	[FLOW_SRC_NAME] = { "src.name", false, 0 },
	[FLOW_SRC_PORT] = { "src.port", false, 0 },
	[FLOW_SRC_ZONE] = { "src.zone", false, 0 },
	[FLOW_TRANSPORT] = { "transport", false, 0 },
};

const struct attribute_group net_attributes = { attributes, FLOW_ATTRIBUTES };

enum flow_metric {
	FLOW_BYTES,
	FLOW_PACKETS,
	FLOW_METRICS,
};

static const enum metric_id ids[FLOW_METRICS] = {
	[FLOW_BYTES] = METRIC_FLOW_BYTES,
	[FLOW_PACKETS] = METRIC_FLOW_PACKETS,
};

struct flow_table {
	struct metric_table *table;
	attribute_set set;
	uint8_t metrics[FLOW_METRICS]; /* enum flow_metric */
	size_t metrics_count;
};

struct net {
	struct flow_table tables[FLOW_METRICS];
	size_t count;
};

/* ---- Tables ---- */

/* Some attributes are there by default only where they say something. */
static attribute_set select_for(const struct family_options *options, enum metric_id id)
{
	const struct obi_network_options *network = &options->settings->network;
	struct attribute offered[FLOW_ATTRIBUTES];
	bool all_ifaces = network->deduper == OBI_DEDUPER_NONE;
	bool cidrs = network->cidrs.count > 0;

	memcpy(offered, attributes, sizeof(offered));
	offered[FLOW_IFACE].by_default = all_ifaces;
	offered[FLOW_IFACE_DIRECTION].by_default = all_ifaces;
	offered[FLOW_SRC_CIDR].by_default = cidrs;
	offered[FLOW_DST_CIDR].by_default = cidrs;
	return metric_attributes(options, id, offered, FLOW_ATTRIBUTES);
}

static int add_table(const struct family_options *options, struct metrics *metrics,
		     struct flow_table *table)
{
	struct metric_desc descs[FLOW_METRICS];
	const char *names[FLOW_ATTRIBUTES];

	for (size_t i = 0; i < table->metrics_count; i++)
		descs[i] = metric_describe(options, ids[table->metrics[i]]);
	return metrics_add_table(metrics, descs, table->metrics_count, names,
				 attributes_names(table->set, attributes, FLOW_ATTRIBUTES, names),
				 options->ttl, &table->table);
}

/* The table for this set of attributes, a new one if there is none yet. */
static struct flow_table *table_for(struct net *net, attribute_set set)
{
	for (size_t i = 0; i < net->count; i++) {
		if (net->tables[i].set == set)
			return &net->tables[i];
	}
	net->tables[net->count].set = set;
	return &net->tables[net->count++];
}

int net_new(const struct family_options *options, struct metrics *metrics, struct net **ret_net)
{
	struct net *net = calloc(1, sizeof(*net));
	int error = net ? 0 : -ENOMEM;

	for (int i = 0; i < FLOW_METRICS && !error; i++) {
		struct flow_table *table;

		if (!metric_wanted(options, ids[i]))
			continue;
		table = table_for(net, select_for(options, ids[i]));
		table->metrics[table->metrics_count++] = (uint8_t)i;
	}
	for (size_t i = 0; !error && i < net->count; i++)
		error = add_table(options, metrics, &net->tables[i]);
	if (error) {
		net_free(net);
		return error;
	}
	*ret_net = net;
	return 0;
}

void net_free(struct net *net)
{
	free(net);
}

/* ---- Flows ---- */

/* Ports as text. */
struct ports {
	char src[8];
	char dst[8];
};

static struct slice port(uint16_t number, char text[8])
{
	char *to = text + 8;

	do {
		*--to = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return slice_of(to, (size_t)(text + 8 - to));
}

/* Who began the conversation says which way a flow goes, and whose port is which. */
static void get_roles(const struct obi_flow *flow, const struct slice *src_port,
		      const struct slice *dst_port, struct slice *values)
{
	uint16_t server = 0;

	values[FLOW_CLIENT_PORT] = values[FLOW_SERVER_PORT] = SLICE_LIT("0");
	values[FLOW_DIRECTION] = SLICE_LIT("unknown");
	if (flow->value.initiator == OBI_INITIATOR_SRC) {
		values[FLOW_DIRECTION] = SLICE_LIT("request");
		values[FLOW_CLIENT_PORT] = *src_port;
		values[FLOW_SERVER_PORT] = *dst_port;
		server = flow->key.dst_port;
	} else if (flow->value.initiator == OBI_INITIATOR_DST) {
		values[FLOW_DIRECTION] = SLICE_LIT("response");
		values[FLOW_CLIENT_PORT] = *dst_port;
		values[FLOW_SERVER_PORT] = *src_port;
		server = flow->key.src_port;
	}
	values[FLOW_PROTOCOL_NAME] = slice_cstr(flow_port_name(server));
}

static struct slice iface_direction(uint8_t direction)
{
	if (direction == OBI_INGRESS)
		return SLICE_LIT("ingress");
	return direction == OBI_EGRESS ? SLICE_LIT("egress") : SLICE_LIT("");
}

static void get_values(const struct obi_flow_record *record, struct ports *ports,
		       struct slice *values)
{
	const struct obi_flow_key *key = &record->flow.key;

	values[FLOW_SRC_PORT] = port(key->src_port, ports->src);
	values[FLOW_DST_PORT] = port(key->dst_port, ports->dst);
	get_roles(&record->flow, &values[FLOW_SRC_PORT], &values[FLOW_DST_PORT], values);
	values[FLOW_SRC_ADDRESS] = slice_cstr(record->src_address);
	values[FLOW_DST_ADDRESS] = slice_cstr(record->dst_address);
	values[FLOW_SRC_CIDR] = slice_cstr(record->src_cidr);
	values[FLOW_DST_CIDR] = slice_cstr(record->dst_cidr);
	values[FLOW_SRC_NAME] = record->src_name;
	values[FLOW_DST_NAME] = record->dst_name;
	values[FLOW_SRC_ZONE] = values[FLOW_DST_ZONE] = SLICE_LIT("");
	values[FLOW_IFACE] = slice_cstr(record->iface);
	values[FLOW_IFACE_DIRECTION] = iface_direction(key->direction);
	values[FLOW_NETWORK_TYPE] = slice_cstr(flow_network_type(key->eth_protocol));
	values[FLOW_OBI_IP] = slice_cstr(record->obi_ip);
	values[FLOW_TRANSPORT] = slice_cstr(flow_transport_name(key->transport));
}

void net_put_flow(struct net *net, const struct obi_flow_record *record, uint64_t now_ns)
{
	const uint64_t amounts[FLOW_METRICS] = {
		[FLOW_BYTES] = record->flow.value.bytes,
		[FLOW_PACKETS] = record->flow.value.packets,
	};
	struct slice all[FLOW_ATTRIBUTES], values[FLOW_ATTRIBUTES];
	struct ports ports;

	get_values(record, &ports, all);
	for (size_t t = 0; t < net->count; t++) {
		const struct flow_table *table = &net->tables[t];
		struct metric_row *row;
		size_t used = 0;

		for (int i = 0; i < FLOW_ATTRIBUTES; i++) {
			if (table->set & 1u << i)
				values[used++] = all[i];
		}
		row = metric_table_row(table->table, values, now_ns);
		for (size_t i = 0; row && i < table->metrics_count; i++)
			metric_add(metric_table_metric(table->table, i), row,
				   amounts[table->metrics[i]]);
	}
}
