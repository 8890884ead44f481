/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration from text, and what it was warned of. */
#ifndef OBI_TESTS_LOADED_H
#define OBI_TESTS_LOADED_H

#include <string.h>

#include "settings/settings.h"

static struct obi_error error;

static inline struct obi_settings load(const char *yaml, char **env)
{
	struct obi_settings settings;

	if (obi_settings_load_text("t.yaml", slice_cstr(yaml), env, &settings, &error) != 0)
		fail_msg("%s", error.text);
	return settings;
}

#define ENV(...) ((char *[]){ __VA_ARGS__, NULL })

static inline bool warned(const struct obi_settings *settings, const char *text, const char *option,
			  const char *source)
{
	for (const struct obi_warning *w = settings->warnings.first; w; w = w->next) {
		if (strstr(w->text, text) && strcmp(w->option, option) == 0 &&
		    strcmp(w->source, source) == 0)
			return true;
	}
	return false;
}

#endif
