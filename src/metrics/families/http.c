// SPDX-License-Identifier: Apache-2.0
/* Metrics of HTTP: duration and body sizes of requests. */
#include "base/cleanup.h"
#include "metrics/families/measures.h"
#include "span/attributes.h"
#include "span/semconv.h"

/* In the order of the labels' names, as all tables here. */
static const struct attribute attributes[] = {
	{ obi_name_CLIENT_ADDRESS, false, 0 },
	{ obi_name_HTTP_METHOD, true, 0 },
	{ obi_name_HTTP_STATUS, true, 0 },
	{ obi_name_HTTP_ROUTE, true, 0 },
	{ obi_name_INSTANCE, true, SINK_PROMETHEUS },
	{ "job", true, SINK_PROMETHEUS },
	{ obi_name_SERVER_ADDRESS, true, 0 },
	{ obi_name_SERVER_PORT, true, 0 },
	{ obi_name_SERVICE_NAME, true, 0 },
	{ obi_name_SERVICE_NAMESPACE, true, 0 },
	{ obi_name_URL_PATH, false, 0 },
	{ obi_name_URL_SCHEME, true, 0 },
};

/* On the client's side there is no client.address, the first one: it is the service itself. */
const struct attribute_group http_server_attributes = { attributes, ARRAY_SIZE(attributes) };
const struct attribute_group http_client_attributes = { attributes + 1,
							ARRAY_SIZE(attributes) - 1 };

enum side_metric {
	SIDE_DURATION,
	SIDE_REQUEST_SIZE,
	SIDE_RESPONSE_SIZE,
};

static uint64_t get_value(const struct obi_span *span, size_t metric)
{
	switch (metric) {
	case SIDE_DURATION:
		return span_duration(span);
	case SIDE_REQUEST_SIZE:
		return span_body_size(span->op.http.request_length);
	default:
		return span_body_size(span->op.http.response_length);
	}
}

const struct measures_family measures_http = {
	.sides = {
		{ &http_server_attributes,
		  { [SIDE_DURATION] = METRIC_HTTP_SERVER_DURATION,
		    [SIDE_REQUEST_SIZE] = METRIC_HTTP_SERVER_REQUEST_SIZE,
		    [SIDE_RESPONSE_SIZE] = METRIC_HTTP_SERVER_RESPONSE_SIZE },
		  3 },
		{ &http_client_attributes,
		  { [SIDE_DURATION] = METRIC_HTTP_CLIENT_DURATION,
		    [SIDE_REQUEST_SIZE] = METRIC_HTTP_CLIENT_REQUEST_SIZE,
		    [SIDE_RESPONSE_SIZE] = METRIC_HTTP_CLIENT_RESPONSE_SIZE },
		  3 },
	},
	.count = 2,
	.side = measures_side_by_kind,
	.value = get_value,
};
