// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "caps/verdict.h"

#define CAP(name_) OBI_CAP(CAP_##name_)

/* The kernel of a test: a trial works where all of this is held. */
static uint64_t kernel_wants;
static uint64_t most_held; /* union of the masks that trials ran with */

static int pretend(void *context, enum obi_try what, uint64_t mask)
{
	most_held |= mask;
	if (what == OBI_TRY_OTHERS_EXE)
		return -ENODATA;
	return (mask & kernel_wants) == kernel_wants ? 0 : -EPERM;
}

static const struct obi_trial trial = { pretend, NULL };

static const struct obi_need perfmon = { CAP_PERFMON, "why", OBI_TRY_TRACING, 0, NULL };
static const struct obi_need bpf = { CAP_BPF, "why", OBI_TRY_MAP, 0, NULL };
static const struct obi_need net_raw = { CAP_NET_RAW, "why", OBI_TRY_PACKET_SOCKET, 0, NULL };
static const struct obi_need ptrace = { CAP_SYS_PTRACE, "why", OBI_TRY_OTHERS_EXE, 0, NULL };

static void verdict_follows_the_trials(void **state)
{
	static const struct {
		const struct obi_need *need;
		uint64_t required, effective, wants;
		enum obi_verdict expected;
		const char *text;
	} cases[] = {
		{ &bpf, CAP(BPF), CAP(BPF), CAP(BPF), OBI_VERDICT_WORKS, "present; tried: works" },
		{ &bpf, CAP(BPF), 0, CAP(BPF), OBI_VERDICT_MISSING,
		  "missing; tried: Operation not permitted" },
		{ &bpf, CAP(BPF), CAP(BPF), 0, OBI_VERDICT_NOT_NEEDED,
		  "present; not needed by this kernel" },
		{ &bpf, CAP(BPF), 0, 0, OBI_VERDICT_NOT_NEEDED,
		  "missing; not needed by this kernel" },
		/* A seccomp filter refuses whatever is held. */
		{ &bpf, CAP(BPF), CAP(BPF), CAP(BPF) | CAP(SYS_BOOT), OBI_VERDICT_REFUSED,
		  "present; tried, and refused all the same: Operation not permitted" },
		/* A trial that needs another one which is missing proves nothing. */
		{ &perfmon, CAP(BPF) | CAP(PERFMON), CAP(PERFMON), CAP(BPF) | CAP(PERFMON),
		  OBI_VERDICT_HELD, "present; could not be tried" },
		{ &perfmon, CAP(BPF) | CAP(PERFMON), CAP(BPF) | CAP(PERFMON),
		  CAP(BPF) | CAP(PERFMON), OBI_VERDICT_WORKS, "present; tried: works" },
		{ &ptrace, CAP(SYS_PTRACE), CAP(SYS_PTRACE), 0, OBI_VERDICT_HELD,
		  "present; could not be tried" },
		{ &ptrace, CAP(SYS_PTRACE), 0, 0, OBI_VERDICT_UNKNOWN,
		  "missing; could not be tried" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_finding finding;
		struct buffer text = { 0 };

		kernel_wants = cases[i].wants;
		finding = obi_need_judge(cases[i].need, cases[i].required, cases[i].effective,
					 &trial);
		assert_int_equal(finding.verdict, cases[i].expected);
		obi_finding_print(&finding, &text);
		buffer_put_char(&text, '\0');
		assert_string_equal(text.data, cases[i].text);
		buffer_free(&text);
	}
}

static void trials_run_with_no_more_than_is_required(void **state)
{
	uint64_t required = CAP(BPF) | CAP(NET_RAW);

	kernel_wants = CAP(SYS_ADMIN);
	most_held = 0;
	(void)obi_need_judge(&net_raw, required, ~UINT64_C(0), &trial);
	(void)obi_need_judge(&bpf, required, ~UINT64_C(0), &trial);
	assert_int_equal(most_held, required);
}

static void sys_admin_stands_in_where_the_kernel_takes_it(void **state)
{
	uint64_t required = CAP(BPF) | CAP(NET_RAW);
	struct obi_finding finding;

	kernel_wants = CAP(SYS_ADMIN);
	finding = obi_need_judge(&bpf, required, CAP(SYS_ADMIN), &trial);
	assert_int_equal(finding.verdict, OBI_VERDICT_WORKS);
	assert_true(finding.stand_in);
	kernel_wants = CAP(NET_RAW);
	finding = obi_need_judge(&net_raw, required, CAP(SYS_ADMIN), &trial);
	assert_int_equal(finding.verdict, OBI_VERDICT_MISSING);
	assert_false(finding.held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdict_follows_the_trials),
		cmocka_unit_test(trials_run_with_no_more_than_is_required),
		cmocka_unit_test(sys_admin_stands_in_where_the_kernel_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
