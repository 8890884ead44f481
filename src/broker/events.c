// SPDX-License-Identifier: Apache-2.0
/* What happens, one function a descriptor, and the loop that waits for it. */
#include "broker/state.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/tracer.h"

#define OUTPUT_WAIT_NS (20 * NSEC_PER_MSEC)

/* ---- Events ---- */

int broker_watch_looker(void *context, int fd)
{
	return broker_watch_fd(context, fd, EPOLLIN);
}

int broker_ask_looker(void *context, const struct look_request *request)
{
	struct broker *b = context;

	return obi_looker_ask(&b->looker, request);
}

void broker_take_look(void *context, const struct look_request *request,
		      const struct look_answer *answer, int *fds, int fd_count)
{
	struct broker *b = context;

	if (request->kind == LOOK_MAPPED)
		obi_probed_answer(b->probed, request, answer, fds, fd_count);
	else
		obi_discover_answer(b->discover, request, answer, fds, fd_count);
}

void broker_look_again(void *context, uint32_t pid)
{
	struct broker *b = context;

	obi_discover_look_at(b->discover, pid);
}

void broker_begin_stop(struct broker *b)
{
	if (!b->stop_by)
		b->stop_by = clock_monotonic_ns() + b->settings->global.shutdown_timeout;
	b->stopping = true;
}

static void read_signals(struct broker *b)
{
	struct signalfd_siginfo info;

	while (read(b->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			broker_reap(b);
		else
			broker_begin_stop(b);
	}
}

/* Between the long steps of a start. */
bool broker_stop_is_wanted(struct broker *b)
{
	read_signals(b);
	return b->stopping;
}

static void read_timer(struct broker *b)
{
	uint64_t expirations;

	(void)!read(b->timer, &expirations, sizeof(expirations));
	if (b->net)
		broker_end_flow_period(b);
}

static void send_bpf(void *context, const struct obi_wire_bpf *message)
{
	(void)broker_send_worker(context, OBI_WIRE_BPF, message, sizeof(*message), NULL, 0);
}

void broker_read_bpf_stats(struct broker *b)
{
	if (b->bpf_stats)
		obi_bpf_stats_read(b->bpf_stats, send_bpf, b);
}

static void read_bpf_timer(struct broker *b)
{
	uint64_t expirations;

	(void)!read(b->bpf_timer, &expirations, sizeof(expirations));
	broker_read_bpf_stats(b);
}

void broker_dispatch(struct broker *b, int fd)
{
	if (fd == b->signals)
		read_signals(b);
	else if (fd == b->worker.child.sock)
		broker_read_worker(b);
	else if (fd == obi_output_fd(&b->output))
		obi_output_pump(&b->output);
	else if (fd == b->timer)
		read_timer(b);
	else if (fd == b->bpf_timer)
		read_bpf_timer(b);
	else if (b->ifaces && fd == obi_iface_watch_fd(b->ifaces))
		broker_read_interfaces(b);
	else if (b->discover && fd == b->looker.sock)
		obi_looker_read(&b->looker);
	else
		(void)broker_tracer_events(b, fd);
}

static void sooner(uint64_t *at, uint64_t other)
{
	if (other && other < *at)
		*at = other;
}

static int timeout_ms(const struct broker *b)
{
	uint64_t now = clock_monotonic_ns(), at = obi_worker_next(&b->worker, now);

	sooner(&at, b->sender.start_at);
	sooner(&at, broker_next_tls(b));
	sooner(&at, log_next());
	if (b->discover) {
		sooner(&at, obi_discover_next(b->discover));
		sooner(&at, obi_looker_next(&b->looker));
	}
	if (obi_output_waits(&b->output) || obi_queue_waits(&b->worker.child.queue))
		sooner(&at, now + OUTPUT_WAIT_NS);
	return at > now ? (int)((at - now) / NSEC_PER_MSEC) + 1 : 0;
}

static void tick(struct broker *b)
{
	uint64_t now = clock_monotonic_ns();

	obi_worker_tick(&b->worker, now);
	broker_tell_untold(b);
	if (b->discover) {
		obi_looker_tick(&b->looker, now);
		obi_discover_tick(b->discover, now);
	}
	(void)obi_sender_tick(&b->sender, &b->worker.child, now);
	broker_tick_tls(b, now);
	log_tick(now);
	if (obi_output_waits(&b->output))
		obi_output_pump(&b->output);
}

void broker_run_loop(struct broker *b)
{
	struct epoll_event events[8];

	while (!b->stopping) {
		int n = epoll_wait(b->epoll, events, ARRAY_SIZE(events), timeout_ms(b));

		for (int i = 0; i < n && !b->stopping; i++)
			broker_dispatch(b, events[i].data.fd);
		if (!b->stopping)
			tick(b);
	}
}
