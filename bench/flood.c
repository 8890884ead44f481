// SPDX-License-Identifier: Apache-2.0
/*
 * Sends UDP packets of 64 bytes (Ethernet header included) with sendmmsg.
 *
 *   flood COUNTER ADDRESS              to port 9 of one address, without end
 *   flood COUNTER ADDRESS FLOWS TOTAL [RATE]
 *                                      TOTAL packets round robin over FLOWS flows: other
 *                                      addresses from ADDRESS on and other ports; at most RATE
 *                                      packets a second
 *
 * COUNTER is a file: its first eight bytes are always the number of packets that the kernel
 * took so far, so that a reader needs no system call to know it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define PAYLOAD (64 - 14 - 20 - 8)
#define FIRST_PORT 1024U
#define PORTS 50000U /* flows to one address, then the next address */
#define PORT_DISCARD 9

static volatile unsigned long long *map_counter(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *at;

	if (fd < 0 || ftruncate(fd, sizeof(unsigned long long)))
		return NULL;
	at = mmap(NULL, sizeof(unsigned long long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	return at == MAP_FAILED ? NULL : at;
}

static void set_flow(struct sockaddr_in *to, struct in_addr first, unsigned long long flow)
{
	to->sin_family = AF_INET;
	to->sin_port = htons((unsigned short)(FIRST_PORT + flow % PORTS));
	to->sin_addr.s_addr = htonl(ntohl(first.s_addr) + (unsigned)(flow / PORTS));
}

static void keep_rate(const struct timespec *start, unsigned long long sent, unsigned long rate)
{
	unsigned long long ns = sent * 1000000000ULL / rate + (unsigned long long)start->tv_nsec;
	struct timespec until = { .tv_sec = start->tv_sec + (time_t)(ns / 1000000000ULL),
				  .tv_nsec = (long)(ns % 1000000000ULL) };

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

struct flood {
	volatile unsigned long long *counter;
	struct in_addr first;
	unsigned long long flows; /* 0: one address and port */
	unsigned long long total;
	unsigned long rate; /* 0: as fast as it goes */
	int fd;
	struct sockaddr_in to[BATCH];
	struct mmsghdr messages[BATCH];
};

static void prepare(struct flood *flood)
{
	static char payload[PAYLOAD];
	static struct iovec data = { payload, sizeof(payload) };

	for (int i = 0; i < BATCH; i++) {
		set_flow(&flood->to[i], flood->first, 0);
		flood->to[i].sin_port = htons(PORT_DISCARD);
		flood->messages[i].msg_hdr = (struct msghdr){ .msg_name = &flood->to[i],
							      .msg_namelen = sizeof(flood->to[i]),
							      .msg_iov = &data,
							      .msg_iovlen = 1 };
	}
}

static int run(struct flood *flood)
{
	unsigned long long sent = 0;
	struct timespec start;

	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	while (sent < flood->total) {
		unsigned long long left = flood->total - sent;
		unsigned want = left < BATCH ? (unsigned)left : BATCH;
		int took;

		for (unsigned i = 0; flood->flows && i < want; i++)
			set_flow(&flood->to[i], flood->first, (sent + i) % flood->flows);
		took = sendmmsg(flood->fd, flood->messages, want, 0);
		if (took < 0 && errno != ENOBUFS && errno != EINTR) {
			perror("sendmmsg");
			return 1;
		}
		if (took > 0)
			*flood->counter = sent += (unsigned)took;
		if (flood->rate)
			keep_rate(&start, sent, flood->rate);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct flood flood;

	flood.counter = argc > 2 ? map_counter(argv[1]) : NULL;
	flood.flows = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	flood.total = argc > 4 ? strtoull(argv[4], NULL, 10) : ~0ULL;
	flood.rate = argc > 5 ? strtoul(argv[5], NULL, 10) : 0;
	flood.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (!flood.counter || flood.fd < 0 || !inet_aton(argv[2], &flood.first)) {
		(void)fprintf(stderr, "usage: flood COUNTER ADDRESS [FLOWS TOTAL [RATE]]\n");
		return 2;
	}
	prepare(&flood);
	return run(&flood);
}
