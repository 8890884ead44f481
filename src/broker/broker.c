// SPDX-License-Identifier: Apache-2.0
/*
 * One epoll loop over: signals, the worker's socket, process events, the network tracer's ring,
 * interface news, and a timer for the end of a flow period.
 *
 * Start: load and attach (nothing is lost from here on: records wait in the ring), start the
 * worker, give up the capabilities that only attaching needed, look through /proc. Stop: detach
 * the network tracer, so that its accounts are closed, end the flow period, let the worker flush,
 * detach the rest.
 */
#include "broker/state.h"

#include <poll.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/totals.h"
#include "broker/tracer.h"

#define SENDER_STOP_NS NSEC_PER_SEC
#define REAP_NS NSEC_PER_SEC /* what is killed ends in such a time, or never */
#define OUTPUT_STOP_MS 500

static void log_totals(struct broker *b)
{
	struct obi_wire_counters counters;

	broker_collect_counters(b, &counters);
	obi_totals_log(&counters, b->app != NULL, b->net != NULL);
}

/* Waits a moment for what stopping is about: the worker, what children say, signals. The rest is
 * left alone. */
static void await_worker(struct broker *b)
{
	bool reads = b->worker.child.pid && !b->worker.condemned;
	struct pollfd fds[] = {
		{ .fd = b->signals, .events = POLLIN },
		{ .fd = obi_output_fd(&b->output), .events = POLLIN },
		{ .fd = reads ? b->worker.child.sock : -1, .events = POLLIN },
	};

	if (poll(fds, ARRAY_SIZE(fds), 20) > 0)
		for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
			if (fds[i].revents & POLLIN)
				broker_dispatch(b, fds[i].fd);
	if (b->worker.child.pid)
		(void)obi_queue_flush(&b->worker.child.queue, b->worker.child.sock);
	obi_output_pump(&b->output);
	broker_reap(b);
}

static void await_worker_until(struct broker *b, uint64_t deadline)
{
	while (b->worker.child.pid && clock_monotonic_ns() < deadline)
		await_worker(b);
}

/* What is left of the time to stop, less what comes afterwards. */
static uint64_t time_left(const struct broker *b)
{
	uint64_t now = clock_monotonic_ns(), rest = b->settings->global.shutdown_timeout / 10;
	uint64_t by = b->stop_by - (rest < NSEC_PER_SEC ? rest : NSEC_PER_SEC);

	return by > now ? by - now : 0;
}

/* The worker has until then to flush and exit. */
static void stop_worker(struct broker *b)
{
	struct obi_wire_stop stop = { .timeout_ns = time_left(b) };

	if (!b->worker.child.pid)
		return;
	b->worker.phase = OBI_PHASE_STOPPING;
	(void)broker_send_worker(b, OBI_WIRE_STOP, &stop, sizeof(stop), NULL, 0);
	await_worker_until(b, clock_monotonic_ns() + stop.timeout_ns);
	if (!b->worker.child.pid)
		return;
	log_error0("graceful shutdown has timed out");
	b->exit_status = 255;
	(void)kill(b->worker.child.pid, SIGKILL);
	await_worker_until(b, clock_monotonic_ns() + REAP_NS);
}

static void close_all(struct broker *b)
{
	obi_bpf_stats_close(b->bpf_stats);
	obi_looker_close(&b->looker);
	obi_discover_free(b->discover);
	broker_close_tracers(b);
	obi_flow_batch_free(&b->flows);
	for (size_t i = 0; i < ARRAY_SIZE(b->environments); i++)
		free(b->environments[i]);
	obi_iface_watch_free(b->ifaces);
	for (size_t i = 0; i < 5; i++) {
		int fd = (const int[]){ b->epoll, b->signals, b->timer, b->bpf_timer,
					b->config_fd }[i];

		if (fd >= 0)
			(void)close(fd);
	}
}

int obi_broker_run(struct obi_settings *settings, const char *config_path,
		   const struct obi_broker_caps *caps)
{
	struct broker b = {
		.settings = settings,
		.config_fd = obi_role_text(settings),
		.epoll = -1,
		.signals = -1,
		.timer = -1,
		.bpf_timer = -1,
		.output = { .epoll = -1 },
		.sender = { .sock = -1 },
		.looker = { .sock = -1,
			    .keeper_sock = -1,
			    .watch = broker_watch_looker,
			    .take = broker_take_look,
			    .release = broker_look_again,
			    .context = &b },
		.worker = { .introduce = broker_introduce_worker,
			    .context = &b,
			    .child = { .sock = -1, .page_fd = -1 } },
	};

	log_begin_folding();
	if (broker_open_all(&b, config_path, caps)) {
		b.exit_status = 255;
		b.stopping = true;
	} else {
		broker_run_loop(&b);
	}
	broker_begin_stop(&b);
	broker_stop_tracers(&b);
	stop_worker(&b);
	obi_sender_stop(&b.sender, SENDER_STOP_NS);
	log_totals(&b);
	close_all(&b);
	log_flush();
	obi_output_close(&b.output, OUTPUT_STOP_MS);
	return b.exit_status;
}
