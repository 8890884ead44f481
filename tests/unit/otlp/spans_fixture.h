/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of spans from a configuration, and what it becomes. */
#ifndef OBI_TESTS_SPANS_FIXTURE_H
#define OBI_TESTS_SPANS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "otlp/json.h"
#include "otlp/spans.h"
#include "sample.h"
#include "settings/settings.h"
#include "text.h"

static struct obi_settings settings;

static inline struct otlp_spans *new_batch(const char *yaml)
{
	struct otlp_spans *batch = NULL;
	struct obi_error error;
	char *env[] = { NULL };

	if (obi_settings_load_text("test", slice_cstr(yaml), env, &settings, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(otlp_spans_new(&settings, &batch), 0);
	return batch;
}

static inline void free_batch(struct otlp_spans *batch)
{
	otlp_spans_free(batch);
	obi_settings_free(&settings);
}

/* The batch as JSON, terminated; the caller frees it. */
static inline char *take(struct otlp_spans *batch)
{
	struct buffer request = { 0 }, json = { 0 };
	size_t bytes = otlp_spans_bytes(batch);

	assert_int_equal(otlp_spans_take(batch, &request), 0);
	assert_true(request.len <= bytes);
	assert_int_equal(otlp_spans_count(batch), 0);
	assert_int_equal(otlp_spans_encoded(batch), 0);
	assert_int_equal(otlp_spans_bytes(batch), 0);
	assert_int_equal(otlp_json_put(OTLP_TRACES, slice_of(request.data, request.len),
				       OTLP_JSON_COMPACT, &json),
			 0);
	buffer_put_char(&json, '\0');
	buffer_free(&request);
	return json.data;
}

#define STRING(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define INT(key, value) "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}"
#define BOOL(key, value) "{\"key\":\"" key "\",\"value\":{\"boolValue\":" value "}}"

#endif
