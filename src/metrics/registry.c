// SPDX-License-Identifier: Apache-2.0
/* Registries, tables, and what is known of each metric. Rows: rows.c. */
#include "metrics/registry.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "metrics/table.h"

/* ---- Numbers of bounds ---- */

/* Bounds are given as shown ("0.005" seconds) and compared as given (5000000 ns). What is not a
 * whole number there is rounded down; the little that is added undoes the rounding of the
 * multiplication (0.29 * 1e9 is just below 290000000). */
static int64_t bound_as_given(double shown, uint64_t scale)
{
	double given = shown * (double)scale + (scale > 1 ? 1e-3 : 0);

	if (given >= 0x1p63)
		return INT64_MAX;
	return given <= -0x1p63 ? INT64_MIN : (int64_t)floor(given);
}

/* The shortest text that reads back as the number; without an exponent where Go prints none. */
static void format_bound(double number, char *ret_text, size_t size)
{
	int digits = 0, exponent;

	do
		(void)snprintf(ret_text, size, "%.*e", digits, number);
	while (strtod(ret_text, NULL) != number && ++digits < 17);
	exponent = (int)strtol(strchr(ret_text, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= 21)
		(void)snprintf(ret_text, size, "%.*g", digits + 1, number);
	else
		(void)snprintf(ret_text, size, "%.*f", digits > exponent ? digits - exponent : 0,
			       number);
}

static bool add_le(struct metric_family *family, size_t i, const char *text)
{
	bool number = text[0] != '+' && !strpbrk(text, ".e");

	family->le[i] = strdup(text);
	if (asprintf(&family->le_openmetrics[i], "%s%s", text, number ? ".0" : "") < 0)
		family->le_openmetrics[i] = NULL;
	if (!family->le[i] || !family->le_openmetrics[i])
		return false;
	if (strlen(family->le_openmetrics[i]) > family->le_longest)
		family->le_longest = strlen(family->le_openmetrics[i]);
	return true;
}

static int add_texts(struct metric_family *family)
{
	size_t count = family->metric.bounds_count;
	char text[64];

	family->le = calloc(count + 1, sizeof(*family->le));
	family->le_openmetrics = calloc(count + 1, sizeof(*family->le_openmetrics));
	if (!family->le || !family->le_openmetrics)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		format_bound(family->shown[i], text, sizeof(text));
		if (!add_le(family, i, text))
			return -ENOMEM;
	}
	return add_le(family, count, "+Inf") ? 0 : -ENOMEM;
}

/* An infinite bound is the last bucket, which there is anyway. */
static int add_bounds(struct metric_family *family, const struct obi_floats *buckets)
{
	int64_t *bounds = calloc(buckets->count + 1, sizeof(*bounds));
	uint32_t count = 0;

	family->metric.bounds = bounds;
	family->shown = calloc(buckets->count + 1, sizeof(*family->shown));
	if (!bounds || !family->shown)
		return -ENOMEM;
	for (size_t i = 0; i < buckets->count; i++) {
		if (!isfinite(buckets->items[i]))
			continue;
		family->shown[count] = buckets->items[i];
		bounds[count++] = bound_as_given(buckets->items[i], family->scale);
	}
	family->metric.bounds_count = count;
	return 0;
}

/* ---- Tables ---- */

static void free_family(struct metric_family *family)
{
	for (size_t i = 0; family->le && family->le_openmetrics && i <= family->metric.bounds_count;
	     i++) {
		free(family->le[i]);
		free(family->le_openmetrics[i]);
	}
	free(family->le);
	free(family->le_openmetrics);
	free(family->shown);
	free((void *)family->metric.bounds);
}

static void free_table(struct metric_table *table)
{
	for (size_t i = 0; i < table->rows_count; i++)
		metric_row_free(table, table->rows[i]);
	for (size_t i = 0; table->families && i < table->families_count; i++)
		free_family(&table->families[i]);
	for (size_t i = 0; table->labels && i < table->labels_count; i++)
		free(table->labels[i]);
	free(table->families);
	free(table->attributes);
	free(table->labels);
	free(table->rows);
	free(table->slots);
	free(table);
}

struct metrics *metrics_new_with(const struct metrics_options *options)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return NULL;
	metrics->own_pool.max = METRICS_SERIES_MAX;
	metrics->own_pool.max_bytes = SIZE_MAX;
	metrics->pool = options->pool ? options->pool : &metrics->own_pool;
	metrics->max_rows = options->max_rows;
	metrics->without_text = options->without_text;
	metrics->histograms = options->histograms;
	metrics->histograms.pool = metrics->pool;
	metrics->histograms.wanted = options->histograms.exponential ||
				     options->histograms.native ||
				     options->histograms.exemplars != EXEMPLARS_OFF;
	metrics->seed = hash_seed();
	metrics->epoch = clock_epoch();
	return metrics;
}

struct metrics *metrics_new(size_t max_series)
{
	struct metrics *metrics =
		metrics_new_with(&(struct metrics_options){ .max_rows = SIZE_MAX });

	if (metrics)
		metrics->own_pool.max = max_series;
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	metrics->pool->series -= metrics->series;
	for (size_t i = 0; i < metrics->tables_count; i++)
		free_table(metrics->tables[i]);
	free(metrics->tables);
	free(metrics->families);
	free(metrics);
}

static int init_histogram(struct metric_table *table, struct metric_family *family,
			  const struct obi_floats *buckets)
{
	static const struct obi_floats none = { 0 };
	int e = add_bounds(family, table->metrics->histograms.exponential ? &none : buckets);

	if (e == 0 && !table->metrics->without_text)
		e = add_texts(family);
	table->first_bytes += histogram_first_bytes(&table->metrics->histograms);
	/* Buckets, one more for +Inf, and the pointer. */
	table->cells_count += family->metric.bounds_count + 2;
	return e;
}

static int name_family(struct metric_family *family, const struct metric_desc *desc)
{
	if (desc->prometheus) {
		(void)snprintf(family->name, sizeof(family->name), "%s", desc->prometheus);
		return 0;
	}
	return metric_prometheus_name(desc->name, desc->unit, desc->type, family->name);
}

static int init_family(struct metric_table *table, size_t i, const struct metric_desc *desc)
{
	struct metric_family *family = &table->families[i];
	uint64_t scale = desc->scale ? desc->scale : 1;
	int e;

	*family = (struct metric_family){
		.metric = { .cell = (uint32_t)table->cells_count,
			    .unit = 1 / (double)scale,
			    .options = &table->metrics->histograms },
		.otel = desc->name,
		.unit = desc->unit ? desc->unit : "",
		.help = desc->help,
		.type = desc->type,
		.observed = desc->observed,
		.scale = scale,
		.table = table,
	};
	e = name_family(family, desc);
	table->cells_count += desc->observed ? 2 : 1;
	if (e == 0 && desc->type == METRIC_HISTOGRAM)
		e = init_histogram(table, family, desc->buckets);
	return e;
}

static bool is_owner(const char *attribute)
{
	return !strcmp(attribute, "service.name") || !strcmp(attribute, "service.namespace");
}

static int init_labels(struct metric_table *table, const char *const *attributes)
{
	char label[METRIC_NAME_MAX];

	for (size_t i = 0; i < table->labels_count; i++) {
		if (metric_prometheus_label(attributes[i], label) != 0)
			return -ENAMETOOLONG;
		table->attributes[i] = attributes[i];
		table->numbers |= (uint32_t)metric_attribute_is_number(attributes[i]) << i;
		table->owners |= (uint32_t)is_owner(attributes[i]) << i;
		table->labels[i] = strdup(label);
		if (!table->labels[i])
			return -ENOMEM;
	}
	return 0;
}

static int new_table(struct metrics *metrics, const struct metric_desc *descs, size_t count,
		     const char *const *attributes, size_t attributes_count,
		     struct metric_table **ret_table)
{
	struct metric_table *table = calloc(1, sizeof(*table));
	int e = 0;

	if (!table)
		return -ENOMEM;
	table->metrics = metrics;
	table->families = calloc(count, sizeof(*table->families));
	table->attributes = calloc(attributes_count + 1, sizeof(*table->attributes));
	table->labels = calloc(attributes_count + 1, sizeof(*table->labels));
	table->families_count = count;
	table->labels_count = attributes_count;
	if (!table->families || !table->attributes || !table->labels)
		e = -ENOMEM;
	else
		e = init_labels(table, attributes);
	for (size_t i = 0; e == 0 && i < count; i++)
		e = init_family(table, i, &descs[i]);
	if (e) {
		free_table(table);
		return e;
	}
	table->row_bytes = sizeof(struct metric_row) + table->cells_count * sizeof(uint64_t);
	*ret_table = table;
	return 0;
}

static int compare_families(const void *a, const void *b)
{
	const struct metric_family *const *first = a, *const *second = b;

	return strcmp((*first)->name, (*second)->name);
}

/* Makes room for the table and its families in the registry's lists. */
static int reserve(struct metrics *metrics, size_t families)
{
	struct metric_table **tables = reallocarray(metrics->tables, metrics->tables_count + 1,
						    sizeof(struct metric_table *));
	struct metric_family **all;

	if (!tables)
		return -ENOMEM;
	metrics->tables = tables;
	all = reallocarray(metrics->families, metrics->families_count + families,
			   sizeof(struct metric_family *));
	if (!all)
		return -ENOMEM;
	metrics->families = all;
	return 0;
}

int metrics_add_table(struct metrics *metrics, const struct metric_desc *descs, size_t count,
		      const char *const *attributes, size_t attributes_count, uint64_t ttl_ns,
		      struct metric_table **ret_table)
{
	struct metric_table *table;
	int e;

	if (attributes_count > METRICS_LABELS_MAX)
		return -E2BIG;
	if (reserve(metrics, count) != 0)
		return -ENOMEM;
	e = new_table(metrics, descs, count, attributes, attributes_count, &table);
	if (e)
		return e;
	table->ttl_ns = ttl_ns;
	metrics->tables[metrics->tables_count++] = table;
	for (size_t i = 0; i < count; i++)
		metrics->families[metrics->families_count++] = &table->families[i];
	qsort(metrics->families, metrics->families_count, sizeof(struct metric_family *),
	      compare_families);
	*ret_table = table;
	return 0;
}

const struct metric *metric_table_metric(const struct metric_table *table, size_t i)
{
	return &table->families[i].metric;
}

void metrics_want_native(struct metrics *metrics)
{
	if (!metrics->histograms.exponential)
		metrics->histograms.native = metrics->histograms.wanted = true;
}

size_t metrics_series(const struct metrics *metrics)
{
	return metrics->series;
}

uint64_t metrics_overflow(const struct metrics *metrics)
{
	return metrics->pool->overflow;
}
