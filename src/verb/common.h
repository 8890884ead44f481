/* SPDX-License-Identifier: Apache-2.0 */
/* What several verbs do alike. */
#ifndef OBI_VERB_COMMON_H
#define OBI_VERB_COMMON_H

#include "settings/role.h"

/* Reads the one option of most verbs, --config FILE (or -config, or =FILE). Returns 0, or -EINVAL
 * after naming on standard error what is not understood. Not given, *ret_path is NULL. */
int verb_parse_config_path(int argc, char **argv, const char **ret_path);

/* Applies log_level and log_format. */
void verb_apply_log(const struct obi_settings *settings);

/* The start of a process that the broker started: ignores the signals of a terminal, since the
 * broker decides when to end, and loads the configuration that it gave. 0, or the exit status, with
 * the reason said. */
int verb_begin_child(int argc, char **argv, enum obi_role role, struct obi_settings *ret_settings);

/* Logs the warnings that loading gathered. */
void verb_log_warnings(const struct obi_settings *settings);

#endif
