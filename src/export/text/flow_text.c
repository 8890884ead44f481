// SPDX-License-Identifier: Apache-2.0
/*
 * The keys up to dst.port, their order and the numbers for transport and direction are
 * the existing program's; its metadata follow, then bytes and packets, which it does
 * not print.
 */
#include "export/text/flow_text.h"

static void put_key(struct buffer *buf, const char *key, struct slice value)
{
	buffer_put_cstr(buf, key);
	buffer_put_printable(buf, value);
}

static void put_number(struct buffer *buf, const char *key, uint64_t value)
{
	buffer_put_cstr(buf, key);
	buffer_put_u64(buf, value);
}

void flow_put_text(const struct obi_flow_record *record, struct buffer *buf)
{
	const struct obi_flow_key *key = &record->flow.key;

	put_number(buf, "network_flow: transport=", key->transport);
	put_key(buf, " obi.ip=", slice_cstr(record->obi_ip));
	put_key(buf, " iface=", slice_cstr(record->iface));
	put_number(buf, " iface_direction=", key->direction);
	put_key(buf, " src.address=", slice_cstr(record->src_address));
	put_key(buf, " dst.address=", slice_cstr(record->dst_address));
	put_key(buf, " src.name=", record->src_name);
	put_key(buf, " dst.name=", record->dst_name);
	put_number(buf, " src.port=", key->src_port);
	put_number(buf, " dst.port=", key->dst_port);
	if (record->src_cidr)
		put_key(buf, " src.cidr=", slice_cstr(record->src_cidr));
	if (record->dst_cidr)
		put_key(buf, " dst.cidr=", slice_cstr(record->dst_cidr));
	put_number(buf, " bytes=", record->flow.value.bytes);
	put_number(buf, " packets=", record->flow.value.packets);
}
