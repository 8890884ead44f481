/* SPDX-License-Identifier: Apache-2.0 */
/* Protocol Buffers read field by field, from bytes that nobody vouches for. */
#ifndef OBI_BASE_PROTO_READ_H
#define OBI_BASE_PROTO_READ_H

#include <endian.h>
#include <errno.h>

#include "base/proto.h"

struct proto_field {
	uint32_t number;
	enum proto_type type;
	uint64_t value;     /* VARINT, FIXED64, FIXED32 */
	struct slice bytes; /* LENGTH: part of the input */
};

/* Takes a varint off the input. 0, or -EPROTO. Bits above the 64th are lost, as everywhere. */
static inline int proto_read_varint(struct slice *in, uint64_t *ret_value)
{
	uint64_t value = 0;

	/* Most are tags and lengths of one byte. */
	if (in->len && in->data[0] < 0x80) {
		*ret_value = in->data[0];
		*in = slice_of(in->data + 1, in->len - 1);
		return 0;
	}
	for (size_t i = 0; i < in->len && i < PROTO_VARINT_MAX; i++) {
		value |= (uint64_t)(in->data[i] & 0x7f) << (7 * i);
		if (in->data[i] & 0x80)
			continue;
		*in = slice_from(*in, i + 1);
		*ret_value = value;
		return 0;
	}
	return -EPROTO;
}

static inline int proto_read_fixed64(struct slice *in, uint64_t *ret_value)
{
	uint64_t little;

	if (in->len < sizeof(little))
		return -EPROTO;
	memcpy(&little, in->data, sizeof(little));
	*in = slice_from(*in, sizeof(little));
	*ret_value = le64toh(little);
	return 0;
}

static inline int proto_read_fixed32(struct slice *in, uint64_t *ret_value)
{
	uint32_t little;

	if (in->len < sizeof(little))
		return -EPROTO;
	memcpy(&little, in->data, sizeof(little));
	*in = slice_from(*in, sizeof(little));
	*ret_value = le32toh(little);
	return 0;
}

static inline int proto_read_length(struct slice *in, struct slice *ret_bytes)
{
	uint64_t len;

	if (proto_read_varint(in, &len) || len > in->len)
		return -EPROTO;
	*ret_bytes = slice_first(*in, len);
	*in = slice_from(*in, len);
	return 0;
}

/* Takes a field off the input, which is not empty. 0, or -EPROTO; groups, which proto3 does not
 * have, are an error too. */
static inline int proto_read_field(struct slice *in, struct proto_field *ret_field)
{
	struct proto_field field = { 0 };
	uint64_t tag;
	int error = proto_read_varint(in, &tag);

	if (error || tag >> 3 == 0 || tag > UINT32_MAX)
		return -EPROTO;
	field.number = (uint32_t)(tag >> 3);
	field.type = (enum proto_type)(tag & 7);
	switch (field.type) {
	case PROTO_VARINT:
		error = proto_read_varint(in, &field.value);
		break;
	case PROTO_FIXED64:
		error = proto_read_fixed64(in, &field.value);
		break;
	case PROTO_FIXED32:
		error = proto_read_fixed32(in, &field.value);
		break;
	case PROTO_LENGTH:
		error = proto_read_length(in, &field.bytes);
		break;
	default:
		error = -EPROTO;
	}
	if (!error)
		*ret_field = field;
	return error;
}

#endif
