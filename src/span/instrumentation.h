/* SPDX-License-Identifier: Apache-2.0 */
/* Which spans an exporter takes, by the system they are of: `*.instrumentations`. */
#ifndef OBI_SPAN_INSTRUMENTATION_H
#define OBI_SPAN_INSTRUMENTATION_H

#include "config/option.h"

/* Bits. */
enum obi_instrumentation {
	OBI_INSTRUMENT_HTTP = 1u << 0,
	OBI_INSTRUMENT_GRPC = 1u << 1,
	OBI_INSTRUMENT_SQL = 1u << 2,
	OBI_INSTRUMENT_REDIS = 1u << 3,
	OBI_INSTRUMENT_KAFKA = 1u << 4,
	OBI_INSTRUMENT_MQTT = 1u << 5,
	OBI_INSTRUMENT_NATS = 1u << 6,
	OBI_INSTRUMENT_AMQP = 1u << 7,
	OBI_INSTRUMENT_COUCHBASE = 1u << 8,
	OBI_INSTRUMENT_MEMCACHED = 1u << 9,
	OBI_INSTRUMENT_GENAI = 1u << 10,
	OBI_INSTRUMENT_GPU = 1u << 11,
	OBI_INSTRUMENT_MONGO = 1u << 12,
	OBI_INSTRUMENT_DNS = 1u << 13,
	OBI_INSTRUMENT_SUNRPC = 1u << 14,
	OBI_INSTRUMENT_AEROSPIKE = 1u << 15,
	OBI_INSTRUMENT_ALL = (1u << 16) - 1, /* but for: */
	OBI_INSTRUMENT_TLS = 1u << 16,
};

/* Words of rows of that type. */
extern const struct obi_name obi_instrumentation_names[];

#endif
