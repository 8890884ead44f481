// SPDX-License-Identifier: Apache-2.0
/*
 * The wiring: ring -> conns -> pipeline -> exports, and flows -> flow pipeline -> exports.
 *
 * One epoll loop. The ring is drained on a timer, the more rarely the less comes: a wake-up costs
 * as much as dozens of records. The kernel side wakes us when the ring is half full. Messages of
 * the broker are read before the ring, so that a process is known before its first record is.
 */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "conn/conn.h"
#include "export/exports.h"
#include "export/internal.h"
#include "export/otlp/outbox.h"
#include "flow/pipeline.h"
#include "pipeline/pipeline.h"
#include "service/name.h"
#include "service/table.h"
#include "wire/ring.h"
#include "wire/wire.h"
#include "worker/fresh.h"
#include "worker/internal.h"
#include "worker/pace.h"
#include "worker/process.h"
#include "worker/sandbox.h"
#include "worker/sending.h"

#define DRAIN_BUDGET 65536
#define TICK_NS (100 * NSEC_PER_MSEC)
#define TICK_WAITING_NS (1 * NSEC_PER_SEC) /* nothing comes, and exchanges are under way */
#define MAX_CONNECTIONS 32768
#define RESPONSE_IDLE_NS (1 * NSEC_PER_SEC)
/* Longer than event streams pause: servers and balancers cut connections off that are silent for 1
 * to 10 minutes. */
#define BODY_IDLE_NS (900 * NSEC_PER_SEC)
#define MAX_PROCESSES 8192
#define PROCESS_GRACE_NS (5 * NSEC_PER_SEC)
#define COUNTERS_NS (1 * NSEC_PER_SEC)

struct worker {
	const struct obi_settings *settings;
	int epoll, ring_fd;
	struct obi_wire_start start;
	struct obi_ring ring;
	const struct obi_board_slot *board;
	struct obi_worker_page *page;
	struct obi_conns *conns;
	struct obi_pipeline *pipeline;
	struct obi_flow_pipeline *flows;
	struct obi_flow_filter flow_filter;
	struct obi_exports *exports;
	struct obi_services *services;
	struct obi_fresh fresh;
	struct obi_wire_counters counters;
	char host[128];
	uint64_t ticked, next_counters;
	uint64_t bad_records;
	uint32_t inspections;
	uint64_t avoided; /* services and signals */
	struct obi_pace pace;
	uint32_t *sleeps; /* tells the kernel side, see bpf/lib/ring.h; NULL: there is none */
	bool told;        /* until then records wait: their processes are not known */
	bool stopping;
	uint64_t stop_timeout_ns;
};

/* ---- Records ---- */

/* A process is what it was taken for, and speaks another language. */
static void take_language(void *context, uint32_t pid, enum obi_language language)
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

static const struct obi_service *find_service(void *context, uint32_t pid)
{
	struct worker *w = context;

	if (w->fresh.count) {
		enum obi_language language = obi_fresh_first(&w->fresh, pid);

		if (language != OBI_LANGUAGE_GENERIC)
			take_language(w, pid, language);
	}
	return obi_services_find(w->services, pid);
}

static bool is_sampled(void *context, uint32_t pid, const struct obi_trace *trace)
{
	struct worker *w = context;

	return obi_pipeline_samples(w->pipeline, obi_services_find(w->services, pid), trace);
}

static void make_id(void *context, void *bytes, size_t len)
{
	random_bytes(bytes, len);
}

static void take_record(void *context, const void *record, size_t size)
{
	struct worker *w = context;

	if (size < sizeof(struct obi_record) || obi_conns_put(w->conns, record, size))
		w->bad_records++;
}

static void publish_page(struct worker *w)
{
	struct obi_conns_stats stats;
	uint64_t dropped = 0;

	if (!w->conns)
		return;
	obi_conns_stats(w->conns, &stats);
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		dropped += stats.dropped[i];
	w->page->records = stats.records;
	w->page->requests = stats.requests;
	w->page->spans = stats.spans;
	w->page->dropped = dropped;
	w->page->pending = stats.pending + obi_exports_held(w->exports);
}

static size_t drain_ring(struct worker *w)
{
	size_t taken;

	if (!w->conns || !w->told)
		return 0;
	taken = obi_ring_drain(&w->ring, DRAIN_BUDGET, take_record, w);
	if (taken) {
		obi_internal_observe(OBI_INTERNAL_FLUSHES, taken);
		/* What was read is out before it is accounted for: little is lost with us. */
		obi_exports_tick(w->exports, clock_monotonic_ns());
		publish_page(w);
	}
	return taken;
}

/* ---- Internal metrics ---- */

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

/* ---- Messages of the broker ---- */

static int watch_fd(void *context, int fd)
{
	struct worker *w = context;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
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
		(void)watch_fd(w, fds[0]);
		outbox_attach(take_fd(fds[0]));
	} else if (id == OBI_WIRE_STOP && size == sizeof(struct obi_wire_stop)) {
		w->stop_timeout_ns = ((const struct obi_wire_stop *)body)->timeout_ns;
		w->stopping = true;
	}
}

/* Everything that waits. The buffer is for the largest message. */
static void read_broker(struct worker *w)
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

/* ---- Loop ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_tick(const struct worker *w)
{
	uint64_t first = w->ticked + TICK_NS, due, last;

	if (!obi_pace_sleeps(&w->pace))
		return first;
	due = obi_exports_due(w->exports);
	last = w->ticked + (w->page->pending ? TICK_WAITING_NS : OBI_WORKER_IDLE_NS);
	return due < first ? first : sooner(due, last);
}

static void tick(struct worker *w, uint64_t now)
{
	clock_epoch_tick(now);
	if (w->conns)
		obi_conns_tick(w->conns, now);
	obi_services_tick(w->services, now);
	obi_exports_tick(w->exports, clock_monotonic_ns()); /* they have heard later times */
	publish_page(w);
	if (now >= w->next_counters) {
		w->next_counters = now + COUNTERS_NS;
		(void)obi_wire_send(OBI_WIRE_FD, OBI_REQUEST_COUNTERS, NULL, 0, NULL, 0);
	}
	w->ticked = now;
}

/* Until the next look at a process that has just begun, and where the timer sleeps, until the next
 * tick; the timer wakes us for all else. */
static int timeout_ms(const struct worker *w)
{
	uint64_t next = obi_fresh_next(&w->fresh), now = clock_monotonic_ns();

	if (obi_pace_sleeps(&w->pace))
		next = sooner(next, next_tick(w));
	if (next == UINT64_MAX)
		return -1;
	return next > now ? (int)((next - now) / NSEC_PER_MSEC) + 1 : 0;
}

/* Nothing comes, and nothing waits for its turn soon: until a record comes, no timer wakes us. */
static void fall_asleep(struct worker *w, uint64_t now)
{
	if ((w->conns && !w->told) || obi_exports_due(w->exports) <= now + TICK_NS)
		return;
	if (w->sleeps) {
		__atomic_store_n(w->sleeps, 1, __ATOMIC_SEQ_CST);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (drain_ring(w)) {
			__atomic_store_n(w->sleeps, 0, __ATOMIC_SEQ_CST);
			return;
		}
	}
	obi_pace_sleep(&w->pace);
}

/* It is asleep and was woken, by a record or by something else. */
static void drain_woken(struct worker *w, uint64_t now)
{
	size_t records;

	clock_epoch_tick(now);
	records = drain_ring(w);
	obi_pace_adapt(&w->pace, records);
	if (!obi_pace_sleeps(&w->pace) && w->sleeps)
		__atomic_store_n(w->sleeps, 0, __ATOMIC_SEQ_CST);
}

static void run_loop(struct worker *w)
{
	struct epoll_event events[16];
	uint64_t expirations;

	while (!w->stopping) {
		int n = epoll_wait(w->epoll, events, ARRAY_SIZE(events), timeout_ms(w));
		uint64_t now;

		read_broker(w);
		obi_fresh_tick(&w->fresh, clock_monotonic_ns(), take_language, w);
		outbox_ready();
		for (int i = 0; i < n; i++)
			if (events[i].data.fd != OBI_WIRE_FD &&
			    events[i].data.fd != w->pace.timer && events[i].data.fd != w->ring_fd)
				obi_exports_ready(w->exports, events[i].data.fd);
		(void)!read(w->pace.timer, &expirations, sizeof(expirations));
		if (obi_pace_sleeps(&w->pace))
			drain_woken(w, clock_monotonic_ns());
		else
			obi_pace_adapt(&w->pace, drain_ring(w));
		now = clock_monotonic_ns(); /* not before what was heard of */
		if (now >= next_tick(w))
			tick(w, now);
		if (obi_pace_is_idle(&w->pace))
			fall_asleep(w, now);
	}
}

/* ---- Start and stop ---- */

static int map_shared(struct worker *w, const int *fds, int fd_count)
{
	bool application = w->start.flags & OBI_START_APPLICATION;
	void *map;

	if (fd_count != (application ? OBI_START_FDS : OBI_START_PAGE + 1))
		return -EPROTO;
	map = mmap(NULL, sizeof(*w->page), PROT_READ | PROT_WRITE, MAP_SHARED, fds[OBI_START_PAGE],
		   0);
	if (map == MAP_FAILED)
		return -errno;
	w->page = map;
	if (!application)
		return 0;
	map = mmap(NULL, OBI_BOARD_SLOTS * sizeof(struct obi_board_slot), PROT_READ, MAP_SHARED,
		   fds[OBI_START_BOARD], 0);
	if (map == MAP_FAILED)
		return -errno;
	w->board = map;
	map = mmap(NULL, sizeof(*w->sleeps), PROT_READ | PROT_WRITE, MAP_SHARED,
		   fds[OBI_START_SLEEP], 0);
	if (map == MAP_FAILED)
		return -errno;
	w->sleeps = map;
	w->ring_fd = fds[OBI_START_RING];
	return obi_ring_map(&w->ring, w->ring_fd, w->start.ring_size);
}

/* The first message. Its descriptors stay open: the ring's is polled. */
static int receive_start(struct worker *w)
{
	int fds[OBI_WIRE_FDS], fd_count = 0;
	uint32_t id;
	ssize_t size =
		obi_wire_receive(OBI_WIRE_FD, &id, &w->start, sizeof(w->start), fds, &fd_count);

	if (size < 0)
		return (int)size;
	if (id == OBI_WIRE_STOP) /* what the broker loads failed: it has said so */
		return -ECANCELED;
	if (id != OBI_WIRE_START || size != sizeof(w->start))
		return -EPROTO;
	return map_shared(w, fds, fd_count);
}

static void say_failed_exporter(void *context, const char *name, const char *why)
{
	log_error("exporter cannot start, going on without it", F("exporter", log_str(name)),
		  F("error", log_str(why)));
}

/* Said once, since data that somebody expects stays away. */
static void take_avoided(void *context, const struct obi_service *service, unsigned signal)
{
	const char *type = signal == OBI_SIGNAL_TRACES ? "traces" : "metrics";
	struct worker *w = context;
	const struct obi_internal_options *options = &w->settings->export.internal;
	const char *values[] = { "", service->name, service->name_space, type };

	log_info("the service exports this itself: left to it",
		 F("service", log_str(service->name)), F("pid", log_int(service->pid)),
		 F("signal", log_str(type)));
	if (options->avoided_disabled)
		return;
	if (++w->avoided > (uint64_t)options->avoided_limit) {
		values[0] = "true";
		values[1] = values[2] = values[3] = "";
	}
	obi_internal_set(OBI_INTERNAL_AVOIDED, values, 1);
}

static void take_http2(void *context, uint32_t pid, struct slice bytes)
{
	struct worker *w = context;
	const struct obi_service *service = obi_services_find(w->services, pid);

	if (service)
		obi_pipeline_http2(w->pipeline, service, bytes);
}

static int open_application(struct worker *w)
{
	struct obi_conns_options options = {
		.max_connections = MAX_CONNECTIONS,
		.epoch = clock_epoch(),
		.idle_ns = RESPONSE_IDLE_NS,
		.body_idle_ns = BODY_IDLE_NS,
		.request_timeout_ns = w->settings->broker.http_request_timeout,
		.service = find_service,
		.board = w->board,
		.context = w,
		.random = make_id,
		.sampled = is_sampled,
		.http2 = take_http2,
	};

	w->pipeline = obi_pipeline_new(w->settings, obi_exports_span_sink(w->exports));
	if (!w->pipeline)
		return -ENOMEM;
	obi_pipeline_watch_avoided(w->pipeline, take_avoided, w);
	options.sink = (struct obi_span_sink){ .put = obi_pipeline_put, .context = w->pipeline };
	w->conns = obi_conns_new(&options);
	return w->conns ? watch_fd(w, w->ring_fd) : -ENOMEM;
}

/* The host part of instance ids. Its full name comes from /etc/hosts alone: a resolver that does
 * not answer would hold up the start. */
static void name_host(struct worker *w)
{
	const struct obi_attributes_options *options = &w->settings->pipeline.attributes;

	(void)__nss_configure_lookup("hosts", "files");
	obi_service_host(options->override_hostname, options->instance_dns, w->host,
			 sizeof(w->host));
}

static int open_all(struct worker *w)
{
	int error = receive_start(w);

	if (error)
		return error;
	if (fcntl(OBI_WIRE_FD, F_SETFL, O_NONBLOCK))
		return -errno;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->pace.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->epoll < 0 || w->pace.timer < 0)
		return -errno;
	name_host(w);
	obi_worker_open_sending(&w->settings->otlp);
	w->services = obi_services_new(MAX_PROCESSES, PROCESS_GRACE_NS);
	w->exports = obi_exports_open(w->settings, say_failed_exporter, w);
	if (!w->services || !w->exports)
		return -ENOMEM;
	error = obi_exports_watch(w->exports, watch_fd, w);
	if (!error && (w->start.flags & OBI_START_APPLICATION))
		error = open_application(w);
	if (!error && (w->start.flags & OBI_START_NETWORK)) {
		w->flow_filter.filter = &w->settings->pipeline.filter_flows;
		w->flow_filter.next = obi_exports_flow_sink(w->exports);
		w->flows = obi_flow_pipeline_new(&w->settings->network, w->start.agent_ip,
						 obi_flow_filter_sink(&w->flow_filter));
		error = w->flows ? 0 : -ENOMEM;
	}
	if (!error)
		error = watch_fd(w, OBI_WIRE_FD);
	return error ? error : watch_fd(w, w->pace.timer);
}

static int close_sandbox(void)
{
	struct obi_sandbox sandbox;
	const char *step = NULL;
	int error = obi_sandbox_close(&obi_worker_sandbox, &sandbox, &step);

	if (error) {
		log_error("the worker cannot shut itself in, and does not run without",
			  F("step", log_str(step)), F("error", log_errno(error)));
		return error;
	}
	log_debug("worker sandbox closed", F("landlockABI", log_int(sandbox.landlock)),
		  F("boundingSetEmpty", log_int(sandbox.bounding)));
	return 0;
}

/* Everything that was seen goes out. */
static void flush(struct worker *w)
{
	while (drain_ring(w))
		;
	if (w->conns)
		obi_conns_flush(w->conns);
	obi_fresh_close(&w->fresh);
	publish_page(w);
	if (w->conns)
		obi_worker_log_spans(w->conns, w->bad_records, obi_services_refused(w->services));
	obi_exports_close(w->exports);
	obi_worker_close_sending(&w->settings->otlp, w->stop_timeout_ns);
}

int obi_worker_run(const struct obi_settings *settings)
{
	struct worker w = { .settings = settings, .epoll = -1, .pace.timer = -1, .ring_fd = -1 };
	int error;

	tzset(); /* reads /etc/localtime while it still can */
	error = open_all(&w);
	if (error == -ECANCELED)
		return 0;
	if (error) {
		log_error("the worker cannot start", F("error", log_errno(error)));
		return 255;
	}
	if (close_sandbox())
		return 255;
	obi_pace_begin(&w.pace);
	(void)obi_wire_send(OBI_WIRE_FD, OBI_REQUEST_READY, NULL, 0, NULL, 0);
	run_loop(&w);
	flush(&w);
	return 0;
}
