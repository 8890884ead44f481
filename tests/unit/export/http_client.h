/* SPDX-License-Identifier: Apache-2.0 */
/* A client that asks a server living in the same thread: it sends, runs the server while it waits,
 * and gives the whole answer back. */
#ifndef OBI_TESTS_HTTP_CLIENT_H
#define OBI_TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"

struct http_client {
	uint16_t port;
	int server_fd; /* readable when run() should be called */
	void (*run)(void *context);
	void *context;
};

static inline int http_connect(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Runs the server whenever it asks for it until fd is readable; false after two seconds. */
static inline bool http_wait(const struct http_client *client, int fd)
{
	struct pollfd fds[] = { { client->server_fd, POLLIN, 0 }, { fd, POLLIN, 0 } };

	while (poll(fds, 2, 2000) > 0) {
		if (fds[1].revents)
			return true;
		client->run(client->context);
	}
	return false;
}

/* Sends the request and reads until the server closes; terminated, to be freed by the caller. */
static inline struct buffer http_ask(const struct http_client *client, const char *request)
{
	int fd = http_connect(client->port);
	struct buffer answer = { 0 };
	char piece[16384];
	ssize_t len = fd < 0 ? 0 : send(fd, request, strlen(request), MSG_NOSIGNAL);

	while (len > 0 && http_wait(client, fd)) {
		len = recv(fd, piece, sizeof(piece), 0);
		if (len > 0)
			buffer_put(&answer, piece, (size_t)len);
	}
	buffer_put_char(&answer, '\0');
	if (fd >= 0)
		(void)close(fd);
	return answer;
}

#endif
