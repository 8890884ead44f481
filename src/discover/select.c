// SPDX-License-Identifier: Apache-2.0
/* What an entry does not ask for is never looked at, so a caller need not find it out. */
#include "discover/select.h"

#include "base/glob.h"
#include "base/regex.h"

/* "" asks nothing; what is asked of something unknown is not met. */
static bool text_met(bool regex, const char *pattern, const char *text)
{
	if (!*pattern)
		return true;
	return text && (regex ? obi_regex_match(pattern, slice_cstr(text))
			      : obi_glob_match(pattern, slice_cstr(text)));
}

static bool ports_met(const struct obi_ranges *ranges, const struct obi_ports *ports)
{
	if (!ranges->count)
		return true;
	for (unsigned i = 0; ports && i < ports->count; i++)
		if (obi_ranges_have(ranges, ports->items[i]))
			return true;
	return false;
}

static enum obi_unmet unmet_but_ports(const struct obi_criteria *entry,
				      const struct obi_process_facts *facts)
{
	if (entry->never)
		return OBI_UNMET_LATER;
	if (entry->target_pids.count && !obi_ranges_have(&entry->target_pids, facts->pid))
		return OBI_UNMET_PID;
	if (!text_met(entry->regex, entry->exe_path, facts->exe) ||
	    !text_met(true, entry->exe_path_regexp, facts->exe))
		return OBI_UNMET_EXE;
	if (!text_met(entry->regex, entry->cmd_args, facts->args))
		return OBI_UNMET_ARGS;
	if (!text_met(entry->regex, entry->languages, facts->language))
		return OBI_UNMET_LANGUAGE;
	return OBI_UNMET_NOTHING;
}

static bool met_but_ports(const struct obi_criteria *entry, const struct obi_process_facts *facts)
{
	return unmet_but_ports(entry, facts) == OBI_UNMET_NOTHING;
}

enum obi_unmet obi_select_unmet(const struct obi_criteria *entry,
				const struct obi_process_facts *facts)
{
	enum obi_unmet unmet = unmet_but_ports(entry, facts);

	if (unmet == OBI_UNMET_NOTHING && !ports_met(&entry->open_ports, facts->ports))
		unmet = OBI_UNMET_PORTS;
	return unmet;
}

static bool met(const struct obi_criteria *entry, const struct obi_process_facts *facts)
{
	return obi_select_unmet(entry, facts) == OBI_UNMET_NOTHING;
}

static bool any_met(const struct obi_criteria_list *list, const struct obi_process_facts *facts)
{
	for (size_t i = 0; i < list->count; i++)
		if (met(&list->items[i], facts))
			return true;
	return false;
}

bool obi_select_excluded(const struct obi_discovery_options *options,
			 const struct obi_process_facts *facts)
{
	return any_met(&options->excluded, facts) || any_met(&options->excluded_by_default, facts);
}

/* An entry matches, the one of this number: later ones win, each thing for itself. */
static void take_entry(const struct obi_criteria *entry, uint16_t number,
		       struct obi_entries *entries)
{
	entries->last = number;
	if (entry->exports.set)
		entries->exports = number;
	if (entry->sampler.name != OBI_SAMPLER_UNSET)
		entries->sampler = number;
	if (entry->routes_incoming.count || entry->routes_outgoing.count)
		entries->routes = number;
}

bool obi_select(const struct obi_discovery_options *options, const struct obi_process_facts *facts,
		struct obi_entries *ret_entries)
{
	struct obi_entries entries = { 0 };

	for (size_t i = 0; i < options->selected.count && i < UINT16_MAX; i++)
		if (met(&options->selected.items[i], facts))
			take_entry(&options->selected.items[i], (uint16_t)(i + 1), &entries);
	if (!entries.last || obi_select_excluded(options, facts))
		return false;
	if (ret_entries)
		*ret_entries = entries;
	return true;
}

void obi_select_names(const struct obi_discovery_options *options,
		      const struct obi_process_facts *facts, const char **ret_name,
		      const char **ret_name_space)
{
	*ret_name = "";
	*ret_name_space = "";
	for (size_t i = 0; i < options->selected.count; i++) {
		const struct obi_criteria *entry = &options->selected.items[i];

		if (!met(entry, facts))
			continue;
		if (*entry->name)
			*ret_name = entry->name;
		if (*entry->name_space)
			*ret_name_space = entry->name_space;
	}
}

/* ---- What is worth finding out ----------------------------------------------------------------
 */

static bool asks_args(const struct obi_criteria *entry)
{
	return *entry->cmd_args;
}

static bool asks_language(const struct obi_criteria *entry)
{
	return *entry->languages;
}

static bool asks_ports(const struct obi_criteria *entry)
{
	return entry->open_ports.count > 0;
}

static bool any_asks(const struct obi_criteria_list *list,
		     bool (*asks)(const struct obi_criteria *entry))
{
	for (size_t i = 0; i < list->count; i++)
		if (!list->items[i].never && asks(&list->items[i]))
			return true;
	return false;
}

static bool options_ask(const struct obi_discovery_options *options,
			bool (*asks)(const struct obi_criteria *entry))
{
	return any_asks(&options->selected, asks) || any_asks(&options->excluded, asks) ||
	       any_asks(&options->excluded_by_default, asks);
}

bool obi_select_needs_args(const struct obi_discovery_options *options)
{
	return options_ask(options, asks_args);
}

bool obi_select_needs_language(const struct obi_discovery_options *options)
{
	return options_ask(options, asks_language);
}

bool obi_select_needs_ports(const struct obi_discovery_options *options)
{
	return options_ask(options, asks_ports);
}

static bool met_but_language(const struct obi_criteria *entry,
			     const struct obi_process_facts *facts)
{
	struct obi_criteria rest = *entry;

	rest.languages = "";
	return met(&rest, facts);
}

static bool any_hangs_on_language(const struct obi_criteria_list *list,
				  const struct obi_process_facts *facts)
{
	for (size_t i = 0; i < list->count; i++)
		if (*list->items[i].languages && met_but_language(&list->items[i], facts))
			return true;
	return false;
}

bool obi_select_language_decides(const struct obi_discovery_options *options,
				 const struct obi_process_facts *facts)
{
	return any_hangs_on_language(&options->selected, facts) ||
	       any_hangs_on_language(&options->excluded, facts) ||
	       any_hangs_on_language(&options->excluded_by_default, facts);
}

static bool any_hangs_on_ports(const struct obi_criteria_list *list,
			       const struct obi_process_facts *facts)
{
	for (size_t i = 0; i < list->count; i++) {
		struct obi_criteria entry = list->items[i];

		if (!facts->language) /* may turn out to be right */
			entry.languages = "";
		if (entry.open_ports.count && met_but_ports(&entry, facts) &&
		    !ports_met(&entry.open_ports, facts->ports))
			return true;
	}
	return false;
}

static bool any_newly_met(const struct obi_criteria_list *list, uint16_t port,
			  const struct obi_ports *ports)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct obi_ranges *ranges = &list->items[i].open_ports;

		if (ranges->count && obi_ranges_have(ranges, port) && !ports_met(ranges, ports))
			return true;
	}
	return false;
}

void obi_select_add_port(const struct obi_discovery_options *options, uint16_t port,
			 struct obi_ports *ports)
{
	if (any_newly_met(&options->selected, port, ports) ||
	    any_newly_met(&options->excluded, port, ports) ||
	    any_newly_met(&options->excluded_by_default, port, ports))
		obi_ports_add(ports, port);
}

bool obi_select_more_ports_decide(const struct obi_discovery_options *options,
				  const struct obi_process_facts *facts)
{
	return any_hangs_on_ports(&options->selected, facts) ||
	       any_hangs_on_ports(&options->excluded, facts) ||
	       any_hangs_on_ports(&options->excluded_by_default, facts);
}

bool obi_select_ports_decide(const struct obi_discovery_options *options,
			     const struct obi_process_facts *facts)
{
	struct obi_process_facts rest = *facts;

	rest.ports = NULL;
	return obi_select_more_ports_decide(options, &rest);
}
