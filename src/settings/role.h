/* SPDX-License-Identifier: Apache-2.0 */
/* What each child is given of environment and configuration: what it uses, by the options' tables.
 */
#ifndef OBI_SETTINGS_ROLE_H
#define OBI_SETTINGS_ROLE_H

#include "settings/settings.h"

enum obi_role {
	OBI_ROLE_WORKER,
	OBI_ROLE_SENDER,
};

/* Those variables of env that the role needs, which stay where they are; the array, ending with
 * NULL, is the caller's to free. NULL where there is no memory. */
char **obi_role_environment(enum obi_role role, char *const *env);

/* Sealed memory with the text of the file, which is then wiped from the settings; -1 where there
 * was no file, or a negative errno. */
int obi_role_text(struct obi_settings *settings);

/* Wipes what the role has no use for. */
void obi_role_scrub(enum obi_role role, struct obi_settings *settings);

#endif
