// SPDX-License-Identifier: Apache-2.0
/*
 * A collector is not trusted, nor is what stands between: whoever takes this process over finds
 * the batches and the collector's credentials in it, and may open connections, as it may anyhow.
 */
#include "sandbox/sender_rules.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "sandbox/seccomp.h"

static const int allowed[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	/* descriptors that are open */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(ftruncate),
	/* files: which ones is Landlock's to say */
	SCMP_SYS(openat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(unlinkat),
	SCMP_SYS(fadvise64),
	/* the loop */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pipe2),
	SCMP_SYS(eventfd2),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(nanosleep),
	/* broker, worker, collector, name servers */
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	/* the resolver's thread */
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	/* the C library */
	SCMP_SYS(futex),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(sched_yield),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
};

static int allow_socket(scmp_filter_ctx filter, int call, int family, int type)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 2,
				SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0),
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)type));
}

/* Of Unix sockets only what a collector listens on, and pairs, which libcurl wakes itself up by. A
 * pair of datagrams could be sent from to anywhere. */
static int allow_sockets(scmp_filter_ctx filter, bool unix_sockets)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	int error = allow_socket(filter, SCMP_SYS(socketpair), AF_UNIX, SOCK_STREAM);

	for (size_t f = 0; f < ARRAY_SIZE(families) && !error; f++)
		for (size_t t = 0; t < ARRAY_SIZE(types) && !error; t++)
			error = allow_socket(filter, SCMP_SYS(socket), families[f], types[t]);
	if (!error && unix_sockets)
		error = allow_socket(filter, SCMP_SYS(socket), AF_UNIX, SOCK_STREAM);
	return error;
}

/* Threads, and no process: what flags clone3 has cannot be seen from here, so the C library is told
 * to do without. */
static int allow_more(scmp_filter_ctx filter, bool unix_sockets)
{
	int error = allow_sockets(filter, unix_sockets);

	if (!error)
		error = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_NEWUSER, CLONE_THREAD));
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return error;
}

static int allow_network(void *filter)
{
	return allow_more(filter, false);
}

static int allow_network_and_unix(void *filter)
{
	return allow_more(filter, true);
}

static int load_filter(void)
{
	return obi_seccomp_load(allowed, ARRAY_SIZE(allowed), allow_network);
}

static int load_filter_with_unix(void)
{
	return obi_seccomp_load(allowed, ARRAY_SIZE(allowed), allow_network_and_unix);
}

int sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
			 struct obi_sandbox *ret_sandbox, const char **ret_step)
{
	/* All of /etc: files that are replaced by renaming, as resolv.conf is, would drop out of a
	 * rule of their own. The others are where links from there lead to. */
	struct obi_sandbox_path paths[] = {
		{ "/etc", false },
		{ "/run/systemd/resolve", false },
		{ "/run/resolvconf", false },
		{ "/run/NetworkManager", false },
		{ "/run/connman", false },
		{ "/usr/share/ca-certificates", false },
		{ "/usr/local/share/ca-certificates", false },
		{ "/usr/lib/ssl", false },
		{ spill_directory, true },
	};
	struct obi_sandbox_rules rules = {
		.paths = paths,
		.path_count = ARRAY_SIZE(paths),
		.ports = reach->ports,
		.port_count = reach->port_count,
		.any_port = reach->any_port,
		.abstract_sockets = reach->abstract_sockets,
		.filter = reach->unix_sockets ? load_filter_with_unix : load_filter,
	};

	if (!spill_directory || !*spill_directory)
		rules.path_count--;
	return obi_sandbox_close(&rules, ret_sandbox, ret_step);
}
