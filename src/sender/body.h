/* SPDX-License-Identifier: Apache-2.0 */
/* From a batch, protobuf with gRPC's frame before it, to the body of a request. */
#ifndef OBI_SENDER_BODY_H
#define OBI_SENDER_BODY_H

#include "base/buffer.h"
#include "otlp/options.h"

/* Where the body can go out as it lies there it is a part of `framed` and `made` stays empty; else
 * it is in `made`. 0, -EPROTO where the bytes are no request, -ENOMEM. */
int sender_body_make(enum otlp_signal signal, enum otlp_protocol protocol,
		     enum otlp_compression compression, struct slice framed, struct buffer *made,
		     struct slice *ret_body);

/* The message of a gRPC answer, one at most; empty where there is none or it is cut short. */
struct slice sender_body_unframe(struct slice reply);

#endif
