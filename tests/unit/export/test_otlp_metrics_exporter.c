// SPDX-License-Identifier: Apache-2.0
/* The exporter against an outbox that keeps what it is given. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "export/exporter.h"
#include "metrics/internal_metrics.h"
#include "otlp/json.h"
#include "otlp/outbox.h"
#include "sample.h"
#include "settings/settings.h"
#include "text.h"

static struct {
	struct buffer json;
	uint32_t points;
	int puts;
} sent;

int outbox_put(enum otlp_signal signal, const struct buffer *body, uint32_t items)
{
	assert_int_equal(signal, OTLP_METRICS);
	assert_false(body->failed);
	assert_int_equal(otlp_json_put(OTLP_METRICS, slice_of(body->data, body->len),
				       OTLP_JSON_COMPACT, &sent.json),
			 0);
	buffer_put_char(&sent.json, '\n');
	sent.points += items;
	sent.puts++;
	return 0;
}

struct outbox_counts outbox_counts(enum otlp_signal signal)
{
	return (struct outbox_counts){ .exported = 40 + signal,
				       .queued = 3,
				       .queued_bytes = 1000,
				       .dropped = { [OUTBOX_REFUSED] = 2 } };
}

const char *outbox_drop_name(enum outbox_drop reason)
{
	return reason == OUTBOX_REFUSED ? "refused" : "other";
}

static struct obi_settings settings;
static void *state;

static void begin(const char *yaml)
{
	char *env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318", NULL };
	struct obi_error error;
	char why[128];

	if (obi_settings_load_text("test", slice_cstr(yaml), env, &settings, &error) != 0)
		fail_msg("%s", error.text);
	assert_true(exporter_otlp_metrics.wanted(&settings));
	assert_int_equal(exporter_otlp_metrics.open(&settings, &state, why, sizeof(why)), 0);
}

/* What is sent until all is out. */
static const char *close_all(void)
{
	exporter_otlp_metrics.close(state);
	buffer_put_char(&sent.json, '\0');
	return sent.json.data;
}

static void end(void)
{
	obi_settings_free(&settings);
	buffer_free(&sent.json);
	memset(&sent, 0, sizeof(sent));
	obi_internal_free();
}

static void each_service_has_a_resource_of_its_own(void **unused)
{
	struct obi_service other = sample_gosrv;
	struct obi_span span = sample_server();
	const char *json;

	(void)snprintf(other.name, sizeof(other.name), "cart");
	(void)snprintf(other.instance, sizeof(other.instance), "vm:7");
	begin("metrics:\n  features: [application, application_span_otel, application_host]\n");
	exporter_otlp_metrics.service(state, &sample_gosrv, true);
	exporter_otlp_metrics.put_span(state, &span);
	exporter_otlp_metrics.put_span(state, &span);
	span.service = &other;
	exporter_otlp_metrics.put_span(state, &span);
	span.flags = OBI_SPAN_IGNORE_METRICS;
	exporter_otlp_metrics.put_span(state, &span);
	json = close_all();
	assert_int_equal(sent.puts, 1);
	assert_int_equal(count_of(json, "\"resource\":"), 3);
	assert_int_equal(count_of(json, "\"scope\":{\"name\":\"go.opentelemetry.io/obi\""), 3);
	assert_int_equal(count_of(json, "{\"key\":\"service.instance.id\",\"value\":{"
					"\"stringValue\":\"vm:7\"}}"),
			 5); /* resource, two of spans, two of targets */
	has(json, "\"name\":\"http.server.request.duration\"");
	has(json, "\"name\":\"traces.span.metrics.calls\"");
	has(json, "\"name\":\"traces.host.info\"");
	has(json, "\"name\":\"target.info\"");
	has(json, "{\"key\":\"http.response.status_code\",\"value\":{\"intValue\":\"200\"}}");
	has(json, "{\"key\":\"span.kind\",\"value\":{\"stringValue\":\"SPAN_KIND_SERVER\"}}");
	has_not(json, "\"key\":\"job\"");
	has_not(json, "\"key\":\"instance\"");
	end();
}

static void a_service_has_the_metrics_of_its_entry(void **unused)
{
	struct obi_service spans = sample_gosrv, none = sample_gosrv;
	struct obi_span span = sample_server();
	const char *json;

	spans.entries.last = 1;
	(void)snprintf(spans.name, sizeof(spans.name), "spans");
	none.entries.last = 2;
	(void)snprintf(none.name, sizeof(none.name), "none");
	begin("discovery:\n  instrument:\n"
	      "    - {exe_path: a, metrics: {features: [application_span_otel]}}\n"
	      "    - {exe_path: b, metrics: {features: []}}\n"
	      "otel_metrics_export: {reporters_cache_len: 2}\n");
	for (int i = 0; i < 3; i++) {
		span.service = (const struct obi_service *[]){ &sample_gosrv, &spans, &none }[i];
		exporter_otlp_metrics.service(state, span.service, true);
		exporter_otlp_metrics.put_span(state, &span);
	}
	/* None takes no place from another. */
	assert_int_equal(sent.puts, 0);
	json = close_all();
	assert_int_equal(count_of(json, "\"resource\":"), 2);
	assert_int_equal(count_of(json, "\"name\":\"http.server.request.duration\""), 1);
	assert_int_equal(count_of(json, "\"name\":\"target.info\""), 1);
	assert_int_equal(count_of(json, "\"name\":\"traces.span.metrics.calls\""), 1);
	assert_int_equal(count_of(json, "\"name\":\"traces.target.info\""), 1);
	has_not(json, "none");
	has_not(json, "traces.host.info");
	end();
}

static void resources_may_be_empty(void **unused)
{
	struct obi_service other = sample_gosrv;
	struct obi_span span = sample_server();
	const char *json;

	(void)snprintf(other.name, sizeof(other.name), "cart");
	begin("attributes:\n  select:\n    resource:\n      exclude: ['*']\n");
	exporter_otlp_metrics.put_span(state, &span);
	span.service = &other;
	exporter_otlp_metrics.put_span(state, &span);
	json = close_all();
	assert_int_equal(count_of(json, "\"resource\":{}"), 2);
	assert_int_equal(count_of(json, "\"name\":\"http.server.request.duration\""), 2);
	end();
}

static void flows_have_the_scope_of_the_network(void **unused)
{
	struct obi_flow_record flow = {
		.flow = { .value = { .bytes = 486, .initiator = OBI_INITIATOR_SRC } },
	};
	const char *json;

	begin("network:\n  enable: true\n");
	exporter_otlp_metrics.put_flow(state, &flow);
	json = close_all();
	has(json, "{\"key\":\"obi.version\",\"value\":{\"stringValue\":\"v" OBI_VERSION "\"}}");
	has(json, "\"scope\":{\"name\":\"network_ebpf_events\"");
	has(json, "\"name\":\"obi.network.flow.bytes\"");
	has(json, "\"unit\":\"{bytes}\"");
	has(json, "{\"key\":\"direction\",\"value\":{\"stringValue\":\"request\"}}");
	has(json, "\"asInt\":\"486\"");
	end();
}

static void what_is_of_the_host_has_one_resource(void **unused)
{
	struct obi_flow_record flow = {
		.flow = { .value = { .bytes = 486, .initiator = OBI_INITIATOR_SRC } },
	};
	const char *json;

	begin("metrics:\n  features: [network, application_host]\n");
	exporter_otlp_metrics.service(state, &sample_gosrv, true);
	exporter_otlp_metrics.put_flow(state, &flow);
	json = close_all();
	assert_int_equal(count_of(json, "\"resource\":"), 1);
	has(json, "\"scope\":{\"name\":\"network_ebpf_events\"");
	has(json, "\"scope\":{\"name\":\"go.opentelemetry.io/obi\"");
	assert_int_equal(sent.points, 2);
	end();
}

static void the_program_speaks_of_itself_where_asked(void **unused)
{
	const char *json;

	begin("internal_metrics:\n  exporter: otel\n");
	obi_internal_set(OBI_INTERNAL_RECORDS, NULL, 12);
	json = close_all();
	has(json, "{\"key\":\"service.name\",\"value\":{\"stringValue\":"
		  "\"opentelemetry-ebpf-instrumentation\"}}");
	has(json, "\"name\":\"obi.records\"");
	has(json, "\"name\":\"obi.internal.build.info\"");
	has(json, "{\"key\":\"obi.version\"");
	has(json, "\"name\":\"obi.otel.trace.exports\"");
	has(json, "\"asInt\":\"40\"");
	has(json, "\"asInt\":\"41\"");
	assert_int_equal(
		count_of(json, "{\"key\":\"obi.error\",\"value\":{\"stringValue\":\"refused\"}}"),
		2);
	has(json, "\"name\":\"obi.queue.capacity.ratio\"");
	has(json, "{\"key\":\"telemetry.type\",\"value\":{\"stringValue\":\"metrics\"}}");
	end();

	begin("{}");
	obi_internal_set(OBI_INTERNAL_RECORDS, NULL, 12);
	(void)close_all();
	assert_int_equal(sent.points, 0);
	end();
}

static void a_collection_comes_each_interval(void **unused)
{
	struct obi_span span = sample_server();
	uint64_t opened;

	begin("otel_metrics_export:\n  interval: 50s\n");
	opened = clock_monotonic_ns(); /* or up to some seconds ago */
	exporter_otlp_metrics.put_span(state, &span);
	exporter_otlp_metrics.tick(state, opened + 40 * NSEC_PER_SEC);
	assert_int_equal(sent.puts, 0);
	exporter_otlp_metrics.tick(state, opened + 50 * NSEC_PER_SEC);
	assert_int_equal(sent.puts, 1);
	exporter_otlp_metrics.tick(state, opened + 51 * NSEC_PER_SEC);
	assert_int_equal(sent.puts, 1);
	exporter_otlp_metrics.tick(state, opened + 100 * NSEC_PER_SEC);
	assert_int_equal(sent.puts, 2);
	(void)close_all();
	assert_int_equal(sent.puts, 3);
	end();
}

/* A cache of two for three services: what the first one counted is out before it goes. */
static void an_evicted_service_is_sent_first(void **unused)
{
	static struct obi_service services[3];
	struct obi_span span = sample_server();
	const char *json;

	begin("otel_metrics_export:\n  reporters_cache_len: 2\n");
	for (int i = 0; i < 3; i++) {
		services[i] = sample_gosrv;
		(void)snprintf(services[i].name, sizeof(services[i].name), "s%d", i);
		span.service = &services[i];
		exporter_otlp_metrics.put_span(state, &span);
		exporter_otlp_metrics.tick(state, clock_monotonic_ns());
	}
	assert_int_equal(sent.puts, 1);
	json = close_all();
	assert_int_equal(sent.puts, 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(count_of(json, services[i].name), 5);
	end();
}

#define ROUTES 1500 /* more than a request holds */

static struct obi_service numbered[5];

/* Spans of service n, each on a route of its own: /n/0, /n/1, ... */
static void put_routes(int n, int routes)
{
	struct obi_span span = sample_server();
	char route[64];

	numbered[n] = sample_gosrv;
	(void)snprintf(numbered[n].name, sizeof(numbered[n].name), "s%d", n);
	(void)snprintf(numbered[n].instance, sizeof(numbered[n].instance), "vm:%d", n);
	span.service = &numbered[n];
	for (int i = 0; i < routes; i++) {
		(void)snprintf(route, sizeof(route), "/%d/a/long/route/of/many/parts/%d", n, i);
		span.op.http.route = slice_cstr(route);
		exporter_otlp_metrics.put_span(state, &span);
	}
}

/* Under a resource stand routes of its own service alone. Adds up those of each service. */
static void check_resources(const char *json, size_t ret_routes[5])
{
	static const char begins[] = "{\"resource\":";

	memset(ret_routes, 0, 5 * sizeof(ret_routes[0]));
	for (const char *at = strstr(json, begins), *next; at; at = next) {
		size_t len;
		char *part;
		int own = -1;

		next = strstr(at + 1, begins);
		len = next ? (size_t)(next - at) : strlen(at);
		part = strndup(at, len);
		for (int n = 0; n < 5; n++) {
			char name[64], route[64];
			size_t routes;

			(void)snprintf(name, sizeof(name),
				       "\"service.name\",\"value\":{\"stringValue\":\"s%d\"", n);
			(void)snprintf(route, sizeof(route), "\"/%d/a/long", n);
			own = strstr(part, name) ? n : own;
			routes = count_of(part, route);
			if (routes && own != n)
				fail_msg("%zu points of s%d under s%d", routes, n, own);
			ret_routes[n] += routes;
		}
		free(part);
	}
}

static void tick_once(void)
{
	(void)usleep(1000);
	exporter_otlp_metrics.tick(state, clock_monotonic_ns());
}

/* A collection stands in the middle of one service while another one makes room for a new one. */
static void check_eviction_while(int reading, int evicted, int services)
{
	char yaml[256];
	size_t routes[5];
	int before;

	(void)snprintf(yaml, sizeof(yaml),
		       "otel_metrics_export:\n  interval: 100ms\n  reporters_cache_len: %d\n"
		       "attributes:\n  metric_span_names_limit: 0\n",
		       services);
	begin(yaml);
	settings.otlp.metrics.interval = 3600 * NSEC_PER_SEC; /* only one collection */
	for (int n = 0; n < services; n++)
		put_routes(n, n == reading ? ROUTES : 1);
	tick_once();
	for (int n = 0; n < services; n++)
		if (n != evicted) /* which so is the one that was silent longest */
			put_routes(n, 1);
	while (!sent.puts)
		tick_once();
	assert_int_equal(sent.puts, 1);
	put_routes(services, 1);
	do {
		before = sent.puts;
		tick_once();
	} while (sent.puts > before);
	buffer_put_char(&sent.json, '\0');
	check_resources(sent.json.data, routes);
	/* What the evicted one counted is told as it goes, also where it has had its turn. */
	for (int n = 0; n < services; n++)
		assert_int_equal(routes[n], 3 * (n == reading                  ? ROUTES
						 : n == evicted && n < reading ? 2
									       : 1));
	(void)close_all();
	end();
}

static void points_stay_with_their_service_while_others_are_evicted(void **unused)
{
	for (int services = 2; services < 5; services++)
		for (int reading = 0; reading < services; reading++)
			for (int evicted = 0; evicted < services; evicted++)
				if (evicted != reading)
					check_eviction_while(reading, evicted, services);
}

static void large_collections_take_several_requests(void **unused)
{
	struct obi_span span = sample_server();
	char route[64];

	begin("metrics:\n  features: [application, application_span]\n"
	      "otel_metrics_export:\n  interval: 1ms\nattributes:\n  metric_span_names_limit: 0\n");
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(route, sizeof(route), "/a/long/route/of/many/parts/%d", i);
		span.op.http.route = slice_cstr(route);
		exporter_otlp_metrics.put_span(state, &span);
	}
	(void)close_all();
	assert_true(sent.puts > 1);
	assert_int_equal(sent.points, 3000 * 5 + 2); /* target.info, traces.target.info */
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_service_has_a_resource_of_its_own),
		cmocka_unit_test(a_service_has_the_metrics_of_its_entry),
		cmocka_unit_test(resources_may_be_empty),
		cmocka_unit_test(flows_have_the_scope_of_the_network),
		cmocka_unit_test(what_is_of_the_host_has_one_resource),
		cmocka_unit_test(the_program_speaks_of_itself_where_asked),
		cmocka_unit_test(a_collection_comes_each_interval),
		cmocka_unit_test(an_evicted_service_is_sent_first),
		cmocka_unit_test(points_stay_with_their_service_while_others_are_evicted),
		cmocka_unit_test(large_collections_take_several_requests),
	};

	return cmocka_run_group_tests_name("otlp_metrics_exporter", tests, NULL, NULL);
}
