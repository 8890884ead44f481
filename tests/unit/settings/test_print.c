// SPDX-License-Identifier: Apache-2.0
/* What is made from the rows: dumps, help, schema, docs page. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "settings/settings.h"

#define EXAMPLE "tests/data/config/example.yaml"
#define INVALID "tests/data/config/invalid.yaml"
#define ENV(...) ((char *[]){ __VA_ARGS__, NULL })

static struct obi_error error;

static struct obi_settings load_example(char **env)
{
	struct obi_settings settings;

	if (obi_settings_load(EXAMPLE, env, &settings, &error) != 0)
		fail_msg("%s", error.text);
	return settings;
}

static char *printed(void (*print)(const struct obi_settings *, struct buffer *),
		     const struct obi_settings *settings)
{
	struct buffer buf = { 0 };

	print(settings, &buf);
	buffer_put_char(&buf, '\0');
	assert_false(buf.failed);
	return buf.data;
}

/* Without comments, which say other origins the second time. */
static void cut_comments(char *text)
{
	char *to = text;

	for (char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		char *comment = strstr(line, " # ");
		size_t kept = comment && comment < line + len ? (size_t)(comment - line) : len;

		if (*line == '#')
			kept = 0;
		while (kept && line[kept - 1] == ' ')
			kept--;
		memmove(to, line, kept);
		to += kept;
		*to++ = '\n';
		line += len + (line[len] == '\n');
	}
	*to = '\0';
}

static void a_dump_reads_back_as_the_same(void **state)
{
	struct obi_settings first = load_example(ENV("PORT=9400", "OTEL_EBPF_OPEN_PORT=1,5-7")),
			    second;
	char *before = printed(obi_settings_print_yaml, &first);
	char *after;

	if (obi_settings_load_text("dump", slice_cstr(before), NULL, &second, &error) != 0)
		fail_msg("%s", error.text);
	after = printed(obi_settings_print_yaml, &second);
	cut_comments(before);
	cut_comments(after);
	assert_string_equal(before, after);
	assert_true(strlen(before) > 5000);
	free(before);
	free(after);
	obi_settings_free(&first);
	obi_settings_free(&second);
}

static void expect_line(const char *dump, const char *want)
{
	/* Blanks between value and origin do not matter. */
	const char *origin = strstr(want, " # ");

	for (const char *at = dump; (at = strchr(at, '\n')); at++) {
		const char *line = at + 1 + strspn(at + 1, " ");
		const char *rest = line + (origin - want);

		if (strncmp(line, want, (size_t)(origin - want)) != 0)
			continue;
		rest += strspn(rest, " ");
		if (strstr(rest, origin + 1) == rest)
			return;
	}
	fail_msg("no line '%s' in:\n%s", want, dump);
}

static void a_dump_says_where_values_came_from(void **state)
{
	struct obi_settings s =
		load_example(ENV("PORT=9400", "OTEL_EBPF_NETWORK_SAMPLING=3",
				 "OTEL_EBPF_SERVICE_NAME=x", "OTEL_EBPF_AUTO_TARGET_EXE=*"));
	char *dump = printed(obi_settings_print_yaml, &s);

	expect_line(dump, "log_level: DEBUG # " EXAMPLE ":2");
	expect_line(dump, "port: 9400 # " EXAMPLE ":20");
	expect_line(dump, "sampling: 3 # environment OTEL_EBPF_NETWORK_SAMPLING");
	expect_line(dump, "service_name: x # environment OTEL_EBPF_SERVICE_NAME");
	expect_line(dump, "log_format: text # default");
	expect_line(dump, "# OTEL_EBPF_CONFIG_PATH: " EXAMPLE " # command line");
	expect_line(dump, "# OTEL_EBPF_AUTO_TARGET_EXE: \"*\" # environment");
	free(dump);
	obi_settings_free(&s);
}

static void dumps_hold_no_secret(void **state)
{
	struct obi_settings s =
		load_example(ENV("OTEL_EXPORTER_OTLP_ENDPOINT=http://hunter2@c:4318",
				 "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://hunter2",
				 "OTEL_EXPORTER_OTLP_HEADERS=key=hunter2"));
	char *yaml = printed(obi_settings_print_yaml, &s);
	char *json = printed(obi_settings_print_json, &s);

	assert_null(strstr(yaml, "hunter2"));
	assert_null(strstr(json, "hunter2"));
	expect_line(yaml, "endpoint: \"***\" # environment OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	free(yaml);
	free(json);
	obi_settings_free(&s);
}

static void the_json_dump_is_json(void **state)
{
	struct obi_settings s = load_example(ENV("PORT=9400"));
	char *text = printed(obi_settings_print_json, &s);
	json_error_t fault;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
	json_t *export = json_object_get(json, "prometheus_export");
	json_t *instrument = json_object_get(json_object_get(json, "discovery"), "instrument");

	if (!json)
		fail_msg("line %d: %s", fault.line, fault.text);
	assert_int_equal(json_integer_value(json_object_get(export, "port")), 9400);
	assert_int_equal(json_array_size(instrument), 2);
	assert_string_equal(json_string_value(json_object_get(json, "shutdown_timeout")), "5s");
	assert_non_null(
		json_object_get(json_object_get(json, "environment"), "OTEL_EBPF_AUTO_TARGET_EXE"));
	json_decref(json);
	free(text);
	obi_settings_free(&s);
}

static void help_names_every_option_that_works(void **state)
{
	struct buffer help = { 0 };

	obi_settings_print_help(&help);
	buffer_put_char(&help, '\0');
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t i = 0; i < g->options->count; i++) {
			const struct obi_option *option = &g->options->rows[i];
			const char *name = option->env ? option->env : option->key;

			if (name && !(option->flags & OBI_OPTION_UNIMPLEMENTED) &&
			    !strstr(help.data, name))
				fail_msg("%s is not in the help", name);
		}
	}
	buffer_free(&help);
}

/* ---- Files made from the rows --------------------------------------------------------------- */

static void expect_file(const char *path, void (*print)(struct buffer *), const char *command)
{
	struct buffer want = { 0 };
	FILE *file = fopen(path, "re");
	char *got;
	size_t len;

	print(&want);
	assert_false(want.failed);
	assert_non_null(file);
	got = calloc(1, want.len + 2);
	len = fread(got, 1, want.len + 1, file);
	(void)fclose(file);
	if (len != want.len || memcmp(got, want.data, len) != 0)
		fail_msg("%s is out of date: %s >%s", path, command, path);
	free(got);
	buffer_free(&want);
}

static void the_docs_page_is_up_to_date(void **state)
{
	expect_file("docs/configuration.md", obi_settings_print_markdown,
		    "bin/obi config --markdown");
}

static void the_schema_is_up_to_date(void **state)
{
	expect_file("docs/config.schema.json", obi_settings_print_schema,
		    "bin/obi config --schema");
}

/* The status of the check; skips where it cannot be made. */
static int schema_status(const char *valid)
{
	char command[256];
	int status;

	(void)snprintf(
		command, sizeof(command),
		"python3 tests/data/config/check_schema.py docs/config.schema.json %s " INVALID,
		valid);
	(void)fflush(stdout);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_schema(int status)
{
	if (status == 77 || status == 127) {
		print_message("skipped: python3 with jsonschema and yaml is needed\n");
		skip(); /* does not return: nothing may be held */
	}
	assert_int_equal(status, 0);
}

static void the_schema_tells_good_files_from_bad_ones(void **state)
{
	expect_schema(schema_status(EXAMPLE));
}

static void the_schema_accepts_every_dump(void **state)
{
	struct obi_settings s = load_example(ENV("PORT=9400"));
	char *dump = printed(obi_settings_print_yaml, &s);
	char path[] = "/tmp/obi-dump-XXXXXX";
	int fd = mkstemp(path), status;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, dump, strlen(dump)), strlen(dump));
	(void)close(fd);
	status = schema_status(path);
	(void)unlink(path);
	free(dump);
	obi_settings_free(&s);
	expect_schema(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_reads_back_as_the_same),
		cmocka_unit_test(a_dump_says_where_values_came_from),
		cmocka_unit_test(dumps_hold_no_secret),
		cmocka_unit_test(the_json_dump_is_json),
		cmocka_unit_test(help_names_every_option_that_works),
		cmocka_unit_test(the_docs_page_is_up_to_date),
		cmocka_unit_test(the_schema_is_up_to_date),
		cmocka_unit_test(the_schema_tells_good_files_from_bad_ones),
		cmocka_unit_test(the_schema_accepts_every_dump),
	};

	return cmocka_run_group_tests_name("settings/print", tests, NULL, NULL);
}
