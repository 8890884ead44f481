// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "metrics/families/catalog.h"

/* Programs whose last reading is remembered; one that comes back after it fell out counts anew. */
#define READINGS_MAX 4096

static const struct attribute program_attributes[] = {
	{ "probe_id", true, 0 },
	{ "probe_name", true, 0 },
	{ "probe_type", true, 0 },
};

static const struct attribute map_attributes[] = {
	{ "map_id", true, 0 },
	{ "map_name", true, 0 },
	{ "map_type", true, 0 },
	{ "max_entries", true, 0 },
};

#define PROGRAM_LABELS ARRAY_SIZE(program_attributes)
#define MAP_LABELS ARRAY_SIZE(map_attributes)

const struct attribute_group bpf_program_attributes = { program_attributes, PROGRAM_LABELS };
const struct attribute_group bpf_map_attributes = { map_attributes, MAP_LABELS };

/* Those of the existing agent, seconds. */
static double latency_bounds[] = { 1e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 2e-5,
				   5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3 };

const struct obi_floats bpf_metrics_latency_buckets = { latency_bounds,
							ARRAY_SIZE(latency_bounds) };

struct reading {
	uint32_t id;
	uint64_t runs;
	uint64_t run_ns;
};

struct bpf_metrics {
	struct metric_table *programs, *maps;
	struct reading *readings;
	size_t count;
};

static int add_table(const struct family_options *options, struct metrics *metrics,
		     enum metric_id id, struct metric_table **ret_table)
{
	const struct attribute_group *group = metric_catalog[id].attributes;
	struct metric_desc desc = metric_describe(options, id);
	const char *names[ATTRIBUTES_MAX];
	size_t count =
		attributes_names(metric_attributes(options, id, group->attributes, group->count),
				 group->attributes, group->count, names);

	return metrics_add_table(metrics, &desc, 1, names, count, options->ttl, ret_table);
}

int bpf_metrics_new(const struct family_options *options, struct metrics *metrics,
		    struct bpf_metrics **ret_bpf)
{
	struct bpf_metrics *bpf = calloc(1, sizeof(*bpf));
	int e;

	if (!bpf)
		return -ENOMEM;
	e = add_table(options, metrics, METRIC_PROBE_LATENCY, &bpf->programs);
	if (!e)
		e = add_table(options, metrics, METRIC_MAP_ENTRIES, &bpf->maps);
	if (e) {
		bpf_metrics_free(bpf);
		return e;
	}
	*ret_bpf = bpf;
	return 0;
}

void bpf_metrics_free(struct bpf_metrics *bpf)
{
	if (!bpf)
		return;
	free(bpf->readings);
	free(bpf);
}

/* The last reading of this program; zero where there was none, NULL when memory is short. */
static struct reading *last_reading(struct bpf_metrics *bpf, uint32_t id)
{
	struct reading *readings;

	for (size_t i = 0; i < bpf->count; i++)
		if (bpf->readings[i].id == id)
			return &bpf->readings[i];
	if (bpf->count == READINGS_MAX)
		bpf->count = 0;
	readings = reallocarray(bpf->readings, bpf->count + 1, sizeof(*readings));
	if (!readings)
		return NULL;
	bpf->readings = readings;
	readings[bpf->count] = (struct reading){ .id = id };
	return &readings[bpf->count++];
}

static void put_runs(const struct bpf_metrics *bpf, struct metric_row *row, uint64_t runs,
		     uint64_t run_ns)
{
	const struct metric *latency = metric_table_metric(bpf->programs, 0);
	uint64_t average = run_ns / runs;

	metric_observe_times(latency, row, average, runs, NULL);
	metric_add(latency, row, run_ns - average * runs); /* the sum stays exact */
}

void bpf_metrics_put_program(struct bpf_metrics *bpf, const struct obi_bpf_program *program,
			     uint64_t now_ns)
{
	struct reading *last = last_reading(bpf, program->id);
	struct metric_row *row;
	struct slice values[PROGRAM_LABELS];
	char id[16];

	if (!last || !program->runs) /* what never ran has no latency */
		return;
	(void)snprintf(id, sizeof(id), "%u", program->id);
	values[0] = slice_cstr(id);
	values[1] = slice_cstr(program->name);
	values[2] = slice_cstr(program->kind);
	row = metric_table_row(bpf->programs, values, now_ns);
	if (row && program->runs > last->runs && program->run_ns >= last->run_ns)
		put_runs(bpf, row, program->runs - last->runs, program->run_ns - last->run_ns);
	last->runs = program->runs;
	last->run_ns = program->run_ns;
}

void bpf_metrics_put_map(struct bpf_metrics *bpf, const struct obi_bpf_map *map, uint64_t now_ns)
{
	struct slice values[MAP_LABELS];
	struct metric_row *row;
	char id[16], max[16];

	(void)snprintf(id, sizeof(id), "%u", map->id);
	(void)snprintf(max, sizeof(max), "%u", map->max_entries);
	values[0] = slice_cstr(id);
	values[1] = slice_cstr(map->name);
	values[2] = slice_cstr(map->kind);
	values[3] = slice_cstr(max);
	row = metric_table_row(bpf->maps, values, now_ns);
	if (row)
		metric_set(metric_table_metric(bpf->maps, 0), row, map->entries);
}
