// SPDX-License-Identifier: Apache-2.0
/*
 * A scope is one struct and the rows that describe it. A YAML map is walked with
 * the path from the scope's root: where a row has that path the value is read
 * into its field, where rows lie beneath it the walk goes on, else nobody knows
 * the key and the operator is told.
 */
#include <stdio.h>

#include "config/field.h"

/* Longer than any row's path. */
#define PATH_MAX_BYTES 256

struct scope {
	const struct obi_layer *layer;
	const struct obi_site *site; /* of the scope itself; NULL: the whole */
	const struct obi_group *groups;
	void *base;
	struct obi_origin *origins;
};

struct row {
	const struct obi_option *option;
	void *field;
	struct obi_origin *origin;
};

enum found {
	FOUND_NOTHING,
	FOUND_BENEATH, /* rows lie beneath this path */
	FOUND_ROW,
};

static enum found find_row(const struct scope *scope, const char *path, struct row *ret_row)
{
	enum found found = FOUND_NOTHING;
	size_t len = strlen(path), origin = 0;

	for (const struct obi_group *group = scope->groups; group->options; group++) {
		for (size_t i = 0; i < group->options->count; i++, origin++) {
			const struct obi_option *option = &group->options->rows[i];

			if (!option->key || strncmp(option->key, path, len) != 0)
				continue;
			if (option->key[len] == '.')
				found = FOUND_BENEATH;
			if (option->key[len] != '\0')
				continue;
			*ret_row = (struct row){ option, obi_group_field(group, i, scope->base),
						 &scope->origins[origin] };
			return FOUND_ROW;
		}
	}
	return found;
}

int obi_scope_warn_use(const struct obi_layer *layer, const struct obi_site *site,
		       const struct obi_option *option, unsigned line)
{
	if (option->flags & OBI_OPTION_UNIMPLEMENTED)
		return obi_site_warn(layer, site, line, "option is not implemented yet");
	if (option->flags & OBI_OPTION_DEPRECATED)
		return obi_site_warn(layer, site, line, "option is deprecated");
	return 0;
}

static int read_row(const struct scope *scope, const struct obi_site *site, const struct row *row,
		    const struct obi_node *node)
{
	int e = obi_field_read(scope->layer, site, row->option, node, row->field);

	if (e < 0)
		return e;
	*row->origin = (struct obi_origin){ .kind = OBI_ORIGIN_FILE, .line = node->line };
	return obi_scope_warn_use(scope->layer, site, row->option, node->line);
}

static int unknown_key(const struct scope *scope, const struct obi_site *site,
		       const struct obi_node *node)
{
	for (const struct obi_group *group = scope->groups; group->options; group++) {
		const char *strict = group->options->strict;

		if (strict && strncmp(site->name, strict, strlen(strict)) == 0)
			return obi_site_fault(scope->layer, site, node->line, "unknown key");
	}
	return obi_site_warn(scope->layer, site, node->line, "unknown key ignored");
}

static int walk(const struct scope *scope, const char *prefix, const struct obi_site *parent,
		const struct obi_node *map)
{
	char path[PATH_MAX_BYTES];
	struct row row;
	int e = 0;

	for (const struct obi_node *child = map->children; e == 0 && child; child = child->next) {
		struct obi_site site = { .parent = parent, .name = child->key };
		enum found found = FOUND_NOTHING;
		int len = snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "",
				   child->key);

		/* A key with a dot of its own is no path, however it reads. */
		if (len < (int)sizeof(path) && *child->key && !strchr(child->key, '.'))
			found = find_row(scope, path, &row);
		if (found == FOUND_NOTHING)
			e = unknown_key(scope, &site, child);
		else if (obi_node_is_null(child))
			e = 0;
		else if (found == FOUND_ROW)
			e = read_row(scope, &site, &row, child);
		else if (child->kind == OBI_NODE_MAP)
			e = walk(scope, path, &site, child);
		else
			e = obi_site_fault(scope->layer, &site, child->line, "expected a map");
	}
	return e;
}

int obi_scope_read(const struct obi_layer *layer, const struct obi_site *site,
		   const struct obi_group *groups, const struct obi_node *map, void *base,
		   struct obi_origin *origins)
{
	struct scope scope = { layer, site, groups, base, origins };

	return walk(&scope, "", site, map);
}
