// SPDX-License-Identifier: Apache-2.0
/*
 * A row is found by its key: the attribute values in a row of bytes. Keys are compared in
 * full, so two combinations never share a row. The index holds 32 bits of the hash
 * beside the row's number, so that a look-up touches the index once, the row's head
 * and key once, and the cells.
 *
 * Values are checked for UTF-8 only when a row is made: a key that is in the table is
 * known to be clean, and one that is not clean is looked up again after cleaning.
 *
 * Rendering a scrape takes place in pieces, between which rows are added and fed but
 * not moved: metrics_expire() waits until no rendering is under way, but not for ever.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "metrics/table.h"

#define CACHE_LINE 64
#define HELD_NS (120 * NSEC_PER_SEC)

/* Of a row beside its own: its share of the list and of the index, at most three quarters full. */
#define ROW_OVERHEAD 48

#define SAY_LIMITED_NS (60 * NSEC_PER_SEC)

static void free_extras(const struct metric_table *table, struct metric_row *row)
{
	for (size_t i = 0; i < table->families_count; i++) {
		if (table->families[i].type == METRIC_HISTOGRAM)
			histogram_free(&table->families[i].metric, row);
	}
}

static size_t row_bytes(const struct metric_table *table, size_t key_len)
{
	return table->row_bytes + key_len + ROW_OVERHEAD;
}

/* Whose row it is, by its key: 0 nobody's. */
static uint64_t owner_of(const struct metric_table *table, const uint8_t *key)
{
	uint64_t owner = table->metrics->seed;

	if (!table->owners)
		return 0;
	for (size_t i = 0; i < table->labels_count; i++) {
		if (table->owners & 1u << i)
			owner = hash_bytes(key, 1U + *key, owner);
		key += 1 + *key;
	}
	return owner ? owner : 1;
}

void metric_row_free(struct metric_table *table, struct metric_row *row)
{
	struct metrics_pool *pool = table->metrics->pool;
	size_t bytes = row_bytes(table, row->key_len);

	free_extras(table, row);
	pool->bytes -= bytes;
	if (!row->overflow) {
		uint64_t owner = owner_of(table, metric_row_key(table, row));

		metric_shares_give(&table->services, owner, 1);
		metric_shares_give(&pool->services, owner, bytes);
	}
	free(row);
}

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

/* Leaves bytes out that are not UTF-8, and puts '?' for what is not printable: text formats have
 * escapes for line feeds alone, and labels end up on terminals. Returns whether there were any. */
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
			bool printable = valid && (*value.data == '\n' || utf8_printable(value));

			if (printable)
				memcpy(to, value.data, valid);
			else if (valid)
				*to = '?';
			to += printable ? valid : valid > 0;
			changed |= !printable;
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
			if (table->rows[i] != table->overflow)
				put_slot(table, table->rows[i]);
	}
	return 0;
}

static struct metric_row *new_row(struct metric_table *table, size_t key_len, uint64_t now_ns)
{
	struct metrics *metrics = table->metrics;
	struct metric_row *row;

	if (grow(table) != 0)
		return NULL;
	row = calloc(1, table->row_bytes + key_len);
	if (!row)
		return NULL;
	row->index = (uint32_t)table->rows_count;
	row->created_ns = now_ns;
	row->key_len = (uint16_t)key_len;
	metrics->pool->bytes += row_bytes(table, key_len);
	table->rows[table->rows_count++] = row;
	metrics->series += table->families_count;
	metrics->pool->series += table->families_count;
	return row;
}

/* One place of each metric is kept for what overflows; a service has its share of the others, and
 * of the memory. */
static bool has_room(const struct metric_table *table, uint64_t owner, size_t key_len)
{
	const struct metrics *metrics = table->metrics;
	const struct metrics_pool *pool = metrics->pool;
	size_t bytes = row_bytes(table, key_len) + table->first_bytes;
	size_t rows = table->rows_count + !table->overflow;

	return rows < metrics->max_rows && pool->series + table->families_count <= pool->max &&
	       pool->bytes < pool->max_bytes &&
	       metric_shares_allow(&table->services, owner, 1, metrics->max_rows - rows) &&
	       metric_shares_allow(&pool->services, owner, bytes, pool->max_bytes - pool->bytes);
}

static struct metric_row *add_row(struct metric_table *table, const struct row_key *key,
				  uint32_t hash, uint64_t now_ns)
{
	uint64_t owner = owner_of(table, key->bytes);
	struct metric_row *row;

	if (!has_room(table, owner, key->len))
		return NULL;
	row = new_row(table, key->len, now_ns);
	if (!row)
		return NULL;
	metric_shares_take(&table->services, owner, 1);
	metric_shares_take(&table->metrics->pool->services, owner, row_bytes(table, key->len));
	row->hash = hash;
	memcpy((uint8_t *)row + table->row_bytes, key->bytes, key->len);
	put_slot(table, row);
	return row;
}

static struct slice service_name(const struct metric_table *table, const struct metric_row *row)
{
	const uint8_t *key = metric_row_key(table, row);

	for (size_t i = 0; i < table->labels_count; i++) {
		if (!strcmp(table->attributes[i], "service.name"))
			return slice_of(key + 1, *key);
		key += 1 + *key;
	}
	return (struct slice){ 0 };
}

static void say_limited(const struct metric_table *table, uint64_t now_ns)
{
	const struct metric_share *largest = metric_shares_largest(&table->services);
	struct metrics_pool *pool = table->metrics->pool;
	struct slice service = { 0 };

	if (!pool->limited || (pool->limited_ns && now_ns - pool->limited_ns < SAY_LIMITED_NS))
		return;
	pool->limited_ns = now_ns ? now_ns : 1;
	for (size_t i = 0; largest && i < table->rows_count; i++) {
		const struct metric_row *row = table->rows[i];

		if (row->overflow || owner_of(table, metric_row_key(table, row)) != largest->owner)
			continue;
		service = service_name(table, row);
		break;
	}
	pool->limited(table->families[0].otel, service,
		      largest ? largest->used : table->rows_count);
}

static struct metric_row *overflow_row(struct metric_table *table, uint64_t now_ns)
{
	table->metrics->pool->overflow += table->families_count;
	say_limited(table, now_ns);
	if (!table->overflow) {
		table->overflow = new_row(table, 0, now_ns);
		if (table->overflow)
			table->overflow->overflow = true;
	}
	return table->overflow;
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

static void restart_row(const struct metric_table *table, struct metric_row *row, uint64_t now_ns)
{
	row->removed = false;
	row->created_ns = now_ns;
	free_extras(table, row);
	memset(row->cells, 0, table->cells_count * sizeof(uint64_t));
}

struct metric_row *metric_table_row(struct metric_table *table, const struct slice *values,
				    uint64_t now_ns)
{
	struct metric_row *row;
	struct row_key key;
	uint32_t hash;

	row = look_up(table, values, &key, &hash);
	if (!row)
		row = add_row(table, &key, hash, now_ns);
	if (!row)
		row = overflow_row(table, now_ns);
	if (!row)
		return NULL;
	if (row->removed)
		restart_row(table, row, now_ns);
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

	if (row == table->overflow)
		table->overflow = NULL;
	else
		free_slot(table, slot_of_row(table, row));
	table->rows[row->index] = last;
	last->index = row->index;
	table->rows_count--;
	table->metrics->series -= table->families_count;
	table->metrics->pool->series -= table->families_count;
	metric_row_free(table, row);
}

/* Readers who take their time one after the other must not keep rows for good: after a while those
 * under way are given up. */
static bool is_held(struct metrics *metrics, uint64_t now_ns)
{
	if (!metrics->renderings) {
		metrics->held_since_ns = 0;
		return false;
	}
	if (!metrics->held_since_ns)
		metrics->held_since_ns = now_ns;
	if (now_ns - metrics->held_since_ns < HELD_NS)
		return true;
	metrics->held_since_ns = 0;
	metrics->rows_freed_under++;
	return false;
}

void metrics_expire(struct metrics *metrics, uint64_t now_ns)
{
	if (is_held(metrics, now_ns))
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
