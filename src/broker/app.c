// SPDX-License-Identifier: Apache-2.0
/*
 * Which programs are loaded follows from the plane; injection adds three more. Programs are
 * attached by BPF links where the kernel has them, so that nothing outlives the broker; the
 * sockhash programs go away with their map.
 */
#include "broker/app.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.skel.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/cgroup.h"
#include "broker/counters.h"
#include "broker/rcu.h"
#include "broker/unread.h"
#include "feature/ladder.h"
#include "span/sampler.h"
#include "wire/ring.h"

#define RING_SIZE (8u << 20)
#define MAX_LINKS 24
#define SAY_PRESSING_NS NSEC_PER_SEC

struct obi_app {
	struct app_bpf *skel;
	enum obi_plane plane;
	enum obi_injection injection;
	const char *why_not_injected;
	struct bpf_link *links[MAX_LINKS];
	size_t link_count;
	uint64_t attach_errors[OBI_ATTACH_ERRORS];
	struct obi_ring events;
	void (*take)(void *context, const struct obi_process_event *event);
	void *take_context;
	uint32_t pid_namespace;
	uint64_t pressing_ns; /* when one was told of that presses */
	struct obi_unread_log unread;
};

/* Which programs serve which plane: by prefix of their names. */
struct plane_programs {
	const char *prefixes[4];
};

static const struct plane_programs plane_programs[] = {
	[OBI_PLANE_FENTRY] = { { "fexit_", "process_", "=tp_inet_sock_set_state" } },
	[OBI_PLANE_TRACEPOINT] = { { "tp_sock_", "process_", "uring_",
				     "=tp_inet_sock_set_state" } },
	[OBI_PLANE_KPROBE] = { { "kprobe_", "kretprobe_", "process_",
				 "=tp_inet_sock_set_state_by_addr" } },
};

/* Functions that later kernels no longer have (sendpage went with 6.5). */
static bool optional_program(const char *name)
{
	return strstr(name, "sendpage") != NULL;
}

static bool program_wanted(enum obi_plane plane, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(plane_programs[plane].prefixes); i++) {
		const char *prefix = plane_programs[plane].prefixes[i];

		if (!prefix)
			break;
		if (prefix[0] == '=' ? !strcmp(name, prefix + 1)
				     : !strncmp(name, prefix, strlen(prefix)))
			return true;
	}
	return false;
}

static void choose_programs(struct obi_app *app, bool with_optional)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, app->skel->obj)
	{
		const char *name = bpf_program__name(program);
		bool wanted = program_wanted(app->plane, name);

		if (!strncmp(name, "inject_", 7))
			wanted = app->injection != OBI_INJECT_NONE &&
				 (strcmp(name, "inject_verdict") != 0 ||
				  app->injection == OBI_INJECT_SK_MSG_VERDICT);
		if (!strncmp(name, "uring_", 6) && !app->skel->rodata->uring_hooks)
			wanted = false;
		if (optional_program(name) && !with_optional)
			wanted = false;
		bpf_program__set_autoload(program, wanted);
	}
}

static void choose_maps(struct obi_app *app)
{
	bool by_addr = app->plane == OBI_PLANE_KPROBE;
	struct app_bpf *skel = app->skel;

	(void)bpf_map__set_max_entries(skel->maps.records, RING_SIZE);
	if (!by_addr) {
		(void)bpf_map__set_max_entries(skel->maps.conns_by_addr, 1);
		(void)bpf_map__set_max_entries(skel->maps.calls, 1);
	}
	if (!skel->rodata->uring_hooks) {
		(void)bpf_map__set_max_entries(skel->maps.uring_threads, 1);
		(void)bpf_map__set_max_entries(skel->maps.uring_waiting, 1);
	}
	if (!skel->rodata->propagate) {
		(void)bpf_map__set_max_entries(skel->maps.slots, 1);
		(void)bpf_map__set_max_entries(skel->maps.process_kins, 1);
	}
	if (!skel->rodata->tls_probes) {
		(void)bpf_map__set_max_entries(skel->maps.tls_sessions, 1);
		(void)bpf_map__set_autocreate(skel->maps.tls_calls, false); /* since 5.11 */
	}
	if (app->injection == OBI_INJECT_NONE)
		(void)bpf_map__set_autocreate(skel->maps.inject_sockets,
					      false); /* wants NET_ADMIN */
}

static const char *why_no_rung(int error)
{
	if (error == -EBADE)
		return "sockets in a sockhash answer FIONREAD wrongly on this kernel";
	if (error == -EBUSY)
		return "another program takes all connections into a sockhash of its own";
	return strerror(-error);
}

/* Which rung of injection: none unless asked for, and the planes that keep state by address cannot
 * show it to the injector. */
static void choose_injection(struct obi_app *app, const struct obi_settings *settings)
{
	int error = 0;

	app->injection = OBI_INJECT_NONE;
	if (!(settings->broker.context_propagation.bits & OBI_PROPAGATE_HEADERS))
		return;
	if (app->plane == OBI_PLANE_KPROBE) {
		app->why_not_injected = "the kprobe plane keeps no socket storage";
		return;
	}
	app->injection = (enum obi_injection)obi_feature_pick(&obi_feature_injection, &error);
	if (app->injection == OBI_INJECT_NONE)
		app->why_not_injected = why_no_rung(error);
}

/* Do the samplers say more than the flag of a trace's root, which is set, and of its parent? */
static bool is_plain(const struct obi_sampler *sampler)
{
	struct obi_sampler_options options = { .name = OBI_SAMPLER_PARENT_ALWAYS_ON, .arg = "" };
	struct obi_sampler plain;

	(void)obi_sampler_init(&options, &plain);
	return sampler->parent_based == plain.parent_based && sampler->bound == plain.bound;
}

/* A ratio that cannot be read was warned of with the settings. */
static struct obi_sampler sampler_of(const struct obi_settings *settings, size_t entry)
{
	const struct obi_criteria_list *entries = &settings->discovery.selected;
	const struct obi_sampler_options *options = &settings->pipeline.sampler;
	struct obi_sampler sampler;

	if (entry && entries->items[entry - 1].sampler.name != OBI_SAMPLER_UNSET)
		options = &entries->items[entry - 1].sampler;
	(void)obi_sampler_init(options, &sampler);
	return sampler;
}

static void choose_samplers(struct obi_app *app, const struct obi_settings *settings)
{
	for (size_t i = 0; i <= settings->discovery.selected.count; i++) {
		struct obi_sampler sampler = sampler_of(settings, i);

		if (!is_plain(&sampler))
			app->skel->rodata->sampling = app->skel->rodata->propagate;
	}
	if (app->skel->rodata->sampling)
		(void)bpf_map__set_max_entries(app->skel->maps.samplers,
					       (__u32)settings->discovery.selected.count + 1);
}

static int fill_samplers(struct obi_app *app, const struct obi_settings *settings)
{
	int map = bpf_map__fd(app->skel->maps.samplers), error = 0;

	if (!app->skel->rodata->sampling)
		return 0;
	for (__u32 i = 0; i <= settings->discovery.selected.count && !error; i++) {
		struct obi_sampler sampler = sampler_of(settings, i);

		error = bpf_map_update_elem(map, &i, &sampler, BPF_ANY);
	}
	return error;
}

/* The one plane that asks them: has the kernel the tracepoints of io_uring? */
static bool has_uring_hooks(const struct obi_app *app)
{
	return app->plane == OBI_PLANE_TRACEPOINT &&
	       libbpf_find_vmlinux_btf_id("io_uring_submit_req", BPF_TRACE_RAW_TP) > 0 &&
	       libbpf_find_vmlinux_btf_id("io_uring_poll_arm", BPF_TRACE_RAW_TP) > 0;
}

static int open_and_load(struct obi_app *app, const struct obi_settings *settings,
			 bool with_optional)
{
	struct app_bpf *skel = app_bpf__open();
	int error;

	if (!skel)
		return -errno;
	app->skel = skel;
	skel->rodata->propagate = settings->broker.context_propagation.bits != 0;
	skel->rodata->pid_namespace = app->pid_namespace;
	skel->rodata->ring_wake_bytes = RING_SIZE / 2;
	skel->rodata->uring_hooks = has_uring_hooks(app);
	skel->rodata->tls_probes =
		settings->broker.tls_probes && app->plane != OBI_PLANE_KPROBE &&
		libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_task_storage_get, NULL) == 1;
	skel->rodata->tls_handshakes = obi_settings_handshakes(settings);
	choose_programs(app, with_optional);
	choose_maps(app);
	choose_samplers(app, settings);
	error = app_bpf__load(skel);
	if (!error)
		error = fill_samplers(app, settings);
	/* Only programs write it from here on: who is handed the descriptor can but read. */
	if (!error && bpf_map_freeze(bpf_map__fd(skel->maps.board)))
		error = -errno;
	if (error) {
		app_bpf__destroy(skel);
		app->skel = NULL;
	}
	return error;
}

static int keep_link(struct obi_app *app, struct bpf_link *link)
{
	if (!link)
		return -errno;
	if (app->link_count == MAX_LINKS) {
		(void)bpf_link__destroy(link);
		return -E2BIG;
	}
	app->links[app->link_count++] = link;
	return 0;
}

static int attach_programs(struct obi_app *app, char *why, size_t why_size)
{
	struct bpf_program *program;

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without a plane there is an error */
	bpf_object__for_each_program(program, app->skel->obj)
	{
		const char *name = bpf_program__name(program);
		int error;

		if (bpf_program__fd(program) < 0 || !strncmp(name, "inject_", 7))
			continue;
		error = keep_link(app, bpf_program__attach(program));
		if (error)
			app->attach_errors[OBI_ATTACH_HOOK]++;
		if (error && !optional_program(name)) {
			(void)snprintf(why, why_size, "attaching %s: %s", name, strerror(-error));
			return error;
		}
	}
	return 0;
}

/* Injection that cannot be attached costs injection, not the start. */
static void give_injection_up(struct obi_app *app, enum obi_attach_error what, const char *why)
{
	app->injection = OBI_INJECT_NONE;
	app->why_not_injected = why;
	app->attach_errors[what]++;
}

#define TAKEN_BEFORE                                                                               \
	"another program is attached to connections of all processes: those that it puts into a "  \
	"sockhash with an sk_msg program of its own cannot carry a header (injectTaken)"
#define ALONE                                                                                      \
	"another program has the root cgroup's sock_ops for itself: it must be attached with "     \
	"BPF_F_ALLOW_MULTI"

/* Our own is not attached yet. */
static void attach_to_connections(struct obi_app *app, int cgroup)
{
	int others = obi_cgroup_sock_ops(cgroup), error;

	error = keep_link(app,
			  bpf_program__attach_cgroup(app->skel->progs.inject_established, cgroup));
	if (error)
		give_injection_up(app, OBI_ATTACH_CGROUP,
				  error == -EPERM && others > 0 ? ALONE : strerror(-error));
	else if (others > 0)
		log_warn(TAKEN_BEFORE, F("programs", log_int(others)));
}

static void attach_injection(struct obi_app *app)
{
	int map = bpf_map__fd(app->skel->maps.inject_sockets);
	_cleanup_close_ int cgroup = -1;
	int error;

	if (app->injection == OBI_INJECT_NONE)
		return;
	cgroup = obi_cgroup_open_root();
	if (cgroup < 0) {
		give_injection_up(app, OBI_ATTACH_CGROUP, "no cgroup2 file system is mounted");
		return;
	}
	error = bpf_prog_attach(bpf_program__fd(app->skel->progs.inject_msg), map,
				BPF_SK_MSG_VERDICT, 0);
	if (!error && app->injection == OBI_INJECT_SK_MSG_VERDICT)
		error = bpf_prog_attach(bpf_program__fd(app->skel->progs.inject_verdict), map,
					BPF_SK_SKB_STREAM_VERDICT, 0);
	if (error) {
		give_injection_up(app, OBI_ATTACH_SOCK_MSG, strerror(-error));
		return;
	}
	attach_to_connections(app, cgroup);
}

static int load(struct obi_app *app, const struct obi_settings *settings, char *why,
		size_t why_size)
{
	int error;

	app->plane = (enum obi_plane)obi_feature_pick(&obi_feature_plane, &error);
	if (app->plane == OBI_PLANE_NONE) {
		(void)snprintf(why, why_size, "no way to hook socket calls: %s", strerror(-error));
		return error;
	}
	choose_injection(app, settings);
	error = open_and_load(app, settings, true);
	if (error)
		error = open_and_load(app, settings, false);
	if (error) {
		(void)snprintf(why, why_size, "loading the application tracer (%s): %s",
			       obi_app_plane(app), strerror(-error));
		return error;
	}
	return 0;
}

int obi_app_open(const struct obi_settings *settings, uint32_t pid_namespace,
		 struct obi_app **ret_app, char *why, size_t why_size)
{
	struct obi_app *app = calloc(1, sizeof(*app));
	int error;

	if (!app)
		return -ENOMEM;
	app->pid_namespace = pid_namespace;
	error = load(app, settings, why, why_size);
	if (!error)
		error = attach_programs(app, why, why_size);
	if (!error) {
		struct bpf_map *events = app->skel->maps.process_events;

		attach_injection(app);
		error = obi_ring_map(&app->events, bpf_map__fd(events),
				     bpf_map__max_entries(events));
		if (error)
			(void)snprintf(why, why_size, "mapping process events: %s",
				       strerror(-error));
	}
	if (error) {
		obi_app_close(app);
		return error;
	}
	*ret_app = app;
	return 0;
}

bool obi_app_release(struct obi_app *app)
{
	if (app->injection != OBI_INJECT_SK_MSG_VERDICT)
		return false;
	app->skel->bss->releasing = true;
	return true;
}

void obi_app_stop(struct obi_app *app)
{
	if (app->skel)
		app->skel->bss->stopped = true;
	for (size_t i = 0; i < app->link_count; i++)
		(void)bpf_link__destroy(app->links[i]);
	app->link_count = 0;
	obi_wait_for_programs();
}

void obi_app_close(struct obi_app *app)
{
	if (!app)
		return;
	obi_app_stop(app);
	obi_ring_unmap(&app->events);
	if (app->skel)
		app_bpf__destroy(app->skel);
	free(app);
}

const char *obi_app_plane(const struct obi_app *app)
{
	return obi_feature_plane.rungs[app->plane].name;
}

const char *obi_app_injection(const struct obi_app *app, const char **ret_why_not)
{
	*ret_why_not = app->why_not_injected;
	return app->injection == OBI_INJECT_NONE ? ""
						 : obi_feature_injection.rungs[app->injection].name;
}

bool obi_app_joins_sessions(const struct obi_app *app)
{
	return app->skel->rodata->tls_probes;
}

int obi_app_ring_fd(const struct obi_app *app)
{
	return bpf_map__fd(app->skel->maps.records);
}

size_t obi_app_ring_size(const struct obi_app *app)
{
	return bpf_map__max_entries(app->skel->maps.records);
}

int obi_app_board_fd(const struct obi_app *app)
{
	return bpf_map__fd(app->skel->maps.board);
}

int obi_app_orders_fd(const struct obi_app *app)
{
	return bpf_map__fd(app->skel->maps.orders);
}

int obi_app_sleep_fd(const struct obi_app *app)
{
	return bpf_map__fd(app->skel->maps.data_reader);
}

int obi_app_events_fd(const struct obi_app *app)
{
	return bpf_map__fd(app->skel->maps.process_events);
}

/* A process is turned away for as long as it writes faster than the worker reads. Told by the
 * kernel side at most every 5 s a process. */
static void say_pressing(struct obi_app *app, const struct obi_process_event *event)
{
	uint64_t now = clock_monotonic_ns();
	struct obi_ring_share share = { 0 };

	if (app->pressing_ns && now - app->pressing_ns < SAY_PRESSING_NS)
		return;
	app->pressing_ns = now;
	(void)bpf_map_lookup_elem(bpf_map__fd(app->skel->maps.ring_shares), &event->pid, &share);
	log_warn("a process does more than can be read: what it does beyond its share of the ring "
		 "is "
		 "lost, so that others are seen",
		 F("pid", log_int(event->pid)),
		 F("command", log_slice(slice_of(event->command,
						 strnlen(event->command, sizeof(event->command))))),
		 F("recordsLost", log_int((int64_t)share.turned_away)));
}

/* Told by the kernel side once. */
static void say_taken(const struct obi_process_event *event)
{
	log_warn("connections are in another program's sockhash: requests on them carry no header; "
		 "leave these connections to one of the two programs (injectTaken counts them)",
		 F("pid", log_int(event->pid)));
}

static void take_event(void *context, const void *record, size_t size)
{
	struct obi_app *app = context;

	const struct obi_process_event *event = record;

	if (size < (event->type == OBI_PROCESS_MAPPED ? sizeof(struct obi_process_mapped)
						      : sizeof(*event)))
		return;
	if (event->type == OBI_PROCESS_PRESSES)
		say_pressing(app, event);
	else if (event->type == OBI_PROCESS_TAKEN)
		say_taken(event);
	else if (event->type == OBI_PROCESS_UNREAD)
		obi_unread_warn(&app->unread, event);
	else
		app->take(app->take_context, event);
}

void obi_app_process_events(struct obi_app *app,
			    void (*take)(void *context, const struct obi_process_event *event),
			    void *context)
{
	app->take = take;
	app->take_context = context;
	(void)obi_ring_drain(&app->events, 4096, take_event, app);
}

uint64_t obi_app_events_lost(const struct obi_app *app)
{
	return __atomic_load_n(&app->skel->data_ring->process_events_lost, __ATOMIC_RELAXED);
}

int obi_app_set_process(struct obi_app *app, uint32_t pid, uint32_t flags)
{
	int map = bpf_map__fd(app->skel->maps.processes);
	int error;

	if (!flags)
		error = bpf_map_delete_elem(map, &pid);
	else {
		app->skel->bss->process_marks[pid % sizeof(app->skel->bss->process_marks)] = 1;
		error = bpf_map_update_elem(map, &pid, &flags, BPF_ANY);
	}
	return error;
}

/* A program that is preempted and would run again on the same CPU is skipped by the kernel (5.12).
 */
static uint64_t missed_runs(const struct obi_app *app)
{
	struct bpf_program *program;
	uint64_t missed = 0;

	bpf_object__for_each_program(program, app->skel->obj)
	{
		struct bpf_prog_info info = { 0 };
		__u32 len = sizeof(info);

		if (bpf_program__fd(program) >= 0 &&
		    !bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len))
			missed += info.recursion_misses;
	}
	return missed;
}

struct bpf_object *obi_app_object(const struct obi_app *app)
{
	return app->skel->obj;
}

void obi_app_attach_errors(const struct obi_app *app, uint64_t errors[OBI_ATTACH_ERRORS])
{
	for (int i = 0; i < OBI_ATTACH_ERRORS; i++)
		errors[i] += app->attach_errors[i];
}

void obi_app_counters(const struct obi_app *app, uint64_t ret_counters[OBI_APP_COUNTERS])
{
	obi_counters_sum(bpf_map__fd(app->skel->maps.app_counters), ret_counters, OBI_APP_COUNTERS);
	ret_counters[OBI_APP_MISSED] = missed_runs(app);
	ret_counters[OBI_APP_EVENTS_LOST] = obi_app_events_lost(app);
}
