/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rows give besides parsing: dumps of a configuration, help, JSON Schema and
 * the docs page. All write into a buffer, whose `failed` says whether memory ran
 * out.
 */
#ifndef OBI_CONFIG_PRINT_H
#define OBI_CONFIG_PRINT_H

#include "base/buffer.h"
#include "config/load.h"
#include "config/option.h"

/* The configuration as YAML that loads as the same (secrets are ***); behind each value where it
 * came from. Options without a YAML path follow as comments. file: name for origins. */
void obi_print_yaml(struct buffer *buf, const struct obi_group *groups, const void *base,
		    const struct obi_origin *origins, const char *file);

/* The same as JSON, without origins; options without a path stand under "environment". */
void obi_print_json(struct buffer *buf, const struct obi_group *groups, const void *base);

/* Options by group: variable, path, type, default, help. Those that are not implemented yet are
 * only counted. */
void obi_print_help(struct buffer *buf, const struct obi_group *groups);

/* JSON Schema, draft 2020-12, of the YAML file. */
void obi_print_schema(struct buffer *buf, const struct obi_group *groups);

/* A table a group, and one for the entries of each list of maps. */
void obi_print_markdown(struct buffer *buf, const struct obi_group *groups);

#endif
