// SPDX-License-Identifier: Apache-2.0
#include "broker/iface.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct pattern {
	const char *name; /* where it is not a regular expression */
	regex_t regex;
	bool is_regex;
};

struct patterns {
	struct pattern *items;
	size_t count;
};

struct obi_iface_filter {
	struct patterns include, exclude;
};

static int compile(const struct obi_list *list, struct patterns *ret_patterns, char *why,
		   size_t why_size)
{
	ret_patterns->items = calloc(list->count ? list->count : 1, sizeof(struct pattern));
	if (!ret_patterns->items)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		struct pattern *pattern = &ret_patterns->items[i];
		const char *text = list->items[i];
		size_t len = strlen(text);
		_cleanup_free_ char *copy = NULL;

		pattern->name = text;
		ret_patterns->count++;
		if (len < 2 || text[0] != '/' || text[len - 1] != '/')
			continue;
		copy = strndup(text + 1, len - 2);
		if (!copy)
			return -ENOMEM;
		if (regcomp(&pattern->regex, copy, REG_EXTENDED | REG_NOSUB)) {
			(void)snprintf(why, why_size,
				       "interface pattern %s is not a regular expression", text);
			return -EINVAL;
		}
		pattern->is_regex = true;
	}
	return 0;
}

static void release(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (patterns->items[i].is_regex)
			regfree(&patterns->items[i].regex);
	free(patterns->items);
}

int obi_iface_filter_new(const struct obi_network_options *options,
			 struct obi_iface_filter **ret_filter, char *why, size_t why_size)
{
	struct obi_iface_filter *filter = calloc(1, sizeof(*filter));
	int error;

	if (!filter)
		return -ENOMEM;
	error = compile(&options->interfaces, &filter->include, why, why_size);
	if (!error)
		error = compile(&options->exclude_interfaces, &filter->exclude, why, why_size);
	if (error) {
		obi_iface_filter_free(filter);
		return error;
	}
	*ret_filter = filter;
	return 0;
}

void obi_iface_filter_free(struct obi_iface_filter *filter)
{
	if (!filter)
		return;
	release(&filter->include);
	release(&filter->exclude);
	free(filter);
}

static bool matches(const struct patterns *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct pattern *pattern = &patterns->items[i];

		if (pattern->is_regex ? !regexec(&pattern->regex, name, 0, NULL, 0)
				      : !strcmp(pattern->name, name))
			return true;
	}
	return false;
}

bool obi_iface_wanted(const struct obi_iface_filter *filter, const char *name)
{
	if (filter->include.count && !matches(&filter->include, name))
		return false;
	return !matches(&filter->exclude, name);
}

bool obi_iface_filter_empty(const struct obi_iface_filter *filter)
{
	return !filter->include.count && !filter->exclude.count;
}
