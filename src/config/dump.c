// SPDX-License-Identifier: Apache-2.0
/* Dumps of a whole configuration. Nested maps come from the paths; a value stands on its line. */
#include <stdlib.h>

#include "config/print.h"
#include "config/rows.h"
#include "config/value.h"

/* Column at which origins begin, where the value leaves room. */
#define ORIGIN_COLUMN 56

static void indent(struct buffer *buf, size_t depth)
{
	for (; depth; depth--)
		buffer_put_cstr(buf, "  ");
}

static void put_origin(struct buffer *buf, const struct obi_origin *origin, const char *file)
{
	switch (origin->kind) {
	case OBI_ORIGIN_FILE:
		buffer_printf(buf, "%s:%u", file, origin->line);
		break;
	case OBI_ORIGIN_ENVIRONMENT:
		buffer_printf(buf, "environment %s", origin->env);
		break;
	case OBI_ORIGIN_COMMAND_LINE:
		buffer_put_cstr(buf, "command line");
		break;
	default:
		buffer_put_cstr(buf, "default");
	}
}

/* Ends the line that began at start with a comment. */
static void put_comment(struct buffer *buf, size_t start, const struct obi_row *row,
			const char *file)
{
	do
		buffer_put_char(buf, ' ');
	while (buf->len - start < ORIGIN_COLUMN && !buf->failed);
	buffer_put_cstr(buf, "# ");
	put_origin(buf, row->origin, file);
	buffer_put_char(buf, '\n');
}

static void put_yaml_row(struct buffer *buf, const char *before, const struct obi_row *row,
			 const char *file)
{
	const char *key = row->option->key;
	size_t depth = obi_key_depth(key), start;

	for (size_t i = obi_key_shared(before, key); i + 1 < depth; i++) {
		indent(buf, i);
		buffer_put_slice(buf, obi_key_part(key, i));
		buffer_put_cstr(buf, ":\n");
	}
	start = buf->len;
	indent(buf, depth - 1);
	buffer_put_slice(buf, obi_key_part(key, depth - 1));
	buffer_put_cstr(buf, ": ");
	obi_value_put(buf, row->option, row->field, false);
	put_comment(buf, start, row, file);
}

void obi_print_yaml(struct buffer *buf, const struct obi_group *groups, const void *base,
		    const struct obi_origin *origins, const char *file)
{
	const char *before = "";
	struct obi_rows rows;

	if (obi_rows_collect(groups, base, origins, &rows) < 0) {
		buf->failed = true;
		return;
	}
	for (size_t i = 0; i < rows.keyed; i++) {
		put_yaml_row(buf, before, &rows.rows[i], file);
		before = rows.rows[i].option->key;
	}
	buffer_put_cstr(buf, "# From the environment or the command line only:\n");
	for (size_t i = rows.keyed; i < rows.count; i++) {
		size_t start = buf->len;

		buffer_printf(buf, "# %s: ", rows.rows[i].option->env);
		obi_value_put(buf, rows.rows[i].option, rows.rows[i].field, false);
		put_comment(buf, start, &rows.rows[i], file);
	}
	free(rows.rows);
}

/* Closes maps down to `to`, each on its own line. */
static void close_maps(struct buffer *buf, size_t from, size_t to)
{
	for (; from > to; from--) {
		buffer_put_char(buf, '\n');
		indent(buf, from);
		buffer_put_char(buf, '}');
	}
}

static void put_json_key(struct buffer *buf, struct slice key, size_t depth)
{
	indent(buf, depth);
	buffer_put_json_string(buf, key);
	buffer_put_cstr(buf, ": ");
}

static void put_json_row(struct buffer *buf, const char *before, const struct obi_row *row)
{
	const char *key = row->option->key;
	size_t depth = obi_key_depth(key), shared = obi_key_shared(before, key);

	if (*before) {
		close_maps(buf, obi_key_depth(before) - 1, shared);
		buffer_put_cstr(buf, ",\n");
	}
	for (size_t i = shared; i + 1 < depth; i++) {
		put_json_key(buf, obi_key_part(key, i), i + 1);
		buffer_put_cstr(buf, "{\n");
	}
	put_json_key(buf, obi_key_part(key, depth - 1), depth);
	obi_value_put(buf, row->option, row->field, true);
}

void obi_print_json(struct buffer *buf, const struct obi_group *groups, const void *base)
{
	const char *before = "";
	struct obi_rows rows;

	if (obi_rows_collect(groups, base, NULL, &rows) < 0) {
		buf->failed = true;
		return;
	}
	buffer_put_cstr(buf, "{\n");
	for (size_t i = 0; i < rows.keyed; i++) {
		put_json_row(buf, before, &rows.rows[i]);
		before = rows.rows[i].option->key;
	}
	close_maps(buf, obi_key_depth(before) - 1, 0);
	buffer_put_cstr(buf, ",\n");
	put_json_key(buf, SLICE_LIT("environment"), 1);
	for (size_t i = rows.keyed; i < rows.count; i++) {
		buffer_put_cstr(buf, i == rows.keyed ? "{\n" : ",\n");
		put_json_key(buf, slice_cstr(rows.rows[i].option->env), 2);
		obi_value_put(buf, rows.rows[i].option, rows.rows[i].field, true);
	}
	buffer_put_cstr(buf, "\n  }\n}\n");
	free(rows.rows);
}
