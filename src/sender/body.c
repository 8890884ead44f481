// SPDX-License-Identifier: Apache-2.0
#include "sender/body.h"

#include <errno.h>
#include <zlib.h>

#include "otlp/json.h"
#include "wire/batch.h"

/* RFC 1952 around deflate. */
#define GZIP_WINDOW (15 + 16)
/* The fastest level: a collector is near, a core is dear. */
#define GZIP_LEVEL 1

static int deflate_into(struct slice in, struct buffer *out)
{
	z_stream stream = { 0 };
	uLong bound;
	char *to;
	int status;

	if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	bound = deflateBound(&stream, in.len);
	to = buffer_reserve(out, bound);
	if (!to) {
		(void)deflateEnd(&stream);
		return -ENOMEM;
	}
	stream.next_in = (Bytef *)in.data;
	stream.avail_in = (uInt)in.len;
	stream.next_out = (Bytef *)to;
	stream.avail_out = (uInt)bound;
	status = deflate(&stream, Z_FINISH);
	out->len += bound - stream.avail_out;
	(void)deflateEnd(&stream);
	return status == Z_STREAM_END ? 0 : -ENOMEM;
}

/* gRPC: "Compressed-Flag Message-Length Message". */
static int frame_gzip(struct slice message, struct buffer *made)
{
	static const uint8_t room[OBI_BATCH_FRAME] = { 1 };
	size_t len;
	int error;

	buffer_put(made, room, sizeof(room));
	error = deflate_into(message, made);
	if (error || made->failed)
		return -ENOMEM;
	len = made->len - OBI_BATCH_FRAME;
	for (size_t i = 0; i < 4; i++)
		made->data[1 + i] = (char)(len >> (24 - 8 * i));
	return 0;
}

static int make_http(enum otlp_signal signal, enum otlp_protocol protocol,
		     enum otlp_compression compression, struct slice message, struct buffer *made,
		     struct slice *body)
{
	struct buffer json = { 0 };
	int error = 0;

	*body = message;
	if (protocol == OTLP_PROTOCOL_HTTP_JSON) {
		error = otlp_json_put(signal, message, OTLP_JSON_COMPACT, &json);
		*body = slice_of(json.data, json.len);
	}
	if (!error && compression == OTLP_COMPRESSION_GZIP) {
		error = deflate_into(*body, made);
		buffer_free(&json);
	} else if (protocol == OTLP_PROTOCOL_HTTP_JSON) {
		*made = json;
	}
	if (made->data)
		*body = slice_of(made->data, made->len);
	return error;
}

int sender_body_make(enum otlp_signal signal, enum otlp_protocol protocol,
		     enum otlp_compression compression, struct slice framed, struct buffer *made,
		     struct slice *ret_body)
{
	struct slice message = slice_from(framed, OBI_BATCH_FRAME), body = framed;
	int error;

	if (protocol != OTLP_PROTOCOL_GRPC) {
		error = make_http(signal, protocol, compression, message, made, &body);
	} else {
		error = compression == OTLP_COMPRESSION_GZIP ? frame_gzip(message, made) : 0;
		if (made->data)
			body = slice_of(made->data, made->len);
	}
	if (!error)
		*ret_body = body;
	return error;
}

struct slice sender_body_unframe(struct slice reply)
{
	struct slice message = slice_from(reply, OBI_BATCH_FRAME);
	size_t len;

	if (reply.len < OBI_BATCH_FRAME || reply.data[0] != 0)
		return slice_of(reply.data, 0);
	len = (size_t)reply.data[1] << 24 | (size_t)reply.data[2] << 16 |
	      (size_t)reply.data[3] << 8 | reply.data[4];
	return len <= message.len ? slice_first(message, len) : slice_first(message, 0);
}
