// SPDX-License-Identifier: Apache-2.0
/* Trials on the kernel that runs the tests. With the documented set each works; take one capability
 * away, and what it is needed for is refused. */
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "caps/check.h"
#include "caps/try.h"

#define CAP(name_) OBI_CAP(CAP_##name_)
#define OTHER_USER 65533

static uint64_t effective;
static pid_t others; /* a process of another user */

/* A sleeping process of another user, whose files are that user's, where we may make one. */
static int start_others(void **state)
{
	if (obi_caps_effective(&effective))
		return -1;
	if (!(effective & CAP(SETUID)) || !(effective & CAP(SETGID)))
		return 0;
	others = fork();
	if (others == 0) {
		if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
		    setresuid(OTHER_USER, OTHER_USER, OTHER_USER) ||
		    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
			_exit(1);
		for (;;)
			(void)pause();
	}
	return 0;
}

static int stop_others(void **state)
{
	if (others > 0) {
		(void)kill(others, SIGKILL);
		(void)waitpid(others, NULL, 0);
	}
	return 0;
}

static const struct {
	enum obi_try what;
	uint64_t set;     /* with this it works ... */
	uint64_t without; /* ... and without this it is refused */
} cases[] = {
	{ OBI_TRY_MAP, CAP(BPF), CAP(BPF) },
	{ OBI_TRY_PACKET_SOCKET, CAP(NET_RAW), CAP(NET_RAW) },
	{ OBI_TRY_SCHED_CLS, CAP(BPF) | CAP(NET_ADMIN), CAP(NET_ADMIN) },
	{ OBI_TRY_SK_MSG, CAP(BPF) | CAP(NET_ADMIN), CAP(NET_ADMIN) },
	{ OBI_TRY_TRACING, CAP(BPF) | CAP(PERFMON), CAP(PERFMON) },
	{ OBI_TRY_OTHERS_EXE, CAP(SYS_PTRACE), CAP(SYS_PTRACE) },
	{ OBI_TRY_OTHERS_FILES, CAP(SYS_PTRACE) | CAP(DAC_READ_SEARCH), CAP(DAC_READ_SEARCH) },
	{ OBI_TRY_MAP_FILES, CAP(CHECKPOINT_RESTORE), CAP(CHECKPOINT_RESTORE) },
};

static void each_capability_is_needed_for_what_is_said(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int error;

		if ((cases[i].set & effective) != cases[i].set)
			skip();
		error = obi_try_run(cases[i].what, cases[i].set);
		if (error == -ENODATA)
			continue;
		if (error)
			fail_msg("%s: %s", obi_try_name(cases[i].what), strerror(-error));
		error = obi_try_run(cases[i].what, cases[i].set & ~cases[i].without);
		if (error != -EPERM && error != -EACCES)
			fail_msg("%s without: %s", obi_try_name(cases[i].what), strerror(-error));
	}
}

static void trial_leaves_our_own_capabilities_alone(void **state)
{
	uint64_t after = 0;

	(void)obi_try_run(OBI_TRY_MAP, 0);
	assert_int_equal(obi_caps_effective(&after), 0);
	assert_int_equal(after, effective);
}

static void nothing_to_try_is_no_refusal(void **state)
{
	assert_int_equal(obi_try_run(OBI_TRY_NONE, ~UINT64_C(0)), -ENODATA);
	assert_int_equal(obi_try_run(OBI_TRY_TC_TRACER, ~UINT64_C(0)), -ENODATA);
}

/* In a child: what is said where a filter refuses bpf(2) to everybody. */
static int ask_under_filter(uint32_t action, uint64_t held, int disabled)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (!filter || seccomp_rule_add(filter, action, SCMP_SYS(bpf), 0) || seccomp_load(filter))
		return 200;
	seccomp_release(filter);
	return -obi_try_bpf(held, disabled);
}

static int in_child(uint32_t action, uint64_t held, int disabled)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(ask_under_filter(action, held, disabled));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void bpf_refused_by_a_filter_is_told_from_missing_capabilities(void **state)
{
	assert_int_equal(in_child(SCMP_ACT_ERRNO(EPERM), CAP(BPF), 2), EPERM);
	assert_int_equal(in_child(SCMP_ACT_ERRNO(EPERM), CAP(SYS_ADMIN), 2), EPERM);
	assert_int_equal(in_child(SCMP_ACT_ERRNO(EPERM), 0, 0), EPERM);
	assert_int_equal(in_child(SCMP_ACT_ERRNO(ENOSYS), 0, 2), ENOSYS);
	/* Nothing is held: EPERM may come from the call itself. */
	assert_int_equal(in_child(SCMP_ACT_ERRNO(EPERM), 0, 2), 0);
	if (effective & CAP(BPF))
		assert_int_equal(obi_try_bpf(effective, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_capability_is_needed_for_what_is_said),
		cmocka_unit_test(trial_leaves_our_own_capabilities_alone),
		cmocka_unit_test(nothing_to_try_is_no_refusal),
		cmocka_unit_test(bpf_refused_by_a_filter_is_told_from_missing_capabilities),
	};

	return cmocka_run_group_tests(tests, start_others, stop_others);
}
