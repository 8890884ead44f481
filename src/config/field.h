/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the loader: one value into one field (field.c), one map into the rows
 * of one struct (scope.c). They call each other, since a field may hold structs.
 */
#ifndef OBI_CONFIG_FIELD_H
#define OBI_CONFIG_FIELD_H

#include "config/load.h"

/* Rows that one element of a list or map of structs may have. */
#define OBI_ELEMENT_ROWS_MAX 64

/* The way to a value, `discovery.instrument[0].open_ports`, from the end to the start. */
struct obi_site {
	const struct obi_site *parent;
	const char *name; /* NULL: element `index` of a list */
	size_t index;
};

/* The layer that is being read. */
struct obi_layer {
	const struct obi_load *load;
	const char *env; /* variable that the value comes from; NULL: not the environment */
	bool is_default; /* nobody wrote it, so nobody is warned of it */
};

/* Reads node into the field, by the type of option. */
int obi_field_read(const struct obi_layer *layer, const struct obi_site *site,
		   const struct obi_option *option, const struct obi_node *node, void *field);

/* Sets the error: value is not what option allows; why may be NULL. Returns -EINVAL. */
int obi_field_fault(const struct obi_layer *layer, const struct obi_site *site,
		    const struct obi_option *option, unsigned line, const char *value,
		    const char *why);

/* Sets the error: what is wrong at site, which need not be an option. Returns -EINVAL. */
int obi_site_fault(const struct obi_layer *layer, const struct obi_site *site, unsigned line,
		   const char *what);

int obi_site_warn(const struct obi_layer *layer, const struct obi_site *site, unsigned line,
		  const char *text);

int obi_load_out_of_memory(const struct obi_load *load);

/* Reads a map into the struct at base. origins has one entry a row. */
int obi_scope_read(const struct obi_layer *layer, const struct obi_site *site,
		   const struct obi_group *groups, const struct obi_node *map, void *base,
		   struct obi_origin *origins);

/* Warns where using this option deserves a word. */
int obi_scope_warn_use(const struct obi_layer *layer, const struct obi_site *site,
		       const struct obi_option *option, unsigned line);

#endif
