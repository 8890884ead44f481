/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route patterns that the operator wrote. A segment of a pattern is
 *   :name or {name}   any one segment
 *   @:name            one that begins with the marks before the colon
 *   *                 as the last: this place and everything beneath
 *   anything else     itself
 */
#ifndef OBI_PIPELINE_PATTERN_H
#define OBI_PIPELINE_PATTERN_H

#include "config/option.h"
#include "base/slice.h"

struct patterns;

/* The list's strings must outlive the result. 0, or -ENOMEM. */
int patterns_new(const struct obi_list *list, struct patterns **ret_patterns);
void patterns_free(struct patterns *patterns);

/* The pattern that path matches, as written, or NULL. Empty segments do not count, so a
 * trailing slash makes no difference. At each segment a literal wins, for good: only a `*` above
 * can still catch what fails beneath it. Placeholders are tried in the order of the list. */
const char *patterns_find(const struct patterns *patterns, struct slice path);

#endif
