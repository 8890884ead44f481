/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2 (grpc/grpc, doc/PROTOCOL-HTTP2.md): what its fields say. */
#ifndef OBI_PROTOCOL_HTTP2_GRPC_H
#define OBI_PROTOCOL_HTTP2_GRPC_H

#include <stdbool.h>

#include "base/grpc_status.h"
#include "base/slice.h"

/* Is this content-type gRPC's: application/grpc, with a format (+proto) or parameters? gRPC-Web's
 * is not. */
bool grpc_is_content_type(struct slice value);

/* The value of grpc-status: a GRPC_* code. -EINVAL where it is no number, or none of them; a caller
 * of the method sees GRPC_UNKNOWN of the former. */
int grpc_read_status(struct slice value);

/* What a caller of the method sees where no grpc-status came, by the code of RST_STREAM
 * (doc/PROTOCOL-HTTP2.md, "Errors"). */
enum grpc_status grpc_status_of_reset(uint32_t code);

/* Decodes the percent-encoding of grpc-message to room, which holds len bytes; what is wrongly
 * encoded stays as it is. Returns the bytes written; *ret_cut says that there was no room for the
 * rest. */
size_t grpc_decode_message(struct slice value, uint8_t *room, size_t len, bool *ret_cut);

/* What :path says. */
struct grpc_path {
	struct slice full;    /* service and method, as rpc.method is in the semantic conventions */
	struct slice service; /* with its package; may have slashes */
	struct slice method;
};

/* Divides "/package.Service/Method". -EINVAL where it is not like that. */
int grpc_read_path(struct slice path, struct grpc_path *ret_path);

#endif
