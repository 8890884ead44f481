// SPDX-License-Identifier: Apache-2.0
/* Metrics of messages: duration of their sending, and of their processing. */
#include "base/cleanup.h"
#include "metrics/families/measures.h"
#include "span/attributes.h"

static const struct attribute attributes[] = {
	{ obi_name_INSTANCE, true, SINK_PROMETHEUS },
	{ "job", true, SINK_PROMETHEUS },
	{ obi_name_MESSAGING_DESTINATION, true, 0 },
	{ obi_name_MESSAGING_OPERATION_NAME, true, 0 },
	{ obi_name_MESSAGING_SYSTEM, true, 0 },
	{ obi_name_SERVER_ADDRESS, true, 0 },
	{ obi_name_SERVICE_NAME, true, 0 },
	{ obi_name_SERVICE_NAMESPACE, true, 0 },
};

const struct attribute_group messaging_attributes = { attributes, ARRAY_SIZE(attributes) };

/* Who takes a message in processes it; all else is done with the broker. */
static size_t side_by_operation(const struct obi_span *span)
{
	return slice_equal(span->op.messaging.operation, SLICE_LIT("process")) ? 1 : 0;
}

const struct measures_family measures_messaging = {
	.sides = {
		{ &messaging_attributes, { METRIC_MESSAGING_CLIENT_DURATION }, 1 },
		{ &messaging_attributes, { METRIC_MESSAGING_PROCESS_DURATION }, 1 },
	},
	.count = 2,
	.side = side_by_operation,
	.value = measures_duration,
};
