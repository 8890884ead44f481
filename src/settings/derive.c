// SPDX-License-Identifier: Apache-2.0
/*
 * What the values mean together. Nothing here can be said in one row: an option
 * that turns another one on, an old name for a new thing, the list of selections
 * that several shorthands make.
 */
#include "settings/derive.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "config/value.h"

/* Origin of a row by its key, for warnings that no row can give. */
#define AVOIDED_LIMIT 2000 /* services: instead of 0 */

static const struct obi_origin *origin_of(const struct obi_settings *settings, const char *key)
{
	const struct obi_origin *origin = settings->origins;

	for (const struct obi_group *group = obi_settings_groups; group->options; group++) {
		for (size_t i = 0; i < group->options->count; i++, origin++) {
			const char *row_key = group->options->rows[i].key;

			if (row_key && strcmp(row_key, key) == 0)
				return origin;
		}
	}
	return NULL;
}

static int warn(struct obi_settings *settings, const struct obi_load *load, const char *key,
		const char *text)
{
	const struct obi_origin *origin = origin_of(settings, key);
	char source[256] = "default";

	if (origin && origin->kind == OBI_ORIGIN_FILE)
		(void)snprintf(source, sizeof(source), "%s:%u", load->name, origin->line);
	else if (origin && origin->kind == OBI_ORIGIN_ENVIRONMENT)
		(void)snprintf(source, sizeof(source), "%s", origin->env);
	if (obi_warnings_add(&settings->warnings, settings->arena, text, key, source) < 0)
		return obi_error_set(load->error, -ENOMEM,
				     "the configuration needs too much memory");
	return 0;
}

/* ---- Criteria -------------------------------------------------------------------- */

/* Does it select by something that cannot be found out yet? */
static bool selects_later(struct obi_criteria *criteria)
{
	struct obi_group group = { &obi_later_criteria_rows, 0 }; /* of both kinds in one order */

	for (size_t i = 0; i < obi_later_criteria_rows.count; i++) {
		const struct obi_option *option = &obi_later_criteria_rows.rows[i];
		bool selector = strncmp(option->key, "k8s_", 4) == 0 ||
				strncmp(option->key, "container", 9) == 0;

		if (selector &&
		    !obi_value_is_empty(option, obi_group_field(&group, i, criteria->later)))
			return true;
	}
	return false;
}

static bool selects(const struct obi_criteria *criteria)
{
	return criteria->never || criteria->open_ports.count || criteria->target_pids.count ||
	       *criteria->exe_path || *criteria->exe_path_regexp || *criteria->languages ||
	       *criteria->cmd_args;
}

static int derive_list(const struct obi_load *load, const char *key, bool regex,
		       struct obi_criteria_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		list->items[i].regex = regex;
		if (!list->items[i].exe_path_regexp)
			list->items[i].exe_path_regexp = "";
		list->items[i].never = selects_later(&list->items[i]);
		if (!selects(&list->items[i]))
			return obi_error_set(load->error, -EINVAL,
					     "%s[%zu] should define at least one selection "
					     "criteria: open_ports, "
					     "exe_path, languages, cmd_args or target_pids",
					     key, i);
	}
	return 0;
}

/* Regular expressions are for configurations that know nothing else. */
static bool may_be_regex(const struct obi_discovery_options *discovery)
{
	return !discovery->instrument.count && !discovery->exclude_instrument.count;
}

static int choose_lists(struct obi_settings *settings, const struct obi_load *load)
{
	static const char text[] = "it does nothing beside discovery.instrument and "
				   "discovery.exclude_instrument";
	struct obi_discovery_options *d = &settings->discovery;
	bool given = d->services.count || d->exclude_services.count;
	bool regex = given && may_be_regex(d);

	d->chosen = regex ? d->services : d->instrument;
	d->excluded = regex ? d->exclude_services : d->exclude_instrument;
	d->excluded_by_default =
		regex ? d->default_exclude_services : d->default_exclude_instrument;
	d->chosen_key = regex ? "discovery.services" : "discovery.instrument";
	if (given && !regex)
		return warn(settings, load,
			    d->services.count ? "discovery.services" : "discovery.exclude_services",
			    text);
	if (*d->executable_path && !may_be_regex(d))
		return warn(settings, load, "executable_path", text);
	return 0;
}

/* The entry that the shorthands at the top level make; false where none is given. */
static bool shorthand_criteria(const struct obi_settings *settings, struct obi_criteria *ret)
{
	const struct obi_discovery_options *discovery = &settings->discovery;
	bool pids = discovery->target_pids.count > 0;

	ret->exe_path = pids ? "" : discovery->auto_target_exe;
	ret->exe_path_regexp = pids || !may_be_regex(discovery) ? "" : discovery->executable_path;
	ret->languages = pids ? "" : discovery->auto_target_language;
	ret->cmd_args = "";
	ret->name = settings->global.service_name;
	ret->name_space = settings->global.service_namespace;
	if (pids)
		ret->target_pids = discovery->target_pids;
	else
		ret->open_ports = discovery->open_port;
	return selects(ret);
}

static int derive_selected(struct obi_settings *settings, const struct obi_load *load)
{
	struct obi_discovery_options *discovery = &settings->discovery;
	struct obi_criteria_list *selected = &discovery->selected;
	size_t count = discovery->target_pids.count ? 0 : discovery->chosen.count;
	struct obi_criteria shorthand = { 0 };

	selected->items = obi_arena_array(settings->arena, count + 1, sizeof(*selected->items));
	if (!selected->items || obi_load_defaults(load, obi_criteria_groups, &shorthand) < 0)
		return obi_error_set(load->error, -ENOMEM,
				     "the configuration needs too much memory");
	if (count)
		memcpy(selected->items, discovery->chosen.items, count * sizeof(*selected->items));
	if (shorthand_criteria(settings, &shorthand))
		selected->items[count++] = shorthand;
	selected->count = count;
	return 0;
}

/* A ratio that cannot be read does not stop the start. */
static int check_samplers(struct obi_settings *settings, const struct obi_load *load)
{
	static const char text[] = "a ratio from 0 to 1 is expected; parentbased_always_on is used";
	const struct obi_criteria_list *entries = &settings->discovery.chosen;
	struct obi_sampler sampler;
	int e = 0;

	if (obi_sampler_init(&settings->pipeline.sampler, &sampler))
		e = warn(settings, load, "otel_traces_export.sampler.arg", text);
	for (size_t i = 0; i < entries->count && e == 0; i++)
		if (obi_sampler_init(&entries->items[i].sampler, &sampler))
			e = warn(settings, load, settings->discovery.chosen_key, text);
	return e;
}

static int derive_discovery(struct obi_settings *settings, const struct obi_load *load)
{
	struct obi_discovery_options *d = &settings->discovery;
	const struct {
		const char *key;
		bool regex;
		struct obi_criteria_list *list;
	} lists[] = {
		{ "discovery.instrument", false, &d->instrument },
		{ "discovery.exclude_instrument", false, &d->exclude_instrument },
		{ "discovery.default_exclude_instrument", false, &d->default_exclude_instrument },
		{ "discovery.services", true, &d->services },
		{ "discovery.exclude_services", true, &d->exclude_services },
		{ "discovery.default_exclude_services", true, &d->default_exclude_services },
	};
	int e = 0;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && e == 0; i++)
		e = derive_list(load, lists[i].key, lists[i].regex, lists[i].list);
	if (e == 0)
		e = choose_lists(settings, load);
	if (e == 0)
		e = check_samplers(settings, load);
	return e < 0 ? e : derive_selected(settings, load);
}

/* ---- Kernel side, network and export --------------------------------------------- */

static int derive_propagation(struct obi_settings *settings, const struct obi_load *load)
{
	struct obi_broker_options *broker = &settings->broker;
	const char *key = "ebpf.context_propagation";
	int e = 0;

	if (broker->enable_context_propagation && !broker->context_propagation.set)
		broker->context_propagation.bits = OBI_PROPAGATE_ALL;
	if (broker->context_propagation.bits & OBI_PROPAGATE_IP) {
		broker->context_propagation.bits &= ~(uint32_t)OBI_PROPAGATE_IP;
		e = warn(settings, load, key, "propagation by ip has no effect any more");
	}
	if (e == 0 && broker->context_propagation.bits == OBI_PROPAGATE_TCP)
		e = warn(settings, load, key, "propagation by tcp is not implemented yet");
	return e;
}

/* One line for all of these features. */
static int warn_of_features(struct obi_settings *settings, const struct obi_load *load,
			    const char *key, const char *what, uint32_t bits)
{
	const char *separator = what;
	struct buffer text = { 0 };
	int e;

	for (const struct obi_name *name = obi_feature_names; name->name; name++) {
		bool single = (name->value & (name->value - 1)) == 0;

		if (!single || !(bits & name->value))
			continue;
		buffer_put_cstr(&text, separator);
		buffer_put_cstr(&text, name->name);
		separator = ", ";
	}
	if (!bits)
		return 0;
	buffer_put_char(&text, '\0');
	e = warn(settings, load, key, text.failed ? what : text.data);
	buffer_free(&text);
	return e;
}

static int warn_features(struct obi_settings *settings, const struct obi_load *load,
			 const char *key, uint32_t bits)
{
	int e = warn_of_features(settings, load, key, "features are not implemented yet: ",
				 bits & ~(uint32_t)OBI_FEATURES_IMPLEMENTED);

	if (e == 0 && bits == OBI_FEATURES_ALL)
		e = warn(settings, load, key,
			 "all takes application_span_otel and leaves application_span out: they "
			 "exclude each other");
	return e;
}

/* What is of no service does nothing in an entry. */
static int warn_entries_features(struct obi_settings *settings, const struct obi_load *load)
{
	const struct obi_criteria_list *entries = &settings->discovery.chosen;
	const char *key = settings->discovery.chosen_key;
	int e = 0;

	for (size_t i = 0; i < entries->count && e == 0; i++) {
		uint32_t bits = entries->items[i].features.bits;
		uint32_t others = bits & ~(uint32_t)OBI_FEATURES_SERVICE;

		if (bits != OBI_FEATURES_ALL && others)
			e = warn_of_features(
				settings, load, key,
				"features are of no service, here they do nothing: ", others);
		if (e == 0)
			e = warn_features(settings, load, key,
					  bits == OBI_FEATURES_ALL ? bits : bits & ~others);
	}
	return e;
}

static int derive_export(struct obi_settings *settings, const struct obi_load *load)
{
	struct obi_internal_options *internal = &settings->export.internal;
	const struct obi_flags *prometheus = &settings->export.prometheus.features;
	struct obi_flags *features = &settings->metrics.features;
	const struct obi_flags *otlp = &settings->otlp.metrics.features;
	int e;

	if (otlp->set && obi_otlp_metrics_wanted(&settings->otlp))
		*features = *otlp;
	else if (prometheus->set)
		*features = *prometheus;
	if (!internal->avoided_limit)
		internal->avoided_limit = AVOIDED_LIMIT;
	e = warn_features(settings, load, "metrics.features", features->bits);
	if (e == 0)
		e = warn_entries_features(settings, load);
	if (settings->network.enable)
		features->bits |= OBI_FEATURE_NETWORK;
	return e;
}

/* Old names, and a period in milliseconds as the OpenTelemetry specification has it. */
static void derive_otlp(struct obi_settings *settings)
{
	const struct obi_origin *interval = origin_of(settings, "otel_metrics_export.interval");
	struct obi_otlp_metrics_options *metrics = &settings->otlp.metrics;
	struct obi_otlp_traces_options *traces = &settings->otlp.traces;

	if (traces->max_export_batch_size.set)
		traces->batch_max_size = traces->max_export_batch_size.value;
	if (traces->max_queue_size.set)
		traces->queue_size = traces->max_queue_size.value;
	if (traces->queue_size == 0)
		traces->queue_size = 4 * traces->batch_max_size;
	if (metrics->interval_ms.set && interval && interval->kind == OBI_ORIGIN_DEFAULT)
		metrics->interval = (uint64_t)metrics->interval_ms.value * NSEC_PER_MSEC;
}

int obi_settings_derive(struct obi_settings *settings, const struct obi_load *load)
{
	int e = derive_discovery(settings, load);

	if (settings->network.deduper_fc_ttl == 0)
		settings->network.deduper_fc_ttl = settings->network.cache_active_timeout * 2;
	derive_otlp(settings);
	obi_filter_resolve_spans(&settings->pipeline.filter_spans);
	obi_filter_resolve_flows(&settings->pipeline.filter_flows);
	if (e == 0)
		e = derive_propagation(settings, load);
	if (e == 0)
		e = derive_export(settings, load);
	return e;
}
