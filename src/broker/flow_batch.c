// SPDX-License-Identifier: Apache-2.0
#include "broker/flow_batch.h"

#include <stdlib.h>

void obi_flow_batch_init(struct obi_flow_batch *batch,
			 int (*send)(void *context, const struct obi_wire_flows *flows,
				     size_t size),
			 void *context)
{
	*batch = (struct obi_flow_batch){ .send = send, .context = context };
}

static void drop(struct obi_flow_batch *batch, const struct obi_flow *flow)
{
	batch->dropped++;
	batch->dropped_bytes += flow->value.bytes;
	batch->dropped_packets += flow->value.packets;
}

void obi_flow_batch_put(struct obi_flow_batch *batch, const struct obi_flow *flow)
{
	if (!batch->message)
		batch->message = calloc(1, sizeof(*batch->message));
	if (!batch->message) {
		drop(batch, flow);
		return;
	}
	batch->message->flows[batch->message->count++] = *flow;
	if (batch->message->count == OBI_WIRE_FLOWS_MAX)
		obi_flow_batch_flush(batch);
}

void obi_flow_batch_flush(struct obi_flow_batch *batch)
{
	struct obi_wire_flows *message = batch->message;

	if (!message || !message->count)
		return;
	if (batch->send(batch->context, message,
			offsetof(struct obi_wire_flows, flows) +
				message->count * sizeof(struct obi_flow))) {
		for (uint32_t i = 0; i < message->count; i++)
			drop(batch, &message->flows[i]);
	} else {
		batch->sent += message->count;
	}
	message->count = 0;
}

void obi_flow_batch_free(struct obi_flow_batch *batch)
{
	free(batch->message);
	batch->message = NULL;
}
