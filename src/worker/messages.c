// SPDX-License-Identifier: Apache-2.0
/* What the broker says: processes, interfaces, flows, counters, the wish to stop. */
#include "worker/state.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "metrics/internal_metrics.h"
#include "otlp/outbox.h"
#include "worker/internal.h"
#include "worker/probing.h"
#include "worker/process.h"
#include "worker/sending.h"

/* A process is what it was taken for, and speaks another language. */
void worker_take_language(void *context, uint32_t pid, enum obi_language language)
{
	const char *name = obi_language_name(language);
	struct worker *w = context;
	const struct obi_service *known = obi_services_alive(w->services, pid);
	struct obi_service service;

	if (!known || !strcmp(known->language, name))
		return;
	service = *known;
	obi_exports_service(w->exports, known, false);
	(void)snprintf(service.language, sizeof(service.language), "%s", name);
	(void)obi_services_put(w->services, &service);
	log_info("the language of a process shows", F("pid", log_int(pid)),
		 F("type", log_str(service.language)), F("service", log_str(service.name)));
	obi_exports_service(w->exports, &service, true);
}

static void publish_internal(struct worker *w)
{
	obi_worker_publish_counters(&w->counters, w->start.restarts);
	obi_worker_publish_sending();
	if (w->conns) {
		obi_worker_publish_spans(w->conns, &w->ring);
		obi_worker_publish_dropped("bad_record", w->bad_records);
		obi_worker_publish_dropped("process_refused", obi_services_refused(w->services));
		obi_worker_publish_dropped("filter_application",
					   obi_pipeline_filtered(w->pipeline));
		obi_worker_say_limited(w->pipeline, clock_monotonic_ns());
	}
	if (w->flows) {
		obi_worker_publish_flows(&w->counters);
		obi_worker_publish_dropped("filter_network", w->flow_filter.filtered);
	}
}

static void name_mappings(const struct worker *w, const struct obi_wire_process *message,
			  const int *fds, int fd_count)
{
	int at = obi_worker_descriptor(message, fd_count, OBI_WIRE_HAS_MAPS);

	if (at >= 0 && w->settings->broker.tls_probes)
		obi_probing_process(message->pid, message->exe, fds[at],
				    obi_settings_handshakes(w->settings));
}

/* Keeps the descriptor of its mappings, if they may still tell more. */
static void watch_fresh(struct worker *w, const struct obi_wire_process *message,
			const struct obi_service *service, int *fds, int fd_count)
{
	int at = obi_worker_descriptor(message, fd_count, OBI_WIRE_HAS_MAPS);

	if (at >= 0 && (message->fds & OBI_WIRE_FRESH) &&
	    (!strcmp(service->language, obi_language_name(OBI_LANGUAGE_GENERIC)) ||
	     !strcmp(service->language, obi_language_name(OBI_LANGUAGE_CPP))))
		obi_fresh_put(&w->fresh, message->pid, take_fd(fds[at]), clock_monotonic_ns());
}

/* A process can hold whoever reads its files, an executable of a file system of its own above all:
 * the broker sees at whose we are. */
static void begin_inspecting(struct worker *w, uint32_t pid)
{
	w->page->inspecting = (uint64_t)++w->inspections << 32 | pid;
}

static void end_inspecting(struct worker *w)
{
	w->page->inspecting = 0;
}

static void inspect_process(struct worker *w, const struct obi_wire_process *message, int *fds,
			    int fd_count)
{
	const struct obi_service *service;

	if (message->fds & OBI_WIRE_CANDIDATE) {
		struct obi_wire_language language;

		obi_worker_language(message, fds, fd_count, &language);
		(void)obi_wire_send(OBI_WIRE_FD, OBI_REQUEST_LANGUAGE, &language, sizeof(language),
				    NULL, 0);
		return;
	}
	obi_fresh_forget(&w->fresh, message->pid);
	service = obi_services_alive(w->services, message->pid);
	if (service) { /* it has become another program */
		obi_worker_count_process(service, -1);
		obi_exports_service(w->exports, service, false);
	}
	service = obi_worker_inspect(w->host, w->services, message, fds, fd_count);
	if (!service)
		return;
	log_info("instrumenting process", F("cmd", log_str(message->exe)),
		 F("pid", log_int(message->pid)), F("type", log_str(service->language)),
		 F("service", log_str(service->name)));
	obi_worker_count_process(service, 1);
	if (~message->fds & (OBI_WIRE_HAS_ENVIRON | OBI_WIRE_HAS_EXE))
		obi_internal_add(OBI_INTERNAL_ERRORS,
				 (const char *[]){ "inspection_failed", service->executable }, 1);
	obi_exports_service(w->exports, service, true);
	name_mappings(w, message, fds, fd_count);
	watch_fresh(w, message, service, fds, fd_count);
}

static void take_process(struct worker *w, const struct obi_wire_process *message, int *fds,
			 int fd_count)
{
	begin_inspecting(w, message->pid);
	inspect_process(w, message, fds, fd_count);
	end_inspecting(w);
}

static void take_gone(struct worker *w, const struct obi_wire_pid *message)
{
	const struct obi_service *service = obi_services_alive(w->services, message->pid);

	if (service) {
		obi_worker_count_process(service, -1);
		obi_exports_service(w->exports, service, false);
	}
	obi_fresh_forget(&w->fresh, message->pid);
	if (w->pipeline)
		obi_pipeline_gone(w->pipeline, message->pid);
	obi_services_gone(w->services, message->pid, clock_monotonic_ns());
}

static void take_flows(struct worker *w, const struct obi_wire_flows *message, size_t size)
{
	if (size < offsetof(struct obi_wire_flows, flows) || !w->flows ||
	    message->count >
		    (size - offsetof(struct obi_wire_flows, flows)) / sizeof(struct obi_flow))
		return;
	for (uint32_t i = 0; i < message->count; i++)
		obi_flow_pipeline_put(w->flows, &message->flows[i]);
}

static void handle(struct worker *w, uint32_t id, const void *body, size_t size, int *fds,
		   int fd_count)
{
	if (id == OBI_WIRE_PROCESS && size == sizeof(struct obi_wire_process)) {
		take_process(w, body, fds, fd_count);
	} else if (id == OBI_WIRE_FILE && size == sizeof(struct obi_wire_file) && fd_count == 1) {
		const struct obi_wire_file *file = body;

		begin_inspecting(w, file->pid);
		obi_probing_file(file, fds[0], obi_settings_handshakes(w->settings));
		end_inspecting(w);
	} else if (id == OBI_WIRE_PROCESSES_TOLD) {
		w->told = true;
	} else if (id == OBI_WIRE_PROCESS_GONE && size == sizeof(struct obi_wire_pid)) {
		take_gone(w, body);
	} else if (id == OBI_WIRE_IFACE && size == sizeof(struct obi_wire_iface)) {
		const struct obi_wire_iface *iface = body;

		if (w->flows)
			obi_flow_pipeline_iface(w->flows, iface->ifindex, iface->name);
	} else if (id == OBI_WIRE_FLOWS) {
		take_flows(w, body, size);
	} else if (id == OBI_WIRE_COUNTERS && size == sizeof(w->counters)) {
		memcpy(&w->counters, body, sizeof(w->counters));
		publish_internal(w);
	} else if (id == OBI_WIRE_BPF && size == sizeof(struct obi_wire_bpf)) {
		obi_worker_publish_bpf(w->exports, body);
	} else if (id == OBI_WIRE_PEER && fd_count == 1) {
		(void)worker_watch_fd(w, fds[0]);
		outbox_attach(take_fd(fds[0]));
	} else if (id == OBI_WIRE_STOP && size == sizeof(struct obi_wire_stop)) {
		w->stop_timeout_ns = ((const struct obi_wire_stop *)body)->timeout_ns;
		w->stopping = true;
	}
}

/* Everything that waits. The buffer is for the largest message. */
void worker_read_broker(struct worker *w)
{
	static union {
		struct obi_wire_flows flows;
		struct obi_wire_bpf bpf;
	} body;
	int fds[OBI_WIRE_FDS], fd_count;
	ssize_t size;
	uint32_t id;

	for (;;) {
		fd_count = 0;
		size = obi_wire_receive(OBI_WIRE_FD, &id, &body, sizeof(body), fds, &fd_count);
		if (size == -EAGAIN || size == -EINTR)
			return;
		if (size < 0) { /* the broker is gone: flush what there is */
			w->stopping = true;
			return;
		}
		handle(w, id, &body, (size_t)size, fds, fd_count);
		for (int i = 0; i < fd_count; i++)
			if (fds[i] >= 0)
				(void)close(fds[i]);
	}
}
