// SPDX-License-Identifier: Apache-2.0
/*
 * What is not on a process's list fails with EPERM, so that a library's attempt at something
 * optional costs nothing; what only an intruder would try ends the process.
 */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(bpf),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(kexec_load),
	SCMP_SYS(init_module),
	SCMP_SYS(mount),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(perf_event_open),
};

static int add(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int error = seccomp_rule_add(filter, action, calls[i], 0);

		/* A call that this architecture does not have. */
		if (error && error != -EDOM)
			return error;
	}
	return 0;
}

/* Memory, but none that can be executed. */
static int add_memory(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);

	return error ? error
		     : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
}

/* Nothing that has signals sent (F_SETOWN, O_ASYNC) or holds others up (leases). */
static int add_descriptors(scmp_filter_ctx filter)
{
	static const int commands[] = { F_GETFD,         F_SETFD,     F_GETFL,
					F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS };
	static const unsigned long requests[] = { FIONBIO, FIONREAD };
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(commands) && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
					 SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i], 0));
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
					 SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0),
					 SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, 0));
	for (size_t i = 0; i < ARRAY_SIZE(requests) && !error; i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
					 SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	return error;
}

/* What abort(3) does; nobody else can be meant. */
static int add_signals(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

int obi_seccomp_load(const int *calls, size_t count, int (*extra)(void *filter))
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error;

	if (!filter)
		return -ENOMEM;
	error = add(filter, SCMP_ACT_ALLOW, calls, count);
	if (!error)
		error = add(filter, SCMP_ACT_KILL_PROCESS, deadly, ARRAY_SIZE(deadly));
	if (!error)
		error = add_memory(filter);
	if (!error)
		error = add_descriptors(filter);
	if (!error)
		error = add_signals(filter);
	if (!error && extra)
		error = extra(filter);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
