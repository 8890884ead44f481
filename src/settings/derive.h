/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the settings room: what follows from the values that were read. */
#ifndef OBI_SETTINGS_DERIVE_H
#define OBI_SETTINGS_DERIVE_H

#include "config/load.h"
#include "settings/settings.h"

/* Fills in the fields that the owners' headers call derived, resolves deprecated options into
 * those that replaced them, and warns of values that do nothing yet. -EINVAL and -ENOMEM with the
 * error's text. */
int obi_settings_derive(struct obi_settings *settings, const struct obi_load *load);

#endif
