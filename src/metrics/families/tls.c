// SPDX-License-Identifier: Apache-2.0
/* Metrics of TLS: duration of handshakes. */
#include "base/cleanup.h"
#include "metrics/families/measures.h"
#include "span/attributes.h"

static const struct attribute attributes[] = {
	{ obi_name_ERROR_TYPE, true, 0 },       { obi_name_INSTANCE, true, SINK_PROMETHEUS },
	{ "job", true, SINK_PROMETHEUS },       { obi_name_SERVER_ADDRESS, false, 0 },
	{ obi_name_SERVICE_NAME, true, 0 },     { obi_name_SERVICE_NAMESPACE, true, 0 },
	{ obi_name_SPAN_KIND, true, 0 },        { obi_name_TLS_CIPHER, false, 0 },
	{ obi_name_TLS_SERVER_NAME, false, 0 }, { obi_name_TLS_VERSION, true, 0 },
	{ obi_name_TLS_RESUMED, true, 0 },
};

const struct attribute_group tls_attributes = { attributes, ARRAY_SIZE(attributes) };

const struct measures_family measures_tls = {
	.sides = {
		{ &tls_attributes, { METRIC_TLS_HANDSHAKE_DURATION }, 1 },
	},
	.count = 1,
	.side = measures_side_only,
	.value = measures_duration,
};
