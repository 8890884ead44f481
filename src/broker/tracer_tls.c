// SPDX-License-Identifier: Apache-2.0
/* Probes on TLS libraries among the broker's tracers. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/state.h"
#include "broker/tracer.h"
#include "probe/libraries.h"

/* Where one library is mapped others follow: from then on the clock tells when to look, and not
 * each of them, until there are none. */
static const uint64_t soon[] = {
	1 * NSEC_PER_MSEC, 2 * NSEC_PER_MSEC,  4 * NSEC_PER_MSEC,
	8 * NSEC_PER_MSEC, 16 * NSEC_PER_MSEC,
};

static bool wanted(const struct obi_settings *settings)
{
	return obi_settings_application(settings) && settings->broker.tls_probes;
}

static int look(void *context, const struct look_request *request)
{
	struct broker *b = context;

	return obi_looker_ask(&b->looker, request);
}

static bool leaves_alone(void *context, const char *path)
{
	const struct broker *b = context;

	return obi_broker_leaves_alone(&b->settings->broker, path);
}

static int hand_over(void *context, const struct obi_wire_file *file, int fd)
{
	return broker_send_worker(context, OBI_WIRE_FILE, file, sizeof(*file), &fd, 1);
}

static int attach(void *context, int fd, const struct obi_wire_probe *probe,
		  struct obi_tls_links *ret_links)
{
	struct broker *b = context;

	return obi_tls_attach(b->tls, fd, probe, ret_links);
}

static int refuse(const char *what, int error)
{
	log_warn("what is encrypted will not be seen", F("reason", log_str(what)),
		 F("error", log_errno(error)));
	return error;
}

static void close_tls(struct broker *b)
{
	obi_probed_free(b->probed);
	b->probed = NULL;
	obi_mappings_close(b->mappings);
	obi_tls_close(b->tls);
	b->mappings = NULL;
	b->tls = NULL;
}

/* Of processes that are there when they are found, all that is mapped is known without. */
static void watch_by_perf(struct broker *b)
{
	int error = obi_mappings_open(&b->mappings);

	if (error)
		log_warn("libraries that processes map later will not be seen",
			 F("error", log_errno(error)),
			 F("remedy",
			   log_str("kernel.perf_event_paranoid at 2 or below, or CAP_SYS_ADMIN")));
}

static int open_tls(struct broker *b)
{
	const struct obi_probed_actions actions = {
		.look = look,
		.leaves_alone = leaves_alone,
		.inspect = hand_over,
		.attach = attach,
		.context = b,
	};
	int error;

	if (!obi_app_joins_sessions(b->app))
		return refuse("the kernel keeps no storage for threads (5.12)", -EOPNOTSUPP);
	error = obi_tls_open(obi_app_object(b->app), b->pid_namespace.inode,
			     !strcmp(obi_app_plane(b->app), "fentry"),
			     obi_settings_handshakes(b->settings), &b->tls);
	if (error)
		return refuse("programs for TLS libraries are refused", error);
	if (!obi_tls_watches(b->tls))
		watch_by_perf(b);
	b->probed = obi_probed_new(&actions);
	if (!b->probed) {
		close_tls(b);
		return refuse("no memory", -ENOMEM);
	}
	log_info("probes on TLS libraries", F("by", log_str(obi_tls_way(b->tls))));
	return 0;
}

/* ---- Mappings ---- */

static void take_mapping(void *context, const struct obi_wire_mapping *mapping, struct slice path)
{
	struct broker *b = context;

	if (obi_probe_is_library(path, obi_settings_handshakes(b->settings)) &&
	    obi_discover_has(b->discover, mapping->pid))
		obi_probed_mapped(b->probed, mapping);
}

void broker_take_mapping(struct broker *b, const struct obi_wire_mapping *mapping)
{
	if (b->probed && b->discover && obi_discover_has(b->discover, mapping->pid))
		obi_probed_mapped(b->probed, mapping);
}

void broker_take_mapped(struct broker *b, const struct obi_process_mapped *mapped)
{
	const struct obi_wire_mapping mapping = {
		.pid = mapped->pid,
		.major = mapped->major,
		.minor = mapped->minor,
		.inode = mapped->inode,
		.start = mapped->start,
		.end = mapped->end,
	};

	broker_take_mapping(b, &mapping);
}

static void wait_for_mappings(struct broker *b, bool wait)
{
	int fd = obi_mappings_fd(b->mappings);
	struct epoll_event event = { .events = wait ? EPOLLIN : 0, .data.fd = fd };

	(void)epoll_ctl(b->epoll, EPOLL_CTL_MOD, fd, &event);
}

static int events_fd(const struct broker *b)
{
	return b->mappings ? obi_mappings_fd(b->mappings) : -1;
}

static void take_events(struct broker *b)
{
	wait_for_mappings(b, false);
	b->mappings_look = 0;
	b->mappings_at = clock_monotonic_ns() + soon[0];
}

static void read_mappings(struct broker *b, uint64_t now_ns)
{
	size_t last = ARRAY_SIZE(soon) - 1;
	bool some = obi_mappings_read(b->mappings, take_mapping, b);

	if (b->mappings_look < last) {
		b->mappings_at = now_ns + soon[++b->mappings_look];
	} else if (some) {
		b->mappings_at = now_ns + soon[last];
	} else {
		b->mappings_at = 0;
		wait_for_mappings(b, true);
	}
}

void broker_tick_tls(struct broker *b, uint64_t now_ns)
{
	if (!b->probed)
		return;
	if (b->mappings && b->mappings_at && now_ns >= b->mappings_at)
		read_mappings(b, now_ns);
	obi_probed_tick(b->probed, now_ns);
}

uint64_t broker_next_tls(const struct broker *b)
{
	uint64_t next = b->probed ? obi_probed_next(b->probed) : 0;

	if (b->probed && b->mappings_at && (!next || b->mappings_at < next))
		next = b->mappings_at;
	return next;
}

/* ---- The row ---- */

static struct bpf_object *object(const struct broker *b)
{
	return obi_tls_object(b->tls);
}

static void add_counters(const struct broker *b, struct obi_wire_counters *counters)
{
	struct obi_probed_counters probed;

	obi_probed_counters(b->probed, &probed);
	counters->attach_errors[OBI_ATTACH_PROBE] += probed.refused;
}

static void stop(struct broker *b)
{
	obi_probed_detach(b->probed);
}

const struct obi_tracer_ops broker_tracer_tls = {
	.name = "TLS",
	.optional = true,
	.wanted = wanted,
	.open = open_tls,
	.events_fd = events_fd,
	.take_events = take_events,
	.counters = add_counters,
	.object = object,
	.stop = stop,
	.close = close_tls,
};
