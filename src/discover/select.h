/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection: is a process to be instrumented? Pure functions over what is known of it.
 *
 * Within an entry everything must match, among entries any; a match of an exclude list vetoes. What
 * is not known of a process matches nothing that asks for it.
 */
#ifndef OBI_DISCOVER_SELECT_H
#define OBI_DISCOVER_SELECT_H

#include "discover/options.h"
#include "discover/procfs.h"
#include "obi/process.h"

struct obi_process_facts {
	uint32_t pid;
	const char *exe;               /* full path; NULL: unknown */
	const char *args;              /* command line after its first blank; NULL: unknown */
	const char *language;          /* NULL: unknown */
	const struct obi_ports *ports; /* NULL: unknown */
};

/* The first thing in an entry that is not met. */
enum obi_unmet {
	OBI_UNMET_NOTHING, /* it matches */
	OBI_UNMET_LATER,   /* it asks for what cannot be found out yet */
	OBI_UNMET_PID,
	OBI_UNMET_EXE,
	OBI_UNMET_ARGS,
	OBI_UNMET_LANGUAGE,
	OBI_UNMET_PORTS,
	OBI_UNMET_KINDS,
};

enum obi_unmet obi_select_unmet(const struct obi_criteria *entry,
				const struct obi_process_facts *facts);

/* True where selected; ret_entries (may be NULL) then are the entries that count for it. */
bool obi_select(const struct obi_discovery_options *options, const struct obi_process_facts *facts,
		struct obi_entries *ret_entries);

/* Does an exclude list hold it? (A child of a selected process is taken unless this.) */
bool obi_select_excluded(const struct obi_discovery_options *options,
			 const struct obi_process_facts *facts);

/* Names that the matching entries force on it, "" where none does; later entries win, each name for
 * itself. */
void obi_select_names(const struct obi_discovery_options *options,
		      const struct obi_process_facts *facts, const char **ret_name,
		      const char **ret_name_space);

/* Does any entry ask for this, so that finding it out is worth while? */
bool obi_select_needs_args(const struct obi_discovery_options *options);
bool obi_select_needs_language(const struct obi_discovery_options *options);
bool obi_select_needs_ports(const struct obi_discovery_options *options);

/* Would the ports of this process, all else of it being known, decide anything? Ports are the
 * dearest thing to find out. */
bool obi_select_ports_decide(const struct obi_discovery_options *options,
			     const struct obi_process_facts *facts);

/* The same, of ports beyond those that are known. */
bool obi_select_more_ports_decide(const struct obi_discovery_options *options,
				  const struct obi_process_facts *facts);

/* Adds a port that a process listens on, where an entry asks for it that none of those that are
 * there meets. So there are never more than entries that ask for ports, however many it listens on;
 * and of these the first OBI_PORTS_MAX that it meets. */
void obi_select_add_port(const struct obi_discovery_options *options, uint16_t port,
			 struct obi_ports *ports);

/* Would its language, all else of it being known? */
bool obi_select_language_decides(const struct obi_discovery_options *options,
				 const struct obi_process_facts *facts);

#endif
