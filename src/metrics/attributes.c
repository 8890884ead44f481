// SPDX-License-Identifier: Apache-2.0
/*
 * Selections are applied in the byte order of their normalised keys, so that `*` comes
 * before `http.*`, and that before `http.client.*`: each refines the one before. The
 * first one that matches starts from nothing if it includes something, else from the
 * metric's defaults.
 */
#include "metrics/attributes.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/glob.h"

/* A metric's key, or an attribute's name, with underscores made dots. */
static bool normalise(const char *name, char *ret_name, size_t size)
{
	size_t len = strlen(name);

	if (len >= size)
		return false;
	for (size_t i = 0; i <= len; i++)
		ret_name[i] = (char)(name[i] == '_' ? '.' : name[i]);
	return true;
}

static bool cut_suffix(char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	if (len <= suffix_len || strcmp(name + len - suffix_len, suffix) != 0)
		return false;
	name[len - suffix_len] = '\0';
	return true;
}

/* What the Prometheus name has more than the OpenTelemetry name. */
static void cut_suffixes(char *name)
{
	static const char *const kinds[] = { ".ratio", ".bucket", ".sum", ".count", ".total" };
	static const char *const units[] = { ".bytes", ".seconds" };
	bool cut = false;

	for (size_t i = 0; i < ARRAY_SIZE(kinds) && !cut; i++)
		cut = cut_suffix(name, kinds[i]);
	cut = false;
	for (size_t i = 0; i < ARRAY_SIZE(units) && !cut; i++)
		cut = cut_suffix(name, units[i]);
}

static bool metric_key(const struct obi_selection *selection, char ret_key[OBI_GLOB_MAX])
{
	if (!normalise(selection->metric, ret_key, OBI_GLOB_MAX))
		return false;
	cut_suffixes(ret_key);
	return true;
}

static attribute_set matching(const struct obi_list *globs, const struct attribute *attributes,
			      size_t count)
{
	char glob[OBI_GLOB_MAX], name[OBI_GLOB_MAX];
	attribute_set set = 0;

	for (size_t g = 0; g < globs->count; g++) {
		if (!normalise(globs->items[g], glob, sizeof(glob)))
			continue;
		for (size_t i = 0; i < count; i++) {
			if (normalise(attributes[i].name, name, sizeof(name)) &&
			    obi_glob_match(glob, slice_cstr(name)))
				set |= 1u << i;
		}
	}
	return set;
}

static attribute_set defaults(const struct attribute *attributes, size_t count)
{
	attribute_set set = 0;

	for (size_t i = 0; i < count; i++)
		set |= attributes[i].by_default ? 1u << i : 0;
	return set;
}

/* The next selection for this metric after the key `after` ("" = the first), in byte order. */
static const struct obi_selection *next_selection(const struct obi_selection_list *select,
						  const char *metric, char after[OBI_GLOB_MAX])
{
	const struct obi_selection *next = NULL;
	char key[OBI_GLOB_MAX], best[OBI_GLOB_MAX];

	for (size_t i = 0; i < select->count; i++) {
		if (!metric_key(&select->items[i], key) || strcmp(key, after) <= 0 ||
		    !obi_glob_match(key, slice_cstr(metric)))
			continue;
		if (next && strcmp(key, best) >= 0)
			continue;
		next = &select->items[i];
		memcpy(best, key, sizeof(best));
	}
	if (next)
		memcpy(after, best, sizeof(best));
	return next;
}

attribute_set attributes_select(const struct obi_selection_list *select, const char *metric,
				const struct attribute *attributes, size_t count)
{
	const struct obi_selection *selection;
	char key[OBI_GLOB_MAX] = "", name[OBI_GLOB_MAX];
	attribute_set set = defaults(attributes, count);
	bool first = true;

	if (!normalise(metric, name, sizeof(name)))
		return set;
	for (; (selection = next_selection(select, name, key)); first = false) {
		if (first && selection->include.set)
			set = 0;
		set |= matching(&selection->include, attributes, count);
		set &= ~matching(&selection->exclude, attributes, count);
	}
	return set;
}

attribute_set attributes_select_resource(const struct obi_selection_list *select,
					 const struct attribute *attributes, size_t count)
{
	attribute_set set = defaults(attributes, count);

	for (size_t i = 0; i < select->count; i++) {
		const struct obi_selection *selection = &select->items[i];

		if (strcmp(selection->metric, "resource") != 0)
			continue;
		set &= ~matching(&selection->exclude, attributes, count);
		if (selection->include.count)
			set &= matching(&selection->include, attributes, count);
	}
	return set;
}

attribute_set attributes_for(enum metrics_sink sink, const struct attribute *attributes,
			     size_t count)
{
	attribute_set set = 0;

	for (size_t i = 0; i < count; i++)
		set |= !attributes[i].only || attributes[i].only == sink ? 1u << i : 0;
	return set;
}

size_t attributes_names(attribute_set set, const struct attribute *attributes, size_t count,
			const char **ret_names)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		if (set & 1u << i)
			ret_names[used++] = attributes[i].name;
	}
	return used;
}
