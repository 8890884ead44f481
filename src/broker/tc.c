// SPDX-License-Identifier: Apache-2.0
/*
 * libbpf 1.1 has no call for TCX links: BPF_LINK_CREATE is made by hand (linux/bpf.h,
 * since 6.6: attach types BPF_TCX_INGRESS 46 and BPF_TCX_EGRESS 47).
 */
#include "broker/tc.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TCX_INGRESS 46
#define TCX_EGRESS 47

/* A filter under these is ours, also when an earlier run left it. */
#define FILTER_HANDLE 0x0b1
#define FILTER_PRIORITY 0xb1

struct site {
	uint32_t ifindex;
	int links[2]; /* TCX: ingress, egress */
	bool made_qdisc;
};

struct obi_tc {
	enum obi_tc_backend backend;
	bool by_link; /* decided with the first interface, unless configured */
	bool decided;
	int programs[2];
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

static int attach_links(struct obi_tc *tc, struct site *site)
{
	static const uint32_t types[2] = { TCX_INGRESS, TCX_EGRESS };

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

static void detach_filters(const struct obi_tc *tc, const struct site *site)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)site->ifindex);

	for (int i = 0; i < 2; i++) {
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE,
				    .priority = FILTER_PRIORITY);

		hook.attach_point = points[i];
		(void)bpf_tc_detach(&hook, &opts);
	}
	if (site->made_qdisc) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		(void)bpf_tc_hook_destroy(&hook);
	}
}

static int attach_filters(const struct obi_tc *tc, struct site *site)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)site->ifindex,
			    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = bpf_tc_hook_create(&hook);

	if (error && error != -EEXIST)
		return error;
	site->made_qdisc = !error;
	for (int i = 0; i < 2; i++) {
		DECLARE_LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE,
				    .priority = FILTER_PRIORITY, .prog_fd = tc->programs[i],
				    .flags = BPF_TC_F_REPLACE);

		if (tc->programs[i] < 0)
			continue;
		hook.attach_point = points[i];
		error = bpf_tc_attach(&hook, &opts);
		if (error)
			return error;
	}
	return 0;
}

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

int obi_tc_attach(struct obi_tc *tc, uint32_t ifindex)
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
	error = attach_site(tc, &site);
	if (error) {
		detach_site(tc, &site);
		return error;
	}
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
	free(tc->sites);
	free(tc);
}

const char *obi_tc_name(const struct obi_tc *tc)
{
	if (!tc->decided)
		return "tc";
	return tc->by_link ? "TCX" : "clsact";
}
