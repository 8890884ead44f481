// SPDX-License-Identifier: Apache-2.0
/* The lives of the worker, the sender and the keeper. */
#include "broker/state.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "wire/ring.h"

/* ---- The worker's life ---- */

int broker_watch_fd(struct broker *b, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int start_message(struct broker *b)
{
	struct obi_wire_start start = { .restarts = b->worker.restarts };
	int fds[OBI_START_FDS] = { [OBI_START_PAGE] = b->worker.child.page_fd };
	int count = OBI_START_PAGE + 1;

	(void)snprintf(start.agent_ip, sizeof(start.agent_ip), "%s", b->agent_ip);
	if (b->app) {
		start.flags |= OBI_START_APPLICATION;
		start.ring_size = (uint32_t)obi_app_ring_size(b->app);
		fds[OBI_START_RING] = obi_app_ring_fd(b->app);
		fds[OBI_START_BOARD] = obi_app_board_fd(b->app);
		fds[OBI_START_ORDERS] = obi_app_orders_fd(b->app);
		fds[OBI_START_SLEEP] = obi_app_sleep_fd(b->app);
		count = OBI_START_FDS;
	}
	if (b->net)
		start.flags |= OBI_START_NETWORK;
	return broker_send_worker(b, OBI_WIRE_START, &start, sizeof(start), fds, count);
}

static int open_iface_watch(struct broker *b)
{
	int fd = obi_iface_socket(), error;

	if (fd < 0)
		return fd;
	b->ifaces = obi_iface_watch_new(fd);
	if (!b->ifaces)
		return -ENOMEM;
	error = broker_watch_fd(b, fd, EPOLLIN);
	if (error) {
		obi_iface_watch_free(b->ifaces);
		b->ifaces = NULL;
	}
	return error;
}

/* A new worker has to hear of all. */
static void watch_interfaces(struct broker *b)
{
	int error = b->ifaces ? 0 : open_iface_watch(b);

	if (!error)
		error = obi_iface_watch_all(b->ifaces);
	if (error)
		log_warn("cannot watch network interfaces", F("error", log_errno(error)));
}

int broker_introduce_worker(void *context)
{
	struct broker *b = context;
	int error = broker_watch_fd(b, b->worker.child.sock, EPOLLIN);

	if (!error)
		error = start_message(b);
	if (error)
		return error;
	obi_sender_join(&b->sender, &b->worker.child);
	b->questions = 0;
	if (b->discover && b->worker.restarts)
		obi_discover_repeat(b->discover);
	if (b->probed && b->worker.restarts)
		obi_probed_repeat(b->probed);
	if (b->net)
		watch_interfaces(b);
	return 0;
}

/* What waits in the ring is the next worker's, if the dead one has left its beginning right. */
static void repair_ring(struct broker *b)
{
	ssize_t lost;

	if (!b->app)
		return;
	lost = obi_ring_repair(obi_app_ring_fd(b->app), obi_app_ring_size(b->app),
			       sizeof(struct obi_record), OBI_RECORD_MAX);
	if (lost)
		log_error("the worker left a false place in the ring: what waited is lost",
			  F("bytes", log_int(lost)));
}

static uint64_t records_seen(struct broker *b)
{
	uint64_t counters[OBI_APP_COUNTERS] = { 0 };

	if (b->app)
		obi_app_counters(b->app, counters);
	return counters[OBI_APP_RECORDS];
}

static void worker_ended(struct broker *b, int status)
{
	if (b->stopping)
		b->worker.phase = OBI_PHASE_STOPPING;
	obi_output_pump(&b->output); /* its last words */
	repair_ring(b);
	if (obi_worker_ended(&b->worker, status, records_seen(b)))
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		b->exit_status = 255;
	b->stopping = true;
}

/* Nobody is left who could give its capabilities to another one. */
static void keeper_ended(struct broker *b)
{
	b->looker.keeper = 0;
	if (!b->stopping)
		log_error0("processes cannot be looked at any more: ending");
	b->exit_status = 255;
	b->stopping = true;
}

void broker_reap(struct broker *b)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == b->worker.child.pid)
			worker_ended(b, status);
		else if (pid == b->looker.keeper)
			keeper_ended(b);
		else
			(void)obi_sender_reap(&b->sender, pid, status);
}
