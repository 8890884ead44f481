// SPDX-License-Identifier: Apache-2.0
/* The start: nothing is lost from where programs are attached, since records wait in the ring. */
#include "broker/state.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "base/cleanup.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/memory_limit.h"
#include "broker/tracer.h"
#include "caps/check.h"

#define SCARCE (64u << 20)       /* that a control group permits */
#define LOADING_HEAP (32u << 20) /* libbpf reads BTF of some 5 MB, each time with a copy */

/* Processes have the numbers that /proc shows. */
static int find_pid_namespace(struct broker *b)
{
	char why[256] = "";
	int error = obi_pid_namespace_read("", &b->pid_namespace, why, sizeof(why));

	if (!obi_settings_application(b->settings)) { /* where it matters little */
		b->pid_namespace.is_not_ours |= error != 0;
		return 0;
	}
	if (error) {
		log_error("cannot look at processes", F("error", log_str(why)));
		return error;
	}
	if (b->pid_namespace.is_not_ours)
		log_warn("/proc is the host's, and not of the agent's own PID namespace: all "
			 "processes of the host are seen",
			 F("remedy", log_str("where that is not meant: mount -t proc proc /proc")));
	return 0;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) };
}

int broker_open_timer(struct broker *b, uint64_t first_ns, uint64_t period_ns)
{
	struct itimerspec spec = {
		.it_value = timespec_of(first_ns),
		.it_interval = timespec_of(period_ns),
	};
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int error;

	if (fd < 0 || timerfd_settime(fd, 0, &spec, NULL))
		return -errno;
	error = broker_watch_fd(b, fd, EPOLLIN);
	return error ? error : take_fd(fd);
}

/* The first reading is made at once, or where processes are looked for, once they are known
 * (broker_told()). What cannot be opened costs these metrics alone. */
static void open_bpf_stats(struct broker *b)
{
	uint64_t period = b->settings->export.internal.bpf_interval;
	struct bpf_object *objects[BROKER_TRACERS] = { 0 };

	if (!obi_bpf_stats_wanted(b->settings))
		return;
	for (size_t i = 0; i < BROKER_TRACERS; i++)
		if (broker_has_tracer(b, broker_tracers[i]))
			objects[i] = broker_tracers[i]->object(b);
	b->bpf_stats = obi_bpf_stats_open(b->settings, objects, BROKER_TRACERS);
	if (b->bpf_stats)
		b->bpf_timer = broker_open_timer(b, b->discover ? period : 1, period);
}

static int open_loop(struct broker *b)
{
	struct sigaction hangup;
	sigset_t set;

	sigemptyset(&set);
	/* A signal that is blocked comes although it is ignored. */
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	b->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->signals < 0 || b->epoll < 0)
		return -errno;
	return broker_watch_fd(b, b->signals, EPOLLIN);
}

/* Everything that is loaded and attached. */
static int open_tracers(struct broker *b)
{
	(void)obi_caps_raise();
	if (memory_limit() < SCARCE)
		heap_spare();
	else
		heap_prepare(LOADING_HEAP);
	return broker_open_tracers(b);
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
		error = broker_watch_fd(b, obi_output_fd(&b->output), EPOLLIN);
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
	if (error)
		log_error("cannot start the worker", F("error", log_str(obi_child_why(error))));
	if (error || !obi_settings_application(b->settings))
		return error;
	error = obi_looker_open(&b->looker, look_caps);
	if (error)
		log_error("cannot start who looks at processes",
			  F("error", log_str(obi_child_why(error))));
	return error;
}

int broker_open_all(struct broker *b, const char *config_path, const struct obi_broker_caps *caps)
{
	uint64_t keep = caps->keep;
	int error = find_pid_namespace(b);

	if (!error)
		error = open_loop(b);
	if (!error)
		error = open_children(b, config_path, caps->look);
	if (!error)
		error = open_tracers(b);
	if (error || broker_stop_is_wanted(b))
		return error;
	error = obi_worker_start(&b->worker);
	if (error) {
		log_error("cannot start the worker", F("error", log_errno(error)));
		return error;
	}
	broker_begin_tracers(b);
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
