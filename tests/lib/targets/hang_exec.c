// SPDX-License-Identifier: Apache-2.0
/*
 * hang_exec FILE PORT: listens, then executes sleep(1) with FILE open for closing on exec. Where
 * closing FILE waits, so does the exec, half done: whoever looks at this process in /proc waits
 * too.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3 || open(argv[1], O_RDONLY | O_CLOEXEC) < 0) {
		perror("open");
		return 1;
	}
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) || listen(sock, 1)) {
		perror("listen");
		return 1;
	}
	execl("/bin/sleep", "sleep", "1000", (char *)NULL);
	perror("execl");
	return 1;
}
