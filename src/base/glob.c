// SPDX-License-Identifier: Apache-2.0
/*
 * The pattern is run as a nondeterministic automaton whose states are the
 * pattern's own byte positions: a bit set holds every position that could be
 * next, one pass over it per byte of text. So no pattern takes longer than its
 * length times the text's, which a backtracking matcher cannot promise.
 *
 * Before that, one pass over the pattern finds where each element ends and where
 * each '{', ',' and '}' leads.
 */
#include "base/glob.h"

#include <errno.h>

#define MAX_NESTING 16

struct glob {
	const uint8_t *pattern;
	uint16_t len;
	/* Position after the element that begins here; for '{' and ',' of alternatives where the
	 * next alternative's separator or the closing brace is. */
	uint16_t next[OBI_GLOB_MAX + 1];
	uint16_t close[OBI_GLOB_MAX + 1]; /* of '{' and ',': the closing brace */
	uint8_t kind[OBI_GLOB_MAX + 1];
};

enum kind {
	KIND_BYTE, /* the byte itself, or the byte after a backslash */
	KIND_ANY_RUN,
	KIND_ANY_BYTE,
	KIND_CLASS,
	KIND_OPEN,
	KIND_COMMA,
	KIND_CLOSE,
};

struct positions {
	uint64_t bits[OBI_GLOB_MAX / 64 + 1];
};

static bool have(const struct positions *set, size_t i)
{
	return set->bits[i / 64] >> (i % 64) & 1;
}

static void add(struct positions *set, size_t i)
{
	set->bits[i / 64] |= 1ULL << (i % 64);
}

/* Reads one byte of a class at i, which may be escaped; false at the pattern's end. */
static bool class_byte(const struct glob *glob, size_t *i, uint8_t *ret_byte)
{
	if (*i < glob->len && glob->pattern[*i] == '\\')
		(*i)++;
	if (*i >= glob->len)
		return false;
	*ret_byte = glob->pattern[(*i)++];
	return true;
}

/* Walks the class that begins at i. byte < 0 only finds its end. Returns the position after
 * ']', or 0 and a reason. */
static size_t read_class(const struct glob *glob, size_t i, int byte, bool *ret_in,
			 const char **ret_why)
{
	bool in = false, negated;
	uint8_t low, high;
	size_t first;

	i++;
	negated = i < glob->len && glob->pattern[i] == '!';
	i += negated;
	first = i;
	while (i < glob->len && glob->pattern[i] != ']') {
		*ret_why = "'[' without ']'";
		if (!class_byte(glob, &i, &low))
			return 0;
		high = low;
		if (i + 1 < glob->len && glob->pattern[i] == '-' && glob->pattern[i + 1] != ']') {
			i++;
			if (!class_byte(glob, &i, &high))
				return 0;
		}
		*ret_why = "a range in '[]' goes backwards";
		if (low > high)
			return 0;
		in |= byte >= low && byte <= high;
	}
	*ret_why = i < glob->len ? "'[]' is empty" : "'[' without ']'";
	if (i >= glob->len || i == first)
		return 0;
	*ret_in = in != negated;
	return i + 1;
}

/* Fills in kind and next of the element at i, except for braces; 0 and a reason if it is bad. */
static size_t read_element(struct glob *glob, size_t i, const char **ret_why)
{
	bool in;

	glob->kind[i] = KIND_BYTE;
	switch (glob->pattern[i]) {
	case '*':
		glob->kind[i] = KIND_ANY_RUN;
		return i + 1;
	case '?':
		glob->kind[i] = KIND_ANY_BYTE;
		return i + 1;
	case '[':
		glob->kind[i] = KIND_CLASS;
		return read_class(glob, i, -1, &in, ret_why);
	case '\\':
		*ret_why = "nothing after the last '\\'";
		return i + 1 < glob->len ? i + 2 : 0;
	default:
		return i + 1;
	}
}

/* Tells the brace at open and each of its commas where the brace closes. */
static void set_close(struct glob *glob, size_t open, size_t close)
{
	for (size_t i = open; i != close; i = glob->next[i])
		glob->close[i] = (uint16_t)close;
}

/* 0, or -EINVAL and a reason. */
static int compile(struct glob *glob, const char *pattern, const char **ret_why)
{
	uint16_t open[MAX_NESTING];
	uint16_t latest[MAX_NESTING]; /* the brace or its newest comma: its `next` is to come */
	size_t depth = 0, len = strlen(pattern), end;

	*ret_why = "longer than 512 bytes";
	if (len > OBI_GLOB_MAX)
		return -EINVAL;
	glob->pattern = (const uint8_t *)pattern;
	glob->len = (uint16_t)len;
	for (size_t i = 0; i < len; i = end) {
		uint8_t byte = glob->pattern[i];

		end = i + 1;
		if (byte == '{') {
			*ret_why = "braces nested too deep";
			if (depth == MAX_NESTING)
				return -EINVAL;
			glob->kind[i] = KIND_OPEN;
			open[depth] = latest[depth] = (uint16_t)i;
			depth++;
		} else if (depth && (byte == ',' || byte == '}')) {
			glob->kind[i] = byte == ',' ? KIND_COMMA : KIND_CLOSE;
			glob->next[latest[depth - 1]] = (uint16_t)i;
			latest[depth - 1] = (uint16_t)i;
			if (byte == '}')
				set_close(glob, open[--depth], i);
		} else {
			end = read_element(glob, i, ret_why);
			if (!end)
				return -EINVAL;
			glob->next[i] = (uint16_t)end;
		}
	}
	*ret_why = "'{' without '}'";
	return depth ? -EINVAL : 0;
}

/* Adds every position that is reached from those in the set without reading a byte. Edges lead
 * forward only, so one pass in order finds them all. */
static void follow(const struct glob *glob, struct positions *set)
{
	for (size_t i = 0; i < glob->len; i++) {
		if (!have(set, i))
			continue;
		switch (glob->kind[i]) {
		case KIND_ANY_RUN:
		case KIND_CLOSE:
			add(set, i + 1);
			break;
		case KIND_OPEN: /* into each alternative */
			add(set, i + 1);
			for (size_t j = glob->next[i]; j != glob->close[i]; j = glob->next[j])
				add(set, j + 1);
			break;
		case KIND_COMMA: /* an alternative is done: past the brace */
			add(set, glob->close[i] + 1u);
			break;
		default:
			break;
		}
	}
}

/* Does the element at i take this byte? */
static bool takes(const struct glob *glob, size_t i, uint8_t byte)
{
	const char *why;
	bool in = false;

	switch (glob->kind[i]) {
	case KIND_ANY_RUN:
	case KIND_ANY_BYTE:
		return true;
	case KIND_BYTE:
		return glob->pattern[glob->next[i] - 1] == byte;
	case KIND_CLASS:
		return read_class(glob, i, byte, &in, &why) && in;
	default:
		return false;
	}
}

static bool step(const struct glob *glob, struct positions *set, uint8_t byte)
{
	struct positions after = { 0 };
	bool alive = false;

	for (size_t i = 0; i < glob->len; i++) {
		if (!have(set, i) || !takes(glob, i, byte))
			continue;
		add(&after, glob->kind[i] == KIND_ANY_RUN ? i : glob->next[i]);
		alive = true;
	}
	*set = after;
	return alive;
}

int obi_glob_check(const char *pattern, const char **ret_why)
{
	const char *why = NULL;
	struct glob glob = { 0 };
	int r = compile(&glob, pattern, &why);

	if (r < 0)
		*ret_why = why;
	return r;
}

/* The pattern is plain text with at most one '*'. Most are: they need no automaton. */
struct simple {
	struct slice before, after; /* of the '*' */
	bool star;
};

static bool read_simple(struct slice pattern, struct simple *ret_simple)
{
	*ret_simple = (struct simple){ .before = pattern };
	for (size_t i = 0; i < pattern.len; i++) {
		switch (pattern.data[i]) {
		case '*':
			if (ret_simple->star)
				return false;
			ret_simple->star = true;
			ret_simple->before = slice_first(pattern, i);
			ret_simple->after = slice_from(pattern, i + 1);
			break;
		case '?':
		case '[':
		case '{':
		case '\\':
			return false;
		default:
			break;
		}
	}
	return pattern.len <= OBI_GLOB_MAX;
}

static bool match_simple(const struct simple *simple, struct slice text)
{
	size_t len = simple->before.len + simple->after.len;

	if (simple->star ? text.len < len : text.len != len)
		return false;
	return slice_has_prefix(text, simple->before) &&
	       slice_equal(slice_from(text, text.len - simple->after.len), simple->after);
}

static bool run_automaton(const char *pattern, struct slice text)
{
	struct positions set = { 0 };
	struct glob glob = { 0 };
	const char *why;

	if (compile(&glob, pattern, &why) < 0)
		return false;
	add(&set, 0);
	follow(&glob, &set);
	for (size_t i = 0; i < text.len; i++) {
		if (!step(&glob, &set, text.data[i]))
			return false;
		follow(&glob, &set);
	}
	return have(&set, glob.len);
}

bool obi_glob_match(const char *pattern, struct slice text)
{
	struct simple simple;

	if (read_simple(slice_cstr(pattern), &simple))
		return match_simple(&simple, text);
	return run_automaton(pattern, text);
}
