// SPDX-License-Identifier: Apache-2.0
#include "config/rows.h"

#include <errno.h>
#include <stdlib.h>

/* A dot sorts before anything else, so a map's rows are not torn apart by a longer name. */
static int compare_keys(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '.' || *b == '.')
		return *a == '.' ? -1 : 1;
	return (unsigned char)*a - (unsigned char)*b;
}

static int compare_rows(const void *a, const void *b)
{
	const struct obi_option *left = ((const struct obi_row *)a)->option;
	const struct obi_option *right = ((const struct obi_row *)b)->option;

	if (left->key && right->key)
		return compare_keys(left->key, right->key);
	if (left->key || right->key)
		return left->key ? -1 : 1;
	return strcmp(left->env, right->env);
}

int obi_rows_collect(const struct obi_group *groups, const void *base,
		     const struct obi_origin *origins, struct obi_rows *ret_rows)
{
	size_t count = obi_groups_count(groups), i = 0;
	struct obi_rows rows = { .count = count };

	rows.rows = calloc(count ? count : 1, sizeof(*rows.rows));
	if (!rows.rows)
		return -ENOMEM;
	for (; groups->options; groups++) {
		for (size_t r = 0; r < groups->options->count; r++, i++) {
			rows.rows[i].option = &groups->options->rows[r];
			rows.keyed += groups->options->rows[r].key != NULL;
			if (base)
				rows.rows[i].field =
					obi_group_field(groups, r, (void *)(uintptr_t)base);
			if (origins)
				rows.rows[i].origin = &origins[i];
		}
	}
	qsort(rows.rows, count, sizeof(*rows.rows), compare_rows);
	*ret_rows = rows;
	return 0;
}

size_t obi_key_shared(const char *a, const char *b)
{
	size_t shared = 0;

	for (; *a && *a == *b; a++, b++)
		shared += *a == '.';
	return shared;
}

size_t obi_key_depth(const char *key)
{
	size_t depth = 1;

	for (; *key; key++)
		depth += *key == '.';
	return depth;
}

struct slice obi_key_part(const char *key, size_t i)
{
	for (; i; i--)
		key = strchr(key, '.') + 1;
	return slice_of(key, strcspn(key, "."));
}
