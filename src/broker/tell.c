// SPDX-License-Identifier: Apache-2.0
/* What the broker tells the worker, and what it is asked. */
#include "broker/state.h"

#include <errno.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "broker/tracer.h"

/* ---- Messages to the worker ---- */

int broker_send_worker(struct broker *b, uint32_t id, const void *body, size_t size, const int *fds,
		       int fd_count)
{
	return obi_child_send(&b->worker.child, id, body, size, fds, fd_count);
}

int broker_send_flows(void *context, const struct obi_wire_flows *flows, size_t size)
{
	return broker_send_worker(context, OBI_WIRE_FLOWS, flows, size, NULL, 0);
}

/* A worker that starts anew is told of all, and one that had no room as soon as it has. */
static int send_process(struct broker *b, struct obi_wire_process *message, const char *exe,
			const struct obi_files *files)
{
	static const struct obi_files none = { 0 };
	int error;

	if (obi_worker_was_held_by(&b->worker, message->pid))
		files = &none;
	error = obi_child_send_process(&b->worker.child, message, exe, files);
	obi_worker_inspects(&b->worker);
	if (error == -EAGAIN)
		b->untold = true;
	else if (error && error != -EPIPE && error != -ECONNRESET)
		b->unannounced++;
	return error;
}

void broker_tell_untold(struct broker *b)
{
	if (!b->untold || obi_queue_waits(&b->worker.child.queue))
		return;
	b->untold = false;
	if (b->discover)
		obi_discover_repeat(b->discover);
}

void broker_announce(void *context, const struct obi_target *target)
{
	struct obi_wire_process message = { .pid = target->pid, .entries = target->entries };

	if (target->fresh)
		message.fds |= OBI_WIRE_FRESH;
	(void)snprintf(message.name, sizeof(message.name), "%s", target->name);
	(void)snprintf(message.name_space, sizeof(message.name_space), "%s", target->name_space);
	(void)send_process(context, &message, target->exe, &target->files);
}

void broker_inspect(void *context, uint32_t pid, const char *exe, const struct obi_files *files)
{
	struct obi_wire_process message = { .pid = pid, .fds = OBI_WIRE_CANDIDATE };
	struct broker *b = context;

	if (!send_process(b, &message, exe, files))
		b->questions++;
}

void broker_told(void *context)
{
	struct broker *b = context;

	(void)broker_send_worker(b, OBI_WIRE_PROCESSES_TOLD, NULL, 0, NULL, 0);
	broker_read_bpf_stats(b); /* now there is something in the maps */
}

void broker_forget(void *context, uint32_t pid)
{
	struct obi_wire_pid message = { .pid = pid };

	(void)broker_send_worker(context, OBI_WIRE_PROCESS_GONE, &message, sizeof(message), NULL,
				 0);
}

int broker_mark(void *context, uint32_t pid, uint32_t flags)
{
	struct broker *b = context;

	return obi_app_set_process(b->app, pid, flags);
}

void broker_collect_counters(struct broker *b, struct obi_wire_counters *ret_counters)
{
	memset(ret_counters, 0, sizeof(*ret_counters));
	for (size_t i = 0; i < BROKER_TRACERS; i++)
		if (broker_has_tracer(b, broker_tracers[i]))
			broker_tracers[i]->counters(b, ret_counters);
	ret_counters->attach_errors[OBI_ATTACH_TC] = b->tc_errors;
	ret_counters->flows_drained = b->flows.sent;
	ret_counters->flows_dropped = b->flows.dropped;
	ret_counters->flows_dropped_packets = b->flows.dropped_packets;
	ret_counters->flows_dropped_bytes = b->flows.dropped_bytes;
	ret_counters->unannounced = b->unannounced;
	ret_counters->output_lost = obi_output_lost(&b->output);
	if (b->discover) {
		struct obi_discover_counters counters;

		obi_discover_counters(b->discover, &counters);
		ret_counters->processes = obi_discover_count(b->discover);
		ret_counters->not_observed = counters.unmarked;
	}
	ret_counters->spans_lost_in_restarts = b->worker.spans_lost;
	ret_counters->memory[OBI_PART_BROKER] = obi_procfs_memory(obi_procfs_self());
	if (b->pid_namespace.is_not_ours) /* by which number are children there? */
		return;
	if (b->worker.child.pid)
		ret_counters->memory[OBI_PART_WORKER] =
			obi_procfs_memory((uint32_t)b->worker.child.pid);
	if (b->sender.pid)
		ret_counters->memory[OBI_PART_SENDER] = obi_procfs_memory((uint32_t)b->sender.pid);
}

/* ---- Requests ---- */

/* A language is a short word of small letters; anything else is no language. */
static void take_language(struct broker *b, const struct obi_wire_language *language)
{
	size_t len = strnlen(language->name, sizeof(language->name));

	if (!b->questions) {
		obi_worker_offends(&b->worker, OBI_REQUEST_LANGUAGE, "nobody asked");
		return;
	}
	b->questions--;
	if (b->discover && len > 0 && len < sizeof(language->name) &&
	    strspn(language->name, "abcdefghijklmnopqrstuvwxyz") == len)
		obi_discover_language(b->discover, language->pid, language->name);
}

static void answer(struct broker *b, const struct obi_request *request,
		   const union obi_request_body *body)
{
	struct obi_wire_counters counters;

	switch (request->id) {
	case OBI_REQUEST_READY:
		b->worker.phase = OBI_PHASE_RUNNING;
		break;
	case OBI_REQUEST_LANGUAGE:
		take_language(b, &body->language);
		break;
	case OBI_REQUEST_MAPPING:
		broker_take_mapping(b, &body->mapping);
		break;
	case OBI_REQUEST_PROBE:
		if (b->probed && !obi_probed_probe(b->probed, &body->probe))
			obi_worker_offends(&b->worker, OBI_REQUEST_PROBE, "nobody asked");
		break;
	case OBI_REQUEST_COUNTERS:
		broker_collect_counters(b, &counters);
		(void)broker_send_worker(b, OBI_WIRE_COUNTERS, &counters, sizeof(counters), NULL,
					 0);
		break;
	}
}

void broker_read_worker(struct broker *b)
{
	union obi_request_body body;
	bool gone;
	const struct obi_request *request = obi_worker_read(&b->worker, &body, sizeof(body), &gone);

	if (request)
		answer(b, request, &body);
	else if (gone) /* SIGCHLD tells how */
		(void)epoll_ctl(b->epoll, EPOLL_CTL_DEL, b->worker.child.sock, NULL);
}
