// SPDX-License-Identifier: Apache-2.0
/* What happens, one function a descriptor, and the loop that waits for it. */
#include "broker/state.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define OUTPUT_WAIT_NS (20 * NSEC_PER_MSEC)

/* ---- Events ---- */

static void take_process_event(void *context, const struct obi_process_event *event)
{
	struct broker *b = context;

	if (event->type == OBI_PROCESS_EXEC || event->type == OBI_PROCESS_EXIT)
		obi_worker_let_go(&b->worker, event->pid);
	obi_discover_event(b->discover, event);
}

static void read_process_events(struct broker *b)
{
	obi_app_process_events(b->app, take_process_event, b);
	obi_discover_lost(b->discover, obi_app_events_lost(b->app));
}

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

	obi_discover_answer(b->discover, request, answer, fds, fd_count);
}

void broker_look_again(void *context, uint32_t pid)
{
	struct broker *b = context;

	obi_discover_look_at(b->discover, pid);
}

static void take_flow(void *context, const struct obi_flow *flow)
{
	struct broker *b = context;

	obi_flow_batch_put(&b->flows, flow);
}

void broker_end_flow_period(struct broker *b)
{
	int error = obi_net_drain(b->net, take_flow, b);

	if (error)
		log_error("cannot read flows", F("error", log_errno(error)));
	obi_flow_batch_flush(&b->flows);
}

void broker_read_net_events(struct broker *b)
{
	bool pressed = obi_net_take_events(b->net, take_flow, b);

	if (pressed)
		broker_end_flow_period(b);
	else
		obi_flow_batch_flush(&b->flows);
}

static void take_iface(void *context, const struct obi_iface *iface)
{
	struct broker *b = context;
	struct obi_wire_iface message = { .ifindex = iface->index };
	char why[256] = "";
	int wanted = obi_net_iface(b->net, iface, why, sizeof(why));

	if (wanted < 0 && wanted != -ENODEV) { /* gone already */
		b->tc_errors++;
		log_warn("interface is not observed", F("interface", log_str(iface->name)),
			 F("error", log_str(why)));
	}
	(void)snprintf(message.name, sizeof(message.name), "%s", iface->name ? iface->name : "");
	(void)broker_send_worker(b, OBI_WIRE_IFACE, &message, sizeof(message), NULL, 0);
}

void broker_read_interfaces(struct broker *b)
{
	int error = obi_iface_watch_read(b->ifaces, take_iface, b);

	if (error)
		log_warn("cannot read network interfaces", F("error", log_errno(error)));
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
	else if (b->app && fd == obi_app_events_fd(b->app))
		read_process_events(b);
	else if (b->discover && fd == b->looker.sock)
		obi_looker_read(&b->looker);
	else if (b->net && fd == obi_net_events_fd(b->net))
		broker_read_net_events(b);
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
