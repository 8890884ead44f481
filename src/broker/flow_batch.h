/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers flows into messages for the worker. What it does not take in time is dropped and counted.
 */
#ifndef OBI_BROKER_FLOW_BATCH_H
#define OBI_BROKER_FLOW_BATCH_H

#include "wire/wire.h"

struct obi_flow_batch {
	struct obi_wire_flows *message;
	int (*send)(void *context, const struct obi_wire_flows *flows, size_t size);
	void *context;
	uint64_t sent; /* flows */
	uint64_t dropped;
	uint64_t dropped_bytes; /* of traffic */
	uint64_t dropped_packets;
};

/* Memory is taken with the first flow. */
void obi_flow_batch_init(struct obi_flow_batch *batch,
			 int (*send)(void *context, const struct obi_wire_flows *flows,
				     size_t size),
			 void *context);
void obi_flow_batch_put(struct obi_flow_batch *batch, const struct obi_flow *flow);
void obi_flow_batch_flush(struct obi_flow_batch *batch);
void obi_flow_batch_free(struct obi_flow_batch *batch);

#endif
