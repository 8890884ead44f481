// SPDX-License-Identifier: Apache-2.0
/*
 * JSON Schema of the YAML file. One definition a type, which a row narrows. A
 * ${VAR} may stand for any scalar, since it is replaced before the file is read,
 * and null for anything: it gives nothing.
 */
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "config/print.h"
#include "config/rows.h"

#define PATTERN_DURATION "^ *([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
#define PATTERN_RANGES "^[0-9, \\t-]*$"
#define PATTERN_NETWORK "^[0-9A-Fa-f:.]+/[0-9]+$"
#define PATTERN_VARIABLE "\\$[{(]"

#define LONGEST_NAME 64

/* Holds the definitions that rows refer to, so that no type is spelled out twice. */
struct schema {
	json_t *definitions;
};

static json_t *rows_schema(struct schema *schema, const struct obi_group *groups);

/* A reference to the definition of that name; made from definition, which it takes, unless it is
 * there. */
static json_t *refer(struct schema *schema, const char *name, json_t *definition)
{
	if (!json_object_get(schema->definitions, name))
		(void)json_object_set(schema->definitions, name, definition);
	json_decref(definition);
	return json_pack("{s:s+}", "$ref", "#/$defs/", name);
}

/* The same for rows that several options share, by the title of their first group. */
static json_t *refer_rows(struct schema *schema, const struct obi_group *groups)
{
	char name[LONGEST_NAME];
	size_t i;

	/* A blank may not stand in a reference. */
	for (i = 0; groups->options->title[i] && i + 1 < LONGEST_NAME; i++) {
		name[i] = groups->options->title[i];
		if (name[i] == ' ')
			name[i] = '-';
	}
	name[i] = '\0';
	/* The name is taken before the rows are read, which may hold such rows again. */
	if (!json_object_get(schema->definitions, name)) {
		(void)json_object_set_new(schema->definitions, name, json_object());
		(void)json_object_set_new(schema->definitions, name, rows_schema(schema, groups));
	}
	return json_pack("{s:s+}", "$ref", "#/$defs/", name);
}

static json_t *string_pattern(const char *pattern)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *array_of(json_t *items)
{
	return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *scalar(void)
{
	return json_pack("{s:[sss]}", "type", "string", "number", "boolean");
}

/* ---- Types ------------------------------------------------------------------------------------
 */

static json_t *number_schema(const struct obi_option *option)
{
	json_t *schema =
		json_pack("{s:s}", "type", option->type == OBI_TYPE_INT ? "integer" : "number");

	if (option->min == 0 && option->max == 0)
		return schema;
	if (!isinf(option->min))
		(void)json_object_set_new(schema, "minimum", json_real(option->min));
	if (!isinf(option->max))
		(void)json_object_set_new(schema, "maximum", json_real(option->max));
	return schema;
}

static void add_word(json_t *words, json_t *word)
{
	json_t *known;
	size_t i;

	json_array_foreach(words, i, known)
	{
		if (json_equal(known, word)) {
			json_decref(word);
			return;
		}
	}
	(void)json_array_append_new(words, word);
}

/* The name as it stands and in either case: YAML readers tell cases apart, this program does not.
 */
static void add_cases(json_t *words, const char *name)
{
	char lower[LONGEST_NAME], upper[LONGEST_NAME];
	size_t i;

	for (i = 0; name[i] && i + 1 < LONGEST_NAME; i++) {
		lower[i] = (char)tolower((unsigned char)name[i]);
		upper[i] = (char)toupper((unsigned char)name[i]);
	}
	lower[i] = upper[i] = '\0';
	add_word(words, json_string(name));
	add_word(words, json_string(lower));
	add_word(words, json_string(upper));
	/* What YAML 1.1 takes for a truth value when it stands without quotes. */
	if (strcmp(lower, "true") == 0 || strcmp(lower, "on") == 0)
		add_word(words, json_true());
	if (strcmp(lower, "false") == 0 || strcmp(lower, "off") == 0)
		add_word(words, json_false());
}

static json_t *names_schema(const struct obi_option *option)
{
	json_t *words = json_array();

	if (option->flags & OBI_OPTION_LENIENT) {
		json_decref(words);
		return scalar();
	}
	for (const struct obi_name *name = option->names; name->name; name++)
		add_cases(words, name->name);
	return json_pack("{s:o}", "enum", words);
}

static json_t *ranges_schema(void)
{
	json_t *one = json_pack("{s:[oo]}", "anyOf",
				json_pack("{s:s, s:i}", "type", "integer", "minimum", 1),
				string_pattern(PATTERN_RANGES));

	return json_pack("{s:[Oo]}", "anyOf", one, array_of(one));
}

static json_t *list_or_text(json_t *items)
{
	return json_pack("{s:[oo]}", "anyOf", array_of(items),
			 json_pack("{s:s}", "type", "string"));
}

static json_t *labels_schema(void)
{
	json_t *values = json_pack("{s:[oo]}", "anyOf", scalar(), array_of(scalar()));

	return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", values);
}

static bool has_shorthand(const struct obi_group *groups)
{
	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++) {
			if (groups->options->rows[i].flags & OBI_OPTION_SHORTHAND)
				return true;
		}
	}
	return false;
}

static json_t *structs_schema(struct schema *schema, const struct obi_option *option)
{
	json_t *item = refer_rows(schema, option->element);
	json_t *text;

	if (!has_shorthand(option->element))
		return array_of(item);
	text = json_pack("{s:s}", "type", "string");
	item = json_pack("{s:[oO]}", "anyOf", item, text);
	return json_pack("{s:[oo]}", "anyOf", array_of(item), text);
}

static json_t *duration_schema(void)
{
	return json_pack("{s:[oo]}", "anyOf", string_pattern(PATTERN_DURATION),
			 json_pack("{s:i}", "const", 0));
}

static json_t *type_schema(struct schema *schema, const struct obi_option *option)
{
	switch (option->type) {
	case OBI_TYPE_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case OBI_TYPE_INT:
	case OBI_TYPE_FLOAT:
		return number_schema(option);
	case OBI_TYPE_DURATION:
		return refer(schema, "duration", duration_schema());
	case OBI_TYPE_CHOICE:
		return names_schema(option);
	case OBI_TYPE_FLAGS:
		return list_or_text(names_schema(option));
	case OBI_TYPE_LIST:
		return refer(schema, "list", list_or_text(scalar()));
	case OBI_TYPE_PORTS:
	case OBI_TYPE_PIDS:
		return refer(schema, "ranges", ranges_schema());
	case OBI_TYPE_FLOATS:
		return refer(schema, "numbers", list_or_text(json_pack("{s:s}", "type", "number")));
	case OBI_TYPE_CIDR:
		return string_pattern(PATTERN_NETWORK);
	case OBI_TYPE_STRUCTS:
		return structs_schema(schema, option);
	case OBI_TYPE_MAP:
		return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
				 refer_rows(schema, option->element));
	case OBI_TYPE_LABELS:
		return refer(schema, "labels", labels_schema());
	default:
		return scalar();
	}
}

static json_t *option_schema(struct schema *schema, const struct obi_option *option)
{
	json_t *row = json_pack("{s:s, s:[o, {s:s}]}", "description", option->help, "anyOf",
				type_schema(schema, option), "$ref", "#/$defs/unset");

	if (option->fallback && !option->element && option->type != OBI_TYPE_LABELS)
		(void)json_object_set_new(row, "default", json_string(option->fallback));
	if (option->flags & OBI_OPTION_DEPRECATED)
		(void)json_object_set_new(row, "deprecated", json_true());
	return row;
}

/* ---- Maps ------------------------------------------------------------------------ */

/* The schema of the map at the first `depth` parts of the path, made where it is not there. */
static json_t *map_at(json_t *map, const char *key, size_t depth)
{
	for (size_t i = 0; i < depth; i++) {
		struct slice part = obi_key_part(key, i);
		json_t *properties = json_object_get(map, "properties");
		char name[LONGEST_NAME] = { 0 };
		json_t *inner;

		memcpy(name, part.data, part.len < LONGEST_NAME ? part.len : LONGEST_NAME - 1);
		inner = json_object_get(properties, name);
		if (!inner) {
			inner = json_pack("{s:[ss], s:{}, s:b}", "type", "object", "null",
					  "properties", "additionalProperties", 0);
			(void)json_object_set_new(properties, name, inner);
		}
		map = inner;
	}
	return map;
}

static void add_row(struct schema *schema, json_t *map, const struct obi_option *option)
{
	size_t depth = obi_key_depth(option->key) - 1;
	json_t *parent = map_at(map, option->key, depth);
	const char *name = (const char *)obi_key_part(option->key, depth).data;
	json_t *required = json_object_get(parent, "required");

	(void)json_object_set_new(json_object_get(parent, "properties"), name,
				  option_schema(schema, option));
	if (!(option->flags & OBI_OPTION_REQUIRED))
		return;
	if (!required)
		(void)json_object_set_new(parent, "required", json_pack("[s]", name));
	else
		(void)json_array_append_new(required, json_string(name));
}

static json_t *rows_schema(struct schema *schema, const struct obi_group *groups)
{
	json_t *map = json_pack("{s:s, s:{}, s:b}", "type", "object", "properties",
				"additionalProperties", 0);
	struct obi_rows rows;

	if (obi_rows_collect(groups, NULL, NULL, &rows) < 0) {
		json_decref(map);
		return NULL;
	}
	for (size_t i = 0; i < rows.keyed; i++)
		add_row(schema, map, rows.rows[i].option);
	free(rows.rows);
	return map;
}

void obi_print_schema(struct buffer *buf, const struct obi_group *groups)
{
	struct schema schema = { .definitions = json_object() };
	json_t *root = json_pack("{s:s, s:s, s:O}", "$schema",
				 "https://json-schema.org/draft/2020-12/schema", "title",
				 "OBI configuration", "$defs", schema.definitions);
	json_t *unset = json_pack("{s:[o, {s:s}]}", "anyOf", string_pattern(PATTERN_VARIABLE),
				  "type", "null");
	json_t *map = rows_schema(&schema, groups);
	char *text = NULL;

	(void)json_object_set_new(schema.definitions, "unset", unset);
	/* An empty file is a configuration too. */
	(void)json_object_set_new(map, "type", json_pack("[ss]", "object", "null"));
	if (json_object_update(root, map) == 0)
		text = json_dumps(root, JSON_INDENT(1));
	if (text)
		buffer_printf(buf, "%s\n", text);
	else
		buf->failed = true;
	free(text);
	json_decref(map);
	json_decref(root);
	json_decref(schema.definitions);
}
