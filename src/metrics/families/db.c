// SPDX-License-Identifier: Apache-2.0
/* Metrics of databases: duration of operations. */
#include "base/cleanup.h"
#include "metrics/families/measures.h"
#include "span/attributes.h"

static const struct attribute server[] = {
	{ obi_name_CLIENT_ADDRESS, false, 0 },   { obi_name_DB_COLLECTION, false, 0 },
	{ obi_name_DB_NAMESPACE, true, 0 },      { obi_name_DB_OPERATION, true, 0 },
	{ obi_name_DB_STATUS, true, 0 },         { obi_name_DB_SYSTEM, true, 0 },
	{ obi_name_ERROR_TYPE, true, 0 },        { obi_name_INSTANCE, true, SINK_PROMETHEUS },
	{ "job", true, SINK_PROMETHEUS },        { obi_name_SERVER_ADDRESS, true, 0 },
	{ obi_name_SERVER_PORT, true, 0 },       { obi_name_SERVICE_NAME, true, 0 },
	{ obi_name_SERVICE_NAMESPACE, true, 0 },
};

const struct attribute_group db_server_attributes = { server, ARRAY_SIZE(server) };

static const struct attribute client[] = {
	{ obi_name_DB_COLLECTION, false, 0 },
	{ obi_name_DB_NAMESPACE, true, 0 },
	{ obi_name_DB_OPERATION, true, 0 },
	{ obi_name_DB_STATUS, true, 0 },
	{ obi_name_DB_SYSTEM, true, 0 },
	{ obi_name_ERROR_TYPE, true, 0 },
	{ obi_name_INSTANCE, true, SINK_PROMETHEUS },
	{ "job", true, SINK_PROMETHEUS },
	{ obi_name_SERVER_ADDRESS, true, 0 },
	{ obi_name_SERVER_PORT, true, 0 },
	{ obi_name_SERVICE_NAME, true, 0 },
	{ obi_name_SERVICE_NAMESPACE, true, 0 },
};

const struct attribute_group db_client_attributes = { client, ARRAY_SIZE(client) };

const struct measures_family measures_db = {
	.sides = {
		{ &db_server_attributes, { METRIC_DB_SERVER_DURATION }, 1 },
		{ &db_client_attributes, { METRIC_DB_CLIENT_DURATION }, 1 },
	},
	.count = 2,
	.side = measures_side_by_kind,
	.value = measures_duration,
};
