// SPDX-License-Identifier: Apache-2.0
/* Metrics of TLS: duration of handshakes, and until when certificates are valid. */
#include "base/cleanup.h"
#include "base/clock.h"
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

/* That of the end of its validity tells certificates apart, and is not the client's to choose. */
static const struct attribute certificate_attributes[] = {
	{ obi_name_INSTANCE, true, SINK_PROMETHEUS }, { "job", true, SINK_PROMETHEUS },
	{ obi_name_SERVER_ADDRESS, false, 0 },        { obi_name_SERVICE_NAME, true, 0 },
	{ obi_name_SERVICE_NAMESPACE, true, 0 },      { obi_name_SPAN_KIND, true, 0 },
	{ obi_name_TLS_SERVER_NAME, false, 0 },       { obi_name_TLS_NOT_AFTER, true, 0 },
};

const struct attribute_group tls_certificate_attributes = {
	certificate_attributes,
	ARRAY_SIZE(certificate_attributes),
};

/* Thousandths of days from now on. */
static bool validity_left(const struct obi_span *span, uint64_t *ret_value)
{
	int64_t now = (int64_t)(clock_realtime_ns() / NSEC_PER_SEC), left;

	if (!span->tls || !span->tls->not_after)
		return false;
	left = span->tls->not_after - now;
	*ret_value = left > 0 ? (uint64_t)left * 1000 / 86400 : 0;
	return true;
}

const struct measures_family measures_tls = {
	.sides = {
		{ &tls_attributes, { METRIC_TLS_HANDSHAKE_DURATION }, 1 },
		{ &tls_certificate_attributes, { METRIC_TLS_CERTIFICATE_EXPIRY }, 1 },
	},
	.count = 2,
	.side = measures_side_only,
	.value = measures_duration,
	.gauge = validity_left,
};
