/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC over HTTP/2 (grpc/grpc, doc/PROTOCOL-HTTP2.md): what its fields say. */
#ifndef OBI_PROTOCOL_HTTP2_GRPC_H
#define OBI_PROTOCOL_HTTP2_GRPC_H

#include <stdbool.h>

#include "base/slice.h"

/* doc/statuscodes.md */
enum grpc_status {
	GRPC_OK,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
};

#define GRPC_STATUS_LAST GRPC_UNAUTHENTICATED

/* Is this content-type gRPC's: application/grpc, with a format (+proto) or parameters? gRPC-Web's
 * is not. */
bool grpc_is_content_type(struct slice value);

/* The value of grpc-status: a GRPC_* code. -EINVAL where it is no number, or none of them; a caller
 * of the method sees GRPC_UNKNOWN of the former. */
int grpc_read_status(struct slice value);

/* "DEADLINE_EXCEEDED"; NULL where it is no code. */
const char *grpc_status_name(int status);

/* What a caller of the method sees where no grpc-status came: by :status
 * (doc/http-grpc-status-mapping.md), and by the code of RST_STREAM (doc/PROTOCOL-HTTP2.md,
 * "Errors"). */
enum grpc_status grpc_status_of_http(int status);
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
