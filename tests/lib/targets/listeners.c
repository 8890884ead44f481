// SPDX-License-Identifier: Apache-2.0
/* listeners COUNT PORT: so many idle processes that each listen on PORT (0: any), until this one
 * ends. Says "ready". */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void idle(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	bind(sock, (struct sockaddr *)&address, sizeof(address));
	listen(sock, 1);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0;

	for (int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			perror("fork");
			return 1;
		}
		if (pid == 0)
			idle(atoi(argv[2]));
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
