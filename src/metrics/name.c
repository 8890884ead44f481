// SPDX-License-Identifier: Apache-2.0
#include "metrics/name.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *unit;
	const char *word;
} words[] = {
	{ "s", "seconds" },   { "ms", "milliseconds" }, { "us", "microseconds" },
	{ "By", "bytes" },    { "%", "percent" },       { "ns", "nanoseconds" },
	{ "min", "minutes" }, { "h", "hours" },         { "d", "days" },
};

/* A name under construction: words joined by one underscore each. */
struct joined {
	char *text;
	size_t len;
	bool too_long;
};

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void add_word(struct joined *to, const char *word, size_t len)
{
	bool first = to->len == 0;

	if (to->len + !first + len >= METRIC_NAME_MAX) {
		to->too_long = true;
		return;
	}
	if (!first)
		to->text[to->len++] = '_';
	memcpy(to->text + to->len, word, len);
	to->len += len;
	to->text[to->len] = '\0';
}

/* Does the name hold this word between underscores? */
static bool has_word(const char *name, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = name; (at = strstr(at, word)); at++) {
		bool starts = at == name || at[-1] == '_';

		if (starts && (at[len] == '\0' || at[len] == '_'))
			return true;
	}
	return false;
}

/* All words of a name but `without`, which is to come at its end (NULL: none). */
static void add_words(struct joined *to, const char *name, const char *without)
{
	while (*name) {
		size_t len = 0;

		while (is_word_char(name[len]))
			len++;
		if (len && !(without && strlen(without) == len && !memcmp(name, without, len)))
			add_word(to, name, len);
		name += len + !len;
	}
}

static const char *unit_word(const char *unit, enum metric_type type)
{
	if (!unit || !*unit || *unit == '{')
		return NULL;
	if (strcmp(unit, "1") == 0)
		return type == METRIC_GAUGE ? "ratio" : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].unit, unit) == 0)
			return words[i].word;
	}
	return unit;
}

int metric_prometheus_name(const char *name, const char *unit, enum metric_type type,
			   char ret_name[METRIC_NAME_MAX])
{
	char text[METRIC_NAME_MAX] = "";
	struct joined joined = { .text = text };
	const char *word = unit_word(unit, type);

	add_words(&joined, name, type == METRIC_COUNTER ? "total" : NULL);
	if (word && !has_word(text, word))
		add_word(&joined, word, strlen(word));
	if (type == METRIC_COUNTER)
		add_word(&joined, "total", 5);
	if (joined.too_long)
		return -ENAMETOOLONG;
	memcpy(ret_name, text, joined.len + 1);
	return 0;
}

int metric_prometheus_label(const char *attribute, char ret_label[METRIC_NAME_MAX])
{
	size_t len = strlen(attribute);

	if (len >= METRIC_NAME_MAX)
		return -ENAMETOOLONG;
	for (size_t i = 0; i <= len; i++)
		ret_label[i] =
			(char)(attribute[i] && !is_word_char(attribute[i]) ? '_' : attribute[i]);
	return 0;
}

bool metric_attribute_is_number(const char *attribute)
{
	size_t len = strlen(attribute);

	return (len > 5 && strcmp(attribute + len - 5, ".port") == 0) ||
	       strcmp(attribute, "http.response.status_code") == 0;
}
