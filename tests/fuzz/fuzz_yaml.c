// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as a configuration file. What loads must also print, as YAML that loads
 * again and as JSON; what does not must say why.
 */
#include <stdlib.h>

#include "settings/settings.h"

static void load_again(const struct buffer *dump)
{
	struct obi_settings settings;
	struct obi_error error = { "" };

	if (dump->failed || dump->len > (1u << 20))
		return;
	if (obi_settings_load_text("dump", slice_of(dump->data, dump->len), NULL, &settings,
				   &error) != 0)
		abort();
	obi_settings_free(&settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *env[] = { "VAR=value", "PORT=8080", "LIST=a,b", NULL };
	struct obi_settings settings;
	struct obi_error error = { "" };
	struct buffer yaml = { 0 }, json = { 0 };

	if (obi_settings_load_text("fuzz.yaml", slice_of(data, size), env, &settings, &error) !=
	    0) {
		if (!error.text[0])
			abort();
		return 0;
	}
	(void)obi_settings_validate(&settings, &error);
	obi_settings_print_yaml(&settings, &yaml);
	obi_settings_print_json(&settings, &json);
	load_again(&yaml);
	buffer_free(&yaml);
	buffer_free(&json);
	obi_settings_free(&settings);
	return 0;
}
