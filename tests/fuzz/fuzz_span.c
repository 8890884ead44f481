// SPDX-License-Identifier: Apache-2.0
/*
 * A span whose texts are arbitrary bytes passes the pipeline and every way out: text and
 * JSON must come out as one line of valid UTF-8, metrics as they must be escaped.
 * Input: a byte for the mode of routes, then lines: method, path, query, host, name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "export/text/span_text.h"
#include "metrics/families/families.h"
#include "pipeline/pipeline.h"
#include "settings/settings.h"

static struct families *families;
static struct local_second second;

static const char yaml[] = "routes:\n"
			   "  patterns: [/users/:id, '/@:name/*', /a/b/c]\n"
			   "  ignored_patterns: [/health]\n"
			   "attributes:\n"
			   "  select:\n"
			   "    http.server.*:\n"
			   "      include: [url.path, http.route, client.address]\n";

static void check_line(const struct buffer *line)
{
	struct slice text = slice_of(line->data, line->len);

	if (!utf8_valid(text) || slice_find(text, '\n') >= 0 || slice_find(text, '\x1b') >= 0)
		abort();
}

static void take(void *context, struct obi_span *span)
{
	struct buffer buf = { 0 };

	span_put_text(span, &second, &buf);
	check_line(&buf);
	buf.len = 0;
	span_put_json(span, -1, &buf);
	check_line(&buf);
	buf.len = 0;
	families_put_span(families, span, 0);
	families_put_text(families, &buf);
	if (!utf8_valid(slice_of(buf.data, buf.len)))
		abort();
	metrics_expire(families_metrics(families), UINT64_MAX);
	buffer_free(&buf);
}

static struct slice next_line(struct slice *input)
{
	ptrdiff_t end = slice_find(*input, '\n');
	struct slice line = end < 0 ? *input : slice_first(*input, (size_t)end);

	*input = slice_from(*input, line.len + 1);
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int modes[] = { OBI_UNMATCHED_UNSET, OBI_UNMATCHED_PATH,
				     OBI_UNMATCHED_WILDCARD, OBI_UNMATCHED_HEURISTIC,
				     OBI_UNMATCHED_LOW_CARDINALITY };
	static struct obi_settings settings;
	static struct obi_pipeline *pipelines[5];
	static char *env[] = { NULL };
	struct slice input = slice_of(data, size), name;
	struct obi_service service = { .language = "go", .instance = "h:1" };
	struct obi_span span = { .system = &obi_system_http,
				 .service = &service,
				 .op.http.status = 200 };
	struct obi_error error;
	size_t mode;

	if (!families) {
		if (obi_settings_load_text("fuzz", SLICE_LIT(yaml), env, &settings, &error) ||
		    families_new(&settings, &families))
			abort();
	}
	mode = size ? data[0] % 5 : 0;
	settings.pipeline.routes.unmatched = modes[mode];
	if (!pipelines[mode])
		pipelines[mode] =
			obi_pipeline_new(&settings, (struct obi_span_sink){ .put = take });
	input = slice_from(input, 1);
	span.op.http.method = next_line(&input);
	span.op.http.path = next_line(&input);
	span.op.http.query = next_line(&input);
	span.op.http.host = next_line(&input);
	name = slice_first(next_line(&input), sizeof(service.name) - 1);
	memcpy(service.name, name.data, name.len);
	span.kind = size & 1 ? OBI_KIND_CLIENT : OBI_KIND_SERVER;
	obi_pipeline_put(pipelines[mode], &span);
	return 0;
}
