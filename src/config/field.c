// SPDX-License-Identifier: Apache-2.0
/*
 * One function a type. Scalars come as text whatever layer they stem from; what
 * is a list may be a YAML list or one comma separated scalar. A field is written
 * only when its whole value is good.
 */
#include "config/field.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/glob.h"
#include "config/parse.h"
#include "config/value.h"

#define PORT_MAX 65535

/* PID_MAX_LIMIT on 64-bit machines (include/linux/threads.h). */
#define PID_MAX 4194304

#define WHY_MAX 256

#define UNKNOWN_NAME "unknown name ignored"

/* What every reader below needs. */
struct reading {
	const struct obi_layer *layer;
	const struct obi_site *site;
	const struct obi_option *option;
	const struct obi_node *node;
};

static int fault(const struct reading *r, const char *value, const char *why)
{
	return obi_field_fault(r->layer, r->site, r->option, r->node->line, value, why);
}

static int fault_kind(const struct reading *r)
{
	static const char *const kinds[] = { "a scalar", "a list", "a map" };

	return fault(r, kinds[r->node->kind], NULL);
}

static int out_of_memory(const struct reading *r)
{
	return obi_load_out_of_memory(r->layer->load);
}

static bool in_bounds(const struct obi_option *option, double value)
{
	return (option->min == 0 && option->max == 0) ||
	       (value >= option->min && value <= option->max);
}

/* ---- Items of a list ------------------------------------------------------------- */

struct items {
	const char **text;
	size_t count;
};

/* Blanks around an item mean nothing, a text of nothing else is a list without items. keep_empty:
 * a blank item among others is an item too. */
static int split(const struct reading *r, struct slice text, bool keep_empty, struct items *ret)
{
	struct items items = { 0 };
	size_t most = 1;

	if (slice_trim(text).len == 0) {
		*ret = items;
		return 0;
	}
	for (size_t i = 0; i < text.len; i++)
		most += text.data[i] == ',';
	items.text = obi_arena_array(r->layer->load->scratch, most, sizeof(*items.text));
	if (!items.text)
		return out_of_memory(r);
	for (size_t i = 0; i < most; i++) {
		ptrdiff_t comma = slice_find(text, ',');
		struct slice item = comma < 0 ? text : slice_first(text, (size_t)comma);

		text = slice_from(text, item.len + 1);
		item = slice_trim(item);
		if (item.len == 0 && !keep_empty)
			continue;
		items.text[items.count] = obi_arena_strndup(r->layer->load->scratch,
							    (const char *)item.data, item.len);
		if (!items.text[items.count])
			return out_of_memory(r);
		items.count++;
	}
	*ret = items;
	return 0;
}

static size_t count_children(const struct obi_node *node)
{
	size_t count = 0;

	for (const struct obi_node *child = node->children; child; child = child->next)
		count++;
	return count;
}

static int read_items(const struct reading *r, bool keep_empty, struct items *ret)
{
	struct items items = { 0 };

	if (r->node->kind == OBI_NODE_MAP)
		return fault_kind(r);
	if (r->node->kind == OBI_NODE_SCALAR)
		return split(r, slice_cstr(r->node->value), keep_empty, ret);
	items.text = obi_arena_array(r->layer->load->scratch, count_children(r->node),
				     sizeof(*items.text));
	if (!items.text)
		return out_of_memory(r);
	for (const struct obi_node *child = r->node->children; child; child = child->next) {
		if (child->kind != OBI_NODE_SCALAR)
			return fault(r, "a list of lists or maps", NULL);
		items.text[items.count++] = child->value;
	}
	*ret = items;
	return 0;
}

/* ---- Scalars --------------------------------------------------------------------- */

/* Less than the floor is raised to it, with a word: a configuration that says 0 for "at once" is
 * not turned down, but nothing spins. */
static int raise_to_floor(const struct reading *r, double value, double *ret_value)
{
	struct buffer text = { 0 };
	int e;

	*ret_value = value;
	if (value >= r->option->floor)
		return 0;
	*ret_value = r->option->floor;
	buffer_put_cstr(&text, "too short: taken for ");
	obi_value_put_bound(&text, r->option->type, r->option->floor);
	buffer_put_char(&text, '\0');
	e = text.failed ? out_of_memory(r)
			: obi_site_warn(r->layer, r->site, r->node->line, text.data);
	buffer_free(&text);
	return e;
}

static int read_bool(const struct reading *r, void *field)
{
	bool value;

	if (obi_parse_bool(slice_cstr(r->node->value), &value) < 0)
		return fault(r, r->node->value, NULL);
	*(bool *)field = value;
	return 0;
}

static int read_int(const struct reading *r, void *field)
{
	double raised;
	int64_t value;

	if (obi_parse_int(slice_cstr(r->node->value), &value) < 0 ||
	    !in_bounds(r->option, (double)value))
		return fault(r, r->node->value, NULL);
	*(int64_t *)field = value;
	if (r->option->flags & OBI_OPTION_OPTIONAL)
		((struct obi_optional_int *)field)->set = true;
	if (!r->option->floor)
		return 0;
	if (raise_to_floor(r, (double)value, &raised) < 0)
		return -ENOMEM;
	*(int64_t *)field = (int64_t)raised;
	return 0;
}

static int read_float(const struct reading *r, void *field)
{
	double value;

	if (obi_parse_float(slice_cstr(r->node->value), &value) < 0 || !in_bounds(r->option, value))
		return fault(r, r->node->value, NULL);
	*(double *)field = value;
	return 0;
}

static int read_duration(const struct reading *r, void *field)
{
	double raised;
	uint64_t value;

	if (obi_parse_duration(slice_cstr(r->node->value), &value) < 0 ||
	    !in_bounds(r->option, (double)value))
		return fault(r, r->node->value, NULL);
	*(uint64_t *)field = value;
	if (!r->option->floor)
		return 0;
	if (raise_to_floor(r, (double)value, &raised) < 0)
		return -ENOMEM;
	*(uint64_t *)field = (uint64_t)raised;
	return 0;
}

static int read_string(const struct reading *r, void *field)
{
	const char *value = obi_arena_strdup(r->layer->load->arena, r->node->value);
	char allowed[WHY_MAX];
	const char *why;

	if (!value)
		return out_of_memory(r);
	if (r->option->type == OBI_TYPE_GLOB && obi_glob_check(value, &why) < 0) {
		(void)snprintf(allowed, sizeof(allowed), "a glob (%s)", why);
		return fault(r, value, allowed);
	}
	*(const char **)field = value;
	return 0;
}

static const struct obi_name *find_name(const struct obi_option *option, const char *word)
{
	for (const struct obi_name *name = option->names; name->name; name++) {
		if (slice_equal_nocase(slice_cstr(word), slice_cstr(name->name)))
			return name;
	}
	return NULL;
}

static int read_choice(const struct reading *r, void *field)
{
	const struct obi_name *name = find_name(r->option, r->node->value);

	if (!name && r->option->flags & OBI_OPTION_LENIENT)
		return obi_site_warn(r->layer, r->site, r->node->line, UNKNOWN_NAME);
	if (!name)
		return fault(r, r->node->value, NULL);
	*(int *)field = (int)name->value;
	return 0;
}

static int read_cidr(const struct reading *r, void *field)
{
	struct buffer text = { 0 };
	struct obi_prefix prefix;

	if (obi_parse_prefix(slice_cstr(r->node->value), &prefix) < 0)
		return fault(r, r->node->value, NULL);
	obi_put_prefix(&text, &prefix);
	prefix.text =
		text.failed ? NULL : obi_arena_strndup(r->layer->load->arena, text.data, text.len);
	buffer_free(&text);
	if (!prefix.text)
		return out_of_memory(r);
	*(struct obi_prefix *)field = prefix;
	return 0;
}

/* ---- Lists ------------------------------------------------------------------------------------
 */

static int read_flags(const struct reading *r, void *field)
{
	struct obi_flags flags = { .set = !r->layer->is_default };
	struct items items;
	int e = read_items(r, false, &items);

	for (size_t i = 0; e == 0 && i < items.count; i++) {
		const struct obi_name *name = find_name(r->option, items.text[i]);

		if (name)
			flags.bits |= name->value;
		else if (r->option->flags & OBI_OPTION_LENIENT)
			e = obi_site_warn(r->layer, r->site, r->node->line, UNKNOWN_NAME);
		else
			e = fault(r, items.text[i], NULL);
	}
	if (e == 0)
		*(struct obi_flags *)field = flags;
	return e;
}

static int read_list(const struct reading *r, void *field)
{
	struct obi_list list = { .set = !r->layer->is_default };
	struct obi_arena *arena = r->layer->load->arena;
	char why[WHY_MAX];
	struct items items;
	int e = read_items(r, false, &items);

	if (e < 0)
		return e;
	list.items = obi_arena_array(arena, items.count, sizeof(*list.items));
	if (!list.items)
		return out_of_memory(r);
	for (; list.count < items.count; list.count++) {
		list.items[list.count] = obi_arena_strdup(arena, items.text[list.count]);
		if (!list.items[list.count])
			return out_of_memory(r);
		if (r->option->check &&
		    r->option->check(list.items[list.count], why, sizeof(why)) < 0)
			return fault(r, list.items[list.count], why);
	}
	*(struct obi_list *)field = list;
	return 0;
}

static int read_ranges(const struct reading *r, void *field)
{
	uint32_t max = r->option->type == OBI_TYPE_PORTS ? PORT_MAX : PID_MAX;
	struct obi_ranges ranges = { 0 };
	struct items items;
	int e = read_items(r, true, &items);

	if (e < 0)
		return e;
	ranges.items = obi_arena_array(r->layer->load->arena, items.count, sizeof(*ranges.items));
	if (!ranges.items)
		return out_of_memory(r);
	for (size_t i = 0; i < items.count; i++) {
		if (obi_parse_range(slice_cstr(items.text[i]), max, &ranges.items[i]) < 0)
			return fault(r, items.text[i], NULL);
	}
	ranges.count = items.count;
	*(struct obi_ranges *)field = ranges;
	return 0;
}

static int read_floats(const struct reading *r, void *field)
{
	struct obi_floats floats = { 0 };
	struct items items;
	int e = read_items(r, true, &items);

	if (e < 0)
		return e;
	floats.items = obi_arena_array(r->layer->load->arena, items.count, sizeof(*floats.items));
	if (!floats.items)
		return out_of_memory(r);
	for (size_t i = 0; i < items.count; i++) {
		if (obi_parse_float(slice_cstr(items.text[i]), &floats.items[i]) < 0 ||
		    (i && floats.items[i] <= floats.items[i - 1]))
			return fault(r, items.text[i], NULL);
	}
	floats.count = items.count;
	*(struct obi_floats *)field = floats;
	return 0;
}

/* ---- Structs ------------------------------------------------------------------------------------
 */

static const struct obi_option *find_shorthand(const struct obi_group *groups, void *base,
					       void **ret_field, size_t *ret_index)
{
	size_t index = 0;

	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++, index++) {
			if (!(groups->options->rows[i].flags & OBI_OPTION_SHORTHAND))
				continue;
			*ret_field = obi_group_field(groups, i, base);
			*ret_index = index;
			return &groups->options->rows[i];
		}
	}
	return NULL;
}

static int check_required(const struct obi_layer *layer, const struct obi_site *site,
			  const struct obi_group *groups, const struct obi_origin *origins,
			  unsigned line)
{
	char what[WHY_MAX];

	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++, origins++) {
			const struct obi_option *option = &groups->options->rows[i];

			if (!(option->flags & OBI_OPTION_REQUIRED) ||
			    origins->kind != OBI_ORIGIN_DEFAULT)
				continue;
			(void)snprintf(what, sizeof(what), "'%s' is missing", option->key);
			return obi_site_fault(layer, site, line, what);
		}
	}
	return 0;
}

/* Reads one element of a list or map of structs: its defaults, then what node gives. */
static int read_element(const struct reading *r, const struct obi_site *site,
			const struct obi_node *node, void *element)
{
	struct obi_origin origins[OBI_ELEMENT_ROWS_MAX] = { 0 };
	const struct obi_option *shorthand;
	size_t index;
	void *field;
	int e;

	if (obi_groups_count(r->option->element) > OBI_ELEMENT_ROWS_MAX)
		return obi_site_fault(r->layer, site, node->line, "too many rows in the table");
	e = obi_load_defaults(r->layer->load, r->option->element, element);
	if (e < 0)
		return e;
	if (node->kind == OBI_NODE_MAP) {
		e = obi_scope_read(r->layer, site, r->option->element, node, element, origins);
	} else {
		shorthand = find_shorthand(r->option->element, element, &field, &index);
		if (node->kind != OBI_NODE_SCALAR || !shorthand)
			return obi_site_fault(r->layer, site, node->line, "expected a map");
		e = obi_field_read(r->layer, site, shorthand, node, field);
		origins[index].kind = OBI_ORIGIN_FILE;
	}
	if (e < 0)
		return e;
	return check_required(r->layer, site, r->option->element, origins, node->line);
}

static int new_array(const struct reading *r, size_t count, size_t size, struct obi_array *ret)
{
	struct obi_array array = { .count = count, .set = !r->layer->is_default };

	array.items = obi_arena_array(r->layer->load->arena, count, size);
	if (!array.items)
		return out_of_memory(r);
	*ret = array;
	return 0;
}

/* The environment's short form of a list of structs: comma separated shorthands. */
static int list_of_scalar(const struct reading *r, struct obi_node *ret_list)
{
	struct obi_node *nodes;
	struct items items;
	int e = split(r, slice_cstr(r->node->value), false, &items);

	if (e < 0)
		return e;
	nodes = obi_arena_array(r->layer->load->scratch, items.count, sizeof(*nodes));
	if (!nodes)
		return out_of_memory(r);
	for (size_t i = 0; i < items.count; i++) {
		nodes[i] = (struct obi_node){ .value = items.text[i], .line = r->node->line };
		if (i)
			nodes[i - 1].next = &nodes[i];
	}
	*ret_list = (struct obi_node){ .kind = OBI_NODE_LIST,
				       .children = items.count ? nodes : NULL,
				       .line = r->node->line };
	return 0;
}

static int read_structs(const struct reading *r, void *field)
{
	const struct obi_node *list = r->node;
	struct obi_array array = { 0 };
	struct obi_node split_list = { 0 };
	size_t i = 0;
	int e;

	if (list->kind == OBI_NODE_MAP)
		return fault_kind(r);
	if (list->kind == OBI_NODE_SCALAR) {
		e = list_of_scalar(r, &split_list);
		if (e < 0)
			return e;
		list = &split_list;
	}
	e = new_array(r, count_children(list), r->option->element_size, &array);
	for (const struct obi_node *child = list->children; e == 0 && child; child = child->next) {
		struct obi_site site = { .parent = r->site, .index = i };

		e = read_element(r, &site, child,
				 (char *)array.items + i * r->option->element_size);
		i++;
	}
	if (e == 0)
		memcpy(field, &array, sizeof(array));
	return e;
}

static int read_map(const struct reading *r, void *field)
{
	struct obi_array array = { 0 };
	size_t i = 0;
	int e;

	if (r->node->kind != OBI_NODE_MAP)
		return fault_kind(r);
	e = new_array(r, count_children(r->node), r->option->element_size, &array);
	for (const struct obi_node *child = r->node->children; e == 0 && child;
	     child = child->next) {
		struct obi_site site = { .parent = r->site, .name = child->key };
		char *element = (char *)array.items + i * r->option->element_size;

		e = read_element(r, &site, child, element);
		if (e < 0)
			return e;
		*(const char **)element = obi_arena_strdup(r->layer->load->arena, child->key);
		if (!*(const char **)element)
			return out_of_memory(r);
		i++;
	}
	if (e == 0)
		memcpy(field, &array, sizeof(array));
	return e;
}

static int read_labels(const struct reading *r, void *field)
{
	struct obi_array array = { 0 };
	struct obi_label *label;
	int e;

	if (r->node->kind != OBI_NODE_MAP)
		return fault_kind(r);
	e = new_array(r, count_children(r->node), sizeof(*label), &array);
	if (e < 0)
		return e;
	label = array.items;
	for (const struct obi_node *child = r->node->children; child; child = child->next) {
		struct obi_site site = { .parent = r->site, .name = child->key };
		struct reading value = { r->layer, &site, r->option, child };

		e = read_list(&value, &label->values);
		if (e < 0)
			return e;
		label->name = obi_arena_strdup(r->layer->load->arena, child->key);
		if (!label->name)
			return out_of_memory(r);
		label++;
	}
	memcpy(field, &array, sizeof(array));
	return 0;
}

/* ---- Any ---------------------------------------------------------------------------------------
 */

static int read_by_type(const struct reading *r, void *field)
{
	switch (r->option->type) {
	case OBI_TYPE_FLAGS:
		return read_flags(r, field);
	case OBI_TYPE_LIST:
		return read_list(r, field);
	case OBI_TYPE_PORTS:
	case OBI_TYPE_PIDS:
		return read_ranges(r, field);
	case OBI_TYPE_FLOATS:
		return read_floats(r, field);
	case OBI_TYPE_STRUCTS:
		return read_structs(r, field);
	case OBI_TYPE_MAP:
		return read_map(r, field);
	case OBI_TYPE_LABELS:
		return read_labels(r, field);
	default:
		break;
	}
	if (r->node->kind != OBI_NODE_SCALAR)
		return fault_kind(r);
	switch (r->option->type) {
	case OBI_TYPE_BOOL:
		return read_bool(r, field);
	case OBI_TYPE_INT:
		return read_int(r, field);
	case OBI_TYPE_FLOAT:
		return read_float(r, field);
	case OBI_TYPE_DURATION:
		return read_duration(r, field);
	case OBI_TYPE_CHOICE:
		return read_choice(r, field);
	case OBI_TYPE_CIDR:
		return read_cidr(r, field);
	default:
		return read_string(r, field);
	}
}

int obi_field_read(const struct obi_layer *layer, const struct obi_site *site,
		   const struct obi_option *option, const struct obi_node *node, void *field)
{
	struct reading r = { layer, site, option, node };
	bool per_item = option->type == OBI_TYPE_LIST || option->type == OBI_TYPE_LABELS;
	char why[WHY_MAX];
	int e = read_by_type(&r, field);

	if (e < 0 || !option->check || per_item || layer->is_default)
		return e;
	if (option->check(field, why, sizeof(why)) < 0)
		return fault(&r, node->kind == OBI_NODE_SCALAR ? node->value : "the value", why);
	return 0;
}
