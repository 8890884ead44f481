/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of Prometheus from a configuration, and what they show. */
#ifndef OBI_TESTS_FAMILIES_FIXTURE_H
#define OBI_TESTS_FAMILIES_FIXTURE_H

#include <string.h>

#include "metrics/families/families.h"
#include "settings/settings.h"

struct fixture {
	struct obi_settings settings;
	struct families *families;
	struct buffer text;
};

static inline void begin(struct fixture *fixture, const char *yaml)
{
	char *env[] = { NULL };
	struct obi_error error;

	memset(fixture, 0, sizeof(*fixture));
	if (obi_settings_load_text("test", slice_cstr(yaml), env, &fixture->settings, &error) != 0)
		fail_msg("settings do not load");
	assert_int_equal(families_new(&fixture->settings, &fixture->families), 0);
}

static inline const char *text_of(struct fixture *fixture)
{
	fixture->text.len = 0;
	families_put_text(fixture->families, &fixture->text);
	buffer_put_char(&fixture->text, '\0');
	return fixture->text.data;
}

static inline void end(struct fixture *fixture)
{
	buffer_free(&fixture->text);
	families_free(fixture->families);
	obi_settings_free(&fixture->settings);
}

static inline void has(struct fixture *fixture, const char *line)
{
	const char *text = text_of(fixture);

	if (!strstr(text, line))
		fail_msg("no %s\nin:\n%s", line, text);
}

static inline void has_not(struct fixture *fixture, const char *part)
{
	const char *text = text_of(fixture);

	if (strstr(text, part))
		fail_msg("%s\nin:\n%s", part, text);
}

#endif
