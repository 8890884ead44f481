/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes of a flow, as text: what metrics carry and filters ask for. */
#ifndef OBI_FLOW_ATTRIBUTES_H
#define OBI_FLOW_ATTRIBUTES_H

#include "flow/flow.h"

/* X(enum, name), in the order of the labels' names. */
#define FLOW_ATTRIBUTE_TABLE(X)                                                                    \
	X(FLOW_CLIENT_PORT, "client.port")                                                         \
	X(FLOW_DIRECTION, "direction")                                                             \
	X(FLOW_DST_ADDRESS, "dst.address")                                                         \
	X(FLOW_DST_CIDR, "dst.cidr")                                                               \
	X(FLOW_DST_NAME, "dst.name")                                                               \
	X(FLOW_DST_PORT, "dst.port")                                                               \
	X(FLOW_DST_ZONE, "dst.zone")                                                               \
	X(FLOW_IFACE, "iface")                                                                     \
	X(FLOW_IFACE_DIRECTION, "iface.direction")                                                 \
	X(FLOW_PROTOCOL_NAME, "network.protocol.name")                                             \
	X(FLOW_NETWORK_TYPE, "network.type")                                                       \
	X(FLOW_OBI_IP, "obi.ip")                                                                   \
	X(FLOW_SERVER_PORT, "server.port")                                                         \
	X(FLOW_SRC_ADDRESS, "src.address")                                                         \
	X(FLOW_SRC_CIDR, "src.cidr")                                                               \
	X(FLOW_SRC_NAME, "src.name")                                                               \
	X(FLOW_SRC_PORT, "src.port")                                                               \
	X(FLOW_SRC_ZONE, "src.zone")                                                               \
	X(FLOW_TRANSPORT, "transport")

enum flow_attribute {
#define X(id_, name_) id_,
	FLOW_ATTRIBUTE_TABLE(X)
#undef X
	FLOW_ATTRIBUTES,
};

/* "src.address" */
extern const char *const flow_attribute_names[FLOW_ATTRIBUTES];

/* Room for what is no text in the record. */
struct flow_texts {
	char src_port[8];
	char dst_port[8];
};

/* All of them; they live as long as the record and ret_texts. */
void flow_attributes(const struct obi_flow_record *record, struct flow_texts *ret_texts,
		     struct slice ret_values[FLOW_ATTRIBUTES]);

#endif
