// SPDX-License-Identifier: Apache-2.0
/*
 * Builds the tree from libyaml's events, one function a kind of node. An anchor
 * remembers its finished node; an alias makes a new head that shares the
 * anchored node's children. Weight and height add up from the leaves, so each
 * limit is checked where a node is finished, whatever made it large.
 */
#include "config/node.h"

#include <errno.h>
#include <stdio.h>
#include <yaml.h>

/* Anchors in one file; each alias searches them one by one. */
#define MAX_ANCHORS 256

/* A file needs none; %YAML is seen now and then. */
#define MAX_DIRECTIVES 16

struct anchor {
	const char *name;
	const struct obi_node *node; /* NULL while it is still being read */
};

struct reader {
	const struct obi_yaml *yaml;
	struct slice text;
	yaml_parser_t parser;
	struct anchor anchors[MAX_ANCHORS];
	size_t anchor_count;
	unsigned depth;
};

static int read_node(struct reader *r, yaml_event_t *event, struct obi_node **ret_node);

static unsigned event_line(const yaml_event_t *event)
{
	return (unsigned)event->start_mark.line + 1;
}

static int fault(struct reader *r, unsigned line, const char *what)
{
	(void)obi_error_set(r->yaml->error, 0, "parsing YAML configuration: %s (%s:%u)", what,
			    r->yaml->name, line);
	return -EINVAL;
}

static int out_of_memory(struct reader *r)
{
	(void)obi_error_set(r->yaml->error, 0,
			    "parsing YAML configuration: %s needs too much memory", r->yaml->name);
	return -ENOMEM;
}

/* libyaml names a tab only by what it cannot begin, and a bad byte only by its offset. */
static int syntax_fault(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	unsigned line = (unsigned)p->problem_mark.line + 1;
	size_t at = p->problem_mark.index;
	char what[256];

	if (p->error == YAML_MEMORY_ERROR)
		return out_of_memory(r);
	if (p->error == YAML_READER_ERROR) {
		line = 1;
		for (size_t i = 0; i < p->problem_offset && i < r->text.len; i++)
			line += r->text.data[i] == '\n';
		(void)snprintf(what, sizeof(what), "not valid UTF-8 text: %s",
			       p->problem ? p->problem : "bad byte");
		return fault(r, line, what);
	}
	if (p->error == YAML_SCANNER_ERROR && at < r->text.len && r->text.data[at] == '\t')
		return fault(r, line, "a tab where only blanks may indent");
	(void)snprintf(what, sizeof(what), "%s%s%s", p->problem ? p->problem : "not YAML",
		       p->context ? " " : "", p->context ? p->context : "");
	return fault(r, line, what);
}

static int next_event(struct reader *r, yaml_event_t *ret_event)
{
	return yaml_parser_parse(&r->parser, ret_event) ? 0 : syntax_fault(r);
}

static int warn(struct reader *r, const char *text, const char *option, unsigned line)
{
	char source[256];

	(void)snprintf(source, sizeof(source), "%s:%u", r->yaml->name, line);
	if (obi_warnings_add(r->yaml->warnings, r->yaml->warnings_arena, text, option, source) < 0)
		return out_of_memory(r);
	return 0;
}

static struct obi_node *new_node(struct reader *r, enum obi_node_kind kind, unsigned line)
{
	struct obi_node *node = obi_arena_alloc(r->yaml->arena, sizeof(*node));

	if (node)
		*node = (struct obi_node){ .kind = kind, .line = line, .weight = 1, .height = 1 };
	return node;
}

/* Counts child into parent's size. */
static int grow(struct reader *r, struct obi_node *parent, const struct obi_node *child)
{
	parent->weight += child->weight;
	if (parent->height <= child->height)
		parent->height = (uint8_t)(child->height + 1);
	if (parent->weight > OBI_YAML_MAX_NODES)
		return fault(r, child->line, "too many values");
	if (r->depth + parent->height > OBI_YAML_MAX_DEPTH + 1)
		return fault(r, child->line, "nested too deep");
	return 0;
}

/* ---- Anchors --------------------------------------------------------------------- */

/* Opens an anchor; *ret_anchor stays NULL where the node has none. */
static int open_anchor(struct reader *r, const yaml_char_t *name, unsigned line,
		       struct anchor **ret_anchor)
{
	struct anchor *anchor;

	if (!name)
		return 0;
	if (r->anchor_count == MAX_ANCHORS)
		return fault(r, line, "too many anchors");
	anchor = &r->anchors[r->anchor_count];
	anchor->name = obi_arena_strdup(r->yaml->arena, (const char *)name);
	if (!anchor->name)
		return out_of_memory(r);
	r->anchor_count++;
	*ret_anchor = anchor;
	return 0;
}

static int read_alias(struct reader *r, const yaml_event_t *event, struct obi_node **ret_node)
{
	const char *name = (const char *)event->data.alias.anchor;
	unsigned line = event_line(event);

	/* The newest of a name counts (YAML 1.2.2 section 7.1). */
	for (size_t i = r->anchor_count; i-- > 0;) {
		struct obi_node *node;

		if (strcmp(r->anchors[i].name, name) != 0)
			continue;
		if (!r->anchors[i].node)
			return fault(r, line, "an alias inside its own anchor");
		node = new_node(r, OBI_NODE_SCALAR, line);
		if (!node)
			return out_of_memory(r);
		*node = *r->anchors[i].node;
		node->key = NULL;
		node->next = NULL;
		node->line = line;
		*ret_node = node;
		return 0;
	}
	return fault(r, line, "an alias without an anchor");
}

/* ---- Kinds of nodes -------------------------------------------------------------- */

static int read_scalar(struct reader *r, const yaml_event_t *event, struct obi_node **ret_node)
{
	const char *value = (const char *)event->data.scalar.value;
	struct obi_node *node;

	if (strlen(value) != event->data.scalar.length)
		return fault(r, event_line(event), "a value with a NUL byte");
	node = new_node(r, OBI_NODE_SCALAR, event_line(event));
	if (!node)
		return out_of_memory(r);
	node->value = obi_arena_strndup(r->yaml->arena, value, event->data.scalar.length);
	if (!node->value)
		return out_of_memory(r);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	*ret_node = node;
	return 0;
}

static int read_list(struct reader *r, const yaml_event_t *start, struct obi_node **ret_node)
{
	struct obi_node *list = new_node(r, OBI_NODE_LIST, event_line(start));
	struct obi_node **tail = list ? &list->children : NULL;
	yaml_event_t event;
	int e;

	if (!list)
		return out_of_memory(r);
	for (;;) {
		e = next_event(r, &event);
		if (e < 0)
			return e;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		e = read_node(r, &event, tail);
		yaml_event_delete(&event);
		if (e < 0)
			return e;
		e = grow(r, list, *tail);
		if (e < 0)
			return e;
		tail = &(*tail)->next;
	}
	yaml_event_delete(&event);
	*ret_node = list;
	return 0;
}

static struct obi_node *find_key(const struct obi_node *map, const char *key)
{
	for (struct obi_node *child = map->children; child; child = child->next) {
		if (strcmp(child->key, key) == 0)
			return child;
	}
	return NULL;
}

/* Puts child at the end of map, or in the place of an earlier one of the same key. */
static int put_child(struct reader *r, struct obi_node *map, struct obi_node *child)
{
	struct obi_node **at = &map->children;
	size_t keys = 0;
	int e;

	while (*at && strcmp((*at)->key, child->key) != 0) {
		at = &(*at)->next;
		keys++;
	}
	if (keys == OBI_YAML_MAX_KEYS)
		return fault(r, child->line, "a map with too many keys");
	if (*at) {
		e = warn(r, "key given twice: the last one counts", child->key, child->line);
		if (e < 0)
			return e;
		child->next = (*at)->next;
	}
	*at = child;
	return grow(r, map, child);
}

/* Adds what the map lacks from one that it merges in. */
static int merge_map(struct reader *r, struct obi_node *map, const struct obi_node *from,
		     unsigned line)
{
	if (from->kind != OBI_NODE_MAP)
		return fault(r, line, "'<<' needs a map or a list of maps");
	for (const struct obi_node *child = from->children; child; child = child->next) {
		struct obi_node *copy;
		int e;

		if (find_key(map, child->key))
			continue;
		copy = new_node(r, child->kind, child->line);
		if (!copy)
			return out_of_memory(r);
		*copy = *child;
		copy->next = NULL;
		e = put_child(r, map, copy);
		if (e < 0)
			return e;
	}
	return 0;
}

/* Resolves the merge key (yaml.org/type/merge.html): the map's own keys win, then the merged
 * maps in their order. */
static int merge(struct reader *r, struct obi_node *map)
{
	struct obi_node **at = &map->children;
	const struct obi_node *merged;
	int e;

	while (*at && strcmp((*at)->key, "<<") != 0)
		at = &(*at)->next;
	merged = *at;
	if (!merged)
		return 0;
	*at = merged->next;
	if (merged->kind != OBI_NODE_LIST)
		return merge_map(r, map, merged, merged->line);
	for (const struct obi_node *from = merged->children; from; from = from->next) {
		e = merge_map(r, map, from, merged->line);
		if (e < 0)
			return e;
	}
	return 0;
}

static int read_value_of(struct reader *r, struct obi_node *map, const struct obi_node *key)
{
	struct obi_node *child = NULL;
	yaml_event_t event;
	int e;

	if (key->kind != OBI_NODE_SCALAR)
		return fault(r, key->line, "a key that is a list or a map");
	e = next_event(r, &event);
	if (e < 0)
		return e;
	e = read_node(r, &event, &child);
	yaml_event_delete(&event);
	if (e < 0)
		return e;
	child->key = key->value;
	child->line = key->line;
	return put_child(r, map, child);
}

static int read_map(struct reader *r, const yaml_event_t *start, struct obi_node **ret_node)
{
	struct obi_node *map = new_node(r, OBI_NODE_MAP, event_line(start));
	struct obi_node *key = NULL;
	yaml_event_t event;
	int e;

	if (!map)
		return out_of_memory(r);
	for (;;) {
		e = next_event(r, &event);
		if (e < 0)
			return e;
		if (event.type == YAML_MAPPING_END_EVENT)
			break;
		e = read_node(r, &event, &key);
		yaml_event_delete(&event);
		if (e < 0)
			return e;
		e = read_value_of(r, map, key);
		if (e < 0)
			return e;
	}
	yaml_event_delete(&event);
	e = merge(r, map);
	if (e < 0)
		return e;
	*ret_node = map;
	return 0;
}

static const yaml_char_t *event_anchor(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* Reads the node that event begins. The event stays the caller's. */
static int read_node(struct reader *r, yaml_event_t *event, struct obi_node **ret_node)
{
	struct anchor *anchor = NULL;
	int e;

	if (r->depth == OBI_YAML_MAX_DEPTH)
		return fault(r, event_line(event), "nested too deep");
	e = open_anchor(r, event_anchor(event), event_line(event), &anchor);
	if (e < 0)
		return e;
	r->depth++;
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		e = read_alias(r, event, ret_node);
		break;
	case YAML_SCALAR_EVENT:
		e = read_scalar(r, event, ret_node);
		break;
	case YAML_SEQUENCE_START_EVENT:
		e = read_list(r, event, ret_node);
		break;
	case YAML_MAPPING_START_EVENT:
		e = read_map(r, event, ret_node);
		break;
	default:
		e = fault(r, event_line(event), "unexpected end of the document");
	}
	r->depth--;
	if (anchor && e == 0)
		anchor->node = *ret_node;
	return e;
}

/* ---- Documents ------------------------------------------------------------------- */

/* Only the first document is read, as the existing program does; more of them is a mistake worth
 * a word. */
static int check_end(struct reader *r)
{
	yaml_event_t event;
	unsigned line;
	bool last;
	int e;

	for (int i = 0; i < 2; i++) {
		e = next_event(r, &event);
		if (e < 0)
			return e;
		line = event_line(&event);
		last = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (last)
			return 0;
	}
	return warn(r, "only the first YAML document is read", "---", line);
}

static int read_document(struct reader *r, struct obi_node **ret_root)
{
	struct obi_node *root = NULL;
	yaml_event_t event;
	int e;

	for (;;) {
		yaml_event_type_t type;

		e = next_event(r, &event);
		if (e < 0)
			return e;
		type = event.type;
		if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT)
			break;
		yaml_event_delete(&event);
	}
	if (event.type != YAML_STREAM_END_EVENT)
		e = read_node(r, &event, &root);
	yaml_event_delete(&event);
	if (e == 0 && root)
		e = check_end(r);
	if (e == 0)
		*ret_root = root;
	return e;
}

/* libyaml compares each %TAG with all before it, which takes seconds in a file full of them. */
static int check_directives(struct reader *r)
{
	struct slice rest = r->text;
	unsigned count = 0;

	for (unsigned line = 1; rest.len; line++) {
		ptrdiff_t end = slice_find(rest, '\n');

		count += rest.data[0] == '%';
		if (count > MAX_DIRECTIVES)
			return fault(r, line, "too many directives");
		rest = slice_from(rest, end < 0 ? rest.len : (size_t)end + 1);
	}
	return 0;
}

int obi_yaml_read(const struct obi_yaml *yaml, struct slice text, struct obi_node **ret_root)
{
	struct reader r = { .yaml = yaml, .text = text };
	int e;

	if (text.len > OBI_YAML_MAX_BYTES)
		return fault(&r, 1, "larger than 1 MiB");
	e = check_directives(&r);
	if (e < 0)
		return e;
	if (!yaml_parser_initialize(&r.parser))
		return out_of_memory(&r);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text.len ? text.data : (const uint8_t *)"",
				     text.len);
	e = read_document(&r, ret_root);
	yaml_parser_delete(&r.parser);
	return e;
}

bool obi_node_is_null(const struct obi_node *node)
{
	return node->kind == OBI_NODE_SCALAR && !node->quoted &&
	       (node->value[0] == '\0' || strcmp(node->value, "~") == 0 ||
		strcmp(node->value, "null") == 0 || strcmp(node->value, "Null") == 0 ||
		strcmp(node->value, "NULL") == 0);
}
