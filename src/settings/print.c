// SPDX-License-Identifier: Apache-2.0
/* The printers of the config room, over the rows of the whole. */
#include "config/print.h"

#include "settings/settings.h"

void obi_settings_print_yaml(const struct obi_settings *settings, struct buffer *buf)
{
	obi_print_yaml(buf, obi_settings_groups, settings, settings->origins, settings->file);
}

void obi_settings_print_json(const struct obi_settings *settings, struct buffer *buf)
{
	obi_print_json(buf, obi_settings_groups, settings);
}

void obi_settings_print_help(struct buffer *buf)
{
	obi_print_help(buf, obi_settings_groups);
}

void obi_settings_print_schema(struct buffer *buf)
{
	obi_print_schema(buf, obi_settings_groups);
}

void obi_settings_print_markdown(struct buffer *buf)
{
	obi_print_markdown(buf, obi_settings_groups);
}
