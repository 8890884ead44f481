// SPDX-License-Identifier: Apache-2.0
/*
 * One printer for all dumps: YAML's flow style is JSON with fewer quotes, so the
 * two differ only in how a plain string comes out.
 */
#include "config/value.h"

#include <math.h>

#include "config/parse.h"

const char *obi_type_name(enum obi_type type)
{
	static const char *const names[] = {
		[OBI_TYPE_BOOL] = "bool",       [OBI_TYPE_INT] = "integer",
		[OBI_TYPE_FLOAT] = "number",    [OBI_TYPE_DURATION] = "duration",
		[OBI_TYPE_STRING] = "string",   [OBI_TYPE_GLOB] = "glob",
		[OBI_TYPE_CHOICE] = "choice",   [OBI_TYPE_FLAGS] = "names",
		[OBI_TYPE_LIST] = "list",       [OBI_TYPE_PORTS] = "ports",
		[OBI_TYPE_PIDS] = "pids",       [OBI_TYPE_FLOATS] = "numbers",
		[OBI_TYPE_CIDR] = "network",    [OBI_TYPE_STRUCTS] = "list of maps",
		[OBI_TYPE_MAP] = "map of maps", [OBI_TYPE_LABELS] = "map of lists",
	};

	return names[type];
}

/* ---- What is allowed ------------------------------------------------------------- */

void obi_value_put_bound(struct buffer *buf, enum obi_type type, double bound)
{
	if (type == OBI_TYPE_DURATION)
		obi_put_duration(buf, (uint64_t)bound);
	else if (type == OBI_TYPE_INT)
		buffer_put_i64(buf, (int64_t)bound);
	else
		obi_put_float(buf, bound);
}

static void put_bounds(struct buffer *buf, const struct obi_option *option)
{
	if (option->min == 0 && option->max == 0)
		return;
	if (isinf(option->max) && option->type == OBI_TYPE_DURATION && option->min == 1) {
		buffer_put_cstr(buf, " longer than 0s");
		return;
	}
	if (!isinf(option->min)) {
		buffer_put_cstr(buf, isinf(option->max) ? " of at least " : " from ");
		obi_value_put_bound(buf, option->type, option->min);
	}
	if (!isinf(option->max)) {
		buffer_put_cstr(buf, isinf(option->min) ? " of at most " : " to ");
		obi_value_put_bound(buf, option->type, option->max);
	}
}

static void put_floor(struct buffer *buf, const struct obi_option *option)
{
	if (!option->floor)
		return;
	buffer_put_cstr(buf, ", less means ");
	obi_value_put_bound(buf, option->type, option->floor);
}

static void put_names(struct buffer *buf, const struct obi_name *names)
{
	const char *separator = "";

	for (const struct obi_name *name = names; name->name; name++) {
		buffer_put_cstr(buf, separator);
		buffer_put_cstr(buf, *name->name ? name->name : "''");
		separator = ", ";
	}
}

void obi_value_put_allowed(struct buffer *buf, const struct obi_option *option)
{
	static const char *const words[] = {
		[OBI_TYPE_BOOL] = "true or false",
		[OBI_TYPE_INT] = "an integer",
		[OBI_TYPE_FLOAT] = "a number",
		[OBI_TYPE_DURATION] = "a duration with its unit, such as 500ms, 10s or 1h30m,",
		[OBI_TYPE_STRING] = "a string",
		[OBI_TYPE_GLOB] = "a glob",
		[OBI_TYPE_CHOICE] = "one of ",
		[OBI_TYPE_FLAGS] = "names out of ",
		[OBI_TYPE_LIST] = "a list of strings",
		[OBI_TYPE_PORTS] = "ports from 1 to 65535, such as 80,443,8000-8999",
		[OBI_TYPE_PIDS] = "process ids from 1 to 4194304, such as 17,120-130",
		[OBI_TYPE_FLOATS] = "a list of ascending numbers",
		[OBI_TYPE_CIDR] = "a network such as 10.0.0.0/8 or 2001:db8::/32",
		[OBI_TYPE_STRUCTS] = "a list of maps",
		[OBI_TYPE_MAP] = "a map of maps",
		[OBI_TYPE_LABELS] = "a map whose values are strings or lists",
	};

	buffer_put_cstr(buf, words[option->type]);
	if (option->type == OBI_TYPE_CHOICE || option->type == OBI_TYPE_FLAGS)
		put_names(buf, option->names);
	else if (option->type == OBI_TYPE_DURATION && option->min == 0 && option->max == 0)
		buf->len--; /* no bounds follow the comma */
	else
		put_bounds(buf, option);
}

void obi_value_put_type(struct buffer *buf, const struct obi_option *option)
{
	if (option->type == OBI_TYPE_CHOICE) {
		put_names(buf, option->names);
	} else if (option->type == OBI_TYPE_FLAGS) {
		buffer_put_cstr(buf, "list of ");
		put_names(buf, option->names);
	} else {
		buffer_put_cstr(buf, obi_type_name(option->type));
		put_bounds(buf, option);
		put_floor(buf, option);
	}
}

/* ---- Values ------------------------------------------------------------------------------------
 */

bool obi_value_is_empty(const struct obi_option *option, const void *field)
{
	switch (option->type) {
	case OBI_TYPE_BOOL:
		return !*(const bool *)field;
	case OBI_TYPE_INT:
		return option->flags & OBI_OPTION_OPTIONAL
			       ? !((const struct obi_optional_int *)field)->set
			       : *(const int64_t *)field == 0;
	case OBI_TYPE_FLOAT:
		return *(const double *)field == 0;
	case OBI_TYPE_DURATION:
		return *(const uint64_t *)field == 0;
	case OBI_TYPE_STRING:
	case OBI_TYPE_GLOB:
		return **(const char *const *)field == '\0';
	case OBI_TYPE_CHOICE:
		return *(const int *)field == 0;
	case OBI_TYPE_FLAGS:
		return ((const struct obi_flags *)field)->bits == 0;
	case OBI_TYPE_LIST:
		return ((const struct obi_list *)field)->count == 0;
	case OBI_TYPE_PORTS:
	case OBI_TYPE_PIDS:
		return ((const struct obi_ranges *)field)->count == 0;
	case OBI_TYPE_FLOATS:
		return ((const struct obi_floats *)field)->count == 0;
	case OBI_TYPE_CIDR:
		return *((const struct obi_prefix *)field)->text == '\0';
	default: {
		struct obi_array array;

		memcpy(&array, field, sizeof(array));
		return array.count == 0;
	}
	}
}

/* Does the field say whether it was given? */
static bool has_set(enum obi_type type)
{
	return type == OBI_TYPE_FLAGS || type == OBI_TYPE_LIST || type == OBI_TYPE_STRUCTS ||
	       type == OBI_TYPE_MAP || type == OBI_TYPE_LABELS;
}

/* Was something said, be it an explicit nothing? */
static bool is_given(const struct obi_option *option, const void *field)
{
	struct obi_array array;

	if (!obi_value_is_empty(option, field) || option->fallback)
		return true;
	switch (option->type) {
	case OBI_TYPE_FLAGS:
		return ((const struct obi_flags *)field)->set;
	case OBI_TYPE_LIST:
		return ((const struct obi_list *)field)->set;
	case OBI_TYPE_STRUCTS:
	case OBI_TYPE_MAP:
	case OBI_TYPE_LABELS:
		memcpy(&array, field, sizeof(array));
		return array.set;
	default:
		return false;
	}
}

/* Would YAML read this plain word back as the same string? Only plainly harmless ones pass. */
static bool is_plain(const char *text)
{
	static const char *const other_types[] = { "true", "false", "yes", "no", "on",
						   "off",  "null",  "y",   "n" };
	bool letter = false;

	for (const char *c = text; *c; c++) {
		bool alpha = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');

		letter |= alpha || *c == '_' || *c == '/';
		if (!alpha && !(*c >= '0' && *c <= '9') && !strchr("_./-", *c))
			return false;
	}
	for (size_t i = 0; i < sizeof(other_types) / sizeof(other_types[0]); i++) {
		if (slice_equal_nocase(slice_cstr(text), slice_cstr(other_types[i])))
			return false;
	}
	/* 1e5, 0x1f and .inf are numbers too. */
	return letter && !strchr("0123456789.-", *text);
}

static void put_string(struct buffer *buf, const char *text, bool json)
{
	if (!json && is_plain(text))
		buffer_put_cstr(buf, text);
	else
		buffer_put_json_string(buf, slice_cstr(text));
}

static const char *name_of(const struct obi_option *option, uint32_t value)
{
	for (const struct obi_name *name = option->names; name->name; name++) {
		if (name->value == value)
			return name->name;
	}
	return NULL;
}

static void put_flags(struct buffer *buf, const struct obi_option *option, uint32_t bits, bool json)
{
	const char *separator = "";

	buffer_put_char(buf, '[');
	if (name_of(option, bits)) {
		put_string(buf, name_of(option, bits), json);
		bits = 0;
	}
	for (uint32_t bit = 1; bits; bit <<= 1) {
		if (!(bits & bit))
			continue;
		bits &= ~bit;
		if (!name_of(option, bit))
			continue;
		buffer_put_cstr(buf, separator);
		put_string(buf, name_of(option, bit), json);
		separator = ", ";
	}
	buffer_put_char(buf, ']');
}

static void put_choice(struct buffer *buf, const struct obi_option *option, int value, bool json)
{
	const char *name = name_of(option, (uint32_t)value);

	put_string(buf, name ? name : "", json);
}

static void put_list(struct buffer *buf, const struct obi_list *list, bool json)
{
	buffer_put_char(buf, '[');
	for (size_t i = 0; i < list->count; i++) {
		buffer_put_cstr(buf, i ? ", " : "");
		put_string(buf, list->items[i], json);
	}
	buffer_put_char(buf, ']');
}

static void put_ranges(struct buffer *buf, const struct obi_ranges *ranges)
{
	if (ranges->count == 0) {
		buffer_put_cstr(buf, "[]");
		return;
	}
	buffer_put_char(buf, '"');
	for (size_t i = 0; i < ranges->count; i++) {
		const struct obi_range *range = &ranges->items[i];

		buffer_put_cstr(buf, i ? "," : "");
		buffer_put_u64(buf, range->first);
		if (range->last == range->first)
			continue;
		buffer_put_char(buf, '-');
		buffer_put_u64(buf, range->last);
	}
	buffer_put_char(buf, '"');
}

static void put_floats(struct buffer *buf, const struct obi_floats *floats)
{
	buffer_put_char(buf, '[');
	for (size_t i = 0; i < floats->count; i++) {
		buffer_put_cstr(buf, i ? ", " : "");
		obi_put_float(buf, floats->items[i]);
	}
	buffer_put_char(buf, ']');
}

static void put_key(struct buffer *buf, struct slice key, bool json)
{
	if (json)
		buffer_put_json_string(buf, key);
	else
		buffer_put_slice(buf, key);
	buffer_put_cstr(buf, ": ");
}

/* ---- Structs: rows with dotted keys become nested maps again ------------------------------------
 */

/* Puts the braces and keys that lead from the row before to this one. Rows of one prefix stand
 * together in their tables. Returns the number of maps now open. */
static size_t put_way(struct buffer *buf, const char *before, const char *key, size_t open,
		      bool first, bool json)
{
	size_t common = 0, shared = 0, depth = 0;
	const char *dot;

	for (size_t i = 0; before[i] && before[i] == key[i]; i++) {
		if (key[i] == '.') {
			common = i + 1;
			shared++;
		}
	}
	for (; open > shared; open--)
		buffer_put_char(buf, '}');
	depth = shared;
	buffer_put_cstr(buf, first ? "" : ", ");
	for (key += common; (dot = strchr(key, '.')); key = dot + 1) {
		put_key(buf, slice_of(key, (size_t)(dot - key)), json);
		buffer_put_char(buf, '{');
		depth++;
	}
	put_key(buf, slice_cstr(key), json);
	return depth;
}

static void put_struct(struct buffer *buf, const struct obi_group *groups, const void *base,
		       bool json)
{
	const char *before = "";
	size_t open = 0;
	bool first = true;

	buffer_put_char(buf, '{');
	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++) {
			const struct obi_option *option = &groups->options->rows[i];
			const void *field = obi_group_field(groups, i, (void *)(uintptr_t)base);

			if (!is_given(option, field))
				continue;
			open = put_way(buf, before, option->key, open, first, json);
			obi_value_put(buf, option, field, json);
			before = option->key;
			first = false;
		}
	}
	for (; open; open--)
		buffer_put_char(buf, '}');
	buffer_put_char(buf, '}');
}

static void put_structs(struct buffer *buf, const struct obi_option *option,
			const struct obi_array *array, bool json)
{
	bool map = option->type == OBI_TYPE_MAP;

	buffer_put_char(buf, map ? '{' : '[');
	for (size_t i = 0; i < array->count; i++) {
		const char *element = (const char *)array->items + i * option->element_size;

		buffer_put_cstr(buf, i ? ", " : "");
		if (map) {
			put_string(buf, *(const char *const *)element, true);
			buffer_put_cstr(buf, ": ");
		}
		put_struct(buf, option->element, element, json);
	}
	buffer_put_char(buf, map ? '}' : ']');
}

static void put_labels(struct buffer *buf, const struct obi_array *array, bool json)
{
	const struct obi_label *label = array->items;

	buffer_put_char(buf, '{');
	for (size_t i = 0; i < array->count; i++) {
		buffer_put_cstr(buf, i ? ", " : "");
		put_string(buf, label[i].name, true);
		buffer_put_cstr(buf, ": ");
		put_list(buf, &label[i].values, json);
	}
	buffer_put_char(buf, '}');
}

static void put_array(struct buffer *buf, const struct obi_option *option, const void *field,
		      bool json)
{
	struct obi_array array;

	memcpy(&array, field, sizeof(array));
	if (option->type == OBI_TYPE_LABELS)
		put_labels(buf, &array, json);
	else
		put_structs(buf, option, &array, json);
}

static void put_int(struct buffer *buf, const struct obi_option *option, const void *field)
{
	const struct obi_optional_int *optional = field;

	if (option->flags & OBI_OPTION_OPTIONAL && !optional->set)
		buffer_put_cstr(buf, "null");
	else
		buffer_put_i64(buf, *(const int64_t *)field);
}

static void put_duration(struct buffer *buf, uint64_t ns, bool json)
{
	buffer_put_cstr(buf, json ? "\"" : "");
	obi_put_duration(buf, ns);
	buffer_put_cstr(buf, json ? "\"" : "");
}

void obi_value_put(struct buffer *buf, const struct obi_option *option, const void *field,
		   bool json)
{
	if (option->flags & OBI_OPTION_SECRET && !obi_value_is_empty(option, field)) {
		put_string(buf, "***", json);
		return;
	}
	/* An explicit nothing would read back as more than nobody said. */
	if (has_set(option->type) && !is_given(option, field)) {
		buffer_put_cstr(buf, "null");
		return;
	}
	switch (option->type) {
	case OBI_TYPE_BOOL:
		buffer_put_cstr(buf, *(const bool *)field ? "true" : "false");
		break;
	case OBI_TYPE_INT:
		put_int(buf, option, field);
		break;
	case OBI_TYPE_FLOAT:
		obi_put_float(buf, *(const double *)field);
		break;
	case OBI_TYPE_DURATION:
		put_duration(buf, *(const uint64_t *)field, json);
		break;
	case OBI_TYPE_STRING:
	case OBI_TYPE_GLOB:
		put_string(buf, *(const char *const *)field, json);
		break;
	case OBI_TYPE_CHOICE:
		put_choice(buf, option, *(const int *)field, json);
		break;
	case OBI_TYPE_FLAGS:
		put_flags(buf, option, ((const struct obi_flags *)field)->bits, json);
		break;
	case OBI_TYPE_LIST:
		put_list(buf, field, json);
		break;
	case OBI_TYPE_PORTS:
	case OBI_TYPE_PIDS:
		put_ranges(buf, field);
		break;
	case OBI_TYPE_FLOATS:
		put_floats(buf, field);
		break;
	case OBI_TYPE_CIDR:
		put_string(buf, ((const struct obi_prefix *)field)->text, json);
		break;
	default:
		put_array(buf, option, field, json);
	}
}
