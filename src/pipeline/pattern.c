// SPDX-License-Identifier: Apache-2.0
/*
 * A tree of segments: each node one segment of one or more patterns, children in the
 * order of the list. Nodes lie in one array and name each other by index.
 */
#include "pipeline/pattern.h"

#include <errno.h>
#include <stdlib.h>

#define NONE 0 /* the root is nobody's child */

enum segment_kind {
	SEGMENT_LITERAL,
	SEGMENT_ANY,    /* :name, {name}, or * before the end */
	SEGMENT_MARKED, /* @:name; text holds the marks */
};

struct node {
	struct slice text; /* as in the pattern; MARKED: the marks alone */
	const char *route; /* a pattern ends here */
	const char *rest;  /* a pattern with a trailing * ends here */
	uint32_t child;
	uint32_t next;
	enum segment_kind kind;
};

struct patterns {
	struct node *nodes;
	uint32_t count;
	uint32_t room;
};

/* Takes the next segment that is not empty; an empty one says that there is none. */
static struct slice next_segment(struct slice *path)
{
	size_t start = 0, end;

	while (start < path->len && path->data[start] == '/')
		start++;
	for (end = start; end < path->len && path->data[end] != '/'; end++)
		;
	struct slice segment = slice_of(path->data + start, end - start);

	*path = slice_from(*path, end);
	return segment;
}

static bool has_segment(struct slice path)
{
	return next_segment(&path).len > 0;
}

static bool is_mark(uint8_t c)
{
	return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') &&
	       !((uint8_t)((c | 0x20) - 'a') < 26);
}

/* Marks before a colon: what comes before it must not be a word, or items:clear would be one. */
static size_t marks_length(struct slice segment)
{
	size_t len = 0;

	while (len < segment.len && segment.data[len] != ':' && is_mark(segment.data[len]))
		len++;
	return len < segment.len && segment.data[len] == ':' ? len : 0;
}

static enum segment_kind segment_kind(struct slice *segment)
{
	uint8_t first = segment->data[0], last = segment->data[segment->len - 1];
	size_t marks = marks_length(*segment);

	if (first == ':' || (first == '{' && last == '}') || slice_equal(*segment, SLICE_LIT("*")))
		return SEGMENT_ANY;
	if (!marks)
		return SEGMENT_LITERAL;
	*segment = slice_first(*segment, marks);
	return SEGMENT_MARKED;
}

/* Index of a new node, or NONE when out of memory. */
static uint32_t node_new(struct patterns *patterns, struct node node)
{
	if (patterns->count == patterns->room) {
		uint32_t room = patterns->room ? 2 * patterns->room : 16;
		struct node *nodes = reallocarray(patterns->nodes, room, sizeof(*nodes));

		if (!nodes)
			return NONE;
		patterns->nodes = nodes;
		patterns->room = room;
	}
	patterns->nodes[patterns->count] = node;
	return patterns->count++;
}

/* The child of parent for this segment, made if there is none; NONE when out of memory.
 * Placeholders of different names are different children: they may end in different routes. */
static uint32_t child_for(struct patterns *patterns, uint32_t parent, struct slice segment)
{
	enum segment_kind kind = segment_kind(&segment);
	uint32_t last = NONE, made;

	for (uint32_t i = patterns->nodes[parent].child; i != NONE; i = patterns->nodes[i].next) {
		if (patterns->nodes[i].kind == kind &&
		    slice_equal(patterns->nodes[i].text, segment))
			return i;
		last = i;
	}
	made = node_new(patterns, (struct node){ .text = segment, .kind = kind });
	if (made != NONE && last != NONE)
		patterns->nodes[last].next = made;
	else if (made != NONE)
		patterns->nodes[parent].child = made;
	return made;
}

static int add_pattern(struct patterns *patterns, const char *pattern)
{
	struct slice left = slice_cstr(pattern);
	uint32_t at = 0;

	for (;;) {
		struct slice segment = next_segment(&left);
		struct node *node = &patterns->nodes[at];

		if (!segment.len) {
			node->route = node->route ? node->route : pattern;
			return 0;
		}
		if (slice_equal(segment, SLICE_LIT("*")) && !has_segment(left)) {
			node->rest = node->rest ? node->rest : pattern;
			return 0;
		}
		at = child_for(patterns, at, segment);
		if (at == NONE)
			return -ENOMEM;
	}
}

int patterns_new(const struct obi_list *list, struct patterns **ret_patterns)
{
	struct patterns *patterns = calloc(1, sizeof(*patterns));

	if (!patterns)
		return -ENOMEM;
	(void)node_new(patterns, (struct node){ .kind = SEGMENT_LITERAL });
	for (size_t i = 0; i < list->count && patterns->nodes; i++) {
		if (add_pattern(patterns, list->items[i]) != 0) {
			patterns_free(patterns);
			return -ENOMEM;
		}
	}
	if (!patterns->nodes) {
		patterns_free(patterns);
		return -ENOMEM;
	}
	*ret_patterns = patterns;
	return 0;
}

void patterns_free(struct patterns *patterns)
{
	if (!patterns)
		return;
	free(patterns->nodes);
	free(patterns);
}

/* As deep as the deepest pattern. */
static const char *find_beneath(const struct patterns *patterns, uint32_t at, struct slice path)
{
	const struct node *node = &patterns->nodes[at];
	struct slice segment = next_segment(&path);
	const char *route = NULL;

	if (!segment.len)
		return node->route ? node->route : node->rest;
	for (uint32_t i = node->child; i != NONE; i = patterns->nodes[i].next) {
		if (patterns->nodes[i].kind != SEGMENT_LITERAL ||
		    !slice_equal(patterns->nodes[i].text, segment))
			continue;
		route = find_beneath(patterns, i, path);
		return route ? route : node->rest;
	}
	for (uint32_t i = node->child; i != NONE && !route; i = patterns->nodes[i].next) {
		const struct node *child = &patterns->nodes[i];

		if (child->kind == SEGMENT_ANY ||
		    (child->kind == SEGMENT_MARKED && slice_has_prefix(segment, child->text)))
			route = find_beneath(patterns, i, path);
	}
	return route ? route : node->rest;
}

const char *patterns_find(const struct patterns *patterns, struct slice path)
{
	return find_beneath(patterns, 0, path);
}
