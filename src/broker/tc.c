// SPDX-License-Identifier: Apache-2.0
/*
 * libbpf 1.1 has no call for TCX links: BPF_LINK_CREATE is made by hand (linux/bpf.h,
 * since 6.6: attach types BPF_TCX_INGRESS 46 and BPF_TCX_EGRESS 47).
 */
#include "broker/tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "broker/tc_filters.h"
#include "broker/tc_handle.h"

#define TCX_INGRESS 46
#define TCX_EGRESS 47

/* Agents share it, and tell their filters by the handle. */
#define FILTER_PRIORITY 0xb1
#define MAX_QUERIED 64 /* programs at one place: the kernel takes no more (linux/bpf_mprog.h) */

struct site {
	uint32_t ifindex;
	int links[2]; /* TCX: ingress, egress */
	bool made_qdisc;
	bool filtered[2]; /* filters: ingress, egress */
};

struct obi_tc {
	enum obi_tc_backend backend;
	bool by_link; /* decided with the first interface, unless configured */
	bool decided;
	int programs[2];
	uint32_t handle; /* of its filters; 0: none yet */
	int hold;        /* of the handle, see tc_handle.h */
	struct site *sites;
	size_t count, room;
};

struct obi_tc *obi_tc_new(enum obi_tc_backend backend, int ingress_program, int egress_program)
{
	struct obi_tc *tc = calloc(1, sizeof(*tc));

	if (!tc)
		return NULL;
	tc->backend = backend;
	tc->programs[0] = ingress_program;
	tc->programs[1] = egress_program;
	tc->decided = backend != OBI_TC_AUTO;
	tc->by_link = backend == OBI_TC_TCX;
	tc->hold = -1;
	return tc;
}

/* struct link_create of union bpf_attr, as of 6.6; older kernels refuse the attach type. */
struct tcx_link_create {
	uint32_t prog_fd;
	uint32_t target_ifindex;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t relative_fd;
	uint32_t pad;
	uint64_t expected_revision;
};

static int create_link(int program, uint32_t ifindex, uint32_t type)
{
	union bpf_attr attr;
	struct tcx_link_create create = {
		.prog_fd = (uint32_t)program,
		.target_ifindex = ifindex,
		.attach_type = type,
	};
	long fd;

	memset(&attr, 0, sizeof(attr));
	memcpy(&attr, &create, sizeof(create));
	fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : (int)fd;
}

static const uint32_t types[2] = { TCX_INGRESS, TCX_EGRESS };

static int attach_links(struct obi_tc *tc, struct site *site)
{
	for (int i = 0; i < 2; i++) {
		if (tc->programs[i] < 0)
			continue;
		site->links[i] = create_link(tc->programs[i], site->ifindex, types[i]);
		if (site->links[i] < 0)
			return site->links[i];
	}
	return 0;
}

static const enum bpf_tc_attach_point points[2] = { BPF_TC_INGRESS, BPF_TC_EGRESS };
static const char *const directions[2] = { "ingress", "egress" };

/* ---- Others at the same place -------------------------------------------------------------- */

/* The kernel keeps 15 letters of a program's name; libbpf adds its number. */
static bool is_our_name(const struct obi_tc_filter *filter)
{
	return !strncmp(filter->name, "tc_ingress_", 11) ||
	       !strncmp(filter->name, "tc_egress_", 10);
}

struct look {
	const struct obi_tc *tc;
	const char *interface;
	uint32_t ifindex;
	int at;                     /* 0 ingress, 1 egress */
	struct obi_tc_filter first; /* of those that go before ours */
	int ahead;
};

static int detach_filter(uint32_t ifindex, int at, uint32_t handle)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = points[at]);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = FILTER_PRIORITY);

	return bpf_tc_detach(&hook, &opts);
}

/* A filter like ours of another handle: its agent lives beside us, or was killed. */
static void on_like_ours(const struct look *look, const struct obi_tc_filter *filter)
{
	_cleanup_close_ int hold = -1;
	int error;

	if (!obi_tc_handle_is_held(filter->handle)) {
		log_warn("a filter like those of this agent is on the interface: if no agent made "
			 "it "
			 "that runs, delete it with tc(8)",
			 F("interface", log_str(look->interface)),
			 F("direction", log_str(directions[look->at])),
			 F("pref", log_int(filter->priority)),
			 F("handle", log_int(filter->handle)));
		return;
	}
	hold = obi_tc_handle_hold(filter->handle);
	if (hold < 0)
		return;
	error = detach_filter(look->ifindex, look->at, filter->handle);
	log_info("deleted a filter that an agent left behind",
		 F("interface", log_str(look->interface)),
		 F("direction", log_str(directions[look->at])), F("error", log_errno(error)));
}

static void look_at(void *context, const struct obi_tc_filter *filter)
{
	struct look *look = context;

	if (!filter->handle || filter->priority > FILTER_PRIORITY)
		return;
	if (!is_our_name(filter)) {
		if (!look->ahead++)
			look->first = *filter;
	} else if (filter->priority == FILTER_PRIORITY && filter->handle != look->tc->handle) {
		on_like_ours(look, filter);
	}
}

#define BLIND                                                                                      \
	"others decide on packets before they are counted: what they drop, redirect or let "       \
	"through for good is not counted; network.source: socket_filter sees it"

static void look_at_filters(const struct obi_tc *tc, const struct site *site, int at,
			    const char *interface)
{
	struct look look = { .tc = tc, .interface = interface, .ifindex = site->ifindex, .at = at };

	(void)obi_tc_filters(site->ifindex, at, look_at, &look);
	if (look.ahead)
		log_warn(BLIND, F("interface", log_str(interface)),
			 F("direction", log_str(directions[at])), F("filters", log_int(look.ahead)),
			 F("pref", log_int(look.first.priority)),
			 F("first", log_str(look.first.name)));
}

/* TCX programs go before all filters, in the order they came. Their names are for CAP_SYS_ADMIN
 * alone. To be asked before ours is there. */
static void look_at_links(const struct obi_tc *tc, const struct site *site, const char *interface)
{
	for (int at = 0; at < 2; at++) {
		uint32_t ids[MAX_QUERIED], count = MAX_QUERIED;

		if (tc->programs[at] >= 0 &&
		    !bpf_prog_query((int)site->ifindex, (enum bpf_attach_type)types[at], 0, NULL,
				    ids, &count) &&
		    count)
			log_warn(BLIND, F("interface", log_str(interface)),
				 F("direction", log_str(directions[at])),
				 F("programs", log_int(count)), F("first_id", log_int(ids[0])));
	}
}

/* ---- Filters under clsact ------------------------------------------------------------------ */

static void count_filter(void *context, const struct obi_tc_filter *filter)
{
	++*(int *)context;
}

/* Nobody else uses it, as far as can be known. */
static bool is_empty(uint32_t ifindex)
{
	int filters = 0;

	for (int at = 0; at < 2; at++)
		if (obi_tc_filters(ifindex, at, count_filter, &filters))
			return false;
	return !filters;
}

static void detach_filters(const struct obi_tc *tc, const struct site *site)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)site->ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	for (int at = 0; at < 2; at++)
		if (site->filtered[at])
			(void)detach_filter(site->ifindex, at, tc->handle);
	if (site->made_qdisc && is_empty(site->ifindex))
		(void)bpf_tc_hook_destroy(&hook);
}

/* Under our handle there is none but what an agent left that had it before: it is replaced. */
static int attach_filters(struct obi_tc *tc, struct site *site)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)site->ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return error;
	site->made_qdisc = !error;
	if (!tc->handle)
		tc->handle = obi_tc_handle_new(&tc->hold);
	for (int at = 0; at < 2; at++) {
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = tc->handle,
				    .priority = FILTER_PRIORITY, .prog_fd = tc->programs[at],
				    .flags = BPF_TC_F_REPLACE);

		if (tc->programs[at] < 0)
			continue;
		hook.attach_point = points[at];
		error = bpf_tc_attach(&hook, &opts);
		if (error)
			return error;
		site->filtered[at] = true;
	}
	return 0;
}

/* ---- Interfaces ---------------------------------------------------------------------------- */

static void detach_site(const struct obi_tc *tc, const struct site *site)
{
	if (!tc->by_link)
		detach_filters(tc, site);
	for (int i = 0; i < 2; i++)
		if (site->links[i] >= 0)
			(void)close(site->links[i]);
}

static int attach_site(struct obi_tc *tc, struct site *site)
{
	int error = 0;

	if (!tc->decided || tc->by_link) {
		error = attach_links(tc, site);
		if (!tc->decided && error != -ENODEV) {
			tc->by_link = !error;
			tc->decided = true;
		}
		if (!error || tc->by_link)
			return error;
	}
	return attach_filters(tc, site);
}

int obi_tc_attach(struct obi_tc *tc, uint32_t ifindex, const char *name)
{
	struct site site = { .ifindex = ifindex, .links = { -1, -1 } };
	int error;

	for (size_t i = 0; i < tc->count; i++)
		if (tc->sites[i].ifindex == ifindex)
			return 0;
	if (tc->count == tc->room) {
		size_t room = tc->room ? 2 * tc->room : 16;
		struct site *sites = realloc(tc->sites, room * sizeof(*sites));

		if (!sites)
			return -ENOMEM;
		tc->sites = sites;
		tc->room = room;
	}
	look_at_links(tc, &site, name);
	error = attach_site(tc, &site);
	if (error) {
		detach_site(tc, &site);
		return error;
	}
	for (int at = 0; at < 2; at++)
		if (site.filtered[at])
			look_at_filters(tc, &site, at, name);
	tc->sites[tc->count++] = site;
	return 0;
}

void obi_tc_detach(struct obi_tc *tc, uint32_t ifindex)
{
	for (size_t i = 0; i < tc->count; i++) {
		if (tc->sites[i].ifindex != ifindex)
			continue;
		detach_site(tc, &tc->sites[i]);
		tc->sites[i] = tc->sites[--tc->count];
		return;
	}
}

void obi_tc_free(struct obi_tc *tc)
{
	if (!tc)
		return;
	for (size_t i = 0; i < tc->count; i++)
		detach_site(tc, &tc->sites[i]);
	if (tc->hold >= 0)
		(void)close(tc->hold);
	free(tc->sites);
	free(tc);
}

const char *obi_tc_name(const struct obi_tc *tc)
{
	if (!tc->decided)
		return "tc";
	return tc->by_link ? "TCX" : "clsact";
}
