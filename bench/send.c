// SPDX-License-Identifier: Apache-2.0
/*
 * From spans to a collector's answers: typical spans are encoded and handed to a real sender, which
 * sends them to the endpoint that the environment names (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT).
 *
 *   send OBI SPANS [BATCH]
 *
 * Prints "spans=N ns=N bytes=N encode_cpu_ns=N sender_cpu_ns=N sender_idle_kib=N sender_top_kib=N":
 * the time from the first span to the last answer, CPU of this process and of the sender, and the
 * sender's RssAnon before the first batch and at most.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "bench/sample.h"
#include "otlp/outbox.h"
#include "otlp/spans.h"
#include "settings/settings.h"
#include "wire/wire.h"

extern char **environ;

static pid_t start_sender(const char *program, int *ret_control)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		exit(1);
	pid = fork();
	if (pid == 0) {
		(void)dup2(pair[1], OBI_WIRE_FD);
		(void)execl(program, "obi", "sender", (char *)NULL);
		_exit(127);
	}
	(void)close(pair[1]);
	*ret_control = pair[0];
	return pid;
}

static void join(int control)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ||
	    obi_wire_send(control, OBI_WIRE_PEER, NULL, 0, &pair[0], 1))
		exit(1);
	(void)close(pair[0]);
	outbox_attach(pair[1]);
}

static unsigned long rss_anon(pid_t pid)
{
	unsigned long kib = 0;
	char path[64], line[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %lu", &kib) == 1)
			break;
	if (file)
		(void)fclose(file);
	return kib;
}

static uint64_t cpu_ns(int who)
{
	struct rusage usage;

	(void)getrusage(who, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NSEC_PER_USEC;
}

static void await_answer(void)
{
	struct pollfd fd = { .fd = outbox_fd(), .events = POLLIN };

	(void)poll(&fd, 1, 100);
	outbox_ready();
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 0, start, bytes = 0;
	size_t size = argc > 3 ? strtoull(argv[3], NULL, 10) : 4096;
	unsigned long idle, top = 0;
	struct obi_settings settings;
	struct buffer body = { 0 };
	struct otlp_spans *batch;
	struct obi_error error;
	uint64_t encode_cpu;
	char path[SAMPLE_PATH];
	pid_t sender;
	int control;

	if (!count || obi_settings_load(NULL, environ, &settings, &error) ||
	    otlp_spans_new(&settings, &batch))
		return 1;
	outbox_limit(OTLP_TRACES,
		     (struct outbox_limits){ (uint64_t)settings.otlp.traces.queue_size,
					     obi_otlp_queue_bytes(&settings.otlp, OTLP_TRACES) });
	sender = start_sender(argv[1], &control);
	join(control);
	(void)usleep(500000);
	idle = rss_anon(sender);
	start = clock_monotonic_ns();
	for (uint64_t i = 0; i < count; i++) {
		struct obi_span span = sample_span(i, path);

		(void)otlp_spans_put(batch, &span);
		if (otlp_spans_encoded(batch) < size && i + 1 < count)
			continue;
		while (outbox_fd() >= 0 && outbox_counts(OTLP_TRACES).queued + size >
						   (uint64_t)settings.otlp.traces.queue_size)
			await_answer();
		size_t spans = otlp_spans_encoded(batch);

		body.len = 0;
		if (otlp_spans_take(batch, &body))
			return 1;
		int failed = outbox_put(OTLP_TRACES, &body, (uint32_t)spans);

		if (failed) {
			(void)fprintf(stderr, "send: %s\n", strerror(-failed));
			return 1;
		}
		bytes += body.len;
		if (i % (16 * size) < size) {
			unsigned long now = rss_anon(sender);

			top = now > top ? now : top;
		}
	}
	while (outbox_fd() >= 0 && outbox_counts(OTLP_TRACES).queued)
		await_answer();
	start = clock_monotonic_ns() - start;
	encode_cpu = cpu_ns(RUSAGE_SELF);
	outbox_close(1000);
	(void)close(control);
	(void)waitpid(sender, NULL, 0);
	(void)printf("spans=%llu ns=%llu bytes=%llu encode_cpu_ns=%llu sender_cpu_ns=%llu "
		     "sender_idle_kib=%lu sender_top_kib=%lu\n",
		     (unsigned long long)outbox_counts(OTLP_TRACES).exported,
		     (unsigned long long)start, (unsigned long long)bytes,
		     (unsigned long long)encode_cpu, (unsigned long long)cpu_ns(RUSAGE_CHILDREN),
		     idle, top);
	return 0;
}
