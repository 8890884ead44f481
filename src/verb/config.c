// SPDX-License-Identifier: Apache-2.0
/*
 * obi config: the merged configuration as YAML on standard output, each value with
 * its origin; everything else on standard error, so that the output can be used.
 *   --json      the same as JSON, without origins
 *   --schema    JSON Schema of the YAML file
 *   --markdown  the docs page of all options
 *   --spans     the docs page of what spans carry
 *   --metrics   the docs page of all metrics
 * Exit status 0; 1 where the agent would refuse to run with it; 255 where it
 * cannot be read.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "metrics/families/catalog.h"
#include "otlp/spans.h"
#include "settings/settings.h"
#include "verb/common.h"
#include "verb/verb.h"

#define EXIT_REFUSED 1

/* Writes what is in the buffer and frees it. */
static int put_out(struct buffer *buf, int status)
{
	if (buf->failed || fwrite(buf->data, 1, buf->len, stdout) != buf->len ||
	    fflush(stdout) != 0) {
		(void)fputs("obi: cannot write the configuration\n", stderr);
		status = OBI_EXIT_CANNOT_START;
	}
	buffer_free(buf);
	return status;
}

static void put_warnings(const struct obi_settings *settings)
{
	for (const struct obi_warning *w = settings->warnings.first; w; w = w->next)
		(void)fprintf(stderr, "obi: %s: %s (%s)\n", w->option, w->text, w->source);
	if (settings->warnings.dropped)
		(void)fprintf(stderr, "obi: %zu more warnings\n", settings->warnings.dropped);
}

static int print_settings(const char *path, bool json)
{
	struct obi_error error = { "" };
	struct obi_settings settings;
	struct buffer out = { 0 };
	int status = 0;

	if (obi_settings_load(path, environ, &settings, &error) < 0) {
		(void)fprintf(stderr, "obi: wrong configuration: %s\n", error.text);
		return OBI_EXIT_CANNOT_START;
	}
	put_warnings(&settings);
	if (obi_settings_validate(&settings, &error) < 0) {
		(void)fprintf(stderr, "obi: the agent would not run with this: %s\n", error.text);
		status = EXIT_REFUSED;
	}
	if (json)
		obi_settings_print_json(&settings, &out);
	else
		obi_settings_print_yaml(&settings, &out);
	obi_settings_free(&settings);
	return put_out(&out, status);
}

int verb_config(int argc, char **argv)
{
	void (*print)(struct buffer * buf) = NULL;
	const char *path = NULL;
	struct buffer out = { 0 };
	bool json = false;
	int kept = 1;

	/* Takes its own words out; the rest are those of all verbs. */
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--schema") == 0)
			print = obi_settings_print_schema;
		else if (strcmp(argv[i], "--markdown") == 0)
			print = obi_settings_print_markdown;
		else if (strcmp(argv[i], "--spans") == 0)
			print = otlp_spans_put_markdown;
		else if (strcmp(argv[i], "--metrics") == 0)
			print = metric_catalog_put_markdown;
		else if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			argv[kept++] = argv[i];
	}
	if (verb_parse_config_path(kept, argv, &path) < 0)
		return OBI_EXIT_USAGE;
	if (!print)
		return print_settings(path, json);
	print(&out);
	return put_out(&out, 0);
}
