// SPDX-License-Identifier: Apache-2.0
/*
 * A segment stays if it is made of letters and the few separators that names have,
 * and each word in it is pronounceable. One other byte is forgiven as the second of
 * the segment, so that v1 and k8s stay. What is pronounceable says a table of letter
 * pairs (letter_pairs.h), made from a list of words by tests/data/pipeline/letter_pairs.py.
 */
#include "pipeline/cluster.h"

#include "base/cleanup.h"
#include "pipeline/letter_pairs.h"

/* Beginning and end of a word, as a letter of the table. */
#define EDGE 26

static bool is_letter(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_separator(uint8_t c)
{
	return c == '-' || c == '_' || c == '.';
}

static int compare_nocase(struct slice word, const char *known)
{
	for (size_t i = 0; i < word.len; i++) {
		int difference = (word.data[i] | 0x20) - known[i];

		if (difference)
			return difference;
	}
	return known[word.len] ? -1 : 0;
}

static bool is_known(struct slice word)
{
	size_t low = 0, high = ARRAY_SIZE(known_words);

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_nocase(word, known_words[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

bool cluster_word_is_gibberish(struct slice word)
{
	unsigned surprise = 0, before = EDGE;

	if (word.len <= 2)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		unsigned letter = (word.data[i] | 0x20) - 'a';

		surprise += letter_pairs[before][letter];
		before = letter;
	}
	surprise += letter_pairs[before][EDGE];
	return surprise > LETTER_PAIRS_LIMIT * (word.len + 1) && !is_known(word);
}

/* The forgiven byte and blanks part words too, but only separators may not come first. */
static bool segment_varies(struct slice segment)
{
	size_t start = 0;

	if (is_separator(segment.data[0]))
		return true;
	for (size_t i = 0; i <= segment.len; i++) {
		if (i < segment.len && is_letter(segment.data[i]))
			continue;
		if (i < segment.len && i != 1 && segment.data[i] != ' ' &&
		    !is_separator(segment.data[i]))
			return true;
		if (cluster_word_is_gibberish(slice_of(segment.data + start, i - start)))
			return true;
		start = i + 1;
	}
	return false;
}

static size_t segment_length(struct slice path)
{
	size_t len = 0;

	while (len < path.len && path.data[len] != '/')
		len++;
	return len;
}

static struct slice without_query(struct slice path)
{
	size_t len = 0;

	while (len < path.len && path.data[len] != '?' && path.data[len] != '&' &&
	       path.data[len] != '#')
		len++;
	return slice_first(path, len);
}

size_t cluster_path(struct slice path, char wildcard, char *ret_route)
{
	size_t used = 0;
	int segments = 0;

	path = without_query(path);
	if (path.len && path.data[0] == '/') {
		ret_route[used++] = '/';
		path = slice_from(path, 1);
	}
	while (path.len) {
		struct slice segment = slice_first(path, segment_length(path));

		if (segment.len && segment_varies(segment)) {
			ret_route[used++] = wildcard;
		} else {
			memcpy(ret_route + used, segment.data, segment.len);
			used += segment.len;
		}
		path = slice_from(path, segment.len);
		if (!path.len || ++segments == CLUSTER_SEGMENTS_MAX)
			break;
		ret_route[used++] = '/';
		path = slice_from(path, 1);
	}
	return used;
}
