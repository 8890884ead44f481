// SPDX-License-Identifier: Apache-2.0
/* Zones and everything of Kubernetes are not known yet: a zone is empty where it is asked for. */
#include "flow/attributes.h"

#include "flow/names.h"

const char *const flow_attribute_names[FLOW_ATTRIBUTES] = {
#define X(id_, name_) [id_] = (name_),
	FLOW_ATTRIBUTE_TABLE(X)
#undef X
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

void flow_attributes(const struct obi_flow_record *record, struct flow_texts *texts,
		     struct slice values[FLOW_ATTRIBUTES])
{
	const struct obi_flow_key *key = &record->flow.key;

	values[FLOW_SRC_PORT] = port(key->src_port, texts->src_port);
	values[FLOW_DST_PORT] = port(key->dst_port, texts->dst_port);
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
