/* SPDX-License-Identifier: Apache-2.0 */
/* Environment variables: looking them up, and ${VAR} in a text. */
#ifndef OBI_CONFIG_ENVIRONMENT_H
#define OBI_CONFIG_ENVIRONMENT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/slice.h"

/* The value of a variable, NULL where unset or empty: both mean "not given". env may be
 * NULL. The result points into env. */
const char *obi_environment_get(char *const *env, struct slice name);

/* Writes text with every ${VAR} replaced, also in comments and in the middle of words:
 *   ${VAR} ${env:VAR}                  value, or nothing
 *   ${VAR:-default} ${env:VAR:-default} default where unset or empty
 *   $(VAR) and its variants            the same
 *   $${VAR}                            the text ${VAR}
 * What does not have this form stays as it is. Values are not replaced again. 0, or -EFBIG where
 * the result would have more than limit bytes (it is then cut off somewhere). */
int obi_environment_replace(char *const *env, struct slice text, size_t limit, struct buffer *buf);

/* Does text have a reference to the variable? */
bool obi_environment_refers(struct slice text, struct slice name);

#endif
