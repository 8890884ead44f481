/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Things in a configuration that an operator should hear of and that do not stop
 * the start: an unknown key, an option that does nothing yet, a deprecated one.
 * Collected while loading, since libraries do not log.
 */
#ifndef OBI_CONFIG_WARNING_H
#define OBI_CONFIG_WARNING_H

#include <stddef.h>

struct obi_arena;

struct obi_warning {
	const char *text;   /* "option is not implemented yet" */
	const char *option; /* YAML path or environment name */
	const char *source; /* "obi.yaml:12", or the environment variable's name */
	struct obi_warning *next;
};

struct obi_warnings {
	struct obi_warning *first;
	struct obi_warning *last;
	size_t count;
	size_t dropped; /* beyond OBI_WARNINGS_MAX */
};

/* A hostile file has as many unknown keys as it has bytes; nobody reads more than these. */
#define OBI_WARNINGS_MAX 100

/* Copies all three strings into the arena. -ENOMEM. */
int obi_warnings_add(struct obi_warnings *warnings, struct obi_arena *arena, const char *text,
		     const char *option, const char *source);

#endif
