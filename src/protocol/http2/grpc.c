// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/cleanup.h"
#include "base/percent.h"
#include "protocol/http2/grpc.h"

/* By the codes of RFC 9113 section 7. STREAM_CLOSED reaches no stream, HTTP_1_1_REQUIRED is not in
 * the list: both are what a client makes of what it does not know. */
static const uint8_t status_of_reset[] = {
	[0x0] = GRPC_INTERNAL,           /* NO_ERROR */
	[0x1] = GRPC_INTERNAL,           /* PROTOCOL_ERROR */
	[0x2] = GRPC_INTERNAL,           /* INTERNAL_ERROR */
	[0x3] = GRPC_INTERNAL,           /* FLOW_CONTROL_ERROR */
	[0x4] = GRPC_INTERNAL,           /* SETTINGS_TIMEOUT */
	[0x5] = GRPC_UNKNOWN,            /* STREAM_CLOSED */
	[0x6] = GRPC_INTERNAL,           /* FRAME_SIZE_ERROR */
	[0x7] = GRPC_UNAVAILABLE,        /* REFUSED_STREAM */
	[0x8] = GRPC_CANCELLED,          /* CANCEL */
	[0x9] = GRPC_INTERNAL,           /* COMPRESSION_ERROR */
	[0xa] = GRPC_INTERNAL,           /* CONNECT_ERROR */
	[0xb] = GRPC_RESOURCE_EXHAUSTED, /* ENHANCE_YOUR_CALM */
	[0xc] = GRPC_PERMISSION_DENIED,  /* INADEQUATE_SECURITY */
	[0xd] = GRPC_UNKNOWN,            /* HTTP_1_1_REQUIRED */
};

bool grpc_is_content_type(struct slice value)
{
	const struct slice type = SLICE_LIT("application/grpc");
	struct slice rest = slice_from(value, type.len);

	if (!slice_equal_nocase(slice_first(value, type.len), type))
		return false;
	return rest.len == 0 || rest.data[0] == '+' || slice_trim(rest).len == 0 ||
	       slice_trim(rest).data[0] == ';';
}

int grpc_read_status(struct slice value)
{
	int status = 0;

	if (value.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return -EINVAL;
		status = status * 10 + value.data[i] - '0';
		if (status > GRPC_STATUS_LAST)
			return -EINVAL;
	}
	return status;
}

enum grpc_status grpc_status_of_reset(uint32_t code)
{
	return code < ARRAY_SIZE(status_of_reset) ? (enum grpc_status)status_of_reset[code]
						  : GRPC_UNKNOWN;
}

size_t grpc_decode_message(struct slice value, uint8_t *room, size_t len, bool *ret_cut)
{
	size_t at = 0, used = 0;

	while (at < value.len && used < len) {
		int byte = percent_byte(value, at);

		room[used++] = byte < 0 ? value.data[at] : (uint8_t)byte;
		at += byte < 0 ? 1 : 3;
	}
	*ret_cut = at < value.len;
	return used;
}

int grpc_read_path(struct slice path, struct grpc_path *ret_path)
{
	struct slice full = slice_from(path, 1);
	struct slice method = slice_base_name(full);

	if (path.len == 0 || path.data[0] != '/' || method.len == 0 || full.len < method.len + 2)
		return -EINVAL;
	*ret_path = (struct grpc_path){
		.full = full,
		.service = slice_first(full, full.len - method.len - 1),
		.method = method,
	};
	return 0;
}
