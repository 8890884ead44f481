// SPDX-License-Identifier: Apache-2.0
/*
 * A row is found by its key: the label values in a row of bytes. Keys are compared in
 * full, so two combinations never share a row. The index holds 32 bits of the hash
 * beside the row's number, so that a look-up touches the index once, the row's head
 * and key once, and the cells.
 *
 * Values are checked for UTF-8 only when a row is made: a key that is in the table is
 * known to be clean, and one that is not clean is looked up again after cleaning.
 *
 * Rendering a scrape takes place in pieces, between which rows are added and fed but
 * not moved: metrics_expire() waits until no rendering is under way.
 */
#include "export/metrics/registry.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "export/metrics/table.h"

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

/* An infinite bound is the last bucket, which there is anyway. */
static int add_bounds(struct metric_family *family, const struct obi_floats *buckets)
{
	int64_t *bounds = calloc(buckets->count + 1, sizeof(*bounds));
	char text[64];
	uint32_t count = 0;

	family->metric.bounds = bounds;
	family->le = calloc(buckets->count + 1, sizeof(*family->le));
	family->le_openmetrics = calloc(buckets->count + 1, sizeof(*family->le_openmetrics));
	if (!bounds || !family->le || !family->le_openmetrics)
		return -ENOMEM;
	for (size_t i = 0; i < buckets->count; i++) {
		if (!isfinite(buckets->items[i]))
			continue;
		format_bound(buckets->items[i], text, sizeof(text));
		if (!add_le(family, count, text))
			return -ENOMEM;
		bounds[count++] = bound_as_given(buckets->items[i], family->scale);
	}
	family->metric.bounds_count = count;
	return add_le(family, count, "+Inf") ? 0 : -ENOMEM;
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
	free((void *)family->metric.bounds);
}

static void free_table(struct metric_table *table)
{
	for (size_t i = 0; i < table->rows_count; i++)
		free(table->rows[i]);
	for (size_t i = 0; table->families && i < table->families_count; i++)
		free_family(&table->families[i]);
	free(table->families);
	free(table->labels);
	free(table->rows);
	free(table->slots);
	free(table);
}

struct metrics *metrics_new(size_t max_series)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));

	if (!metrics)
		return NULL;
	metrics->max_series = max_series;
	metrics->seed = hash_seed();
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	for (size_t i = 0; i < metrics->tables_count; i++)
		free_table(metrics->tables[i]);
	free(metrics->tables);
	free(metrics->families);
	free(metrics);
}

static int init_family(struct metric_table *table, size_t i, const struct metric_desc *desc)
{
	struct metric_family *family = &table->families[i];

	*family = (struct metric_family){
		.metric.cell = (uint32_t)table->cells_count,
		.name = desc->name,
		.help = desc->help,
		.type = desc->type,
		.scale = desc->scale ? desc->scale : 1,
		.table = table,
	};
	table->cells_count++;
	if (desc->type != METRIC_HISTOGRAM)
		return 0;
	if (add_bounds(family, desc->buckets) != 0)
		return -ENOMEM;
	table->cells_count += family->metric.bounds_count + 1;
	return 0;
}

static struct metric_table *new_table(struct metrics *metrics, const struct metric_desc *descs,
				      size_t count, const char *const *labels, size_t labels_count)
{
	struct metric_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->metrics = metrics;
	table->families = calloc(count, sizeof(*table->families));
	table->labels = calloc(labels_count + 1, sizeof(*table->labels));
	table->families_count = count;
	table->labels_count = labels_count;
	if (!table->families || !table->labels) {
		free_table(table);
		return NULL;
	}
	for (size_t i = 0; i < labels_count; i++)
		table->labels[i] = labels[i];
	for (size_t i = 0; i < count; i++) {
		if (init_family(table, i, &descs[i]) != 0) {
			free_table(table);
			return NULL;
		}
	}
	table->row_bytes = sizeof(struct metric_row) + table->cells_count * sizeof(uint64_t);
	return table;
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
		      const char *const *labels, size_t labels_count, uint64_t ttl_ns,
		      struct metric_table **ret_table)
{
	struct metric_table *table;

	if (labels_count > METRICS_LABELS_MAX)
		return -E2BIG;
	if (reserve(metrics, count) != 0)
		return -ENOMEM;
	table = new_table(metrics, descs, count, labels, labels_count);
	if (!table)
		return -ENOMEM;
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

/* ---- Rows ---- */

#define CACHE_LINE 64

struct row_key {
	size_t len;
	uint8_t bytes[METRICS_LABELS_MAX * (METRICS_VALUE_MAX + 1)];
};

/* Most values are short: two moves that may overlap beat a call of memcpy. */
static void copy_value(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len > 16) {
		memcpy(to, from, len);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else if (len) {
		to[0] = from[0];
		to[len / 2] = from[len / 2];
		to[len - 1] = from[len - 1];
	}
}

static void make_key(const struct metric_table *table, const struct slice *values,
		     struct row_key *ret_key)
{
	uint8_t *to = ret_key->bytes;

	for (size_t i = 0; i < table->labels_count; i++) {
		size_t len = values[i].len < METRICS_VALUE_MAX ? values[i].len : METRICS_VALUE_MAX;

		*to++ = (uint8_t)len;
		copy_value(to, values[i].data, len);
		to += len;
	}
	ret_key->len = (size_t)(to - ret_key->bytes);
}

/* Leaves bytes out that are not UTF-8. Returns whether there were any. */
static bool clean_key(struct row_key *key)
{
	struct row_key dirty = *key;
	uint8_t *to = key->bytes;
	bool changed = false;

	for (size_t at = 0; at < dirty.len;) {
		struct slice value = slice_of(dirty.bytes + at + 1, dirty.bytes[at]);
		uint8_t *len = to++;

		at += 1 + value.len;
		while (value.len) {
			size_t valid = utf8_length(value);

			memcpy(to, value.data, valid);
			to += valid;
			changed |= valid == 0;
			value = slice_from(value, valid ? valid : 1);
		}
		*len = (uint8_t)(to - len - 1);
	}
	key->len = (size_t)(to - key->bytes);
	return changed;
}

static bool has_key(const struct metric_table *table, const struct metric_row *row,
		    const struct row_key *key)
{
	return row->key_len == key->len &&
	       memcmp(metric_row_key(table, row), key->bytes, key->len) == 0;
}

/* With many rows each line of one is a miss of the caches: better all at once than in turn. */
static void prefetch_row(const struct metric_row *row, size_t bytes)
{
	for (size_t at = 0; at < bytes; at += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)row + at, 1);
}

static struct metric_row *find_row(const struct metric_table *table, const struct row_key *key,
				   uint32_t hash)
{
	size_t mask = table->slots_count - 1;

	if (!table->slots_count)
		return NULL;
	for (size_t i = hash & mask; table->slots[i].row; i = (i + 1) & mask) {
		struct metric_row *row = table->slots[i].row;

		if (table->slots[i].hash != hash)
			continue;
		prefetch_row(row, table->row_bytes + key->len);
		if (has_key(table, row, key))
			return row;
	}
	return NULL;
}

static void put_slot(struct metric_table *table, struct metric_row *row)
{
	size_t mask = table->slots_count - 1, i = row->hash & mask;

	while (table->slots[i].row)
		i = (i + 1) & mask;
	table->slots[i] = (struct row_slot){ .row = row, .hash = row->hash };
}

/* Makes room for one more row: the index stays at most three quarters full. */
static int grow(struct metric_table *table)
{
	size_t wanted = table->slots_count ? 2 * table->slots_count : 16;

	if (table->rows_count == table->rows_room) {
		size_t room = table->rows_room ? table->rows_room + table->rows_room / 2 : 8;
		struct metric_row **rows =
			reallocarray(table->rows, room, sizeof(struct metric_row *));

		if (!rows)
			return -ENOMEM;
		table->rows = rows;
		table->rows_room = room;
	}
	if (4 * (table->rows_count + 1) > 3 * table->slots_count) {
		struct row_slot *slots = calloc(wanted, sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		free(table->slots);
		table->slots = slots;
		table->slots_count = wanted;
		for (size_t i = 0; i < table->rows_count; i++)
			put_slot(table, table->rows[i]);
	}
	return 0;
}

static struct metric_row *add_row(struct metric_table *table, const struct row_key *key,
				  uint32_t hash)
{
	struct metrics *metrics = table->metrics;
	struct metric_row *row;

	if (metrics->series + table->families_count > metrics->max_series || grow(table) != 0)
		return NULL;
	row = calloc(1, table->row_bytes + key->len);
	if (!row)
		return NULL;
	row->hash = hash;
	row->index = (uint32_t)table->rows_count;
	row->key_len = (uint16_t)key->len;
	memcpy((uint8_t *)row + table->row_bytes, key->bytes, key->len);
	table->rows[table->rows_count++] = row;
	put_slot(table, row);
	metrics->series += table->families_count;
	return row;
}

static uint32_t key_hash(const struct metric_table *table, const struct row_key *key)
{
	return (uint32_t)hash_bytes(key->bytes, key->len, table->metrics->seed);
}

/* Makes the key of the values and looks for its row; a key that is new is cleaned first. */
static struct metric_row *look_up(const struct metric_table *table, const struct slice *values,
				  struct row_key *ret_key, uint32_t *ret_hash)
{
	struct metric_row *row;

	make_key(table, values, ret_key);
	*ret_hash = key_hash(table, ret_key);
	row = find_row(table, ret_key, *ret_hash);
	if (row || !clean_key(ret_key))
		return row;
	*ret_hash = key_hash(table, ret_key);
	return find_row(table, ret_key, *ret_hash);
}

struct metric_row *metric_table_row(struct metric_table *table, const struct slice *values,
				    uint64_t now_ns)
{
	struct metric_row *row;
	struct row_key key;
	uint32_t hash;

	row = look_up(table, values, &key, &hash);
	if (!row)
		row = add_row(table, &key, hash);
	if (!row) {
		table->metrics->overflow += table->families_count;
		return NULL;
	}
	if (row->removed) {
		row->removed = false;
		memset(row->cells, 0, table->cells_count * sizeof(uint64_t));
	}
	row->updated_ns = now_ns;
	return row;
}

struct metric_row *metric_table_find(const struct metric_table *table, const struct slice *values)
{
	struct metric_row *row;
	struct row_key key;
	uint32_t hash;

	row = look_up(table, values, &key, &hash);
	return row && !row->removed ? row : NULL;
}

void metric_table_remove(struct metric_table *table, const struct slice *values)
{
	struct metric_row *row = metric_table_find(table, values);

	if (row)
		row->removed = true;
}

/* ---- Expiry ---- */

static size_t slot_of_row(const struct metric_table *table, const struct metric_row *row)
{
	size_t mask = table->slots_count - 1, i = row->hash & mask;

	while (table->slots[i].row != row)
		i = (i + 1) & mask;
	return i;
}

/* Closes the gap in the index: what was pushed behind it by a collision moves up. */
static void free_slot(struct metric_table *table, size_t gap)
{
	size_t mask = table->slots_count - 1;

	for (size_t i = (gap + 1) & mask; table->slots[i].row; i = (i + 1) & mask) {
		size_t home = table->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		table->slots[gap] = table->slots[i];
		gap = i;
	}
	table->slots[gap] = (struct row_slot){ 0 };
}

/* The last row takes the place of the deleted one in the list. */
static void delete_row(struct metric_table *table, struct metric_row *row)
{
	struct metric_row *last = table->rows[table->rows_count - 1];

	free_slot(table, slot_of_row(table, row));
	table->rows[row->index] = last;
	last->index = row->index;
	table->rows_count--;
	table->metrics->series -= table->families_count;
	free(row);
}

void metrics_expire(struct metrics *metrics, uint64_t now_ns)
{
	if (metrics->renderings)
		return;
	for (size_t t = 0; t < metrics->tables_count; t++) {
		struct metric_table *table = metrics->tables[t];

		for (size_t i = table->rows_count; i-- > 0;) {
			struct metric_row *row = table->rows[i];
			uint64_t age = now_ns > row->updated_ns ? now_ns - row->updated_ns : 0;

			if (row->removed || (table->ttl_ns && age > table->ttl_ns))
				delete_row(table, row);
		}
	}
}

size_t metrics_series(const struct metrics *metrics)
{
	return metrics->series;
}

uint64_t metrics_overflow(const struct metrics *metrics)
{
	return metrics->overflow;
}
