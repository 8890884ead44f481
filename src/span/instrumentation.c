// SPDX-License-Identifier: Apache-2.0
#include "span/instrumentation.h"

const struct obi_name obi_instrumentation_names[] = {
	{ "*", OBI_INSTRUMENT_ALL },
	{ "http", OBI_INSTRUMENT_HTTP },
	{ "grpc", OBI_INSTRUMENT_GRPC },
	{ "sql", OBI_INSTRUMENT_SQL },
	{ "redis", OBI_INSTRUMENT_REDIS },
	{ "kafka", OBI_INSTRUMENT_KAFKA },
	{ "mqtt", OBI_INSTRUMENT_MQTT },
	{ "nats", OBI_INSTRUMENT_NATS },
	{ "amqp", OBI_INSTRUMENT_AMQP },
	{ "couchbase", OBI_INSTRUMENT_COUCHBASE },
	{ "memcached", OBI_INSTRUMENT_MEMCACHED },
	{ "genai", OBI_INSTRUMENT_GENAI },
	{ "gpu", OBI_INSTRUMENT_GPU },
	{ "mongo", OBI_INSTRUMENT_MONGO },
	{ "dns", OBI_INSTRUMENT_DNS },
	{ "sunrpc", OBI_INSTRUMENT_SUNRPC },
	{ "aerospike", OBI_INSTRUMENT_AEROSPIKE },
	{ "tls", OBI_INSTRUMENT_TLS },
	{ NULL, 0 },
};
