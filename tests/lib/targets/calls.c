// SPDX-License-Identifier: Apache-2.0
/*
 * What do a client's calls answer? Each scenario makes connections to a server of this process and
 * prints every kind of answer that it got, with its number: "scenario: kind number".
 *
 *     calls GROUP SCALE
 *
 * Two runs of a group, with and without an observer, must print the same kinds. The connections of
 * the group `late` are made blocking after their first exchange, those of `mixed` before it, those
 * of `blocking` never wait for anything but their calls, and those of `nonblocking` are what they
 * are called.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LARGE 200000
#define HUGE 4000000
#define ANSWER_SIZE 1000

/* ---- Kinds of answers --------------------------------------------------------------------------
 */

static struct kind {
	char name[64];
	unsigned long number;
} kinds[64];

static const char *scenario;
static unsigned long calls;

static void note(const char *call, const char *answer)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s %s", call, answer);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!kinds[i].name[0])
			memcpy(kinds[i].name, name, sizeof(name));
		if (!strcmp(kinds[i].name, name)) {
			kinds[i].number++;
			return;
		}
	}
	abort();
}

static void print_kinds(void)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].name[0]; i++)
		printf("%s: %s %lu\n", scenario, kinds[i].name, kinds[i].number);
	memset(kinds, 0, sizeof(kinds));
}

static const char *kind_of(ssize_t n)
{
	calls++;
	return n > 0 ? "bytes" : n == 0 ? "end" : strerrorname_np(errno);
}

static ssize_t receive(int fd, void *to, size_t size, int flags)
{
	ssize_t n = recv(fd, to, size, flags);
	int error = errno;

	note("recv", kind_of(n));
	errno = error;
	return n;
}

/* ---- The server --------------------------------------------------------------------------------
 */

/* A request's path says what the server does. */
enum behaviour {
	ANSWER = 'a', /* at once */
	DELAY = 'd',  /* after 12 ms */
	PIECES = 'p', /* in four pieces, 1 ms apart */
	RESET = 'r',  /* after 3 ms, without an answer */
	CLOSE = 'c',  /* with the answer */
};

static struct sockaddr_in address = { .sin_family = AF_INET };

static bool read_request(int fd, char *buf, size_t size, char *ret_behaviour)
{
	size_t have = 0, want = 1;
	char *body;

	do {
		ssize_t n = recv(fd, buf + (have < 512 ? have : 512), size - 512, 0);

		if (n <= 0)
			return false;
		have += (size_t)n;
		buf[have < 512 ? have : 512] = 0;
		body = strstr(buf, "\r\n\r\n");
		if (want == 1 && body)
			want = (size_t)(body + 4 - buf) +
			       strtoul(strstr(buf, "Length: ") + 8, NULL, 10);
	} while (want == 1 || have < want);
	*ret_behaviour = buf[6];
	return true;
}

static void *serve(void *argument)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
	char *buf = malloc(1 << 17), answer[ANSWER_SIZE + sizeof(head) - 1], behaviour;
	struct linger hard = { .l_onoff = 1 };
	int fd = (int)(intptr_t)argument;

	memset(answer, 'x', sizeof(answer));
	memcpy(answer, head, sizeof(head) - 1);
	while (read_request(fd, buf, 1 << 17, &behaviour)) {
		if (behaviour == DELAY)
			usleep(12000);
		if (behaviour == RESET) {
			usleep(3000);
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
			break;
		}
		for (size_t at = 0, piece; at < sizeof(answer); at += piece) {
			piece = behaviour == PIECES ? sizeof(answer) / 4 : sizeof(answer);
			if (piece > sizeof(answer) - at)
				piece = sizeof(answer) - at;
			(void)!send(fd, answer + at, piece, MSG_NOSIGNAL);
			if (behaviour == PIECES)
				usleep(1000);
		}
		if (behaviour == CLOSE)
			break;
	}
	close(fd);
	free(buf);
	return NULL;
}

static void *accept_all(void *argument)
{
	int listener = (int)(intptr_t)argument;

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;

		if (fd < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
			abort();
		pthread_detach(thread);
	}
	return NULL;
}

static void begin_server(void)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(address);
	pthread_t thread;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 512) ||
	    getsockname(listener, (struct sockaddr *)&address, &len) ||
	    pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener))
		abort();
}

/* ---- The client --------------------------------------------------------------------------------
 */

static bool begins_nonblocking, ends_blocking; /* of connections */

static void set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	(void)fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

static bool ready(int fd, short events, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	calls++;
	return poll(&pfd, 1, timeout) == 1;
}

static int open_connection(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (begins_nonblocking)
		set_blocking(fd, false);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) && errno != EINPROGRESS)
		abort();
	if (begins_nonblocking && !ready(fd, POLLOUT, 10000))
		abort();
	if (ends_blocking)
		set_blocking(fd, true);
	return fd;
}

/* A request of so many bytes; false if it could not be sent. */
static bool ask(int fd, enum behaviour behaviour, size_t size)
{
	static __thread char *buf;
	size_t len, at = 0;

	if (!buf)
		buf = malloc(HUGE + 256);
	len = (size_t)sprintf(buf, "POST /%c HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
			      behaviour, size);
	memset(buf + len, 'y', size);
	len += size;
	while (at < len) {
		ssize_t n = send(fd, buf + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			if (!ready(fd, POLLOUT, 10000))
				return false;
			continue;
		}
		if (n < 0)
			return false;
		calls++;
		at += (size_t)n;
	}
	return true;
}

/* The whole answer, by calls that say what they got. */
static void take(int fd, int flags)
{
	char buf[4096];
	size_t have = 0, want = ANSWER_SIZE + 41;
	ssize_t n;

	while (have < want) {
		if (begins_nonblocking && !ends_blocking && !ready(fd, POLLIN, 10000)) {
			note("poll", "nothing");
			return;
		}
		n = receive(fd, buf, flags & MSG_WAITALL ? want - have : sizeof(buf), flags);
		if (n <= 0)
			return;
		have += (size_t)n;
	}
	note("answer", "whole");
}

struct upload {
	int fd;
	size_t size;
};

static void *upload(void *argument)
{
	const struct upload *u = argument;

	(void)ask(u->fd, ANSWER, u->size);
	return NULL;
}

/* ---- Scenarios ---------------------------------------------------------------------------------
 */

static void small(int fd)
{
	for (int i = 0; i < 10; i++) {
		(void)ask(fd, ANSWER, 10);
		take(fd, 0);
	}
}

static void large(int fd)
{
	(void)ask(fd, ANSWER, LARGE);
	take(fd, 0);
}

static void by_another_thread(int fd)
{
	struct upload u = { fd, HUGE };
	pthread_t thread;

	if (pthread_create(&thread, NULL, upload, &u))
		abort();
	take(fd, 0);
	pthread_join(thread, NULL);
}

static void half_closed(int fd)
{
	char byte;

	(void)ask(fd, CLOSE, LARGE);
	(void)shutdown(fd, SHUT_WR);
	take(fd, 0);
	if (!begins_nonblocking || ends_blocking || ready(fd, POLLIN, 10000))
		(void)receive(fd, &byte, 1, 0);
}

static void pieces(int fd)
{
	(void)ask(fd, PIECES, 10);
	take(fd, 0);
}

static void wait_for_all(int fd)
{
	(void)ask(fd, PIECES, 10);
	take(fd, MSG_WAITALL);
}

static void peek(int fd)
{
	char buf[100];

	(void)ask(fd, DELAY, 10);
	if (begins_nonblocking && !ends_blocking)
		(void)ready(fd, POLLIN, 10000);
	(void)receive(fd, buf, sizeof(buf), MSG_PEEK);
	take(fd, 0);
}

static void never_wait(int fd)
{
	char buf[100];

	(void)ask(fd, DELAY, 10);
	(void)receive(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK);
	take(fd, 0);
}

static void time_out(int fd)
{
	struct timeval little = { .tv_usec = 4000 }, forever = { 0 };
	char buf[100];

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &little, sizeof(little));
	(void)ask(fd, DELAY, 10);
	(void)receive(fd, buf, sizeof(buf), MSG_PEEK); /* on a busy machine there is an answer */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	take(fd, 0);
}

static void reset(int fd)
{
	char buf[100];
	int error = 0;
	socklen_t len = sizeof(error);

	(void)ask(fd, RESET, 10);
	if (begins_nonblocking && !ends_blocking)
		(void)ready(fd, POLLIN, 10000);
	(void)receive(fd, buf, sizeof(buf), 0);
	(void)receive(fd, buf, sizeof(buf), 0);
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	note("SO_ERROR", error ? strerrorname_np(error) : "0");
}

static void waiting_bytes(int fd)
{
	int waiting = -1;

	(void)ask(fd, ANSWER, 10);
	(void)ready(fd, POLLIN, 10000);
	(void)ioctl(fd, FIONREAD, &waiting);
	note("FIONREAD", waiting == ANSWER_SIZE + 41 ? "all" : waiting ? "some" : "0");
	take(fd, 0);
	(void)ioctl(fd, FIONREAD, &waiting);
	note("FIONREAD", waiting ? "some" : "0");
}

static void edges(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int ep = epoll_create1(0);
	uint32_t seen = 0;
	char name[16];

	(void)epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
	(void)ask(fd, CLOSE, 10);
	while (!(seen & EPOLLRDHUP) && epoll_wait(ep, &event, 1, 5000) == 1) {
		calls++;
		seen |= event.events;
	}
	(void)snprintf(name, sizeof(name), "%x", seen);
	note("epoll", name);
	take(fd, 0);
	close(ep);
}

/* Sent by splice(2) and read by it. */
static void spliced(int fd)
{
	static const char text[] = "POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
	int in[2], out[2];
	size_t have = 0;
	ssize_t n = 0;

	if (pipe(in) || pipe(out))
		abort();
	(void)!write(in[1], text, sizeof(text) - 1);
	(void)splice(in[0], NULL, fd, NULL, sizeof(text) - 1, 0);
	while (have < ANSWER_SIZE + 41) {
		if (begins_nonblocking && !ends_blocking && !ready(fd, POLLIN, 10000))
			break;
		n = splice(fd, NULL, out[1], NULL, 4096, 0);
		note("splice", kind_of(n));
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static volatile sig_atomic_t ticks;

static void tick(int number)
{
	ticks++;
}

static void with_signals(int fd, int flags)
{
	struct sigaction action = { .sa_handler = tick, .sa_flags = flags };
	struct itimerval often = { { 0, 1500 }, { 0, 1500 } }, never = { 0 };
	char buf[100];

	(void)sigaction(SIGALRM, &action, NULL);
	(void)ask(fd, DELAY, 10);
	(void)setitimer(ITIMER_REAL, &often, NULL);
	if (flags & SA_RESTART || (begins_nonblocking && !ends_blocking))
		(void)receive(fd, buf, sizeof(buf), MSG_PEEK);
	else
		while (receive(fd, buf, sizeof(buf), MSG_PEEK) < 0 && errno == EINTR)
			;
	(void)setitimer(ITIMER_REAL, &never, NULL);
	take(fd, 0);
}

static void restarting_signals(int fd)
{
	with_signals(fd, SA_RESTART);
}

static void interrupting_signals(int fd)
{
	with_signals(fd, 0);
}

static const struct {
	const char *name;
	void (*run)(int fd);
	int times; /* of SCALE 100 */
} scenarios[] = {
	{ "small", small, 3000 },
	{ "large", large, 1000 },
	{ "by_another_thread", by_another_thread, 40 },
	{ "half_closed", half_closed, 1000 },
	{ "pieces", pieces, 100 },
	{ "wait_for_all", wait_for_all, 100 },
	{ "peek", peek, 50 },
	{ "never_wait", never_wait, 50 },
	{ "time_out", time_out, 50 },
	{ "reset", reset, 100 },
	{ "waiting_bytes", waiting_bytes, 100 },
	{ "edges", edges, 200 },
	{ "restarting_signals", restarting_signals, 50 },
	{ "interrupting_signals", interrupting_signals, 50 },
	{ "spliced", spliced, 100 },
};

int main(int argc, char **argv)
{
	const char *group = argc > 2 ? argv[1] : "";
	int scale = argc > 2 ? atoi(argv[2]) : 0;
	bool late = !strcmp(group, "late");
	sigset_t alarm;

	if (!scale)
		return 2;
	begins_nonblocking = strcmp(group, "blocking") != 0;
	ends_blocking = !strcmp(group, "mixed") || !begins_nonblocking;
	/* Signals are the main thread's. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	begin_server();
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		scenario = scenarios[i].name;
		for (int n = 0; n < (scenarios[i].times * scale + 99) / 100; n++) {
			int fd = open_connection();

			if (late) {
				(void)ask(fd, ANSWER, 10);
				take(fd, 0);
				set_blocking(fd, true);
				ends_blocking = true;
				small(fd);
			}
			scenarios[i].run(fd);
			close(fd);
			if (late)
				ends_blocking = false;
		}
		print_kinds();
	}
	fprintf(stderr, "%lu calls\n", calls);
	return 0;
}
