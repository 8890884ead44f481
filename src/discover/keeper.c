// SPDX-License-Identifier: Apache-2.0
/*
 * What runs in the keeper and in the looker: forked, not executed, so that a new looker is there at
 * once and holds what the keeper holds. The configuration and the environment, where collectors'
 * credentials stand, are wiped from the memory of both.
 */
#include "discover/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "base/standard.h"
#include "caps/check.h"
#include "wire/wire.h"

#define SOCK 3

extern char **environ;

/* ---- The looker ---------------------------------------------------------------------------- */

struct looking {
	int sock;
	uint32_t number; /* of the request */
	size_t len;
	uint8_t message[LOOK_MESSAGE_MAX];
};

static void send_message(struct looking *looking, const int *fds, int fd_count)
{
	if (obi_wire_send(looking->sock, looking->number, looking->message, looking->len, fds,
			  fd_count))
		_exit(0); /* nobody wants it any more */
	looking->len = 0;
}

/* More of the same are sent together. */
static void send_answer(void *context, const struct look_answer *answer, size_t size,
			const int *fds, int fd_count)
{
	struct looking *looking = context;
	size_t padded = (size + 7) & ~(size_t)7;

	if (looking->len + padded > sizeof(looking->message))
		send_message(looking, NULL, 0);
	memcpy(looking->message + looking->len, answer, size);
	memset(looking->message + looking->len + size, 0, padded - size);
	looking->len += padded;
	if (!(answer->flags & LOOK_MORE) || fd_count)
		send_message(looking, fds, fd_count);
}

__attribute__((noreturn)) static void look_for_ever(int sock, struct look_page *page)
{
	struct look_eyes eyes = { .page = page };
	static struct looking looking;
	struct look_request request;

	looking.sock = sock;
	page->at = 0;
	for (;;) {
		int fds[OBI_WIRE_FDS], fd_count = 0;
		ssize_t n = obi_wire_receive(sock, &looking.number, &request, sizeof(request), fds,
					     &fd_count);

		if (n == -EINTR)
			continue;
		if (n != (ssize_t)sizeof(request))
			_exit(0);
		look_answer_request(&eyes, &request, send_answer, &looking);
	}
}

/* ---- The keeper ---------------------------------------------------------------------------- */

/* Ends with its parent, whichever way that ends. */
static void end_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(0);
}

static pid_t start_looker(int sock, struct look_page *page)
{
	pid_t keeper = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	end_with(keeper);
	if (dup2(sock, SOCK) < 0)
		_exit(125);
	if (sock != SOCK)
		(void)close(sock);
	look_for_ever(SOCK, page);
}

__attribute__((noreturn)) static void keep(int sock, struct look_page *page)
{
	pid_t looker = 0;

	for (;;) {
		int fds[OBI_WIRE_FDS], fd_count = 0;
		uint32_t id = 0, nothing;
		ssize_t n = obi_wire_receive(sock, &id, &nothing, 0, fds, &fd_count);

		if (n == -EINTR)
			continue;
		if (n || id != KEEPER_START || fd_count != 1)
			_exit(0);
		/* One that does not end is waiting in the kernel, and ends when that lets it. */
		if (looker > 0)
			(void)kill(looker, SIGKILL);
		looker = start_looker(fds[0], page);
		(void)close(fds[0]);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void close_from(unsigned first)
{
	struct rlimit limit;

	if (!syscall(__NR_close_range, first, ~0U, 0))
		return;
	/* Before 5.9. */
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > 65536)
		limit.rlim_cur = 65536;
	for (unsigned fd = first; fd < limit.rlim_cur; fd++)
		(void)close((int)fd);
}

static void leave_files(int sock)
{
	int null = standard_nothing();

	if (dup2(sock, SOCK) < 0)
		_exit(125);
	for (int fd = 0; fd < SOCK; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			(void)close(fd);
	close_from(SOCK + 1);
}

/* Who ends the agent ends us: a terminal, or a service manager that signals all of them, does not.
 */
static void leave_signals(void)
{
	sigset_t none;

	(void)setsid();
	signals_ignore_all();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void forget_secrets(const struct obi_looker *looker)
{
	looker->wipe(looker->context);
	for (char **variable = environ; variable && *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
	environ = NULL;
}

__attribute__((noreturn)) static void become_keeper(const struct obi_looker *looker, uint64_t caps,
						    int sock, pid_t broker)
{
	leave_signals();
	leave_files(sock);
	forget_secrets(looker);
	if (obi_caps_limit(caps) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		_exit(125);
	end_with(broker);
	keep(SOCK, looker->page);
}

int keeper_start(const struct obi_looker *looker, uint64_t caps, pid_t *ret_pid, int *ret_sock)
{
	pid_t broker = getpid(), pid;
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid == 0)
		become_keeper(looker, caps, pair[1], broker);
	error = -errno;
	(void)close(pair[1]);
	if (pid < 0) {
		(void)close(pair[0]);
		return error;
	}
	*ret_pid = pid;
	*ret_sock = pair[0];
	return 0;
}
