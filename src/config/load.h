/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills structs from rows: defaults, then a YAML tree over them, then the
 * environment. Each layer leaves alone what it does not give.
 */
#ifndef OBI_CONFIG_LOAD_H
#define OBI_CONFIG_LOAD_H

#include "config/arena.h"
#include "config/error.h"
#include "config/node.h"
#include "config/option.h"
#include "config/warning.h"

enum obi_origin_kind {
	OBI_ORIGIN_DEFAULT,
	OBI_ORIGIN_FILE,
	OBI_ORIGIN_ENVIRONMENT,
	OBI_ORIGIN_COMMAND_LINE,
};

/* Where a row's value came from. */
struct obi_origin {
	enum obi_origin_kind kind;
	unsigned line;   /* in the file */
	const char *env; /* variable; may be an alias of the row's own */
};

struct obi_load {
	const char *name;          /* of the file, for messages */
	struct obi_arena *arena;   /* holds the values */
	struct obi_arena *scratch; /* what is not needed after loading */
	struct obi_warnings *warnings;
	struct obi_error *error;
};

/* All return 0; -EINVAL with the error's text, which names the option, the value and what is
 * allowed; -ENOMEM. base is the struct that the groups describe; origins has one entry a row, in
 * the groups' order. */
/* base must be zeroed. */
int obi_load_defaults(const struct obi_load *load, const struct obi_group *groups, void *base);
int obi_load_tree(const struct obi_load *load, const struct obi_group *groups,
		  const struct obi_node *root, void *base, struct obi_origin *origins);
int obi_load_environment(const struct obi_load *load, const struct obi_group *groups,
			 char *const *env, void *base, struct obi_origin *origins);

#endif
