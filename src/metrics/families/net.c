// SPDX-License-Identifier: Apache-2.0
/*
 * As in red.c, the two counters share a table unless the selection tells their
 * attributes apart. Zones and everything of Kubernetes are not known yet: a zone is
 * empty where it is selected.
 */
#include "metrics/families/net.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "flow/attributes.h"
#include "metrics/families/catalog.h"
#include "settings/settings.h"

static const struct attribute attributes[FLOW_ATTRIBUTES] = {
#define X(id_, name_) [id_] = { name_, (id_) == FLOW_DIRECTION, 0 },
	FLOW_ATTRIBUTE_TABLE(X)
#undef X
};

const struct attribute_group net_attributes = { attributes, FLOW_ATTRIBUTES };

enum flow_metric {
	FLOW_BYTES,
	FLOW_PACKETS,
	FLOW_METRICS,
};

static const enum metric_id ids[] = {
	[FLOW_BYTES] = METRIC_FLOW_BYTES,
	[FLOW_PACKETS] = METRIC_FLOW_PACKETS,
};

_Static_assert(ARRAY_SIZE(ids) == FLOW_METRICS, "a metric each: 0 is another one");

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

void net_put_flow(struct net *net, const struct obi_flow_record *record, uint64_t now_ns)
{
	const uint64_t amounts[FLOW_METRICS] = {
		[FLOW_BYTES] = record->flow.value.bytes,
		[FLOW_PACKETS] = record->flow.value.packets,
	};
	struct slice all[FLOW_ATTRIBUTES], values[FLOW_ATTRIBUTES];
	struct flow_texts texts;

	flow_attributes(record, &texts, all);
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
