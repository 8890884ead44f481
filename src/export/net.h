/* SPDX-License-Identifier: Apache-2.0 */
/* Network metrics from flows: bytes and packets by direction, and by whatever is selected. */
#ifndef OBI_EXPORT_NET_H
#define OBI_EXPORT_NET_H

#include "export/metrics/registry.h"
#include "flow/flow.h"

struct net;
struct obi_settings;

/* Adds its tables to the registry: bytes, packets, or both, as features (enum obi_feature_bit)
 * say. 0, or -ENOMEM. */
int net_new(const struct obi_settings *settings, unsigned features, struct metrics *metrics,
	    struct net **ret_net);
void net_free(struct net *net);

void net_put_flow(struct net *net, const struct obi_flow_record *record, uint64_t now_ns);

#endif
