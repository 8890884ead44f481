// SPDX-License-Identifier: Apache-2.0
/* What applications say becomes metrics in every format: always valid UTF-8, whole messages,
 * bounded. The Accept header comes from outside too. */
#include <stdint.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "export/accept.h"
#include "metrics/families/families.h"
#include "metrics/render.h"
#include "otlp/json.h"
#include "otlp/metrics.h"
#include "settings/settings.h"

static const char yaml[] =
	"metrics: {features: [all], series_limit: 8}\n"
	"attributes: {metric_span_names_limit: 3, select: {'*': {include: ['*']}}}\n"
	"prometheus_export: {exemplar_filter: always_on, "
	"extra_span_resource_attributes: [a.b, c]}\n";

static struct obi_settings settings;
static struct families_shared shared;
static struct family_options options[2];
static struct families *families[2]; /* Prometheus, OTLP */

static void open_families(void)
{
	static const enum metrics_sink sinks[] = { SINK_PROMETHEUS, SINK_OTLP };
	static char *env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", NULL };
	struct obi_error error;

	if (obi_settings_load_text("fuzz", SLICE_LIT(yaml), env, &settings, &error) ||
	    families_shared_init(&settings, &shared))
		abort();
	for (int i = 0; i < 2; i++) {
		options[i] = families_options(&settings, sinks[i], &shared);
		if (families_new_with(&options[i], &families[i]))
			abort();
	}
}

static struct slice next_line(struct slice *input)
{
	ptrdiff_t end = slice_find(*input, '\n');
	struct slice line = end < 0 ? *input : slice_first(*input, (size_t)end);

	*input = slice_from(*input, line.len + 1);
	return line;
}

static const struct obi_system fuzz_systems[OBI_FAMILIES] = {
	[OBI_FAMILY_HTTP] = { OBI_FAMILY_HTTP, "", "http", "HTTP" },
	[OBI_FAMILY_RPC] = { OBI_FAMILY_RPC, "grpc", "grpc", "GRPC" },
	[OBI_FAMILY_DB] = { OBI_FAMILY_DB, "postgresql", "sql", "SQL" },
	[OBI_FAMILY_MESSAGING] = { OBI_FAMILY_MESSAGING, "kafka", "kafka", "KAFKA" },
	[OBI_FAMILY_DNS] = { OBI_FAMILY_DNS, "", "dns", "DNS" },
	[OBI_FAMILY_TLS] = { OBI_FAMILY_TLS, "", "tls", "TLS" },
};

static void copy(struct slice from, char *to, size_t size)
{
	from = slice_first(from, size - 1);
	if (from.len)
		memcpy(to, from.data, from.len);
	to[from.len] = '\0';
}

/* The same texts, whatever family they are of. */
static void set_operation(struct obi_span *span, struct slice *input)
{
	struct slice first = next_line(input), second = next_line(input);
	union obi_operation *op = &span->op;

	switch (span->system->family) {
	case OBI_FAMILY_HTTP:
		op->http.method = first;
		op->http.route = second;
		op->http.path = *input;
		op->http.status = (int)(input->len % 700);
		break;
	case OBI_FAMILY_RPC:
		op->rpc.method = first;
		op->rpc.message = second;
		op->rpc.status = (int)(input->len % 20) - 1;
		break;
	case OBI_FAMILY_DB:
		op->db.operation = op->db.query = first;
		op->db.collection = op->db.status = second;
		op->db.name_space = *input;
		break;
	case OBI_FAMILY_MESSAGING:
		op->messaging.operation = first;
		op->messaging.destination = second;
		op->messaging.client_id = *input;
		break;
	case OBI_FAMILY_TLS:
		op->handshake.error = *input;
		break;
	case OBI_FAMILY_DNS:
	case OBI_FAMILIES:
		op->dns.type = first;
		op->dns.name = second;
		op->dns.answers = op->dns.error = *input;
		break;
	}
}

static void feed(struct slice input)
{
	struct obi_service service = { .language = "go", .instance = "h:1" };
	struct obi_span span = { .system = &fuzz_systems[input.len % OBI_FAMILIES],
				 .service = &service,
				 .end_ns = 1000 * input.len };

	copy(next_line(&input), service.name, sizeof(service.name));
	copy(next_line(&input), service.name_space, sizeof(service.name_space));
	copy(next_line(&input), service.resource_attributes, sizeof(service.resource_attributes));
	span.host_name = next_line(&input);
	span.peer_name = next_line(&input);
	set_operation(&span, &input);
	span.kind = span.system->family == OBI_FAMILY_HTTP
			    ? (input.len & 1 ? OBI_KIND_CLIENT : OBI_KIND_SERVER)
			    : (enum obi_span_kind)(input.len % OBI_KINDS);
	span.peer_addr[0] = (uint8_t)(input.len & 2);
	for (int i = 0; i < 2; i++) {
		families_service(families[i], &service, input.len & 4, 1);
		families_put_span(families[i], &span, 1);
	}
}

static void render(enum metrics_format format)
{
	struct metrics_rendering rendering;
	struct buffer text = { 0 };

	metrics_render_begin(&rendering, families_metrics(families[0]), format);
	if (metrics_render(&rendering, &text, SIZE_MAX) || text.failed)
		abort();
	metrics_render_end(&rendering);
	if (format != METRICS_PROTOBUF && !utf8_valid(slice_of(text.data, text.len)))
		abort();
	buffer_free(&text);
}

static void encode(void)
{
	struct otlp_metrics_reader reader;
	struct buffer request = { 0 }, json = { 0 };
	uint32_t points = 0;
	size_t mark;

	otlp_metrics_begin(&reader, families_metrics(families[1]), OBI_TEMPORALITY_DELTA, 2);
	mark = otlp_metrics_begin_resource(SLICE_LIT(""), &request);
	if (otlp_metrics_put(&reader, SLICE_LIT("fuzz"), &request, SIZE_MAX, &points))
		abort();
	otlp_metrics_end_resource(mark, &request);
	otlp_metrics_end(&reader);
	if (otlp_json_put(OTLP_METRICS, slice_of(request.data, request.len), OTLP_JSON_COMPACT,
			  &json) != 0 ||
	    !utf8_valid(slice_of(json.data, json.len)))
		abort();
	buffer_free(&request);
	buffer_free(&json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);

	if (!families[0])
		open_families();
	render(accept_format(input));
	feed(input);
	for (int format = METRICS_TEXT; format <= METRICS_PROTOBUF; format++)
		render((enum metrics_format)format);
	encode();
	if (metrics_series(families_metrics(families[0])) > (size_t)8 * 32)
		abort();
	return 0;
}
