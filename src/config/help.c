// SPDX-License-Identifier: Apache-2.0
/* The rows for people: --help on a terminal, and the docs page. */
#include <stdlib.h>

#include "config/print.h"
#include "config/value.h"

/* Longest default that --help repeats. */
#define DEFAULT_SHOWN 60

/* Tables of entries that one docs page may have. */
#define ELEMENTS_MAX 32

/* ---- Terminal -------------------------------------------------------------------- */

static void put_help_names(struct buffer *buf, const struct obi_option *option)
{
	buffer_put_cstr(buf, "  ");
	if (option->env)
		buffer_put_cstr(buf, option->env);
	if (option->env && option->key)
		buffer_put_cstr(buf, ", ");
	if (option->key)
		buffer_put_cstr(buf, option->key);
	buffer_put_cstr(buf, " (");
	obi_value_put_type(buf, option);
	buffer_put_cstr(buf, ")\n");
}

static void put_help_row(struct buffer *buf, const struct obi_option *option)
{
	put_help_names(buf, option);
	buffer_printf(buf, "      %s", option->help);
	if (option->flags & OBI_OPTION_DEPRECATED)
		buffer_put_cstr(buf, "; deprecated");
	if (option->fallback && *option->fallback && strlen(option->fallback) <= DEFAULT_SHOWN)
		buffer_printf(buf, " [%s]", option->fallback);
	buffer_put_char(buf, '\n');
}

/* Does the group go on under the heading of the one before? */
static bool goes_on(const struct obi_group *groups, const struct obi_group *group)
{
	return group > groups && group->options &&
	       strcmp(group[-1].options->title, group->options->title) == 0;
}

void obi_print_help(struct buffer *buf, const struct obi_group *groups)
{
	bool titled = false;
	size_t later = 0;

	for (const struct obi_group *group = groups; group->options; group++) {
		titled = titled && goes_on(groups, group);
		for (size_t i = 0; i < group->options->count; i++) {
			const struct obi_option *option = &group->options->rows[i];

			if (option->flags & OBI_OPTION_UNIMPLEMENTED) {
				later++;
				continue;
			}
			if (!titled)
				buffer_printf(buf, "%s\n", group->options->title);
			titled = true;
			put_help_row(buf, option);
		}
		if (titled && !goes_on(groups, group + 1))
			buffer_put_char(buf, '\n');
	}
	buffer_printf(buf,
		      "%zu further options are accepted but do nothing yet; "
		      "`obi config --markdown` lists all.\n",
		      later);
}

/* ---- Docs page ------------------------------------------------------------------- */

/* Text in a table's cell. */
static void put_cell(struct buffer *buf, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			buffer_put_char(buf, '\\');
		buffer_put_char(buf, *text);
	}
}

static void put_code_cell(struct buffer *buf, const char *text)
{
	if (!text || !*text) {
		buffer_put_cstr(buf, "—");
		return;
	}
	buffer_put_char(buf, '`');
	put_cell(buf, text);
	buffer_put_char(buf, '`');
}

static void put_variables(struct buffer *buf, const struct obi_option *option)
{
	struct slice names = slice_cstr(option->aliases);

	put_code_cell(buf, option->env);
	while (names.len) {
		ptrdiff_t comma = slice_find(names, ',');
		struct slice name = comma < 0 ? names : slice_first(names, (size_t)comma);

		buffer_put_cstr(buf, ", else `");
		buffer_put_slice(buf, name);
		buffer_put_char(buf, '`');
		names = slice_from(names, name.len + 1);
	}
}

static void put_type_cell(struct buffer *buf, const struct obi_option *option)
{
	struct buffer type = { 0 };

	obi_value_put_type(&type, option);
	buffer_put_char(&type, '\0');
	put_cell(buf, type.failed ? "" : type.data);
	buffer_free(&type);
}

static void put_table_row(struct buffer *buf, const struct obi_option *option, bool variables)
{
	buffer_put_cstr(buf, "| ");
	put_code_cell(buf, option->key);
	if (variables) {
		buffer_put_cstr(buf, " | ");
		put_variables(buf, option);
	}
	buffer_put_cstr(buf, " | ");
	put_type_cell(buf, option);
	buffer_put_cstr(buf, " | ");
	put_code_cell(buf, option->fallback);
	buffer_put_cstr(buf, " | ");
	put_cell(buf, option->help);
	if (option->flags & OBI_OPTION_DEPRECATED)
		buffer_put_cstr(buf, " (deprecated)");
	if (option->flags & OBI_OPTION_REQUIRED)
		buffer_put_cstr(buf, " (required)");
	buffer_put_cstr(buf, " |\n");
}

static void put_table_head(struct buffer *buf, bool variables)
{
	if (variables)
		buffer_put_cstr(buf, "| YAML | Environment | Type | Default | Meaning |\n"
				     "|---|---|---|---|---|\n");
	else
		buffer_put_cstr(buf, "| YAML | Type | Default | Meaning |\n|---|---|---|---|\n");
}

static void put_table_rows(struct buffer *buf, const struct obi_options *options, bool variables)
{
	for (size_t i = 0; i < options->count; i++)
		put_table_row(buf, &options->rows[i], variables);
}

/* Tables of entries, each once however many options hold such entries. */
struct elements {
	const struct obi_group *done[ELEMENTS_MAX];
	size_t count;
};

static void put_elements(struct buffer *buf, const struct obi_options *options,
			 struct elements *elements);

static void put_element(struct buffer *buf, const struct obi_option *option,
			struct elements *elements)
{
	for (size_t i = 0; i < elements->count; i++) {
		if (elements->done[i] == option->element)
			return;
	}
	if (elements->count == ELEMENTS_MAX)
		return;
	elements->done[elements->count++] = option->element;
	for (const struct obi_group *group = option->element; group->options; group++) {
		buffer_printf(buf, "### %s: entries of `%s`\n\n", group->options->title,
			      option->key);
		put_table_head(buf, false);
		put_table_rows(buf, group->options, false);
		buffer_put_char(buf, '\n');
	}
	for (const struct obi_group *group = option->element; group->options; group++)
		put_elements(buf, group->options, elements);
}

static void put_elements(struct buffer *buf, const struct obi_options *options,
			 struct elements *elements)
{
	for (size_t i = 0; i < options->count; i++) {
		if (options->rows[i].element)
			put_element(buf, &options->rows[i], elements);
	}
}

static const char intro[] =
	"# Configuration\n\n"
	"<!-- Made by `obi config --markdown`; change the rows in src/, not this file. -->\n\n"
	"Built-in defaults are overridden by the YAML file, and that by the environment. The file "
	"is given by `--config` or `OTEL_EBPF_CONFIG_PATH`, which wins. `obi config` prints the "
	"result with the origin of every value; `obi config --schema` prints a JSON Schema for "
	"editors.\n\n"
	"- An empty variable is as good as none.\n"
	"- `${VAR}`, `${env:VAR}`, `${VAR:-default}` and the same with parentheses are replaced in "
	"the file before it is read; `$${VAR}` stands for the text `${VAR}`.\n"
	"- A list is a YAML list, or one text with commas; in the environment always the latter. A "
	"list replaces the default, an empty one too.\n"
	"- A duration needs units: `500ms`, `10s`, `1h30m`.\n"
	"- In globs `*` also matches `/`; `?`, `[a-z]`, `[!a]`, `{a,b}` and `\\` work as usual, "
	"and "
	"the whole text must match.\n"
	"- A bad value ends the start with a message that names the option, the value and what is "
	"allowed. An unknown key, a deprecated option and one that is not implemented yet are "
	"warned of.\n\n";

void obi_print_markdown(struct buffer *buf, const struct obi_group *groups)
{
	const struct obi_group *first = groups; /* under the heading */
	struct elements elements = { 0 };

	buffer_put_cstr(buf, intro);
	for (const struct obi_group *group = groups; group->options; group++) {
		if (!goes_on(groups, group)) {
			buffer_printf(buf, "## %s\n\n", group->options->title);
			put_table_head(buf, true);
			first = group;
		}
		put_table_rows(buf, group->options, true);
		if (goes_on(groups, group + 1))
			continue;
		buffer_put_char(buf, '\n');
		for (; first <= group; first++)
			put_elements(buf, first->options, &elements);
	}
	while (buf->len > 1 && buf->data[buf->len - 2] == '\n')
		buf->len--;
}
