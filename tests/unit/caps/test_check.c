// SPDX-License-Identifier: Apache-2.0
/* Each row of the rules, configuration by kernel by what is held. */
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "caps/check.h"

#define NETWORK "OTEL_EBPF_NETWORK_METRICS=1"
#define TC "OTEL_EBPF_NETWORK_SOURCE=tc"
#define APPLICATION "OTEL_EBPF_OPEN_PORT=8080"
#define PROPAGATION "OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all"
#define TLS_OFF "OTEL_EBPF_BPF_TLS_PROBES=false"
#define PROMETHEUS "OTEL_EBPF_PROMETHEUS_PORT=9400"
#define STATS "OTEL_EBPF_METRICS_FEATURES=stats"

#define ALL_APPLICATION                                                                            \
	"CAP_DAC_READ_SEARCH, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF, "                 \
	"CAP_CHECKPOINT_RESTORE"

#define CAP(name_) OBI_CAP(CAP_##name_)

struct row {
	const char *env[4];
	int major, minor;
	uint64_t held;
	const char *missing;
};

static const struct row rows[] = {
	/* Nothing held, kernel 5.11 or later. */
	{ { NETWORK }, 6, 1, 0, "CAP_NET_RAW, CAP_BPF" },
	{ { NETWORK, TC }, 6, 1, 0, "CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF" },
	{ { APPLICATION }, 6, 1, 0, ALL_APPLICATION },
	{ { APPLICATION, PROPAGATION },
	  6,
	  1,
	  0,
	  "CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF, "
	  "CAP_CHECKPOINT_RESTORE" },
	{ { APPLICATION, "OTEL_EBPF_CONTEXT_PROPAGATION=headers" },
	  6,
	  1,
	  0,
	  "CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF, "
	  "CAP_CHECKPOINT_RESTORE" },
	{ { APPLICATION, "OTEL_EBPF_BPF_CONTEXT_PROPAGATION=disabled" }, 6, 1, 0, ALL_APPLICATION },
	{ { APPLICATION, NETWORK }, 6, 1, 0, ALL_APPLICATION },
	{ { APPLICATION, NETWORK, TC },
	  6,
	  1,
	  0,
	  "CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF, "
	  "CAP_CHECKPOINT_RESTORE" },
	{ { PROMETHEUS, STATS }, 6, 1, 0, "CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, CAP_BPF" },
	{ { PROMETHEUS, "OTEL_EBPF_METRICS_FEATURES=network_flow_packets" },
	  6,
	  1,
	  0,
	  "CAP_NET_RAW, CAP_BPF" },
	/* A feature without an exporter, source or propagation without their mode. */
	{ { "OTEL_EBPF_METRICS_FEATURES=network" }, 6, 1, 0, "CAP_BPF" },
	{ { STATS }, 6, 1, 0, "CAP_BPF" },
	{ { TC, PROPAGATION }, 6, 1, 0, "CAP_BPF" },
	{ { NULL }, 6, 1, 0, "CAP_BPF" },
	/* Other ways of selecting processes. */
	{ { "OTEL_EBPF_AUTO_TARGET_EXE=*" }, 6, 1, 0, ALL_APPLICATION },
	{ { "OTEL_EBPF_AUTO_TARGET_LANGUAGE=go" }, 6, 1, 0, ALL_APPLICATION },
	{ { "OTEL_EBPF_TARGET_PID=1" }, 6, 1, 0, ALL_APPLICATION },
	/* Something held. */
	{ { APPLICATION },
	  6,
	  1,
	  CAP(BPF),
	  "CAP_DAC_READ_SEARCH, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_PERFMON, "
	  "CAP_CHECKPOINT_RESTORE" },
	{ { NETWORK }, 6, 1, CAP(BPF) | CAP(NET_RAW), "" },
	{ { NETWORK, TC }, 6, 1, CAP(BPF) | CAP(NET_ADMIN) | CAP(PERFMON), "" },
	{ { APPLICATION },
	  6,
	  1,
	  CAP(BPF) | CAP(DAC_READ_SEARCH) | CAP(PERFMON) | CAP(NET_RAW) | CAP(SYS_PTRACE),
	  "CAP_CHECKPOINT_RESTORE" },
	/* CAP_SYS_ADMIN stands for all. */
	{ { APPLICATION, PROPAGATION, NETWORK }, 6, 1, CAP(SYS_ADMIN), "" },
	{ { NETWORK }, 5, 8, CAP(SYS_ADMIN), "" },
	/* Kernels before 5.11 limit locked memory. */
	{ { NETWORK }, 5, 10, 0, "CAP_NET_RAW, CAP_SYS_RESOURCE, CAP_BPF" },
	{ { NETWORK }, 5, 11, 0, "CAP_NET_RAW, CAP_BPF" },
	{ { APPLICATION, PROPAGATION },
	  5,
	  8,
	  0,
	  "CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_PTRACE, CAP_SYS_RESOURCE, "
	  "CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE" },
	/* Before 5.8 it is the only one there is. */
	{ { APPLICATION, PROPAGATION }, 5, 7, 0, "CAP_SYS_ADMIN" },
	{ { NETWORK }, 4, 18, CAP(BPF) | CAP(NET_RAW), "CAP_SYS_ADMIN" },
	{ { NETWORK }, 4, 18, CAP(SYS_ADMIN), "" },
};

static struct obi_settings load(const char *const *env)
{
	struct obi_settings settings;
	struct obi_error error;

	if (obi_settings_load_text("", slice_of("", 0), (char **)env, &settings, &error))
		fail_msg("%s", error.text);
	return settings;
}

static void missing_capabilities_follow_configuration_kernel_and_what_is_held(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct obi_settings settings = load(rows[i].env);
		struct obi_host host = { .major = rows[i].major, .minor = rows[i].minor };
		struct buffer text = { 0 };

		obi_caps_print(&text, obi_caps_missing(&settings, &host, rows[i].held));
		buffer_put_char(&text, '\0');
		if (strcmp(text.data, rows[i].missing) != 0)
			fail_msg("row %zu: \"%s\" instead of \"%s\"", i, text.data,
				 rows[i].missing);
		buffer_free(&text);
		obi_settings_free(&settings);
	}
}

static void perf_event_paranoid_and_lockdown_change_nothing(void **state)
{
	const char *env[] = { APPLICATION, PROPAGATION, NULL };
	struct obi_settings settings = load(env);
	struct obi_host host = { .major = 6, .minor = 1 };
	uint64_t usual = obi_caps_required(&settings, &host);

	host.perf_event_paranoid = 4;
	host.lockdown = OBI_LOCKDOWN_CONFIDENTIALITY;
	assert_int_equal(obi_caps_required(&settings, &host), usual);
	obi_settings_free(&settings);
}

static void error_text_is_the_existing_one(void **state)
{
	struct buffer text = { 0 };

	obi_caps_print_error(&text, CAP(BPF) | CAP(CHECKPOINT_RESTORE) | CAP(DAC_READ_SEARCH));
	buffer_put_char(&text, '\0');
	assert_string_equal(text.data, "the following capabilities are required: "
				       "CAP_DAC_READ_SEARCH, CAP_BPF, CAP_CHECKPOINT_RESTORE");
	assert_string_equal(OBI_CAPS_WARNING,
			    "Required system capabilities not present, OBI may malfunction");
	buffer_free(&text);
}

static void number_without_name_prints_unknown(void **state)
{
	assert_string_equal(obi_cap_name(CAP_LAST_CAP), "CAP_CHECKPOINT_RESTORE");
	assert_string_equal(obi_cap_name(CAP_LAST_CAP + 1), "UNKNOWN");
	assert_string_equal(obi_cap_name(-1), "UNKNOWN");
}

/* ---- Kept after start --------------------------------------------------------------------------
 */

static void broker_keeps_only_what_goes_on_after_start(void **state)
{
	static const struct {
		const char *env[4];
		uint64_t keep, look;
	} cases[] = {
		{ { NETWORK }, CAP(BPF), 0 },
		{ { NETWORK, TC }, CAP(BPF) | CAP(NET_ADMIN), 0 },
		{ { APPLICATION, TLS_OFF }, CAP(BPF), CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) },
		{ { APPLICATION },
		  CAP(BPF) | CAP(PERFMON),
		  CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(CHECKPOINT_RESTORE) },
		{ { APPLICATION, PROPAGATION },
		  CAP(BPF) | CAP(PERFMON),
		  CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH) | CAP(CHECKPOINT_RESTORE) },
	};
	struct obi_host host = { .major = 6, .minor = 6 }, old = { .major = 4, .minor = 18 };
	struct obi_host no_multi = { .major = 6, .minor = 5 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_settings settings = load(cases[i].env);
		uint64_t probes = cases[i].keep & CAP(PERFMON) ? CAP(SYS_ADMIN) : 0;
		uint64_t keep = obi_caps_keep(&settings, &host);

		assert_int_equal(keep, cases[i].keep);
		assert_int_equal(obi_caps_look(&settings, &host), cases[i].look);
		assert_int_equal(keep & ~obi_caps_required(&settings, &host), 0);
		/* Not asked for, but kept where it was given: perf events hold the probes. */
		assert_int_equal(obi_caps_keep(&settings, &no_multi), cases[i].keep | probes);
		assert_false(obi_caps_required(&settings, &no_multi) & CAP(SYS_ADMIN));
		assert_int_equal(obi_caps_keep(&settings, &old), CAP(SYS_ADMIN));
		obi_settings_free(&settings);
	}
}

struct proc_sets {
	unsigned long long inheritable, permitted, effective, ambient;
};

static struct proc_sets read_sets(void)
{
	struct proc_sets sets = { 0 };
	FILE *file = fopen("/proc/thread-self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		(void)sscanf(line, "CapInh: %llx", &sets.inheritable);
		(void)sscanf(line, "CapPrm: %llx", &sets.permitted);
		(void)sscanf(line, "CapEff: %llx", &sets.effective);
		(void)sscanf(line, "CapAmb: %llx", &sets.ambient);
	}
	if (file)
		(void)fclose(file);
	return sets;
}

/* Runs in a child: 0 where the sets are what they should be afterwards. */
static int limit_and_compare(uint64_t start, uint64_t keep, uint64_t expected)
{
	struct proc_sets sets;
	uint64_t effective = 0;

	if (obi_caps_set(start) || obi_caps_limit(keep))
		return 1;
	sets = read_sets();
	if (sets.permitted != expected || sets.effective != expected || sets.inheritable ||
	    sets.ambient)
		return 2;
	return obi_caps_effective(&effective) || effective != expected ? 3 : 0;
}

static void check_limit(uint64_t start, uint64_t keep, uint64_t expected)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(limit_and_compare(start, keep, expected));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void limit_takes_every_set_down_to_what_is_kept(void **state)
{
	uint64_t held = 0, some = CAP(BPF) | CAP(NET_RAW) | CAP(SYS_PTRACE) | CAP(SYS_ADMIN);

	assert_int_equal(obi_caps_effective(&held), 0);
	if ((held & some) != some)
		skip(); /* only a test with these can give them up */
	check_limit(held, CAP(BPF), CAP(BPF));
	check_limit(held, 0, 0);
	check_limit(CAP(BPF) | CAP(NET_RAW), CAP(BPF) | CAP(SYS_PTRACE), CAP(BPF));
	/* What stands for a kept one stays. */
	check_limit(CAP(SYS_ADMIN) | CAP(NET_RAW), CAP(BPF), CAP(SYS_ADMIN));
	check_limit(CAP(SYS_ADMIN) | CAP(BPF), CAP(BPF), CAP(BPF));
	check_limit(CAP(SYS_ADMIN), CAP(SYS_PTRACE), 0);
}

/* ---- Table --------------------------------------------------------------------------------------
 */

static void every_tracer_says_what_it_gives_and_why_it_needs_what(void **state)
{
	for (size_t i = 0; i < obi_tracer_count; i++) {
		const struct obi_tracer *tracer = &obi_tracers[i];
		uint64_t seen = 0;

		assert_non_null(tracer->name);
		assert_true(strlen(tracer->gives) && strlen(tracer->without) &&
			    strlen(tracer->conditions));
		assert_non_null(tracer->wanted);
		assert_non_null(tracer->needs[0].why);
		for (const struct obi_need *need = tracer->needs; need->why; need++) {
			assert_false(seen & OBI_CAP(need->capability));
			seen |= OBI_CAP(need->capability);
			assert_int_not_equal(need->try, OBI_TRY_NONE);
			assert_false((need->flags & OBI_NEED_KEEP) &&
				     (need->flags & OBI_NEED_SPARE));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_capabilities_follow_configuration_kernel_and_what_is_held),
		cmocka_unit_test(perf_event_paranoid_and_lockdown_change_nothing),
		cmocka_unit_test(error_text_is_the_existing_one),
		cmocka_unit_test(number_without_name_prints_unknown),
		cmocka_unit_test(broker_keeps_only_what_goes_on_after_start),
		cmocka_unit_test(limit_takes_every_set_down_to_what_is_kept),
		cmocka_unit_test(every_tracer_says_what_it_gives_and_why_it_needs_what),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
