/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parsed YAML document as a tree of scalars, lists and maps, each with its line
 * for messages. Aliases and merge keys are resolved: an aliased part is shared,
 * not copied, and its expanded size counts against the limits below, so that
 * small files cannot unfold into huge ones.
 */
#ifndef OBI_CONFIG_NODE_H
#define OBI_CONFIG_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "config/arena.h"
#include "config/error.h"
#include "config/warning.h"

enum obi_node_kind {
	OBI_NODE_SCALAR,
	OBI_NODE_LIST,
	OBI_NODE_MAP,
};

struct obi_node {
	enum obi_node_kind kind;
	const char *key;   /* in a map: never NULL; else NULL */
	const char *value; /* of a scalar */
	bool quoted;       /* the scalar stood in quotes: never null */
	struct obi_node *children;
	struct obi_node *next;
	unsigned line;   /* from 1; of the key where there is one */
	uint32_t weight; /* nodes in this part, aliases expanded */
	uint8_t height;  /* levels in this part, a scalar is 1 */
};

#define OBI_YAML_MAX_BYTES (1u << 20)
#define OBI_YAML_MAX_NODES 20000
#define OBI_YAML_MAX_DEPTH 24
#define OBI_YAML_MAX_KEYS 1000 /* in one map */

/* Where a tree goes and what is said about it. `name` stands for the file in messages. */
struct obi_yaml {
	const char *name;
	struct obi_arena *arena; /* of the tree */
	struct obi_warnings *warnings;
	struct obi_arena *warnings_arena;
	struct obi_error *error;
};

/* Reads the first document of text (UTF-8). *ret_root is NULL for an empty one. 0; -EINVAL with
 * the error's text where it is no YAML or beyond a limit; -ENOMEM. */
int obi_yaml_read(const struct obi_yaml *yaml, struct slice text, struct obi_node **ret_root);

/* Is it a scalar that means "nothing": empty, ~ or null, without quotes? */
bool obi_node_is_null(const struct obi_node *node);

#endif
