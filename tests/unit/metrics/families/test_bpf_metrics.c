// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/families/families_fixture.h"
#include "metrics/promtool.h"

#define FEATURES "{metrics: {features: [ebpf]}, prometheus_export: {port: 9400}}"
#define LABELS "{probe_id=\"7\",probe_name=\"tp_sock_recv\",probe_type=\"Tracing\""

static struct obi_bpf_program program_after(uint64_t runs, uint64_t run_ns)
{
	return (struct obi_bpf_program){
		.id = 7, .runs = runs, .run_ns = run_ns, .kind = "Tracing", .name = "tp_sock_recv"
	};
}

static void runs_count_as_long_as_their_average(void **state)
{
	struct obi_bpf_program first = program_after(4, 4001), second = program_after(104, 604001);
	struct fixture f;

	begin(&f, FEATURES);
	families_put_program(f.families, &first, 0);
	has(&f, "# TYPE bpf_probe_latency_seconds histogram\n"
		"bpf_probe_latency_seconds_bucket" LABELS ",le=\"1e-07\"} 0\n");
	has(&f, "bpf_probe_latency_seconds_bucket" LABELS ",le=\"1e-06\"} 4\n");
	has(&f, "bpf_probe_latency_seconds_sum" LABELS "} 0.000004001\n"
		"bpf_probe_latency_seconds_count" LABELS "} 4\n");
	/* Read again without a run: nothing is counted twice. */
	families_put_program(f.families, &first, 0);
	has(&f, "bpf_probe_latency_seconds_count" LABELS "} 4\n");
	families_put_program(f.families, &second, 0); /* 100 of 6 us */
	has(&f, "bpf_probe_latency_seconds_bucket" LABELS ",le=\"5e-06\"} 4\n"
		"bpf_probe_latency_seconds_bucket" LABELS ",le=\"1e-05\"} 104\n");
	has(&f, "bpf_probe_latency_seconds_sum" LABELS "} 0.000604001\n");
	if (promtool_is_there())
		assert_true(promtool_accepts(slice_cstr(text_of(&f))));
	end(&f);
}

static void a_program_that_never_ran_has_no_latency(void **state)
{
	struct obi_bpf_program program = program_after(0, 0);
	struct fixture f;

	begin(&f, FEATURES);
	families_put_program(f.families, &program, 0);
	has_not(&f, "bpf_probe_latency_seconds{");
	end(&f);
}

static void entries_of_a_map_go_up_and_down(void **state)
{
	struct obi_bpf_map map = {
		.id = 3, .max_entries = 1000, .entries = 50, .kind = "LRUHash", .name = "threads"
	};
	struct fixture f;

	begin(&f, FEATURES);
	families_put_map(f.families, &map, 0);
	has(&f, "bpf_map_entries_total{map_id=\"3\",map_name=\"threads\",map_type=\"LRUHash\","
		"max_entries=\"1000\"} 50\n");
	map.entries = 20;
	families_put_map(f.families, &map, 0);
	has(&f, "max_entries=\"1000\"} 20\n");
	end(&f);
}

static void they_are_made_only_where_asked_for(void **state)
{
	struct obi_bpf_program program = program_after(4, 4001);
	struct fixture f;

	begin(&f, "{}");
	families_put_program(f.families, &program, 0);
	has_not(&f, "bpf_");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_count_as_long_as_their_average),
		cmocka_unit_test(a_program_that_never_ran_has_no_latency),
		cmocka_unit_test(entries_of_a_map_go_up_and_down),
		cmocka_unit_test(they_are_made_only_where_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
