// SPDX-License-Identifier: Apache-2.0
/*
 * A child is the same file executed again after no_new_privs was set: file
 * capabilities are not granted to it, and its address space is fresh.
 */
#include "broker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/signals.h"
#include "base/standard.h"

#define PAGE_SIZE_BYTES 4096

#define OUTPUT_BYTES (1 << 20)
#define ABOVE_ALL 16 /* of what a child finds under a number */

/* A second number for it that no place which a child looks at has. */
static int move_up(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_ALL);
}

/* The operator's terminal and input are not for a child: nothing to read, one pipe to write into.
 */
static bool take_places(int sock, int output, int config)
{
	int nothing = move_up(standard_nothing());

	(void)setsid();
	return nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
	       dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0 &&
	       dup2(sock, OBI_WIRE_FD) >= 0 && (config < 0 || dup2(config, OBI_CONFIG_FD) >= 0);
}

/* Only calls that are safe after fork(). */
__attribute__((noreturn)) static void become(const struct obi_child_role *role, int self, int sock,
					     int output, pid_t broker)
{
	char *argv[] = { "obi", (char *)role->verb, NULL, NULL, NULL };
	int config = move_up(role->config_fd);
	sigset_t none;

	if (role->config_path) {
		argv[2] = "--config";
		argv[3] = (char *)role->config_path;
	}
	/* A child of a broker that is gone has nobody who ends it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != broker)
		_exit(125);
	signals_ignore_all();
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	self = move_up(self);
	if (config < 0)
		(void)close(OBI_CONFIG_FD); /* whosever it is */
	if (self < 0 || !take_places(move_up(sock), move_up(output), config))
		_exit(125);
	/* All descriptors are close-on-exec by themselves; this is for those that are not ours
	 * (5.11). */
	(void)syscall(__NR_close_range, config < 0 ? OBI_CONFIG_FD : OBI_CONFIG_FD + 1, ~0U,
		      CLOSE_RANGE_CLOEXEC);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(125);
	(void)syscall(__NR_execveat, self, "", argv, role->env, AT_EMPTY_PATH);
	/* Seen to be refused on 5.10. */
	(void)execve("/proc/self/exe", argv, role->env);
	_exit(126);
}

static int make_page(struct obi_child *child)
{
	void *page;

	child->page_fd = memfd_create("obi-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* A page that could shrink under our mapping would end us by SIGBUS. */
	if (child->page_fd < 0 || ftruncate(child->page_fd, PAGE_SIZE_BYTES) ||
	    fcntl(child->page_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ, MAP_SHARED, child->page_fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	child->page = page;
	return 0;
}

static int make_output(int ret_pipe[2])
{
	if (pipe2(ret_pipe, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	/* Room for what comes at once; without it lines are lost sooner. */
	(void)fcntl(ret_pipe[1], F_SETPIPE_SZ, OUTPUT_BYTES);
	return 0;
}

static int make_pair(int ret_pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_pair))
		return -errno;
	return fcntl(ret_pair[0], F_SETFL, O_NONBLOCK) ? -errno : 0;
}

int obi_child_spawn(const struct obi_child_role *role, pid_t *ret_pid, int *ret_sock)
{
	_cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int ours = -1, theirs = -1, reading = -1, writing = -1;
	pid_t broker = getpid(), pid;
	int pair[2] = { -1, -1 }, output[2] = { -1, -1 }, error;

	if (self < 0)
		return -errno;
	error = make_pair(pair);
	ours = pair[0];
	theirs = pair[1];
	if (!error)
		error = make_output(output);
	reading = output[0];
	writing = output[1];
	if (error)
		return error;
	pid = fork();
	if (pid == 0)
		become(role, self, theirs, writing, broker);
	if (pid < 0)
		return -errno;
	obi_output_attach(role->output, role->from, take_fd(reading));
	*ret_pid = pid;
	*ret_sock = take_fd(ours);
	return 0;
}

int obi_child_start(const struct obi_child_role *role, struct obi_child *ret_child)
{
	struct obi_child child = { .sock = -1, .page_fd = -1 };
	int error = make_page(&child);

	if (!error)
		error = obi_child_spawn(role, &child.pid, &child.sock);
	if (error) {
		obi_child_release(&child);
		return error;
	}
	*ret_child = child;
	return 0;
}

const char *obi_child_why(int error)
{
	if (error == -EAGAIN) /* fork(2) */
		return "the user may have no more processes: raise RLIMIT_NPROC (ulimit -u, "
		       "LimitNPROC= of the unit) or pids.max of the cgroup";
	return strerror(-error);
}

void obi_child_release(struct obi_child *child)
{
	if (child->page)
		(void)munmap((void *)child->page, PAGE_SIZE_BYTES);
	if (child->page_fd >= 0)
		(void)close(child->page_fd);
	if (child->sock >= 0)
		(void)close(child->sock);
	obi_queue_clear(&child->queue);
	*child = (struct obi_child){ .sock = -1, .page_fd = -1 };
}

int obi_child_send(struct obi_child *child, uint32_t id, const void *body, size_t size,
		   const int *fds, int fd_count)
{
	return child->pid
		       ? obi_queue_send(&child->queue, child->sock, id, body, size, fds, fd_count)
		       : -EPIPE;
}

int obi_child_send_process(struct obi_child *child, struct obi_wire_process *message,
			   const char *exe, const struct obi_files *files)
{
	message->fds |= files->have;
	(void)snprintf(message->exe, sizeof(message->exe), "%s", exe);
	return obi_child_send(child, OBI_WIRE_PROCESS, message, sizeof(*message), files->fds,
			      files->count);
}
