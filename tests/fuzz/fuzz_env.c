// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as the environment: variables are separated by NUL bytes. The first
 * byte picks an option whose variable gets the first value, so that the fuzzer
 * need not guess 200 names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings/settings.h"

#define VARIABLES_MAX 16

/* The variable of the row with this number, counted around. */
static const char *variable(size_t number)
{
	size_t count = obi_groups_count(obi_settings_groups), i = 0;

	number %= count;
	for (const struct obi_group *g = obi_settings_groups; g->options; g++) {
		for (size_t r = 0; r < g->options->count; r++, i++) {
			if (i >= number && g->options->rows[r].env)
				return g->options->rows[r].env;
		}
	}
	return "OTEL_EBPF_OPEN_PORT";
}

static char *assign(const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		abort();
	return text;
}

static void load(char **env)
{
	struct obi_settings settings;
	struct obi_error error = { "" };

	if (obi_settings_load_text("fuzz", slice_cstr("open_port: ${VAR:-80}\n"), env, &settings,
				   &error) != 0) {
		if (!error.text[0])
			abort();
		return;
	}
	(void)obi_settings_validate(&settings, &error);
	obi_settings_free(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *env[VARIABLES_MAX + 1] = { NULL };
	char *copy, *at, *end;
	size_t count = 0;

	if (size < 2)
		return 0;
	copy = malloc(size + 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	copy[size] = '\0';
	at = copy + 2;
	end = copy + size;
	env[count++] = assign(variable(data[0] | (size_t)data[1] << 8), at);
	for (at += strlen(at) + 1; at < end && count < VARIABLES_MAX; at += strlen(at) + 1)
		env[count++] = at;
	load(env);
	free(env[0]);
	free(copy);
	return 0;
}
