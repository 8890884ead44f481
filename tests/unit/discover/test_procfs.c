// SPDX-License-Identifier: Apache-2.0
/* On real processes: this one and children that listen. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "discover/procfs.h"

/* A child that does setup, says what it got in a pipe, and waits to be killed. */
struct child {
	pid_t pid;
	uint16_t ports[4];
};

static uint16_t listen_on(int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const void *wanted = family == AF_INET ? (const void *)&v4 : (const void *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	struct sockaddr_in6 bound = { 0 };
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, wanted, len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&bound, &len))
		return 0;
	return ntohs(bound.sin6_port); /* at the same place in both */
}

static struct child start(void (*setup)(struct child *child))
{
	struct child child = { 0 };
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	child.pid = fork();
	if (child.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		setup(&child);
		if (write(pipes[1], child.ports, sizeof(child.ports)) != sizeof(child.ports))
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(pipes[0], child.ports, sizeof(child.ports)), sizeof(child.ports));
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	return child;
}

static void stop(struct child *child)
{
	(void)kill(child->pid, SIGKILL);
	(void)waitpid(child->pid, NULL, 0);
}

static bool has_port(const struct obi_ports *ports, uint16_t port)
{
	for (unsigned i = 0; i < ports->count; i++)
		if (ports->items[i] == port)
			return true;
	return false;
}

/* All of them, from tables of now. */
static int ports_of(uint32_t pid, struct obi_ports *ret_ports)
{
	struct obi_listeners *listeners = obi_listeners_new();
	uint32_t from = 0;
	int error;

	assert_non_null(listeners);
	error = obi_listeners_ports(listeners, pid, &from, SIZE_MAX, ret_ports);
	obi_listeners_free(listeners);
	return error;
}

/* ---- Ports -------------------------------------------------------------------------------------
 */

static void listen_on_two(struct child *child)
{
	child->ports[0] = listen_on(AF_INET);
	child->ports[1] = listen_on(AF_INET6);
}

static void listening_ports_of_both_families_are_found(void **state)
{
	struct child child = start(listen_on_two);
	struct obi_ports ports = { 0 };

	assert_int_equal(ports_of((uint32_t)child.pid, &ports), 0);
	assert_true(child.ports[0] && has_port(&ports, child.ports[0]));
	if (child.ports[1]) /* a host without IPv6 */
		assert_true(has_port(&ports, child.ports[1]));
	assert_int_equal(ports.count, child.ports[1] ? 2 : 1);
	stop(&child);
}

/* Connected, bound and datagram sockets, and a listening one held twice. */
static void hold_other_sockets(struct child *child)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int client = socket(AF_INET, SOCK_STREAM, 0), bound = socket(AF_INET, SOCK_STREAM, 0);
	int datagram = socket(AF_INET, SOCK_DGRAM, 0);

	child->ports[0] = listen_on(AF_INET);
	(void)fcntl(datagram + 1, F_DUPFD_CLOEXEC, 0);
	(void)bind(bound, (struct sockaddr *)&addr, sizeof(addr));
	(void)bind(datagram, (struct sockaddr *)&addr, sizeof(addr));
	addr.sin_port = htons(child->ports[0]);
	(void)connect(client, (struct sockaddr *)&addr, sizeof(addr));
}

static void only_listening_sockets_count_and_each_port_once(void **state)
{
	struct child child = start(hold_other_sockets);
	struct obi_ports ports = { 0 };

	assert_int_equal(ports_of((uint32_t)child.pid, &ports), 0);
	assert_int_equal(ports.count, 1);
	assert_int_equal(ports.items[0], child.ports[0]);
	stop(&child);
}

static void one_pass_tells_processes_apart(void **state)
{
	struct child first = start(listen_on_two), second = start(listen_on_two);
	struct obi_listeners *listeners = obi_listeners_new();
	struct obi_ports ports = { 0 };
	uint32_t from = 0;

	assert_non_null(listeners);
	assert_int_equal(
		obi_listeners_ports(listeners, (uint32_t)first.pid, &from, SIZE_MAX, &ports), 0);
	assert_true(has_port(&ports, first.ports[0]));
	assert_false(has_port(&ports, second.ports[0]));
	assert_int_equal(
		obi_listeners_ports(listeners, (uint32_t)second.pid, &from, SIZE_MAX, &ports), 0);
	assert_true(has_port(&ports, second.ports[0]));
	assert_false(has_port(&ports, first.ports[0]));
	obi_listeners_free(listeners);
	stop(&first);
	stop(&second);
}

static void listen_in_own_namespace(struct child *child)
{
	/* Without CAP_SYS_ADMIN the namespace may still come with one of users. */
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return;
	child->ports[0] = 1;
	child->ports[1] = listen_on(AF_INET); /* lo is down there; listening needs it not */
	if (!child->ports[1]) {
		struct sockaddr_in any = { .sin_family = AF_INET };
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		socklen_t len = sizeof(any);

		(void)bind(fd, (struct sockaddr *)&any, sizeof(any));
		(void)listen(fd, 1);
		(void)getsockname(fd, (struct sockaddr *)&any, &len);
		child->ports[1] = ntohs(any.sin_port);
	}
}

static void namespaces_have_tables_of_their_own(void **state)
{
	struct child inside = start(listen_in_own_namespace), outside = start(listen_on_two);
	struct obi_listeners *listeners = obi_listeners_new();
	uint64_t inner = 0, outer = 0;
	uint32_t from = 0;
	struct obi_ports ports = { 0 };

	if (!inside.ports[0]) {
		stop(&inside);
		stop(&outside);
		obi_listeners_free(listeners);
		skip();
	}
	assert_int_equal(obi_procfs_netns((uint32_t)inside.pid, &inner), 0);
	assert_int_equal(obi_procfs_netns((uint32_t)outside.pid, &outer), 0);
	assert_int_not_equal(inner, outer);
	assert_int_equal(
		obi_listeners_ports(listeners, (uint32_t)outside.pid, &from, SIZE_MAX, &ports), 0);
	assert_true(has_port(&ports, outside.ports[0]));
	assert_int_equal(
		obi_listeners_ports(listeners, (uint32_t)inside.pid, &from, SIZE_MAX, &ports), 0);
	assert_int_equal(ports.count, 1);
	assert_int_equal(ports.items[0], inside.ports[1]);
	obi_listeners_free(listeners);
	stop(&inside);
	stop(&outside);
}

static void many_listening_sockets_are_found_in_pieces(void **state)
{
	static bool seen[65536];
	struct obi_listeners *listeners = obi_listeners_new();
	struct obi_ports ports = { 0 };
	int fds[OBI_PORTS_MAX * 3];
	size_t looks = 0, found = 0;
	uint32_t from = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct sockaddr_in addr = { .sin_family = AF_INET,
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(fds[i], (struct sockaddr *)&addr, sizeof(addr)), 0);
		assert_int_equal(listen(fds[i], 1), 0);
	}
	do {
		assert_int_equal(
			obi_listeners_ports(listeners, (uint32_t)getpid(), &from, SIZE_MAX, &ports),
			0);
		assert_true(ports.count <= OBI_PORTS_MAX);
		for (unsigned i = 0; i < ports.count; i++) {
			found += !seen[ports.items[i]];
			seen[ports.items[i]] = true;
		}
		looks++;
	} while (from && looks < 10);
	assert_int_equal(found, ARRAY_SIZE(fds));
	assert_int_equal(looks, 4);
	obi_listeners_free(listeners);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
}

/* ---- Facts --------------------------------------------------------------------------------------
 */

static void own_facts_are_right(void **state)
{
	char exe[OBI_PATH_MAX], expected[OBI_PATH_MAX] = "", args[64];
	struct obi_procfs_stat stat = { 0 };

	assert_true(readlink("/proc/self/exe", expected, sizeof(expected) - 1) > 0);
	assert_int_equal(obi_procfs_exe((uint32_t)getpid(), exe, sizeof(exe)), 0);
	assert_string_equal(exe, expected);
	assert_int_equal(obi_procfs_stat((uint32_t)getpid(), &stat), 0);
	assert_int_equal(stat.parent, getppid());
	assert_false(stat.exiting);
	assert_int_equal(obi_procfs_args((uint32_t)getpid(), args, sizeof(args)), 0);
	assert_string_equal(args, "");
	assert_int_equal(obi_procfs_exe((uint32_t)getpid(), exe, 4), -ENAMETOOLONG);
}

static void take_odd_name(struct child *child)
{
	(void)prctl(PR_SET_NAME, "a) R 1 (b", 0, 0, 0);
}

static void process_name_with_brackets_confuses_nobody(void **state)
{
	struct child child = start(take_odd_name);
	struct obi_procfs_stat stat = { 0 };

	assert_int_equal(obi_procfs_stat((uint32_t)child.pid, &stat), 0);
	assert_string_equal(stat.comm, "a) R 1 (b");
	assert_int_equal(stat.parent, getpid());
	stop(&child);
}

static void start_time_counts_from_boot(void **state)
{
	struct timespec now;
	struct child child = start(take_odd_name);
	struct obi_procfs_stat stat = { 0 };
	uint64_t now_ns;

	assert_int_equal(clock_gettime(CLOCK_BOOTTIME, &now), 0);
	now_ns = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
	assert_int_equal(obi_procfs_stat((uint32_t)child.pid, &stat), 0);
	assert_true(stat.start_ns <= now_ns && stat.start_ns + 60 * NSEC_PER_SEC > now_ns);
	stop(&child);
}

/* Runs a copy of sleep that has been deleted by then. */
static pid_t run_deleted(const char *path)
{
	char command[256];
	pid_t pid;

	(void)snprintf(command, sizeof(command), "cp /bin/sleep '%s'", path);
	assert_int_equal(system(command), 0);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)execl(path, "zz", "300", NULL);
		_exit(1);
	}
	return pid;
}

static void deleted_executable_keeps_its_path_and_arguments_are_joined(void **state)
{
	char path[] = "/tmp/obi-procfs-XXXXXX", exe[OBI_PATH_MAX] = "", args[64] = "";
	int fd = mkstemp(path), tries = 200;
	pid_t pid;

	assert_true(fd >= 0);
	(void)close(fd);
	(void)chmod(path, 0755);
	pid = run_deleted(path);
	/* Arguments are there a moment after the executable is. */
	while (tries-- &&
	       (obi_procfs_args((uint32_t)pid, args, sizeof(args)) || strcmp(args, "300") != 0))
		(void)usleep(10000);
	(void)unlink(path);
	assert_int_equal(obi_procfs_exe((uint32_t)pid, exe, sizeof(exe)), 0);
	assert_string_equal(exe, path);
	assert_int_equal(obi_procfs_args((uint32_t)pid, args, sizeof(args)), 0);
	assert_string_equal(args, "300");
	assert_int_equal(obi_procfs_args((uint32_t)pid, args, 3), 0);
	assert_string_equal(args, "30");
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* ---- Gone
 * ---------------------------------------------------------------------------------------- */

static void gone_process_is_esrch_everywhere(void **state)
{
	pid_t pid = fork();
	struct obi_procfs_stat stat;
	struct obi_ports ports;
	uint64_t inode;
	char text[64];

	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(obi_procfs_exe((uint32_t)pid, text, sizeof(text)), -ESRCH);
	assert_int_equal(obi_procfs_args((uint32_t)pid, text, sizeof(text)), -ESRCH);
	assert_int_equal(obi_procfs_stat((uint32_t)pid, &stat), -ESRCH);
	assert_int_equal(obi_procfs_netns((uint32_t)pid, &inode), -ESRCH);
	assert_int_equal(ports_of((uint32_t)pid, &ports), -ESRCH);
	assert_int_equal(obi_procfs_open((uint32_t)pid, "environ"), -ESRCH);
}

static void zombie_has_no_executable_and_says_so(void **state)
{
	struct obi_procfs_stat stat = { 0 };
	pid_t pid = fork();
	siginfo_t info;
	char exe[64];

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(obi_procfs_stat((uint32_t)pid, &stat), 0);
	assert_true(stat.exiting);
	assert_int_equal(obi_procfs_exe((uint32_t)pid, exe, sizeof(exe)), -ENOENT);
	(void)waitpid(pid, NULL, 0);
}

static void files_open_for_passing_on(void **state)
{
	static const char *const files[] = { "environ", "maps", "exe" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = obi_procfs_open((uint32_t)getpid(), files[i]);
		char c;

		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(read(fd, &c, 1), 1);
		(void)close(fd);
	}
	assert_int_equal(obi_procfs_open((uint32_t)getpid(), "nothing"), -ENOENT);
}

/* ---- Walk
 * ---------------------------------------------------------------------------------------- */

static int look_for_self(void *context, uint32_t pid)
{
	(*(int *)context)++;
	return pid == (uint32_t)getpid() ? 7 : 0;
}

static int count(void *context, uint32_t pid)
{
	(*(int *)context)++;
	return 0;
}

static void walk_visits_processes_until_told_to_stop(void **state)
{
	int seen = 0, all = 0, rest = 0;
	uint32_t cursor = 0;

	assert_int_equal(obi_procfs_each(&cursor, look_for_self, &seen), 7);
	assert_int_not_equal(cursor, 0);
	assert_int_equal(obi_procfs_each(&cursor, count, &rest), 0);
	assert_int_equal(cursor, 0);
	assert_int_equal(obi_procfs_each(&cursor, count, &all), 0);
	assert_true(seen >= 1 && all >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listening_ports_of_both_families_are_found),
		cmocka_unit_test(only_listening_sockets_count_and_each_port_once),
		cmocka_unit_test(one_pass_tells_processes_apart),
		cmocka_unit_test(namespaces_have_tables_of_their_own),
		cmocka_unit_test(many_listening_sockets_are_found_in_pieces),
		cmocka_unit_test(own_facts_are_right),
		cmocka_unit_test(process_name_with_brackets_confuses_nobody),
		cmocka_unit_test(start_time_counts_from_boot),
		cmocka_unit_test(deleted_executable_keeps_its_path_and_arguments_are_joined),
		cmocka_unit_test(gone_process_is_esrch_everywhere),
		cmocka_unit_test(zombie_has_no_executable_and_says_so),
		cmocka_unit_test(files_open_for_passing_on),
		cmocka_unit_test(walk_visits_processes_until_told_to_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
