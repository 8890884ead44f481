// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline/avoid.h"

static struct obi_discovery_options options;
static struct avoid_stage stage;

static int setup(void **state)
{
	options = (struct obi_discovery_options){ .exclude_otel_instrumented = true };
	stage = (struct avoid_stage){ .options = &options };
	return 0;
}

/* Flags that a span of this process gets; *ret_fresh is what the stage returns. */
static unsigned put(uint32_t pid, enum obi_span_kind type, const char *path, int status,
		    unsigned *ret_fresh)
{
	struct obi_service service = { .pid = pid };
	struct obi_span span = { .system = &obi_system_http,
				 .kind = type,
				 .op.http.path = slice_cstr(path),
				 .op.http.status = status,
				 .service = &service };
	unsigned fresh = avoid_stage_apply(&stage, &span);

	if (ret_fresh)
		*ret_fresh = fresh;
	return span.flags;
}

static void a_signal_is_left_to_who_exports_it(void **state)
{
	unsigned fresh;

	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), 0);
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/traces", 200, &fresh), OBI_SPAN_UNSAMPLED);
	assert_int_equal(fresh, OBI_SIGNAL_TRACES);
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/traces", 200, &fresh), OBI_SPAN_UNSAMPLED);
	assert_int_equal(fresh, 0);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), OBI_SPAN_UNSAMPLED);
	assert_int_equal(put(8, OBI_KIND_SERVER, "/", 200, NULL), 0);
	assert_int_equal(put(7 + AVOID_SLOTS, OBI_KIND_SERVER, "/", 200, NULL), 0);

	assert_int_equal(put(7, OBI_KIND_CLIENT, "/otlp/v1/metrics", 204, &fresh),
			 OBI_SPAN_UNSAMPLED | OBI_SPAN_OWN_METRICS);
	assert_int_equal(fresh, OBI_SIGNAL_METRICS);
}

static void metrics_of_spans_are_left_out_where_asked_for(void **state)
{
	options.exclude_otel_instrumented_span_metrics = true;
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/metrics", 200, NULL),
			 OBI_SPAN_IGNORE_METRICS);
}

static void what_proves_nothing_changes_nothing(void **state)
{
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/traces", 503, NULL), 0);
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/traces", 0, NULL), 0);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/v1/traces", 200, NULL), 0);
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/traces/x", 200, NULL), 0);
	options.exclude_otel_instrumented = false;
	assert_int_equal(put(7, OBI_KIND_CLIENT, "/v1/traces", 200, NULL), 0);
}

static const struct obi_system grpc = { .family = OBI_FAMILY_RPC, .name = "grpc" };

static unsigned put_call(uint32_t pid, enum obi_span_kind kind, const char *method, int status)
{
	struct obi_service service = { .pid = pid };
	struct obi_span span = { .system = &grpc,
				 .kind = kind,
				 .op.rpc.method = slice_cstr(method),
				 .op.rpc.status = status,
				 .service = &service };

	return avoid_stage_apply(&stage, &span);
}

#define TRACES "opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define METRICS "opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

static void exports_by_grpc_are_told_by_their_method(void **state)
{
	assert_int_equal(put_call(7, OBI_KIND_SERVER, TRACES, 0), 0);
	assert_int_equal(put_call(7, OBI_KIND_CLIENT, TRACES, 14), 0);
	assert_int_equal(put_call(7, OBI_KIND_CLIENT, TRACES "s", 0), 0);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), 0);
	assert_int_equal(put_call(7, OBI_KIND_CLIENT, TRACES, 0), OBI_SIGNAL_TRACES);
	assert_int_equal(put_call(7, OBI_KIND_CLIENT, TRACES, 0), 0);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), OBI_SPAN_UNSAMPLED);
	assert_int_equal(put_call(7, OBI_KIND_CLIENT, METRICS, 0), OBI_SIGNAL_METRICS);
	options.exclude_otel_instrumented = false;
	assert_int_equal(put_call(9, OBI_KIND_CLIENT, TRACES, 0), 0);
}

static void a_process_that_is_gone_is_forgotten(void **state)
{
	(void)put(7, OBI_KIND_CLIENT, "/v1/traces", 200, NULL);
	avoid_stage_gone(&stage, 8);
	avoid_stage_gone(&stage, 7 + AVOID_SLOTS);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), OBI_SPAN_UNSAMPLED);
	avoid_stage_gone(&stage, 7);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), 0);
	assert_int_equal(stage.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_signal_is_left_to_who_exports_it, setup),
		cmocka_unit_test_setup(metrics_of_spans_are_left_out_where_asked_for, setup),
		cmocka_unit_test_setup(what_proves_nothing_changes_nothing, setup),
		cmocka_unit_test_setup(exports_by_grpc_are_told_by_their_method, setup),
		cmocka_unit_test_setup(a_process_that_is_gone_is_forgotten, setup),
	};

	return cmocka_run_group_tests_name("pipeline/avoid", tests, NULL, NULL);
}
