// SPDX-License-Identifier: Apache-2.0
/*
 * Names: the kernel keeps 15 characters; the whole one of a program stands in its BTF, which is
 * read once for each program. Entries of a map are counted by reading them in batches.
 */
#include "broker/bpf_stats.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "caps/check.h"

#define NAMES_MAX 1024 /* programs of others whose whole names are remembered */
#define BATCH_BYTES (1u << 20)
#define BATCH_ENTRIES 1024u

struct long_name {
	uint32_t id;
	char name[sizeof(((struct obi_bpf_program *)NULL)->name)];
};

struct obi_bpf_stats {
	bool whole_host;
	int run_times; /* the kernel measures while this is open; -1 = it is not asked to */
	struct long_name *names;
	size_t names_count;
	struct obi_wire_bpf message; /* being filled */
	void (*send)(void *context, const struct obi_wire_bpf *message);
	void *context;
	size_t object_count;
	struct bpf_object *objects[]; /* NULL: not loaded */
};

/* Types that are told of: of programs those that probe, of maps those whose entries come and go. */
static const char *const program_kinds[] = {
	[BPF_PROG_TYPE_SOCKET_FILTER] = "SocketFilter",
	[BPF_PROG_TYPE_KPROBE] = "Kprobe",
	[BPF_PROG_TYPE_SCHED_CLS] = "SchedCLS",
	[BPF_PROG_TYPE_TRACEPOINT] = "TracePoint",
	[BPF_PROG_TYPE_SOCK_OPS] = "SockOps",
	[BPF_PROG_TYPE_SK_SKB] = "SkSKB",
	[BPF_PROG_TYPE_SK_MSG] = "SkMsg",
	[BPF_PROG_TYPE_RAW_TRACEPOINT] = "RawTracepoint",
	[BPF_PROG_TYPE_TRACING] = "Tracing",
};

static const char *const map_kinds[] = {
	[BPF_MAP_TYPE_HASH] = "Hash",
	[BPF_MAP_TYPE_PERCPU_HASH] = "PerCPUHash",
	[BPF_MAP_TYPE_LRU_HASH] = "LRUHash",
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = "LRUCPUHash",
};

static const char *kind_of(const char *const *kinds, size_t count, uint32_t type)
{
	return type < count ? kinds[type] : NULL;
}

bool obi_bpf_stats_wanted(const struct obi_settings *settings)
{
	return obi_settings_bpf_metrics(settings) ||
	       settings->export.internal.exporter != OBI_INTERNAL_DISABLED;
}

/* ---- Messages ------------------------------------------------------------------------------ */

static void flush(struct obi_bpf_stats *stats)
{
	if (stats->message.programs_count || stats->message.maps_count)
		stats->send(stats->context, &stats->message);
	memset(&stats->message, 0, sizeof(stats->message));
}

static struct obi_bpf_program *next_program(struct obi_bpf_stats *stats)
{
	if (stats->message.programs_count == OBI_WIRE_BPF_MAX)
		flush(stats);
	return &stats->message.programs[stats->message.programs_count++];
}

static struct obi_bpf_map *next_map(struct obi_bpf_stats *stats)
{
	if (stats->message.maps_count == OBI_WIRE_BPF_MAX)
		flush(stats);
	return &stats->message.maps[stats->message.maps_count++];
}

/* ---- Programs ------------------------------------------------------------------------------ */

/* The name in the program's BTF, of its first function. */
static int read_long_name(int fd, uint32_t btf_id, char *ret_name, size_t size)
{
	struct bpf_func_info function = { 0 };
	struct bpf_prog_info info = {
		.nr_func_info = 1,
		.func_info_rec_size = sizeof(function),
		.func_info = (uint64_t)(uintptr_t)&function,
	};
	__u32 len = sizeof(info);
	const struct btf_type *type;
	struct btf *btf;

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || !info.nr_func_info)
		return -ENOENT;
	btf = btf__load_from_kernel_by_id(btf_id);
	if (!btf)
		return -errno;
	type = btf__type_by_id(btf, function.type_id);
	if (type)
		(void)snprintf(ret_name, size, "%s", btf__name_by_offset(btf, type->name_off));
	btf__free(btf);
	return type ? 0 : -ENOENT;
}

static struct long_name *remember_name(struct obi_bpf_stats *stats, uint32_t id)
{
	struct long_name *names;

	if (stats->names_count == NAMES_MAX)
		stats->names_count = 0; /* programs come and go: begin anew */
	names = reallocarray(stats->names, stats->names_count + 1, sizeof(*names));
	if (!names)
		return NULL;
	stats->names = names;
	names[stats->names_count] = (struct long_name){ .id = id };
	return &names[stats->names_count++];
}

/* Into name, which holds the short one. */
static void find_long_name(struct obi_bpf_stats *stats, int fd, const struct bpf_prog_info *info,
			   char *name, size_t size)
{
	struct long_name *found = NULL;

	for (size_t i = 0; i < stats->names_count && !found; i++)
		if (stats->names[i].id == info->id)
			found = &stats->names[i];
	if (!found) {
		found = remember_name(stats, info->id);
		if (!found)
			return;
		if (read_long_name(fd, info->btf_id, found->name, sizeof(found->name)))
			(void)snprintf(found->name, sizeof(found->name), "%s", name);
	}
	(void)snprintf(name, size, "%s", found->name);
}

/* name: NULL where it is to be found out. */
static void read_program(struct obi_bpf_stats *stats, int fd, const char *name)
{
	struct obi_bpf_program *program;
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const char *kind;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return;
	kind = kind_of(program_kinds, ARRAY_SIZE(program_kinds), info.type);
	if (!kind)
		return;
	program = next_program(stats);
	program->id = info.id;
	program->runs = info.run_cnt;
	program->run_ns = info.run_time_ns;
	(void)snprintf(program->kind, sizeof(program->kind), "%s", kind);
	(void)snprintf(program->name, sizeof(program->name), "%s", name ? name : info.name);
	if (!name && info.btf_id && strlen(info.name) == sizeof(info.name) - 1)
		find_long_name(stats, fd, &info, program->name, sizeof(program->name));
}

static void read_own_programs(struct obi_bpf_stats *stats)
{
	struct bpf_program *program;

	for (size_t i = 0; i < stats->object_count; i++) {
		if (!stats->objects[i])
			continue;
		bpf_object__for_each_program(program,
					     stats->objects[i]) if (bpf_program__fd(program) >= 0)
			read_program(stats, bpf_program__fd(program), bpf_program__name(program));
	}
}

static void read_all_programs(struct obi_bpf_stats *stats)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

		if (fd >= 0) /* else it has gone */
			read_program(stats, fd, NULL);
	}
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static bool is_lru(uint32_t type)
{
	return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static size_t value_bytes(const struct bpf_map_info *info)
{
	size_t rounded = ((size_t)info->value_size + 7) & ~(size_t)7;

	return info->type == BPF_MAP_TYPE_PERCPU_HASH || info->type == BPF_MAP_TYPE_LRU_PERCPU_HASH
		       ? rounded * (size_t)libbpf_num_possible_cpus()
		       : info->value_size;
}

/* Reads in batches of at most room entries. The number of entries, or a negative errno: -ENOSPC
 * where one of its buckets has more than a batch. */
static int64_t count_in_batches(int fd, const struct bpf_map_info *info, uint32_t room, char *keys,
				char *values)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint64_t position = 0, entries = 0;
	void *from = NULL;
	int error = 0;

	/* Entries that come meanwhile must not keep us here. */
	while (!error && entries <= info->max_entries) {
		__u32 count = room;

		error = bpf_map_lookup_batch(fd, from, &position, keys, values, &count, &options);
		if (error && error != -ENOENT)
			return error;
		entries += count;
		from = &position;
	}
	return entries < info->max_entries ? (int64_t)entries : (int64_t)info->max_entries;
}

static int64_t count_entries(int fd, const struct bpf_map_info *info)
{
	size_t bytes = info->key_size + value_bytes(info);
	uint32_t room = info->max_entries < BATCH_ENTRIES ? info->max_entries : BATCH_ENTRIES;
	char *buffer;
	int64_t entries;

	if (room * bytes > BATCH_BYTES)
		room = (uint32_t)(BATCH_BYTES / bytes);
	buffer = room ? malloc(room * bytes) : NULL;
	if (!buffer)
		return -ENOMEM;
	entries = count_in_batches(fd, info, room, buffer, buffer + (size_t)room * info->key_size);
	free(buffer);
	return entries;
}

static void read_map(struct obi_bpf_stats *stats, int fd, bool own)
{
	struct obi_bpf_map *map;
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	const char *kind;
	int64_t entries;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return;
	kind = kind_of(map_kinds, ARRAY_SIZE(map_kinds), info.type);
	if (!kind || (!own && !is_lru(info.type)))
		return;
	entries = count_entries(fd, &info);
	if (entries < 0)
		return;
	map = next_map(stats);
	map->id = info.id;
	map->max_entries = info.max_entries;
	map->entries = (uint32_t)entries;
	(void)snprintf(map->kind, sizeof(map->kind), "%s", kind);
	(void)snprintf(map->name, sizeof(map->name), "%s", info.name);
}

static bool is_own_map(const struct obi_bpf_stats *stats, uint32_t id)
{
	const struct bpf_map *map;

	for (size_t i = 0; i < stats->object_count; i++) {
		if (!stats->objects[i])
			continue;
		bpf_object__for_each_map(map, stats->objects[i])
		{
			struct bpf_map_info info = { 0 };
			__u32 len = sizeof(info);

			if (bpf_map__fd(map) >= 0 &&
			    !bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len) && info.id == id)
				return true;
		}
	}
	return false;
}

static void read_own_maps(struct obi_bpf_stats *stats)
{
	const struct bpf_map *map;

	for (size_t i = 0; i < stats->object_count; i++) {
		if (!stats->objects[i])
			continue;
		bpf_object__for_each_map(map, stats->objects[i]) if (bpf_map__fd(map) >= 0)
			read_map(stats, bpf_map__fd(map), true);
	}
}

static void read_other_maps(struct obi_bpf_stats *stats)
{
	__u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		_cleanup_close_ int fd = is_own_map(stats, id) ? -1 : bpf_map_get_fd_by_id(id);

		if (fd >= 0)
			read_map(stats, fd, false);
	}
}

/* ---- Life ---------------------------------------------------------------------------------- */

/* Measuring is for everybody's programs, so only the feature that shows it switches it on. */
static void ask_for_run_times(struct obi_bpf_stats *stats)
{
	stats->run_times = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats->run_times < 0)
		log_warn("run times of BPF programs are not measured: the feature ebpf needs "
			 "CAP_SYS_ADMIN, or the sysctl kernel.bpf_stats_enabled = 1",
			 F("error", log_errno(stats->run_times)));
}

struct obi_bpf_stats *obi_bpf_stats_open(const struct obi_settings *settings,
					 struct bpf_object *const *objects, size_t count)
{
	struct obi_bpf_stats *stats = calloc(1, sizeof(*stats) + count * sizeof(objects[0]));
	bool feature = obi_settings_bpf_metrics(settings);
	uint64_t effective = 0;

	if (!stats)
		return NULL;
	memcpy(stats->objects, objects, count * sizeof(objects[0]));
	stats->object_count = count;
	stats->run_times = -1;
	(void)obi_caps_effective(&effective);
	/* Without the feature the capability is given up after the start. */
	stats->whole_host = feature && effective & OBI_CAP(CAP_SYS_ADMIN);
	if (feature)
		ask_for_run_times(stats);
	if (feature && !stats->whole_host)
		log_warn0("BPF programs and maps of others are left out of the metrics: to list "
			  "them and read their BTF takes CAP_SYS_ADMIN");
	return stats;
}

void obi_bpf_stats_close(struct obi_bpf_stats *stats)
{
	if (!stats)
		return;
	if (stats->run_times >= 0)
		(void)close(stats->run_times);
	free(stats->names);
	free(stats);
}

void obi_bpf_stats_read(struct obi_bpf_stats *stats,
			void (*send)(void *context, const struct obi_wire_bpf *message),
			void *context)
{
	stats->send = send;
	stats->context = context;
	read_own_maps(stats);
	if (stats->whole_host) {
		read_all_programs(stats);
		read_other_maps(stats);
	} else {
		read_own_programs(stats);
	}
	flush(stats);
}
