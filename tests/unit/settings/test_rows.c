// SPDX-License-Identifier: Apache-2.0
/*
 * Every option, from its row alone: a good value lands in its field and nowhere
 * else, from the file, from its variable and from each alias; a bad value is
 * refused with the option's name. A new row is tested here without another line.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "config/load.h"
#include "config/parse.h"
#include "config/rows.h"
#include "config/value.h"
#include "flow/attributes.h"
#include "settings/settings.h"

#define ROWS_MAX 512

/* One run of the layers, without what the settings derive from several options together. */
struct run {
	struct obi_arena *arena;
	struct obi_settings settings;
	struct obi_origin origins[ROWS_MAX];
	struct obi_error error;
	int result;
};

static struct run *run(const char *yaml, const char *variable)
{
	struct run *r = calloc(1, sizeof(*r));
	struct obi_load load = { .name = "t.yaml", .error = &r->error };
	char *env[] = { (char *)(uintptr_t)variable, NULL };
	struct obi_yaml reader = { .name = "t.yaml", .error = &r->error };
	struct obi_node *root = NULL;

	r->arena = obi_arena_new(64 << 20);
	load.arena = load.scratch = reader.arena = reader.warnings_arena = r->arena;
	load.warnings = reader.warnings = &r->settings.warnings;
	r->result = obi_load_defaults(&load, obi_settings_groups, &r->settings);
	if (r->result == 0)
		r->result = obi_yaml_read(&reader, slice_cstr(yaml), &root);
	if (r->result == 0)
		r->result =
			obi_load_tree(&load, obi_settings_groups, root, &r->settings, r->origins);
	if (r->result == 0)
		r->result = obi_load_environment(&load, obi_settings_groups, env, &r->settings,
						 r->origins);
	return r;
}

static void end(struct run *r)
{
	obi_arena_free(r->arena);
	free(r);
}

/* ---- Samples --------------------------------------------------------------------------- */

static void put_row_sample(struct buffer *buf, const struct obi_option *option);

/* A text that the row's check takes, and one that it does not; NULL where it takes anything. */
static const char *string_sample(const struct obi_option *option, bool good)
{
	static const char *const texts[] = { "sample", "/sample",   "10.9.8.7",
					     "#",      "name:eth7", "http://c:4318",
					     "SCTP",   "no good/",  "[",
					     "" };
	char why[256];

	if (option->type == OBI_TYPE_GLOB)
		return good ? "/sam*ple" : "[";
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		bool list = option->type == OBI_TYPE_LIST || option->type == OBI_TYPE_LABELS;
		const void *field = list ? (const void *)texts[i] : (const void *)&texts[i];
		bool taken = !option->check || option->check(field, why, sizeof(why)) == 0;

		if (taken == good && (good || texts[i][0]))
			return texts[i];
	}
	return NULL;
}

static void put_int_sample(struct buffer *buf, const struct obi_option *option)
{
	int64_t value = option->fallback ? strtoll(option->fallback, NULL, 10) : 0;

	value += (option->min == 0 && option->max == 0) || (double)(value + 1) <= option->max ? 1
											      : -1;
	buffer_put_i64(buf, value);
}

static void put_duration_sample(struct buffer *buf, const struct obi_option *option)
{
	uint64_t ns = 0;

	if (option->fallback)
		assert_int_equal(obi_parse_duration(slice_cstr(option->fallback), &ns), 0);
	obi_put_duration(buf, ns + 1500000000);
}

static const char *name_sample(const struct obi_option *option)
{
	const struct obi_name *standard = option->names;

	for (; option->fallback && strcmp(standard->name, option->fallback) != 0; standard++) {
		if (!standard[1].name)
			break; /* a list of several: any single one differs */
	}
	for (const struct obi_name *name = option->names; name->name; name++) {
		if (name->value != standard->value && name->value && name->name[0])
			return name->name;
	}
	return NULL;
}

static void put_text(struct buffer *buf, const char *text, bool yaml)
{
	if (yaml)
		buffer_put_json_string(buf, slice_cstr(text));
	else
		buffer_put_cstr(buf, text);
}

/* A good value that is not the default: in the environment's syntax or in YAML's. */
static void put_sample(struct buffer *buf, const struct obi_option *option, bool yaml)
{
	switch (option->type) {
	case OBI_TYPE_BOOL:
		buffer_put_cstr(buf, option->fallback && !strcmp(option->fallback, "true")
					     ? "false"
					     : "true");
		break;
	case OBI_TYPE_INT:
		put_int_sample(buf, option);
		break;
	case OBI_TYPE_FLOAT:
		buffer_put_cstr(buf, "2.25");
		break;
	case OBI_TYPE_DURATION:
		put_duration_sample(buf, option);
		break;
	case OBI_TYPE_CHOICE:
	case OBI_TYPE_FLAGS:
		put_text(buf, name_sample(option), yaml);
		break;
	case OBI_TYPE_PORTS:
	case OBI_TYPE_PIDS:
		put_text(buf, "1234,2000-2010", yaml);
		break;
	case OBI_TYPE_FLOATS:
		buffer_put_cstr(buf, yaml ? "[0.5, 1.5]" : "0.5,1.5");
		break;
	case OBI_TYPE_CIDR:
		buffer_put_cstr(buf, "10.9.0.0/16");
		break;
	case OBI_TYPE_LABELS:
		buffer_put_cstr(buf, "{label.a: [");
		put_text(buf, string_sample(option, true), true);
		buffer_put_cstr(buf, ", other], label.b: one}");
		break;
	case OBI_TYPE_STRUCTS:
	case OBI_TYPE_MAP:
		if (yaml)
			put_row_sample(buf, option);
		else
			buffer_put_cstr(buf, "10.9.0.0/16,2001:db8::/32");
		break;
	default:
		put_text(buf, string_sample(option, true), yaml);
	}
}

/* `{a: {b: VALUE}}`, or without the outer braces. */
static void put_nested(struct buffer *buf, const struct obi_option *option, const char *value)
{
	size_t depth = obi_key_depth(option->key);

	for (size_t i = 0; i < depth; i++) {
		buffer_put_cstr(buf, i ? "{" : "");
		buffer_put_slice(buf, obi_key_part(option->key, i));
		buffer_put_cstr(buf, ": ");
	}
	if (value)
		buffer_put_cstr(buf, value);
	else
		put_sample(buf, option, true);
	for (size_t i = 1; i < depth; i++)
		buffer_put_char(buf, '}');
}

static void put_required(struct buffer *buf, const struct obi_group *groups,
			 const struct obi_option *but)
{
	for (; groups->options; groups++) {
		for (size_t i = 0; i < groups->options->count; i++) {
			const struct obi_option *option = &groups->options->rows[i];

			if (option == but || !(option->flags & OBI_OPTION_REQUIRED))
				continue;
			buffer_put_cstr(buf, ", ");
			put_nested(buf, option, NULL);
		}
	}
}

/* Filters know their attributes by name. */
static void put_entry_name(struct buffer *buf, const struct obi_option *option, size_t n)
{
	static const char *const spans[] = { "url.path",     "url.query",  "url.scheme",
					     "http.route",   "instance",   "server.port",
					     "service.name", "error.type", "server.address" };

	if (!strcmp(option->key, "filter.application"))
		buffer_printf(buf, "%s: ", spans[n % ARRAY_SIZE(spans)]);
	else if (!strcmp(option->key, "filter.network"))
		buffer_printf(buf, "%s: ", flow_attribute_names[n % FLOW_ATTRIBUTES]);
	else
		buffer_printf(buf, "entry%zu: ", n);
}

/* An element for each row that an element may have. */
static void put_row_sample(struct buffer *buf, const struct obi_option *option)
{
	bool map = option->type == OBI_TYPE_MAP;
	size_t count = 0;

	buffer_put_char(buf, map ? '{' : '[');
	for (const struct obi_group *g = option->element; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++, count++) {
			buffer_put_cstr(buf, count ? ", " : "");
			if (map)
				put_entry_name(buf, option, count);
			buffer_put_char(buf, '{');
			put_nested(buf, &g->options->rows[i], NULL);
			put_required(buf, option->element, &g->options->rows[i]);
			buffer_put_char(buf, '}');
		}
	}
	buffer_put_char(buf, map ? '}' : ']');
}

/* ---- Every row ---------------------------------------------------------------------------- */

/* The field as text, unmasked. */
static char *shown(const struct obi_option *option, const struct obi_group *group, size_t i,
		   struct run *r)
{
	struct obi_option open = *option;
	struct buffer buf = { 0 };

	open.flags &= ~(unsigned)OBI_OPTION_SECRET;
	obi_value_put(&buf, &open, obi_group_field(group, i, &r->settings), true);
	buffer_put_char(&buf, '\0');
	assert_false(buf.failed);
	return buf.data;
}

/* All fields of all rows but this and those that read its variable too, one a line. */
static char *all_but(const struct obi_option *but, struct run *r)
{
	struct buffer buf = { 0 };

	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			const struct obi_option *option = &g->options->rows[i];

			if (option == but ||
			    (option->aliases && but->env && strstr(option->aliases, but->env)))
				continue;
			obi_value_put(&buf, option, obi_group_field(g, i, &r->settings), true);
			buffer_put_char(&buf, '\n');
		}
	}
	buffer_put_char(&buf, '\0');
	return buf.data;
}

static const char *name_of(const struct obi_option *option)
{
	return option->key ? option->key : option->env;
}

/* Checks that r has the value that the sample says, and the defaults everywhere else. */
static void expect_landed(const struct obi_group *group, size_t i, struct run *r, const char *how,
			  char **ret_value)
{
	const struct obi_option *option = &group->options->rows[i];
	struct run *defaults = run("", NULL);
	char *before = shown(option, group, i, defaults), *after;
	char *others_before = all_but(option, defaults), *others_after;

	if (r->result != 0)
		fail_msg("%s by %s: %s", name_of(option), how, r->error.text);
	after = shown(option, group, i, r);
	others_after = all_but(option, r);
	if (strcmp(before, after) == 0)
		fail_msg("%s by %s: still %s", name_of(option), how, before);
	if (strcmp(others_before, others_after) != 0)
		fail_msg("%s by %s: another option changed too", name_of(option), how);
	free(before);
	free(others_before);
	free(others_after);
	end(defaults);
	*ret_value = after;
}

static char *terminated(struct buffer *buf)
{
	buffer_put_char(buf, '\0');
	return buf->data;
}

/* Sets the row by one variable and returns what landed. */
static char *set_by_variable(const struct obi_group *group, size_t i, struct slice variable)
{
	const struct obi_option *option = &group->options->rows[i];
	struct buffer assignment = { 0 };
	struct run *r;
	char *value;

	buffer_put_slice(&assignment, variable);
	buffer_put_char(&assignment, '=');
	put_sample(&assignment, option, false);
	r = run("", terminated(&assignment));
	expect_landed(group, i, r, assignment.data, &value);
	buffer_free(&assignment);
	end(r);
	return value;
}

static char *set_by_file(const struct obi_group *group, size_t i)
{
	const struct obi_option *option = &group->options->rows[i];
	struct buffer yaml = { 0 };
	struct run *r;
	char *value;

	put_nested(&yaml, option, NULL);
	r = run(terminated(&yaml), NULL);
	expect_landed(group, i, r, yaml.data, &value);
	buffer_free(&yaml);
	end(r);
	return value;
}

static void every_option_lands_from_file_and_environment(void **state)
{
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			const struct obi_option *option = &g->options->rows[i];
			char *file = option->key ? set_by_file(g, i) : NULL;
			char *variable =
				option->env ? set_by_variable(g, i, slice_cstr(option->env)) : NULL;

			assert_true(file || variable);
			/* The file's list of structs has more in it than a variable can say. */
			if (file && variable && !option->element)
				assert_string_equal(file, variable);
			free(file);
			free(variable);
		}
	}
}

/* An alias is shared by two rows where both have always read it, so only the row itself is
 * looked at. */
static void every_alias_lands(void **state)
{
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			const struct obi_option *option = &g->options->rows[i];
			struct slice names = slice_cstr(option->aliases);

			while (names.len) {
				ptrdiff_t comma = slice_find(names, ',');
				struct slice name =
					comma < 0 ? names : slice_first(names, (size_t)comma);
				struct buffer assignment = { 0 };
				struct run *defaults = run("", NULL), *r;
				char *before = shown(option, g, i, defaults), *after;

				buffer_put_slice(&assignment, name);
				buffer_put_char(&assignment, '=');
				put_sample(&assignment, option, false);
				r = run("", terminated(&assignment));
				assert_int_equal(r->result, 0);
				after = shown(option, g, i, r);
				assert_string_not_equal(before, after);
				names = slice_from(names, name.len + 1);
				buffer_free(&assignment);
				free(before);
				free(after);
				end(defaults);
				end(r);
			}
		}
	}
}

/* ---- Bad values ----------------------------------------------------------------------------- */

/* A value that no row of this type takes; NULL where a variable can hold anything. */
static const char *bad_sample(const struct obi_option *option)
{
	switch (option->type) {
	case OBI_TYPE_BOOL:
		return "maybe";
	case OBI_TYPE_INT:
	case OBI_TYPE_FLOAT:
		return "12monkeys";
	case OBI_TYPE_DURATION:
		return "10";
	case OBI_TYPE_CHOICE:
	case OBI_TYPE_FLAGS:
		return option->flags & OBI_OPTION_LENIENT ? NULL : "nosuchname";
	case OBI_TYPE_PORTS:
	case OBI_TYPE_PIDS:
		return "80a";
	case OBI_TYPE_FLOATS:
		return "2,1";
	case OBI_TYPE_CIDR:
	case OBI_TYPE_STRUCTS:
		return "10.0.0.0/99";
	case OBI_TYPE_MAP:
	case OBI_TYPE_LABELS:
		return "text";
	default:
		return string_sample(option, false);
	}
}

static void expect_refused(const struct obi_option *option, const char *yaml,
			   const char *assignment, const char *name)
{
	struct run *r = run(yaml, assignment);

	if (r->result != -EINVAL)
		fail_msg("%s takes %s%s", name, yaml, assignment ? assignment : "");
	if (!strstr(r->error.text, name) || !strstr(r->error.text, "expected"))
		fail_msg("%s: error is '%s'", name, r->error.text);
	if (!assignment && !strstr(r->error.text, "(t.yaml:1)"))
		fail_msg("%s: no place in '%s'", name, r->error.text);
	end(r);
}

static void refuse_by_file(const struct obi_option *option, const char *value)
{
	struct buffer yaml = { 0 };

	put_nested(&yaml, option, value);
	expect_refused(option, terminated(&yaml), NULL, option->key);
	buffer_free(&yaml);
}

static void refuse_by_variable(const struct obi_option *option, const char *value)
{
	struct buffer assignment = { 0 };

	buffer_printf(&assignment, "%s=%s", option->env, value);
	expect_refused(option, "", terminated(&assignment), option->env);
	buffer_free(&assignment);
}

static void every_option_refuses_bad_values_by_name(void **state)
{
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			const struct obi_option *option = &g->options->rows[i];
			const char *bad = bad_sample(option);
			struct buffer quoted = { 0 };

			if (bad && option->env)
				refuse_by_variable(option, bad);
			if (bad && option->key) {
				buffer_put_json_string(&quoted, slice_cstr(bad));
				refuse_by_file(option, terminated(&quoted));
				buffer_free(&quoted);
			}
			/* No type is both a list of lists and anything else. */
			if (option->key)
				refuse_by_file(option, "[[x]]");
		}
	}
}

static void every_bound_holds(void **state)
{
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			const struct obi_option *option = &g->options->rows[i];
			struct buffer text = { 0 };

			if (option->type != OBI_TYPE_INT || !option->key ||
			    (option->min == 0 && option->max == 0))
				continue;
			if (option->max < 1e15) {
				buffer_put_i64(&text, (int64_t)option->max + 1);
				refuse_by_file(option, terminated(&text));
			}
			text.len = 0;
			buffer_put_i64(&text, (int64_t)option->min - 1);
			refuse_by_file(option, terminated(&text));
			buffer_free(&text);
		}
	}
}

/* ---- The table ----------------------------------------------------------------------------- */

static void no_two_options_share_a_path_or_a_variable(void **state)
{
	struct obi_rows rows;

	assert_int_equal(obi_rows_collect(obi_settings_groups, NULL, NULL, &rows), 0);
	assert_true(rows.count < ROWS_MAX);
	for (size_t i = 0; i < rows.count; i++) {
		const struct obi_option *a = rows.rows[i].option;

		for (size_t j = i + 1; j < rows.count; j++) {
			const struct obi_option *b = rows.rows[j].option;

			if (a->key && b->key && strcmp(a->key, b->key) == 0)
				fail_msg("two rows have the path %s", a->key);
			if (a->env && b->env && strcmp(a->env, b->env) == 0)
				fail_msg("two rows have the variable %s", a->env);
			/* A path is either a value or a map. */
			if (a->key && b->key && strncmp(a->key, b->key, strlen(a->key)) == 0 &&
			    b->key[strlen(a->key)] == '.')
				fail_msg("%s lies in the value of %s", b->key, a->key);
		}
	}
	free(rows.rows);
}

static void check_row(const struct obi_option *option, unsigned depth)
{
	bool named = option->type == OBI_TYPE_CHOICE || option->type == OBI_TYPE_FLAGS;
	bool structured = option->type == OBI_TYPE_STRUCTS || option->type == OBI_TYPE_MAP;

	assert_true(option->key || option->env);
	if (!option->help || strlen(option->help) < 4 ||
	    option->help[strlen(option->help) - 1] == '.' || strchr(option->help, '\n'))
		fail_msg("%s has no one line of help without full stop", name_of(option));
	assert_int_equal(named, option->names != NULL);
	assert_int_equal(structured, option->element != NULL);
	assert_int_equal(structured, option->element_size != 0);
	assert_true(depth < 8);
	for (const struct obi_group *g = option->element; g && g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			assert_null(g->options->rows[i].env);
			check_row(&g->options->rows[i], depth + 1);
		}
	}
}

static void every_row_has_help_and_what_its_type_needs(void **state)
{
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		assert_non_null(g->options->title);
		for (size_t i = 0; i < g->options->count; i++)
			check_row(&g->options->rows[i], 0);
	}
}

/* These numbers may only become smaller: an option leaves the list when its feature comes. */
static void the_list_of_what_is_missing_only_shrinks(void **state)
{
	assert_true(obi_later_option_rows.count <= 146);
	assert_true(obi_later_criteria_rows.count <= 14);
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			bool later = g->options->rows[i].flags & OBI_OPTION_UNIMPLEMENTED;

			assert_int_equal(later, g->options == &obi_later_option_rows);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_lands_from_file_and_environment),
		cmocka_unit_test(every_alias_lands),
		cmocka_unit_test(every_option_refuses_bad_values_by_name),
		cmocka_unit_test(every_bound_holds),
		cmocka_unit_test(no_two_options_share_a_path_or_a_variable),
		cmocka_unit_test(every_row_has_help_and_what_its_type_needs),
		cmocka_unit_test(the_list_of_what_is_missing_only_shrinks),
	};

	return cmocka_run_group_tests_name("settings/rows", tests, NULL, NULL);
}
