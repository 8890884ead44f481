/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One option is one row. The row stands in its owner's file, and gives parsing
 * (YAML and environment), the default, bounds, `obi --help`, `obi config`, the
 * JSON Schema and the docs page. A row writes into its owner's struct at `offset`.
 */
#ifndef OBI_CONFIG_OPTION_H
#define OBI_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct obi_error;
struct obi_option;

/* Type of the field that a row writes, in brackets. */
enum obi_type {
	OBI_TYPE_BOOL,      /* bool */
	OBI_TYPE_INT,       /* int64_t, within min..max */
	OBI_TYPE_FLOAT,     /* double, within min..max */
	OBI_TYPE_DURATION,  /* uint64_t nanoseconds; Go syntax (1h30m, 500ms), within min..max */
	OBI_TYPE_STRING,    /* const char *, never NULL ("" where unset) */
	OBI_TYPE_CHOICE,    /* int: index into choices, NULL-terminated */
	OBI_TYPE_LIST,      /* struct obi_list: strings; comma separated in the environment */
	OBI_TYPE_PORTS,     /* struct obi_ranges: `80,443,8000-8999`, or a YAML list of integers */
	OBI_TYPE_PIDS,      /* struct obi_ranges: same syntax, up to 4194304 */
	OBI_TYPE_FLOATS,    /* struct obi_floats: ascending numbers (histogram bounds) */
	OBI_TYPE_NODE,      /* struct obi_node *: a YAML sub-tree that its owner reads itself */
};

#define OBI_OPTION_SECRET 0x01        /* masked as *** in dumps */
#define OBI_OPTION_DEPRECATED 0x02    /* still works; using it warns */
#define OBI_OPTION_UNIMPLEMENTED 0x04 /* parsed and checked; using it warns that it does nothing yet */

struct obi_list {
	const char **items; /* owned by the configuration's arena */
	size_t count;
	bool set; /* given, even if empty: an explicit [] is not the default */
};

struct obi_range {
	uint32_t first;
	uint32_t last;
};

struct obi_ranges {
	struct obi_range *items;
	size_t count;
};

struct obi_floats {
	double *items;
	size_t count;
};

/* A parsed YAML value: scalar, list or map, with its place for messages. */
struct obi_node {
	enum obi_node_kind { OBI_NODE_SCALAR, OBI_NODE_LIST, OBI_NODE_MAP } kind;
	const char *key;   /* in a map */
	const char *value; /* of a scalar */
	bool quoted;       /* the scalar stood in quotes: never null */
	struct obi_node *children;
	struct obi_node *next;
	unsigned line;
};

struct obi_option {
	const char *key;     /* YAML path, `network.cache_max_flows`; NULL: environment only */
	const char *env;     /* environment name; NULL: YAML only */
	const char *aliases; /* further environment names, comma separated, tried in order after env */
	enum obi_type type;
	const char *fallback; /* default, in the environment's syntax; NULL: zero value */
	double min, max;      /* both 0: no bounds */
	const char *const *choices; /* OBI_TYPE_CHOICE */
	size_t offset;              /* in the owner's struct */
	const char *help;           /* one line, no full stop needed */
	unsigned flags;             /* OBI_OPTION_* */
	/* Further check of a string or node, after parsing; 0, or -EINVAL with `why` (what is
	 * allowed) filled in. May be NULL. */
	int (*check)(const struct obi_option *option, const void *field, char *why, size_t why_size);
};

/* All rows of one owner, in the order of the docs. */
struct obi_options {
	const char *title; /* heading in --help and docs */
	const struct obi_option *rows;
	size_t count;
	size_t base; /* offset of the owner's struct in struct obi_settings */
};

/* Does any range hold value? */
bool obi_ranges_have(const struct obi_ranges *ranges, uint32_t value);

#endif
