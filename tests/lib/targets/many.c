// SPDX-License-Identifier: Apache-2.0
/*
 * many THREADS DESCRIPTORS PORT: a process with so many idle threads, each two mappings, and so
 * many descriptors, all of them sockets, that then serves HTTP on PORT, from its last descriptor.
 * Says "ready" with how many it has got. At each line of standard input it begins and ends so many
 * threads as the line says, one after the other, and says "done".
 */
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *nothing(void *unused)
{
	return unused;
}

static int begin_threads(int count)
{
	pthread_attr_t attr;
	pthread_t thread;
	int begun = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	while (begun < count && !pthread_create(&thread, &attr, idle, NULL))
		begun++;
	return begun;
}

#define SPARE 20 /* descriptors, for those that serve */

static int open_sockets(int count)
{
	struct rlimit limit;
	int opened = 0;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if ((rlim_t)count > limit.rlim_cur - SPARE)
		count = (int)limit.rlim_cur - SPARE;
	while (opened < count && socket(AF_UNIX, SOCK_DGRAM, 0) >= 0)
		opened++;
	return opened;
}

static int open_listener(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) || listen(sock, 16)) {
		perror("listen");
		exit(1);
	}
	return sock;
}

static void serve(int listener)
{
	static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char request[4096];
	int sock = accept(listener, NULL, NULL);

	if (sock < 0)
		return;
	if (read(sock, request, sizeof(request)) > 0)
		(void)!write(sock, answer, sizeof(answer) - 1);
	close(sock);
}

static void churn(void)
{
	char line[32];

	if (!fgets(line, sizeof(line), stdin))
		exit(0);
	for (int i = atoi(line); i > 0; i--) {
		pthread_t thread;

		if (!pthread_create(&thread, NULL, nothing, NULL))
			pthread_join(thread, NULL);
	}
	puts("done");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int threads = argc == 4 ? begin_threads(atoi(argv[1])) : 0;
	int sockets = argc == 4 ? open_sockets(atoi(argv[2])) : 0;
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	if (argc != 4)
		return 1;
	fds[0].fd = open_listener(atoi(argv[3]));
	printf("ready threads=%d descriptors=%d listener=%d\n", threads, sockets, fds[0].fd);
	fflush(stdout);
	for (;;) {
		(void)poll(fds, 2, -1);
		if (fds[0].revents)
			serve(fds[0].fd);
		if (fds[1].revents)
			churn();
	}
}
