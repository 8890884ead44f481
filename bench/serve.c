// SPDX-License-Identifier: Apache-2.0
/*
 * A small HTTP server: one connection after the other, keep-alive, every request answered at
 * once. Prints the monotonic time at which its main() began and at which it listens. So the
 * bench can say when a process that has just been executed is instrumented.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n";

static unsigned long long now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000ULL + (unsigned long long)t.tv_nsec;
}

static int listen_on(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 64))
		return -1;
	return fd;
}

/* Requests have no body and come whole, one at a time: the client is the bench's own. */
static void answer(int conn)
{
	char request[4096];

	while (recv(conn, request, sizeof(request), 0) > 0)
		if (send(conn, reply, sizeof(reply) - 1, MSG_NOSIGNAL) < 0)
			return;
}

int main(int argc, char **argv)
{
	unsigned long long began = now_ns();
	int fd = listen_on(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0);

	if (fd < 0) {
		perror("serve");
		return 1;
	}
	printf("%llu %llu\n", began, now_ns());
	(void)fflush(stdout);
	for (;;) {
		int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (conn < 0)
			continue;
		answer(conn);
		(void)close(conn);
	}
}
