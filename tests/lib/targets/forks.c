// SPDX-License-Identifier: Apache-2.0
// A server whose child serves, forked before anything else: forks PORT
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(int port)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 5))
		_exit(1);
	for (;;) {
		int connection = accept(fd, NULL, NULL);
		char request[4096];

		if (read(connection, request, sizeof(request)) > 0)
			(void)!write(connection, answer, strlen(answer));
		(void)close(connection);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && !fork()) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(atoi(argv[1]));
	}
	return (int)wait(NULL) < 0;
}
