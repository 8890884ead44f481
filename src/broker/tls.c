// SPDX-License-Identifier: Apache-2.0
#include "broker/tls.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/uprobe.h"
#include "obi/tls.h"
#include "probe/libraries.h"
#include "tls.skel.h"

struct obi_tls {
	struct tls_bpf *skel;
	bool multi;
	bool watch;
	bool handshakes;
	struct bpf_link *watcher;
};

/* What both objects write to and look into is the application tracer's. */
static int share_maps(struct tls_bpf *skel, struct bpf_object *app)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skel->obj)
	{
		const char *name = bpf_map__name(map);
		const struct bpf_map *shared = bpf_object__find_map_by_name(app, name);
		int error;

		/* Constants, and variables of one object alone. */
		if (strstr(name, ".rodata") || strstr(name, ".bss") || !shared)
			continue;
		error = bpf_map__reuse_fd(map, bpf_map__fd(shared));
		if (error)
			return error;
	}
	return 0;
}

static void set_names(struct tls_bpf *skel, bool handshakes)
{
	size_t count = 0;

	_Static_assert(sizeof(skel->rodata->tls_names) / sizeof(skel->rodata->tls_names[0]) >=
			       (size_t)OBI_PROBE_LIBRARIES * OBI_PROBE_FILES,
		       "room for all");
	for (size_t i = 0; i < OBI_PROBE_LIBRARIES; i++) {
		for (size_t k = 0; k < OBI_PROBE_FILES; k++) {
			const char *file = obi_probe_libraries[i].files[k];
			struct obi_tls_name *name = &skel->rodata->tls_names[count];

			if (!file || (obi_probe_libraries[i].handshakes && !handshakes))
				continue;
			memcpy(name->text, file, strlen(file));
			memset(name->mask, 0xff, strlen(file));
			count++;
		}
	}
}

static int load(struct obi_tls *tls, struct bpf_object *app, uint32_t pid_namespace)
{
	struct bpf_program *program;
	int error;

	tls->skel = tls_bpf__open();
	if (!tls->skel)
		return -errno;
	tls->skel->rodata->pid_namespace = pid_namespace;
	tls->skel->rodata->ring_wake_bytes =
		bpf_map__max_entries(bpf_object__find_map_by_name(app, "records")) / 2;
	set_names(tls->skel, tls->handshakes);
	bpf_program__set_autoload(tls->skel->progs.tls_mapped, tls->watch);
	if (tls->multi)
		bpf_object__for_each_program(
			program, tls->skel->obj) if (program != tls->skel->progs.tls_mapped)
			bpf_program__set_expected_attach_type(
				program, (enum bpf_attach_type)OBI_UPROBE_MULTI);
	error = share_maps(tls->skel, app);
	if (!error)
		error = tls_bpf__load(tls->skel);
	if (error) {
		tls_bpf__destroy(tls->skel);
		tls->skel = NULL;
	}
	return error;
}

/* Once more, with less. */
static int load_again(struct obi_tls *tls, struct bpf_object *app, uint32_t pid_namespace)
{
	if (tls->skel)
		tls_bpf__destroy(tls->skel);
	return load(tls, app, pid_namespace);
}

static void watch(struct obi_tls *tls)
{
	if (tls->watch)
		tls->watcher = bpf_program__attach_trace(tls->skel->progs.tls_mapped);
}

int obi_tls_open(struct bpf_object *app, uint32_t pid_namespace, bool wants_watch, bool handshakes,
		 struct obi_tls **ret_tls)
{
	struct obi_tls *tls = calloc(1, sizeof(*tls));
	int error;

	if (!tls)
		return -ENOMEM;
	tls->multi = true;
	tls->watch = wants_watch;
	tls->handshakes = handshakes;
	error = load(tls, app, pid_namespace);
	if (error && tls->watch) {
		tls->watch = false;
		error = load_again(tls, app, pid_namespace);
	}
	if (!error && !obi_uprobe_has_multi(bpf_program__fd(tls->skel->progs.tls_enter))) {
		tls->multi = false;
		error = load_again(tls, app, pid_namespace);
	}
	if (error) {
		obi_tls_close(tls);
		return error;
	}
	watch(tls);
	*ret_tls = tls;
	return 0;
}

void obi_tls_close(struct obi_tls *tls)
{
	if (!tls)
		return;
	(void)bpf_link__destroy(tls->watcher);
	if (tls->skel)
		tls_bpf__destroy(tls->skel);
	free(tls);
}

bool obi_tls_watches(const struct obi_tls *tls)
{
	return tls->watcher;
}

const char *obi_tls_way(const struct obi_tls *tls)
{
	return tls->multi ? "uprobe_multi" : "perf";
}

struct bpf_object *obi_tls_object(const struct obi_tls *tls)
{
	return tls->skel->obj;
}

/* ---- Probes ---- */

/* Sites of one program. */
struct batch {
	uint64_t offsets[OBI_WIRE_SITES_MAX];
	uint64_t cookies[OBI_WIRE_SITES_MAX];
	size_t count;
};

static bool is_sane(const struct obi_wire_site *site)
{
	return site->op > OBI_TLS_NONE && site->op < OBI_TLS_OPS && site->count < OBI_TLS_COUNTS;
}

/* For entries, or for returns. */
static void gather(const struct obi_wire_probe *probe, bool returns, struct batch *ret_batch)
{
	ret_batch->count = 0;
	for (size_t i = 0; i < probe->count; i++) {
		const struct obi_wire_site *site = &probe->sites[i];

		if (returns && !obi_tls_op_returns(site->op))
			continue;
		ret_batch->offsets[ret_batch->count] = site->offset;
		ret_batch->cookies[ret_batch->count++] =
			OBI_TLS_COOKIE(site->op, site->count, &probe->random);
	}
}

static int attach(const struct obi_tls *tls, const struct bpf_program *program, int file,
		  const struct batch *batch, bool returns, struct obi_tls_links *links)
{
	const struct obi_uprobe_request request = {
		.program = bpf_program__fd(program),
		.file = file,
		.offsets = batch->offsets,
		.cookies = batch->cookies,
		.count = batch->count,
		.returns = returns,
		.multi = tls->multi,
	};

	if (!batch->count)
		return 0;
	return obi_uprobe_attach(&request, links->fds, OBI_TLS_LINKS_MAX, &links->count);
}

int obi_tls_attach(struct obi_tls *tls, int file, const struct obi_wire_probe *probe,
		   struct obi_tls_links *ret_links)
{
	struct batch entries, returns;
	int error;

	ret_links->count = 0;
	if (probe->count > OBI_WIRE_SITES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < probe->count; i++)
		if (!is_sane(&probe->sites[i]))
			return -EINVAL;
	gather(probe, false, &entries);
	gather(probe, true, &returns);
	error = attach(tls, tls->skel->progs.tls_return, file, &returns, true, ret_links);
	if (!error)
		error = attach(tls, tls->skel->progs.tls_enter, file, &entries, false, ret_links);
	if (error)
		obi_tls_detach(ret_links);
	return error;
}

void obi_tls_detach(struct obi_tls_links *links)
{
	while (links->count)
		(void)close(links->fds[--links->count]);
}
