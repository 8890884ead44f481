/* SPDX-License-Identifier: Apache-2.0 */
/* Network metrics from flows: bytes and packets by direction, and by whatever is selected. */
#ifndef OBI_METRICS_FAMILIES_NET_H
#define OBI_METRICS_FAMILIES_NET_H

#include "flow/flow.h"
#include "metrics/families/family.h"

struct net;

extern const struct attribute_group net_attributes;

/* Adds its tables to the registry: bytes, packets, or both, as the features say. 0, or -ENOMEM. */
int net_new(const struct family_options *options, struct metrics *metrics, struct net **ret_net);
void net_free(struct net *net);

void net_put_flow(struct net *net, const struct obi_flow_record *record, uint64_t now_ns);

#endif
