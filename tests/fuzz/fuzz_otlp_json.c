// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a request: either no request, or JSON that a parser takes, in both layouts alike.
 * The first byte says which signal. */
#include <jansson.h>
#include <stdlib.h>

#include "otlp/json.h"

/* Strings may hold U+0000; numbers are not looked at closely: NaN is a string. */
static json_t *load(const struct buffer *json)
{
	json_error_t error;
	json_t *root =
		json_loadb(json->data, json->len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);

	if (!root)
		abort();
	return root;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum otlp_signal signal = size && data[0] & 1 ? OTLP_METRICS : OTLP_TRACES;
	struct slice request = slice_from(slice_of(data, size), 1);
	struct buffer compact = { 0 }, pretty = { 0 };
	int error = otlp_json_put(signal, request, OTLP_JSON_COMPACT, &compact);

	if (otlp_json_put(signal, request, OTLP_JSON_PRETTY, &pretty) != error)
		abort();
	if (!error) {
		json_t *one = load(&compact), *other = load(&pretty);

		if (!json_equal(one, other))
			abort();
		json_decref(one);
		json_decref(other);
	}
	buffer_free(&compact);
	buffer_free(&pretty);
	return 0;
}
