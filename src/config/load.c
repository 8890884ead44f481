// SPDX-License-Identifier: Apache-2.0
/*
 * The three layers, each over the one before. All go through obi_field_read(): a
 * default and an environment variable are scalar nodes that no file had.
 */
#include "config/load.h"

#include <errno.h>

#include "config/environment.h"
#include "config/field.h"

/* ---- Defaults -------------------------------------------------------------------- */

static int read_yaml_default(const struct obi_load *load, const char *text,
			     struct obi_node **ret_node)
{
	struct obi_yaml yaml = {
		.name = "built-in default",
		.arena = load->scratch,
		.warnings = load->warnings,
		.warnings_arena = load->arena,
		.error = load->error,
	};

	return obi_yaml_read(&yaml, slice_cstr(text), ret_node);
}

static void clear_field(const struct obi_option *option, void *field)
{
	if (option->type == OBI_TYPE_STRING || option->type == OBI_TYPE_GLOB)
		*(const char **)field = "";
	else if (option->type == OBI_TYPE_CIDR)
		*(struct obi_prefix *)field = (struct obi_prefix){ .text = "" };
}

static int read_default(const struct obi_load *load, const struct obi_option *option, void *field)
{
	struct obi_layer layer = { .load = load, .is_default = true };
	struct obi_site site = { .name = option->key ? option->key : option->env };
	struct obi_node scalar = { .value = option->fallback, .quoted = true };
	struct obi_node *node = &scalar;
	int e = 0;

	clear_field(option, field);
	if (!option->fallback)
		return 0;
	if (option->type == OBI_TYPE_STRUCTS || option->type == OBI_TYPE_MAP ||
	    option->type == OBI_TYPE_LABELS)
		e = read_yaml_default(load, option->fallback, &node);
	if (e < 0)
		return e;
	return obi_field_read(&layer, &site, option, node, field);
}

int obi_load_defaults(const struct obi_load *load, const struct obi_group *groups, void *base)
{
	int e;

	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++) {
			e = read_default(load, &groups->options->rows[i],
					 obi_group_field(groups, i, base));
			if (e < 0)
				return e;
		}
	}
	return 0;
}

/* ---- File ------------------------------------------------------------------------ */

int obi_load_tree(const struct obi_load *load, const struct obi_group *groups,
		  const struct obi_node *root, void *base, struct obi_origin *origins)
{
	struct obi_layer layer = { .load = load };

	if (!root || obi_node_is_null(root))
		return 0;
	if (root->kind != OBI_NODE_MAP)
		return obi_error_set(load->error, -EINVAL,
				     "parsing YAML configuration: expected a map (%s:%u)",
				     load->name, root->line);
	return obi_scope_read(&layer, NULL, groups, root, base, origins);
}

/* ---- Environment ----------------------------------------------------------------- */

/* The first of a row's variables that is set, and its name in the arena. */
static int find_variable(const struct obi_load *load, const struct obi_option *option,
			 char *const *env, const char **ret_name, const char **ret_value)
{
	struct slice names = slice_cstr(option->aliases), name = slice_cstr(option->env);
	const char *value = name.len ? obi_environment_get(env, name) : NULL;

	while (!value && names.len) {
		ptrdiff_t comma = slice_find(names, ',');

		name = comma < 0 ? names : slice_first(names, (size_t)comma);
		names = slice_from(names, name.len + 1);
		value = obi_environment_get(env, name);
	}
	*ret_value = value;
	if (!value)
		return 0;
	*ret_name = obi_arena_strndup(load->arena, (const char *)name.data, name.len);
	return *ret_name ? 0 : obi_load_out_of_memory(load);
}

static int read_variable(const struct obi_load *load, const struct obi_option *option,
			 char *const *env, void *field, struct obi_origin *origin)
{
	struct obi_layer layer = { .load = load };
	struct obi_site site = { .name = option->key ? option->key : option->env };
	const char *value = NULL;
	struct obi_node node;
	int e = find_variable(load, option, env, &layer.env, &value);

	if (e < 0 || !value)
		return e;
	node = (struct obi_node){ .value = value, .quoted = true };
	e = obi_field_read(&layer, &site, option, &node, field);
	if (e < 0)
		return e;
	*origin = (struct obi_origin){ .kind = OBI_ORIGIN_ENVIRONMENT, .env = layer.env };
	return obi_scope_warn_use(&layer, &site, option, 0);
}

int obi_load_environment(const struct obi_load *load, const struct obi_group *groups,
			 char *const *env, void *base, struct obi_origin *origins)
{
	int e;

	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++, origins++) {
			e = read_variable(load, &groups->options->rows[i], env,
					  obi_group_field(groups, i, base), origins);
			if (e < 0)
				return e;
		}
	}
	return 0;
}
