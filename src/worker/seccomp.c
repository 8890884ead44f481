// SPDX-License-Identifier: Apache-2.0
/*
 * The allow list. What is not on it fails with EPERM, so that a library's attempt at something
 * optional costs nothing; what only an intruder would try ends the worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "worker/sandbox.h"

static const int allowed[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* descriptors that are open */
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	/* the loop */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	/* the broker, and who scrapes */
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(accept4),
	SCMP_SYS(accept),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	SCMP_SYS(sendfile),
	/* the C library */
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(sched_yield),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
};

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

int obi_sandbox_filter(void)
{
	return obi_seccomp_load(allowed, ARRAY_SIZE(allowed), NULL);
}

const struct obi_sandbox_rules obi_worker_sandbox = { .filter = obi_sandbox_filter };
