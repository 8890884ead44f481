// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "metrics/attributes.h"

static const struct attribute attributes[] = {
	{ "client.address", false, 0 },    { "http.request.method", true, 0 },
	{ "http.route", true, SINK_OTLP }, { "job", true, SINK_PROMETHEUS },
	{ "url.path", false, 0 },
};

#define COUNT ARRAY_SIZE(attributes)

/* Each word separated by blanks is an item. */
static struct obi_list items(const char **room, char *words)
{
	struct obi_list list = { .items = room };
	char *rest = words;

	for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		room[list.count++] = word;
	list.set = list.count > 0;
	return list;
}

struct key {
	const char *metric, *include, *exclude;
};

static void check_names(attribute_set set, const char *expected)
{
	const char *names[COUNT];
	char text[256] = "";
	size_t count = attributes_names(set, attributes, COUNT, names);

	for (size_t i = 0; i < count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", names[i]);
	assert_string_equal(text, expected);
}

static void check(const struct key *keys, size_t count, bool resource, const char *expected)
{
	struct obi_selection selections[4] = { 0 };
	struct obi_selection_list list = { selections, count, true };
	const char *room[4][2][8];
	char words[4][2][128];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(words[i][0], sizeof(words[i][0]), "%s", keys[i].include);
		(void)snprintf(words[i][1], sizeof(words[i][1]), "%s", keys[i].exclude);
		selections[i].metric = keys[i].metric;
		selections[i].include = items(room[i][0], words[i][0]);
		selections[i].exclude = items(room[i][1], words[i][1]);
	}
	if (resource)
		check_names(attributes_select_resource(&list, attributes, COUNT), expected);
	else
		check_names(
			attributes_select(&list, "http.server.request.duration", attributes, COUNT),
			expected);
}

#define DEFAULTS "http.request.method http.route job"

static void without_a_selection_the_defaults_stay(void **state)
{
	static const struct key other[] = { { "http.client.*", "*", "" } };

	check(NULL, 0, false, DEFAULTS);
	check(other, 1, false, DEFAULTS);
}

static void include_starts_from_nothing(void **state)
{
	static const struct key keys[] = { { "http.server.request.duration", "url.path http.*",
					     "" } };
	static const struct key nothing[] = { { "*", "unknown.attribute", "" } };

	check(keys, 1, false, "http.request.method http.route url.path");
	check(nothing, 1, false, "");
}

static void exclude_alone_starts_from_the_defaults(void **state)
{
	static const struct key keys[] = { { "http.*", "", "http.r*e* unknown" } };

	check(keys, 1, false, "job");
}

static void names_of_prometheus_mean_the_same(void **state)
{
	static const char *const names[] = { "http_server_request_duration_seconds",
					     "http_server_request_duration_seconds_bucket",
					     "http.server.request.duration", "http_server_*" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct key keys[] = { { names[i], "url_path", "" } };

		check(keys, 1, false, "url.path");
	}
}

/* In byte order of the keys, whatever the order of the file: * before h, shorter before longer. */
static void narrower_keys_refine_wider_ones(void **state)
{
	static const struct key keys[] = {
		{ "http.server.*", "client.address", "job" },
		{ "*", "", "http.route" },
		{ "http.*", "url.path", "" },
	};
	static const struct key again[] = {
		{ "http.server.*", "", "url.path" },
		{ "http.*", "*", "" },
	};

	check(keys, 3, false, "client.address http.request.method url.path");
	check(again, 2, false, "client.address http.request.method http.route job");
}

static void resource_takes_away_first(void **state)
{
	static const struct key keys[] = { { "resource", "http.* url.path", "http.route" } };
	static const struct key others[] = { { "*", "", "*" } };

	check(keys, 1, true, "http.request.method");
	check(others, 1, true, DEFAULTS);
}

static void some_are_for_one_sink_alone(void **state)
{
	check_names(attributes_for(SINK_PROMETHEUS, attributes, COUNT),
		    "client.address http.request.method job url.path");
	check_names(attributes_for(SINK_OTLP, attributes, COUNT),
		    "client.address http.request.method http.route url.path");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_selection_the_defaults_stay),
		cmocka_unit_test(include_starts_from_nothing),
		cmocka_unit_test(exclude_alone_starts_from_the_defaults),
		cmocka_unit_test(names_of_prometheus_mean_the_same),
		cmocka_unit_test(narrower_keys_refine_wider_ones),
		cmocka_unit_test(resource_takes_away_first),
		cmocka_unit_test(some_are_for_one_sink_alone),
	};

	return cmocka_run_group_tests_name("attributes", tests, NULL, NULL);
}
