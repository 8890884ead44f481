// SPDX-License-Identifier: Apache-2.0
/*
 * A worker or a sender that hostile bytes have taken over. Linked with all that the agent is made
 * of (make hostile), it takes the place of calls that the children make, so that nothing of the
 * agent is changed. ATTACK=worker:NAME or sender:NAME in the agent's environment says what the
 * child does once its sandbox is closed; each finding is a line "attack NAME what result" on its
 * standard output. A worker that is started again is honest, unless ATTACK_AGAIN is set.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

/* Names with two underscores are those that the linker gives.
 * NOLINTBEGIN(bugprone-reserved-identifier) */

#include "../lib/pass_fds.h"
#include "base/cleanup.h"
#include "broker/child.h"
#include "obi/record.h"
#include "sandbox/sandbox.h"
#include "sandbox/sender_rules.h"
#include "wire/wire.h"

#define SPARE 8
#define RING_BYTES (8u << 20)

/* ---- The broker hands the attack's name on ---- */

static const char *attack_of(const char *verb)
{
	const char *attack = getenv("ATTACK");
	size_t len = strlen(verb);

	return attack && !strncmp(attack, verb, len) && attack[len] == ':' ? attack + len + 1
									   : NULL;
}

static bool is_again;

static struct obi_child_role with_attack(const struct obi_child_role *role)
{
	static char variables[SPARE][256];
	const char *attack = attack_of(role->verb);
	struct obi_child_role changed = *role;
	static char *env[4096];
	size_t count = 0;

	while (role->env && role->env[count] && count < ARRAY_SIZE(env) - SPARE) {
		env[count] = role->env[count];
		count++;
	}
	if (attack && (!is_again || getenv("ATTACK_AGAIN"))) {
		(void)snprintf(variables[0], sizeof(variables[0]), "ATTACK_IS=%s", attack);
		(void)snprintf(variables[1], sizeof(variables[1]), "ATTACK_ON=%s",
			       getenv("ATTACK_ON") ? getenv("ATTACK_ON") : "");
		env[count++] = variables[0];
		env[count++] = variables[1];
	}
	env[count] = NULL;
	changed.env = env;
	return changed;
}

int __real_obi_child_start(const struct obi_child_role *role, struct obi_child *ret_child);
int __wrap_obi_child_start(const struct obi_child_role *role, struct obi_child *ret_child);
int __wrap_obi_child_start(const struct obi_child_role *role, struct obi_child *ret_child)
{
	struct obi_child_role changed = with_attack(role);

	is_again = true;
	return __real_obi_child_start(&changed, ret_child);
}

int __real_obi_child_spawn(const struct obi_child_role *role, pid_t *ret_pid, int *ret_sock);
int __wrap_obi_child_spawn(const struct obi_child_role *role, pid_t *ret_pid, int *ret_sock);
int __wrap_obi_child_spawn(const struct obi_child_role *role, pid_t *ret_pid, int *ret_sock)
{
	struct obi_child_role changed = with_attack(role);

	return __real_obi_child_spawn(&changed, ret_pid, ret_sock);
}

/* ---- What a child finds ---- */

static const char *name;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char line[1024];
	va_list args;
	int len = snprintf(line, sizeof(line), "attack %s ", name);

	va_start(args, format);
	len += vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
	va_end(args);
	line[len++] = '\n';
	(void)!write(STDOUT_FILENO, line, (size_t)len);
}

/* "done", or why not. */
static const char *result(long r)
{
	return r < 0 ? strerrorname_np(errno) : "done";
}

#define TRY(what, call) say("%s %s", what, result((long)(call)))

static pid_t broker(void)
{
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);

	(void)getsockopt(OBI_WIRE_FD, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return peer.pid;
}

static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

static int send_raw(const void *bytes, size_t size, const int *fds, int count)
{
	return (int)pass_fds(OBI_WIRE_FD, bytes, size, fds, count);
}

static int send_request(uint32_t id, const void *body, uint32_t size)
{
	char packet[256];
	struct obi_wire_header header = { id, size };

	memcpy(packet, &header, sizeof(header));
	if (size)
		memcpy(packet + sizeof(header), body, size);
	return send_raw(packet, sizeof(header) + size, NULL, 0);
}

static int send_language(uint32_t pid)
{
	struct obi_wire_language language = { .pid = pid, .name = "java" };

	return send_request(OBI_REQUEST_LANGUAGE, &language, sizeof(language));
}

/* Which descriptor maps the ring's consumer page, to be written. */
static unsigned long *ring_consumer(void)
{
	for (int fd = OBI_WIRE_FD + 1; fd < 32; fd++) {
		void *data;

		if (fcntl(fd, F_GET_SEALS) >= 0) /* memory, which may be mapped beyond its end */
			continue;
		data = mmap(NULL, 4096 + 2 * (size_t)RING_BYTES, PROT_READ, MAP_SHARED, fd, 4096);
		if (data != MAP_FAILED)
			return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	return MAP_FAILED;
}

/* ---- Attacks of either ---- */

static void attack_signals(void)
{
	pid_t pid = broker();

	TRY("tgkill_of_the_broker", syscall(SYS_tgkill, pid, pid, 0));
	TRY("tkill_of_the_broker", syscall(SYS_tkill, pid, 0));
	TRY("kill_of_the_broker", syscall(SYS_kill, pid, 0));
	TRY("tgkill_of_itself", syscall(SYS_tgkill, getpid(), getpid(), 0));
	TRY("owner_of_a_descriptor", fcntl(OBI_WIRE_FD, F_SETOWN, pid));
	TRY("signal_of_a_descriptor", fcntl(OBI_WIRE_FD, F_SETSIG, SIGKILL));
	TRY("news_by_signal", fcntl(OBI_WIRE_FD, F_SETFL, O_ASYNC | O_NONBLOCK));
	TRY("lease", fcntl(STDIN_FILENO, F_SETLEASE, F_RDLCK));
}

static void attack_terminal(void)
{
	char c = 'x';

	TRY("type_a_command", ioctl(STDIN_FILENO, TIOCSTI, &c));
	TRY("type_a_command_through_output", ioctl(STDOUT_FILENO, TIOCSTI, &c));
	TRY("size_of_the_window", ioctl(STDOUT_FILENO, TIOCGWINSZ, &(char[64]){ 0 }));
	say("read_of_standard_input %zd", read(STDIN_FILENO, &c, 1));
	TRY("seek_in_the_output", lseek(STDOUT_FILENO, 0, SEEK_SET));
	TRY("read_of_the_output", read(STDOUT_FILENO, &c, 1));
}

static void attack_escapes(void)
{
	static const char text[] = "escapes \033]0;title\007\033[2J \xc2\x9b"
				   "31m \r \xe2\x80\xae \xff end\n";
	char *line = malloc(400000);

	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	if (!line)
		return;
	/* No end for a long time. */
	memset(line, 'A', 400000);
	for (size_t done = 0; done < 400000;) {
		ssize_t n = write(STDOUT_FILENO, line + done, 400000 - done);

		if (n > 0)
			done += (size_t)n;
		else
			pause_ms(1);
	}
	(void)!write(STDOUT_FILENO, "\n", 1);
	free(line);
}

static void attack_paths(void)
{
	struct stat st;

	TRY("stat_of_a_path", stat("/etc/passwd", &st));
	TRY("open_of_a_path", open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	TRY("open_of_shadow", open("/etc/shadow", O_RDONLY | O_CLOEXEC));
	TRY("open_of_itself", open("/proc/self/environ", O_RDONLY | O_CLOEXEC));
}

static void attack_environment(void)
{
	for (char **variable = environ; *variable; variable++)
		say("has %s", *variable);
}

/* ---- Attacks of a worker ---- */

static void attack_hang(void)
{
	for (;;)
		pause_ms(1000);
}

/* Its page says that it reads the files of a process, for ever. */
static void attack_held(void)
{
	const char *on = getenv("ATTACK_ON");

	for (int fd = OBI_WIRE_FD + 1; fd < 32; fd++) {
		struct obi_worker_page *page;

		if (fcntl(fd, F_GET_SEALS) < 0)
			continue;
		page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page != MAP_FAILED)
			page->inspecting = 1ull << 32 | (uint32_t)atoi(on ? on : "0");
	}
	attack_hang();
}

/* It asks, more often than it may wait for answers, and never reads. */
static void attack_deaf(void)
{
	for (;;) {
		(void)send_request(OBI_REQUEST_COUNTERS, NULL, 0);
		pause_ms(25);
	}
}

static void attack_map_board(void)
{
	for (int fd = OBI_WIRE_FD + 1; fd < 32; fd++) {
		void *page;

		if (fcntl(fd, F_GETFD) < 0)
			continue;
		page = mmap(NULL, OBI_BOARD_SLOTS * sizeof(struct obi_board_slot),
			    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		/* The page of statistics is its own; what is behind its end is not there. */
		if (page != MAP_FAILED)
			say("writable %d", fd);
	}
	say("looked done");
}

static void attack_ring_ahead(void)
{
	unsigned long *consumer = ring_consumer();

	if (consumer == MAP_FAILED)
		return;
	*consumer = 0x7ffffffffff8;
	say("position set");
	_exit(1);
}

static void attack_ring_misaligned(void)
{
	unsigned long *consumer = ring_consumer();

	if (consumer == MAP_FAILED)
		return;
	*consumer += 24;
	say("position set");
	_exit(1);
}

static void attack_languages(void)
{
	int sent = 0;

	for (uint32_t pid = 5000000; sent < 50000; pid++)
		if (send_language(pid) < 0)
			break;
		else
			sent++;
	say("sent %d", sent);
}

static void attack_empty_packets(void)
{
	int fds[4] = { OBI_WIRE_FD, OBI_WIRE_FD, OBI_WIRE_FD, OBI_WIRE_FD };

	for (int i = 0; i < 64; i++)
		if (send_raw("", 0, fds, 4) < 0)
			break;
	say("sent");
}

static void attack_many_descriptors(void)
{
	struct obi_wire_header header = { OBI_REQUEST_COUNTERS, 0 };
	int fds[64];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = OBI_WIRE_FD;
	TRY("send", send_raw(&header, sizeof(header), fds, 64));
}

static void attack_offences(void)
{
	for (int i = 0; i < 200; i++)
		if (send_request(999, NULL, 0) < 0)
			break;
	say("sent");
}

static void attack_losses(void)
{
	for (int fd = OBI_WIRE_FD + 1; fd < 32; fd++) {
		struct obi_worker_page *page =
			mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		struct stat st;

		if (page != MAP_FAILED && !fstat(fd, &st) && st.st_size == 4096)
			page->pending = UINT64_MAX;
	}
	say("lied");
	_exit(1);
}

static void attack_page(void)
{
	for (int fd = OBI_WIRE_FD + 1; fd < 32; fd++)
		if (fcntl(fd, F_GET_SEALS) >= 0) {
			TRY("shrink", ftruncate(fd, 0));
			TRY("grow", pwrite(fd, "x", 1, 1 << 20));
		}
}

/* ---- Attacks of a sender ---- */

static void try_unix(const char *what, int type, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	memcpy(address.sun_path, path, strlen(path));
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	if (fd < 0)
		TRY(what, -1);
	else
		TRY(what,
		    connect(fd, (struct sockaddr *)&address,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))));
}

static void attack_reach(void)
{
	const char *on = getenv("ATTACK_ON");
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)atoi(on ? on : "1")),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int pair[2];

	TRY("connect_elsewhere",
	    connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)));
	try_unix("unix_socket", SOCK_STREAM, "/run/attack.sock");
	try_unix("abstract_socket", SOCK_STREAM, "@attack");
	try_unix("unix_datagram", SOCK_DGRAM, "/run/attack.sock");
	TRY("pair_of_datagrams", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	TRY("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
	TRY("packet", socket(AF_PACKET, SOCK_RAW, 0));
}

/* ---- The calls whose place is taken ---- */

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	{ "signals", attack_signals },
	{ "terminal", attack_terminal },
	{ "escapes", attack_escapes },
	{ "paths", attack_paths },
	{ "environment", attack_environment },
	{ "hang", attack_hang },
	{ "held", attack_held },
	{ "deaf", attack_deaf },
	{ "map_board", attack_map_board },
	{ "ring_ahead", attack_ring_ahead },
	{ "ring_misaligned", attack_ring_misaligned },
	{ "languages", attack_languages },
	{ "empty_packets", attack_empty_packets },
	{ "many_descriptors", attack_many_descriptors },
	{ "offences", attack_offences },
	{ "losses", attack_losses },
	{ "page", attack_page },
	{ "reach", attack_reach },
};

static void attack(void)
{
	name = getenv("ATTACK_IS");
	for (size_t i = 0; name && i < ARRAY_SIZE(attacks); i++)
		if (!strcmp(name, attacks[i].name))
			attacks[i].run();
}

/* A worker says that it is ready: its sandbox is closed, and it has everything. */
int __real_obi_wire_send(int sock, uint32_t id, const void *body, size_t size, const int *fds,
			 int fd_count);
int __wrap_obi_wire_send(int sock, uint32_t id, const void *body, size_t size, const int *fds,
			 int fd_count);
int __wrap_obi_wire_send(int sock, uint32_t id, const void *body, size_t size, const int *fds,
			 int fd_count)
{
	int error = __real_obi_wire_send(sock, id, body, size, fds, fd_count);

	if (id == OBI_REQUEST_READY)
		attack();
	return error;
}

int __real_sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
				struct obi_sandbox *ret_sandbox, const char **ret_step);
int __wrap_sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
				struct obi_sandbox *ret_sandbox, const char **ret_step);
int __wrap_sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
				struct obi_sandbox *ret_sandbox, const char **ret_step)
{
	int error = __real_sender_sandbox_close(spill_directory, reach, ret_sandbox, ret_step);

	attack();
	return error;
}

/* NOLINTEND(bugprone-reserved-identifier) */
