/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the printers: the rows of all groups in the order of their paths, so that rows of
 * one map stand together whoever owns them. */
#ifndef OBI_CONFIG_ROWS_H
#define OBI_CONFIG_ROWS_H

#include "base/slice.h"
#include "config/load.h"
#include "config/option.h"

struct obi_row {
	const struct obi_option *option;
	const void *field;               /* NULL where no struct was given */
	const struct obi_origin *origin; /* NULL likewise */
};

struct obi_rows {
	struct obi_row *rows;
	size_t count;
	size_t keyed; /* so many have a path; those without follow, by variable */
};

/* base and origins may be NULL. -ENOMEM. Free ret_rows->rows with free(). */
int obi_rows_collect(const struct obi_group *groups, const void *base,
		     const struct obi_origin *origins, struct obi_rows *ret_rows);

/* How many leading parts of their paths the two keys share, the last part never counted. */
size_t obi_key_shared(const char *a, const char *b);

/* Parts of a path. */
size_t obi_key_depth(const char *key);

/* Part number i of a path. */
struct slice obi_key_part(const char *key, size_t i);

#endif
