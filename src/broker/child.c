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

#define PAGE_SIZE_BYTES 4096

extern char **environ;

/* Only calls that are safe after fork(). */
__attribute__((noreturn)) static void become(const char *verb, int self, int sock,
					     const char *config_path)
{
	char *argv[] = { "obi", (char *)verb, NULL, NULL, NULL };
	sigset_t none;

	if (config_path) {
		argv[2] = "--config";
		argv[3] = (char *)config_path;
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	/* self must survive the next line: it may be number 3. */
	self = fcntl(self, F_DUPFD_CLOEXEC, OBI_WIRE_FD + 1);
	if (self < 0 || dup2(sock, OBI_WIRE_FD) < 0)
		_exit(125);
	/* All descriptors are close-on-exec by themselves; this is for those that are not ours
	 * (5.11). */
	(void)syscall(__NR_close_range, OBI_WIRE_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(125);
	(void)syscall(__NR_execveat, self, "", argv, environ, AT_EMPTY_PATH);
	/* Seen to be refused on 5.10. */
	(void)execve("/proc/self/exe", argv, environ);
	_exit(126);
}

static int make_page(struct obi_child *child)
{
	void *page;

	child->page_fd = memfd_create("obi-worker", MFD_CLOEXEC);
	if (child->page_fd < 0 || ftruncate(child->page_fd, PAGE_SIZE_BYTES))
		return -errno;
	page = mmap(NULL, PAGE_SIZE_BYTES, PROT_READ, MAP_SHARED, child->page_fd, 0);
	if (page == MAP_FAILED)
		return -errno;
	child->page = page;
	return 0;
}

int obi_child_spawn(const char *verb, const char *config_path, pid_t *ret_pid, int *ret_sock)
{
	_cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int pair[2], error;
	pid_t pid;

	if (self < 0)
		return -errno;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid == 0)
		become(verb, self, pair[1], config_path);
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

int obi_child_start(const char *config_path, struct obi_child *ret_child)
{
	struct obi_child child = { .sock = -1, .page_fd = -1 };
	int error = make_page(&child);

	if (!error)
		error = obi_child_spawn(OBI_WORKER_VERB, config_path, &child.pid, &child.sock);
	if (error) {
		obi_child_release(&child);
		return error;
	}
	*ret_child = child;
	return 0;
}

void obi_child_release(struct obi_child *child)
{
	if (child->page)
		(void)munmap((void *)child->page, PAGE_SIZE_BYTES);
	if (child->page_fd >= 0)
		(void)close(child->page_fd);
	if (child->sock >= 0)
		(void)close(child->sock);
	*child = (struct obi_child){ .sock = -1, .page_fd = -1 };
}

int obi_child_send(const struct obi_child *child, uint32_t id, const void *body, size_t size,
		   const int *fds, int fd_count)
{
	return child->pid ? obi_wire_send(child->sock, id, body, size, fds, fd_count) : -EPIPE;
}

int obi_child_send_process(const struct obi_child *child, struct obi_wire_process *message,
			   const char *exe, const struct obi_files *files)
{
	message->fds |= files->have;
	(void)snprintf(message->exe, sizeof(message->exe), "%s", exe);
	return obi_child_send(child, OBI_WIRE_PROCESS, message, sizeof(*message), files->fds,
			      files->count);
}
