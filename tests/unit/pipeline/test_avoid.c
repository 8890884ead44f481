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
	struct obi_span span = { .kind = type,
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

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define TRACES "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
#define METRICS "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

static void exports_by_grpc_are_told_by_their_path(void **state)
{
	assert_int_equal(avoid_stage_http2(&stage, 7, SLICE_LIT(PREFACE)), 0);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), 0);
	assert_int_equal(avoid_stage_http2(&stage, 7, SLICE_LIT(PREFACE "\0\0\x50" TRACES "x")),
			 OBI_SIGNAL_TRACES);
	assert_int_equal(avoid_stage_http2(&stage, 7, SLICE_LIT(TRACES)), 0);
	assert_int_equal(put(7, OBI_KIND_SERVER, "/", 200, NULL), OBI_SPAN_UNSAMPLED);
	assert_int_equal(avoid_stage_http2(&stage, 7, SLICE_LIT(TRACES METRICS)),
			 OBI_SIGNAL_METRICS);
	assert_int_equal(avoid_stage_http2(&stage, 8, slice_first(SLICE_LIT(TRACES), 58)), 0);
	options.exclude_otel_instrumented = false;
	assert_int_equal(avoid_stage_http2(&stage, 9, SLICE_LIT(TRACES)), 0);
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
		cmocka_unit_test_setup(exports_by_grpc_are_told_by_their_path, setup),
		cmocka_unit_test_setup(a_process_that_is_gone_is_forgotten, setup),
	};

	return cmocka_run_group_tests_name("pipeline/avoid", tests, NULL, NULL);
}
