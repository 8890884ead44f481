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
#include "metrics/internal_metrics.h"
#include "otlp/outbox.h"
#include "otlp/span_attributes.h"
#include "protocol/protocol.h"
#include "sandbox/worker_rules.h"
#include "service/name.h"
#include "worker/internal.h"
#include "worker/sending.h"
#include "worker/state.h"

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

/* ---- Records ---- */

static const struct obi_service *find_service(void *context, uint32_t pid)
{
	struct worker *w = context;

	if (w->fresh.count) {
		enum obi_language language = obi_fresh_first(&w->fresh, pid);

		if (language != OBI_LANGUAGE_GENERIC)
			worker_take_language(w, pid, language);
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

int worker_watch_fd(void *context, int fd)
{
	struct worker *w = context;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* ---- Loop ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_tick(const struct worker *w)
{
	uint64_t first = w->ticked + TICK_NS, due, last, log = log_next();

	if (!obi_pace_sleeps(&w->pace))
		return first;
	due = obi_exports_due(w->exports);
	due = log ? sooner(due, log) : due;
	last = w->ticked + (w->page->pending ? TICK_WAITING_NS : OBI_WORKER_IDLE_NS);
	return due < first ? first : sooner(due, last);
}

/* With the answer all counters are published. */
static void ask_for_counters(struct worker *w, uint64_t now)
{
	w->next_counters = now + COUNTERS_NS;
	(void)obi_wire_send(OBI_WIRE_FD, OBI_REQUEST_COUNTERS, NULL, 0, NULL, 0);
}

static void tick(struct worker *w, uint64_t now)
{
	clock_epoch_tick(now);
	if (w->conns)
		obi_conns_tick(w->conns, now);
	obi_services_tick(w->services, now);
	obi_exports_tick(w->exports, clock_monotonic_ns()); /* they have heard later times */
	publish_page(w);
	log_tick(now);
	if (now >= w->next_counters)
		ask_for_counters(w, now);
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
	ask_for_counters(w, now); /* what was counted last is shown, too */
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

		worker_read_broker(w);
		obi_fresh_tick(&w->fresh, clock_monotonic_ns(), worker_take_language, w);
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
	map = mmap(NULL, OBI_BOARD_SLOTS * sizeof(struct obi_order_slot), PROT_READ | PROT_WRITE,
		   MAP_SHARED, fds[OBI_START_ORDERS], 0);
	if (map == MAP_FAILED)
		return -errno;
	w->orders = map;
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

static int open_application(struct worker *w)
{
	struct obi_conns_options options = {
		.max_connections = MAX_CONNECTIONS,
		.epoch = clock_epoch(),
		.idle_ns = RESPONSE_IDLE_NS,
		.body_idle_ns = BODY_IDLE_NS,
		.timeout_ns = {
			[OBI_TIMEOUT_REQUEST] = w->settings->broker.http_request_timeout,
			[OBI_TIMEOUT_LOOKUP] = w->settings->broker.dns_request_timeout,
		},
		.service = find_service,
		.board = w->board,
		.orders = w->orders,
		.query_text = otlp_span_wants(OBI_ATTR_DB_QUERY,
					      &w->settings->pipeline.attributes.select),
		.carriers = obi_settings_handshakes(w->settings),
		.protocols = obi_protocols,
		.context = w,
		.random = make_id,
		.sampled = is_sampled,
	};

	w->pipeline = obi_pipeline_new(w->settings, obi_exports_span_sink(w->exports));
	if (!w->pipeline)
		return -ENOMEM;
	obi_pipeline_watch_avoided(w->pipeline, take_avoided, w);
	options.sink = (struct obi_span_sink){ .put = obi_pipeline_put, .context = w->pipeline };
	w->conns = obi_conns_new(&options);
	return w->conns ? worker_watch_fd(w, w->ring_fd) : -ENOMEM;
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
	error = obi_exports_watch(w->exports, worker_watch_fd, w);
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
		error = worker_watch_fd(w, OBI_WIRE_FD);
	return error ? error : worker_watch_fd(w, w->pace.timer);
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
	log_flush();
	return 0;
}
