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
#include "broker/broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/log.h"
#include "broker/agent_ip.h"
#include "broker/app.h"
#include "broker/bpf_stats.h"
#include "broker/child.h"
#include "broker/discover.h"
#include "broker/flow_batch.h"
#include "broker/iface.h"
#include "broker/looker.h"
#include "broker/net.h"
#include "broker/output.h"
#include "broker/sender.h"
#include "broker/totals.h"
#include "broker/worker.h"
#include "caps/check.h"
#include "service/procfs.h"
#include "settings/role.h"
#include "wire/ring.h"
#include "wire/wire.h"

#define RELEASE_US 300000
#define SENDER_STOP_NS NSEC_PER_SEC
#define REAP_NS NSEC_PER_SEC /* what is killed ends in such a time, or never */
#define OUTPUT_STOP_MS 500
#define OUTPUT_WAIT_NS (20 * NSEC_PER_MSEC)
#define LOADING_HEAP (32u << 20) /* libbpf reads BTF of some 5 MB, each time with a copy */

struct broker {
	const struct obi_settings *settings;
	int epoll, signals, timer, iface_watch, bpf_timer;
	struct obi_app *app;
	struct obi_net *net;
	struct obi_bpf_stats *bpf_stats; /* NULL: nobody asks for them */
	struct obi_discover *discover;
	struct obi_output output;
	int config_fd;          /* for children: the text of the file */
	char **environments[2]; /* by role */
	struct obi_looker looker;
	uint32_t questions; /* for languages, that this worker has not answered */
	struct obi_worker_child worker;
	struct obi_sender_child sender;
	struct obi_flow_batch flows;
	char agent_ip[48];
	uint64_t tc_errors;
	uint64_t unannounced;
	bool untold; /* the worker had no room to be told of a process: again when it has */
	bool stopping;
	uint64_t stop_by; /* monotonic time */
	int exit_status;
};

/* ---- Messages to the worker ---- */

static int send_worker(struct broker *b, uint32_t id, const void *body, size_t size, const int *fds,
		       int fd_count)
{
	return obi_child_send(&b->worker.child, id, body, size, fds, fd_count);
}

static int send_flows(void *context, const struct obi_wire_flows *flows, size_t size)
{
	return send_worker(context, OBI_WIRE_FLOWS, flows, size, NULL, 0);
}

/* A worker that starts anew is told of all, and one that had no room as soon as it has. */
static int send_process(struct broker *b, struct obi_wire_process *message, const char *exe,
			const struct obi_files *files)
{
	int error = obi_child_send_process(&b->worker.child, message, exe, files);

	if (error == -EAGAIN)
		b->untold = true;
	else if (error && error != -EPIPE && error != -ECONNRESET)
		b->unannounced++;
	return error;
}

static void tell_untold(struct broker *b)
{
	if (!b->untold || obi_queue_waits(&b->worker.child.queue))
		return;
	b->untold = false;
	if (b->discover)
		obi_discover_repeat(b->discover);
}

static void announce(void *context, const struct obi_target *target)
{
	struct obi_wire_process message = { .pid = target->pid, .entries = target->entries };

	if (target->fresh)
		message.fds |= OBI_WIRE_FRESH;
	(void)snprintf(message.name, sizeof(message.name), "%s", target->name);
	(void)snprintf(message.name_space, sizeof(message.name_space), "%s", target->name_space);
	(void)send_process(context, &message, target->exe, &target->files);
}

static void inspect(void *context, uint32_t pid, const char *exe, const struct obi_files *files)
{
	struct obi_wire_process message = { .pid = pid, .fds = OBI_WIRE_CANDIDATE };
	struct broker *b = context;

	if (!send_process(b, &message, exe, files))
		b->questions++;
}

static void told(void *context)
{
	(void)send_worker(context, OBI_WIRE_PROCESSES_TOLD, NULL, 0, NULL, 0);
}

static void forget(void *context, uint32_t pid)
{
	struct obi_wire_pid message = { .pid = pid };

	(void)send_worker(context, OBI_WIRE_PROCESS_GONE, &message, sizeof(message), NULL, 0);
}

static int mark(void *context, uint32_t pid, uint32_t flags)
{
	struct broker *b = context;

	return obi_app_set_process(b->app, pid, flags);
}

static void collect_counters(struct broker *b, struct obi_wire_counters *ret_counters)
{
	memset(ret_counters, 0, sizeof(*ret_counters));
	if (b->app) {
		obi_app_counters(b->app, ret_counters->app);
		obi_app_attach_errors(b->app, ret_counters->attach_errors);
	}
	ret_counters->attach_errors[OBI_ATTACH_TC] = b->tc_errors;
	if (b->net)
		obi_net_counters(b->net, ret_counters->net);
	ret_counters->flows_drained = b->flows.sent;
	ret_counters->flows_dropped = b->flows.dropped;
	ret_counters->flows_dropped_packets = b->flows.dropped_packets;
	ret_counters->flows_dropped_bytes = b->flows.dropped_bytes;
	ret_counters->unannounced = b->unannounced;
	if (b->discover) {
		struct obi_discover_counters counters;

		obi_discover_counters(b->discover, &counters);
		ret_counters->processes = obi_discover_count(b->discover);
		ret_counters->not_observed = counters.unmarked;
	}
	ret_counters->spans_lost_in_restarts = b->worker.spans_lost;
	ret_counters->memory[OBI_PART_BROKER] = obi_procfs_memory((uint32_t)getpid());
	if (b->worker.child.pid)
		ret_counters->memory[OBI_PART_WORKER] =
			obi_procfs_memory((uint32_t)b->worker.child.pid);
	if (b->sender.pid)
		ret_counters->memory[OBI_PART_SENDER] = obi_procfs_memory((uint32_t)b->sender.pid);
}

/* ---- The worker's life ---- */

static int watch_fd(struct broker *b, int fd, uint32_t events)
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
		count = OBI_START_FDS;
	}
	if (b->net)
		start.flags |= OBI_START_NETWORK;
	return send_worker(b, OBI_WIRE_START, &start, sizeof(start), fds, count);
}

static void watch_interfaces(struct broker *b)
{
	if (b->iface_watch >= 0)
		(void)close(b->iface_watch);
	b->iface_watch = obi_iface_watch();
	if (b->iface_watch >= 0)
		(void)watch_fd(b, b->iface_watch, EPOLLIN);
	else
		log_warn("cannot watch network interfaces", F("error", log_errno(b->iface_watch)));
}

static int introduce_worker(void *context)
{
	struct broker *b = context;
	int error = watch_fd(b, b->worker.child.sock, EPOLLIN);

	if (!error)
		error = start_message(b);
	if (error)
		return error;
	obi_sender_join(&b->sender, &b->worker.child);
	b->questions = 0;
	if (b->discover && b->worker.restarts)
		obi_discover_repeat(b->discover);
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

static void reap(struct broker *b)
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
	case OBI_REQUEST_COUNTERS:
		collect_counters(b, &counters);
		(void)send_worker(b, OBI_WIRE_COUNTERS, &counters, sizeof(counters), NULL, 0);
		break;
	}
}

static void read_worker(struct broker *b)
{
	union obi_request_body body;
	bool gone;
	const struct obi_request *request = obi_worker_read(&b->worker, &body, sizeof(body), &gone);

	if (request)
		answer(b, request, &body);
	else if (gone) /* SIGCHLD tells how */
		(void)epoll_ctl(b->epoll, EPOLL_CTL_DEL, b->worker.child.sock, NULL);
}

/* ---- Events ---- */

static void take_process_event(void *context, const struct obi_process_event *event)
{
	struct broker *b = context;

	obi_discover_event(b->discover, event);
}

static void read_process_events(struct broker *b)
{
	obi_app_process_events(b->app, take_process_event, b);
	obi_discover_lost(b->discover, obi_app_events_lost(b->app));
}

static int watch_looker(void *context, int fd)
{
	return watch_fd(context, fd, EPOLLIN);
}

static int ask_looker(void *context, const struct look_request *request)
{
	struct broker *b = context;

	return obi_looker_ask(&b->looker, request);
}

static void take_look(void *context, const struct look_request *request,
		      const struct look_answer *answer, int *fds, int fd_count)
{
	struct broker *b = context;

	obi_discover_answer(b->discover, request, answer, fds, fd_count);
}

static void look_again(void *context, uint32_t pid)
{
	struct broker *b = context;

	obi_discover_look_at(b->discover, pid);
}

static void take_flow(void *context, const struct obi_flow *flow)
{
	struct broker *b = context;

	obi_flow_batch_put(&b->flows, flow);
}

static void end_flow_period(struct broker *b)
{
	int error = obi_net_drain(b->net, take_flow, b);

	if (error)
		log_error("cannot read flows", F("error", log_errno(error)));
	obi_flow_batch_flush(&b->flows);
}

static void read_net_events(struct broker *b)
{
	bool pressed = obi_net_take_events(b->net, take_flow, b);

	if (pressed)
		end_flow_period(b);
	else
		obi_flow_batch_flush(&b->flows);
}

static void take_iface(void *context, uint32_t ifindex, const char *name)
{
	struct broker *b = context;
	struct obi_wire_iface message = { .ifindex = ifindex };
	char why[256] = "";
	int wanted = obi_net_iface(b->net, ifindex, name, why, sizeof(why));

	if (wanted < 0) {
		b->tc_errors++;
		log_warn("interface is not observed", F("interface", log_str(name)),
			 F("error", log_str(why)));
	}
	(void)snprintf(message.name, sizeof(message.name), "%s", name ? name : "");
	(void)send_worker(b, OBI_WIRE_IFACE, &message, sizeof(message), NULL, 0);
}

static void read_interfaces(struct broker *b)
{
	if (obi_iface_read(b->iface_watch, take_iface, b) == -ENOBUFS)
		watch_interfaces(b);
}

static void begin_stop(struct broker *b)
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
			reap(b);
		else
			begin_stop(b);
	}
}

/* Between the long steps of a start. */
static bool stop_is_wanted(struct broker *b)
{
	read_signals(b);
	return b->stopping;
}

static void read_timer(struct broker *b)
{
	uint64_t expirations;

	(void)!read(b->timer, &expirations, sizeof(expirations));
	if (b->net)
		end_flow_period(b);
}

static void send_bpf(void *context, const struct obi_wire_bpf *message)
{
	(void)send_worker(context, OBI_WIRE_BPF, message, sizeof(*message), NULL, 0);
}

static void read_bpf_timer(struct broker *b)
{
	uint64_t expirations;

	(void)!read(b->bpf_timer, &expirations, sizeof(expirations));
	obi_bpf_stats_read(b->bpf_stats, send_bpf, b);
}

static void dispatch(struct broker *b, int fd)
{
	if (fd == b->signals)
		read_signals(b);
	else if (fd == b->worker.child.sock)
		read_worker(b);
	else if (fd == obi_output_fd(&b->output))
		obi_output_pump(&b->output);
	else if (fd == b->timer)
		read_timer(b);
	else if (fd == b->bpf_timer)
		read_bpf_timer(b);
	else if (fd == b->iface_watch)
		read_interfaces(b);
	else if (b->app && fd == obi_app_events_fd(b->app))
		read_process_events(b);
	else if (b->discover && fd == b->looker.sock)
		obi_looker_read(&b->looker);
	else if (b->net && fd == obi_net_events_fd(b->net))
		read_net_events(b);
}

static void sooner(uint64_t *at, uint64_t other)
{
	if (other && other < *at)
		*at = other;
}

static int timeout_ms(const struct broker *b)
{
	uint64_t now = clock_monotonic_ns(), at = now + OBI_WORKER_TICK_NS;

	sooner(&at, b->sender.start_at);
	sooner(&at, b->worker.restart_at);
	if (b->discover)
		sooner(&at, obi_discover_next(b->discover));
	if (b->discover)
		sooner(&at, obi_looker_next(&b->looker));
	if (obi_output_waits(&b->output) || obi_queue_waits(&b->worker.child.queue))
		sooner(&at, now + OUTPUT_WAIT_NS);
	return at > now ? (int)((at - now) / NSEC_PER_MSEC) + 1 : 0;
}

static void tick(struct broker *b)
{
	uint64_t now = clock_monotonic_ns();

	obi_worker_tick(&b->worker, now);
	tell_untold(b);
	if (b->discover) {
		obi_looker_tick(&b->looker, now);
		obi_discover_tick(b->discover, now);
	}
	(void)obi_sender_tick(&b->sender, &b->worker.child, now);
	if (obi_output_waits(&b->output))
		obi_output_pump(&b->output);
}

static void run_loop(struct broker *b)
{
	struct epoll_event events[8];

	while (!b->stopping) {
		int n = epoll_wait(b->epoll, events, ARRAY_SIZE(events), timeout_ms(b));

		for (int i = 0; i < n && !b->stopping; i++)
			dispatch(b, events[i].data.fd);
		if (!b->stopping)
			tick(b);
	}
}

/* ---- Start and stop ---- */

static int open_application(struct broker *b)
{
	struct obi_discover_actions actions = { .ask = ask_looker,
						.announce = announce,
						.inspect = inspect,
						.forget = forget,
						.mark = mark,
						.told = told,
						.context = b };
	const char *injection, *why_not = NULL;
	char why[256] = "";
	int error;

	log_info0("starting Application Observability mode");
	error = obi_app_open(b->settings, &b->app, why, sizeof(why));
	if (error) {
		log_error("cannot start Application Observability mode", F("error", log_str(why)));
		return error;
	}
	injection = obi_app_injection(b->app, &why_not);
	log_info("application tracer attached", F("plane", log_str(obi_app_plane(b->app))),
		 F("headerInjection", log_str(*injection ? injection : "off")));
	if (why_not)
		log_warn("headers will not be injected into requests",
			 F("reason", log_str(why_not)));
	b->discover = obi_discover_new(&b->settings->discovery, &actions);
	if (!b->discover)
		return -ENOMEM;
	error = obi_looker_start(&b->looker);
	if (error) {
		log_error("cannot look at processes", F("error", log_errno(error)));
		return error;
	}
	return watch_fd(b, obi_app_events_fd(b->app), EPOLLIN);
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };
}

/* A descriptor that is readable after first_ns, then every period_ns, on the loop; or a negative
 * errno. */
static int open_timer(struct broker *b, uint64_t first_ns, uint64_t period_ns)
{
	struct itimerspec spec = {
		.it_value = timespec_of(first_ns),
		.it_interval = timespec_of(period_ns),
	};
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int error;

	if (fd < 0 || timerfd_settime(fd, 0, &spec, NULL))
		return -errno;
	error = watch_fd(b, fd, EPOLLIN);
	return error ? error : take_fd(fd);
}

static int open_network(struct broker *b)
{
	uint64_t ns = b->settings->network.cache_active_timeout;
	char why[256] = "";
	int error;

	log_info0("starting OBI in Network metrics mode");
	obi_agent_ip(&b->settings->network, b->agent_ip);
	obi_flow_batch_init(&b->flows, send_flows, b);
	error = obi_net_open(b->settings, &b->net, why, sizeof(why));
	if (error) {
		log_error("cannot start Network metrics mode", F("error", log_str(why)));
		return error;
	}
	ns = ns < NSEC_PER_MSEC ? NSEC_PER_MSEC : ns;
	b->timer = open_timer(b, ns, ns);
	if (b->timer < 0)
		return b->timer;
	return watch_fd(b, obi_net_events_fd(b->net), EPOLLIN);
}

/* The first reading is made at once. What cannot be opened costs these metrics alone. */
static void open_bpf_stats(struct broker *b)
{
	struct bpf_object *objects[OBI_BPF_STATS_OBJECTS] = {
		b->app ? obi_app_object(b->app) : NULL,
		b->net ? obi_net_object(b->net) : NULL,
	};

	if (!obi_bpf_stats_wanted(b->settings))
		return;
	b->bpf_stats = obi_bpf_stats_open(b->settings, objects);
	if (b->bpf_stats)
		b->bpf_timer = open_timer(b, 1, b->settings->export.internal.bpf_interval);
}

static int open_loop(struct broker *b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->signals < 0 || b->epoll < 0)
		return -errno;
	return watch_fd(b, b->signals, EPOLLIN);
}

/* Everything that is loaded and attached. */
static int open_tracers(struct broker *b)
{
	int error = 0;

	(void)obi_caps_raise();
	heap_prepare(LOADING_HEAP);
	if (obi_settings_network(b->settings))
		error = open_network(b);
	if (!error && !stop_is_wanted(b) && obi_settings_application(b->settings))
		error = open_application(b);
	return error;
}

/* Before there is much in memory that a child would not need. */
static int open_children(struct broker *b, const char *config_path, uint64_t look_caps)
{
	struct obi_child_role role = {
		.config_path = config_path,
		.config_fd = b->config_fd,
		.output = &b->output,
	};
	int error = obi_output_open(&b->output);

	if (!error)
		error = watch_fd(b, obi_output_fd(&b->output), EPOLLIN);
	if (error)
		return error;
	b->environments[OBI_ROLE_WORKER] = obi_role_environment(OBI_ROLE_WORKER, environ);
	b->environments[OBI_ROLE_SENDER] = obi_role_environment(OBI_ROLE_SENDER, environ);
	if (!b->environments[OBI_ROLE_WORKER] || !b->environments[OBI_ROLE_SENDER])
		return -ENOMEM;
	role.verb = OBI_WORKER_VERB;
	role.env = b->environments[OBI_ROLE_WORKER];
	role.from = OBI_OUTPUT_WORKER;
	b->worker.role = role;
	role.verb = OBI_SENDER_VERB;
	role.env = b->environments[OBI_ROLE_SENDER];
	role.from = OBI_OUTPUT_SENDER;
	obi_sender_start(&b->sender, b->settings, &role);
	/* It starts on another CPU while we load. */
	error = obi_child_start(&b->worker.role, &b->worker.child);
	if (error || !obi_settings_application(b->settings))
		return error;
	error = obi_looker_open(&b->looker, b->settings, look_caps);
	if (error)
		log_error("cannot start who looks at processes", F("error", log_errno(error)));
	return error;
}

static int open_all(struct broker *b, const char *config_path, const struct obi_broker_caps *caps)
{
	uint64_t keep = caps->keep;
	int error = open_loop(b);

	if (!error)
		error = open_children(b, config_path, caps->look);
	if (!error)
		error = open_tracers(b);
	if (error || stop_is_wanted(b))
		return error;
	error = obi_worker_start(&b->worker);
	if (error) {
		log_error("cannot start the worker", F("error", log_errno(error)));
		return error;
	}
	/* tc attaches to the interfaces that are there before it gives anything up. */
	if (b->net)
		read_interfaces(b);
	open_bpf_stats(b);
	if (geteuid() == 0)
		keep |= OBI_CAPS_OF_ROOT_BROKER;
	error = obi_caps_limit(keep);
	if (error)
		log_warn("cannot give up capabilities", F("error", log_errno(error)));
	if (b->discover)
		obi_discover_scan(b->discover);
	heap_release();
	if (b->net)
		log_info("Flows agent successfully started",
			 F("hook", log_str(obi_net_hook(b->net))));
	return 0;
}

static void log_totals(struct broker *b)
{
	struct obi_wire_counters counters;

	collect_counters(b, &counters);
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
				dispatch(b, fds[i].fd);
	if (b->worker.child.pid)
		(void)obi_queue_flush(&b->worker.child.queue, b->worker.child.sock);
	obi_output_pump(&b->output);
	reap(b);
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
	(void)send_worker(b, OBI_WIRE_STOP, &stop, sizeof(stop), NULL, 0);
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
	obi_app_close(b->app);
	obi_net_close(b->net);
	obi_flow_batch_free(&b->flows);
	for (size_t i = 0; i < ARRAY_SIZE(b->environments); i++)
		free(b->environments[i]);
	for (size_t i = 0; i < 6; i++) {
		int fd = (const int[]){ b->epoll,       b->signals,   b->timer,
					b->iface_watch, b->bpf_timer, b->config_fd }[i];

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
		.iface_watch = -1,
		.bpf_timer = -1,
		.output = { .epoll = -1 },
		.sender = { .sock = -1 },
		.looker = { .sock = -1,
			    .keeper_sock = -1,
			    .watch = watch_looker,
			    .take = take_look,
			    .release = look_again,
			    .context = &b },
		.worker = { .introduce = introduce_worker,
			    .context = &b,
			    .child = { .sock = -1, .page_fd = -1 } },
	};

	if (open_all(&b, config_path, caps)) {
		b.exit_status = 255;
		b.stopping = true;
	} else {
		run_loop(&b);
	}
	begin_stop(&b);
	if (b.net) {
		obi_net_stop(b.net);
		read_net_events(&b);
		end_flow_period(&b);
	}
	stop_worker(&b);
	obi_sender_stop(&b.sender, SENDER_STOP_NS);
	log_totals(&b);
	if (b.app && obi_app_release(b.app))
		(void)usleep(RELEASE_US);
	close_all(&b);
	obi_output_close(&b.output, OUTPUT_STOP_MS);
	return b.exit_status;
}
