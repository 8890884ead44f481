/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's status codes (grpc/grpc, doc/statuscodes.md), and what stands for them over HTTP. */
#ifndef OBI_BASE_GRPC_STATUS_H
#define OBI_BASE_GRPC_STATUS_H

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

/* "DEADLINE_EXCEEDED"; NULL where it is no code. */
const char *grpc_status_name(int status);

/* What a caller of the method sees where no grpc-status came, by :status
 * (doc/http-grpc-status-mapping.md). */
enum grpc_status grpc_status_of_http(int status);

#endif
