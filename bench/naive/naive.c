// SPDX-License-Identifier: Apache-2.0
/*
 * Loads the yardstick for one process, reads its ring buffer with poll, and says at the end,
 * or on SIGUSR1, how many events it took: one line "events=N requests=N lost=N". A request is
 * an event that begins with "GET ", so that the reader touches what was copied.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "naive.skel.h"
#include "shape.h"

#define POLL_MS 100

static volatile sig_atomic_t stopping, asked;
static unsigned long long events, requests;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		asked = 1;
	else
		stopping = 1;
}

static int on_event(void *context, void *data, size_t size)
{
	const struct naive_event *event = data;

	events++;
	requests += memcmp(event->bytes, "GET ", 4) == 0;
	return 0;
}

static void set_kinds(struct naive_bpf__rodata *knobs)
{
#ifdef SYS_read
	knobs->kinds[SYS_read] = NAIVE_BUFFER;
	knobs->kinds[SYS_write] = NAIVE_BUFFER;
#endif
	knobs->kinds[SYS_recvfrom] = NAIVE_BUFFER;
	knobs->kinds[SYS_sendto] = NAIVE_BUFFER;
	knobs->kinds[SYS_readv] = NAIVE_IOVEC;
	knobs->kinds[SYS_writev] = NAIVE_IOVEC;
	knobs->kinds[SYS_recvmsg] = NAIVE_MSGHDR;
	knobs->kinds[SYS_sendmsg] = NAIVE_MSGHDR;
}

static void say(struct naive_bpf *skel)
{
	printf("events=%llu requests=%llu lost=%llu\n", events, requests,
	       (unsigned long long)skel->bss->lost);
	(void)fflush(stdout);
}

static int run(struct naive_bpf *skel)
{
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(skel->maps.events), on_event, NULL, NULL);

	if (!ring)
		return -errno;
	printf("ready\n");
	(void)fflush(stdout);
	while (!stopping) {
		int got = ring_buffer__poll(ring, POLL_MS);

		if (got < 0 && got != -EINTR)
			break;
		if (asked) {
			asked = 0;
			say(skel);
		}
	}
	say(skel);
	ring_buffer__free(ring);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct naive_bpf *skel;
	int error;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: naive PID\n");
		return 2;
	}
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGUSR1, &action, NULL);
	skel = naive_bpf__open();
	if (!skel)
		return 1;
	skel->rodata->target = (unsigned int)strtoul(argv[1], NULL, 10);
	set_kinds(skel->rodata);
	error = naive_bpf__load(skel);
	if (!error)
		error = naive_bpf__attach(skel);
	if (!error)
		error = run(skel);
	if (error)
		(void)fprintf(stderr, "naive: %s\n", strerror(-error));
	naive_bpf__destroy(skel);
	return error ? 1 : 0;
}
