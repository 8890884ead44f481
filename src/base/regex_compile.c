// SPDX-License-Identifier: Apache-2.0
/*
 * From a pattern (github.com/google/re2/wiki/Syntax) to a program, without a tree in between: what
 * stands before a repetition or an alternation is already in the program, and is moved or copied.
 */
#include <errno.h>
#include <string.h>

#include "base/regex_program.h"
#include "base/slice.h"

#define DEPTH_MAX 100
#define REPEAT_MAX 1000 /* as RE2 */

struct flags {
	bool fold, multi_line, dot_all;
};

struct parser {
	struct regex_program *program;
	const char *at;
	const char *why; /* the first error */
	struct flags flags;
	unsigned depth;
	bool quoting; /* between \Q and \E */
};

static const struct regex_range digits[] = { { '0', '9' } };
static const struct regex_range blanks[] = { { '\t', '\n' }, { '\f', '\r' }, { ' ', ' ' } };
static const struct regex_range words[] = {
	{ '0', '9' },
	{ 'A', 'Z' },
	{ '_', '_' },
	{ 'a', 'z' },
};

static void fail(struct parser *p, const char *why)
{
	if (!p->why)
		p->why = why;
}

/* ---- Program ---- */

static void emit(struct parser *p, struct regex_instruction in)
{
	if (p->program->code_len == REGEX_CODE_MAX - 1)
		fail(p, "too large");
	else if (!p->why)
		p->program->code[p->program->code_len++] = in;
}

static void shift(struct regex_instruction *in, size_t from, size_t by)
{
	if (in->op == REGEX_SPLIT) {
		in->x = (uint16_t)(in->x >= from ? in->x + by : in->x);
		in->y = (uint16_t)(in->y >= from ? in->y + by : in->y);
	}
}

/* A split before what stands at `at` and behind. */
static void insert_split(struct parser *p, size_t at)
{
	struct regex_program *program = p->program;

	emit(p, (struct regex_instruction){ .op = REGEX_NOTHING });
	if (p->why)
		return;
	memmove(program->code + at + 1, program->code + at,
		(program->code_len - 1 - at) * sizeof(program->code[0]));
	program->code[at] = (struct regex_instruction){ .op = REGEX_NOTHING };
	for (size_t i = at + 1; i < program->code_len; i++)
		shift(&program->code[i], at, 1);
}

static void set_split(struct parser *p, size_t at, size_t x, size_t y)
{
	if (!p->why)
		p->program->code[at] = (struct regex_instruction){ .op = REGEX_SPLIT,
								   .x = (uint16_t)x,
								   .y = (uint16_t)y };
}

static void emit_jump(struct parser *p, size_t to)
{
	size_t at = p->program->code_len;

	emit(p, (struct regex_instruction){ .op = REGEX_NOTHING });
	set_split(p, at, to, to);
}

/* Once more the len instructions that stand at from. */
static void copy_code(struct parser *p, size_t from, size_t len)
{
	size_t to = p->program->code_len;

	for (size_t i = 0; i < len && !p->why; i++) {
		struct regex_instruction in = p->program->code[from + i];

		shift(&in, from, to - from);
		emit(p, in);
	}
}

static void add_range(struct parser *p, uint32_t low, uint32_t high)
{
	if (p->program->ranges_len == REGEX_RANGES_MAX)
		fail(p, "too large");
	else if (low <= high && !p->why)
		p->program->ranges[p->program->ranges_len++] = (struct regex_range){ low, high };
}

static void add_ranges(struct parser *p, const struct regex_range *ranges, size_t count,
		       bool negated)
{
	uint32_t low = 0;

	for (size_t i = 0; i < count; i++) {
		if (!negated)
			add_range(p, ranges[i].low, ranges[i].high);
		else if (ranges[i].low > low)
			add_range(p, low, ranges[i].low - 1);
		low = ranges[i].high + 1;
	}
	if (negated)
		add_range(p, low, REGEX_RUNE_MAX);
}

/* Takes a character of the ranges that were added since first. */
static void emit_class(struct parser *p, size_t first, bool negated)
{
	emit(p, (struct regex_instruction){
			.op = REGEX_CLASS,
			.negated = negated,
			.folded = p->flags.fold,
			.x = (uint16_t)first,
			.y = (uint16_t)(p->program->ranges_len - first),
		});
}

static void emit_rune(struct parser *p, uint32_t rune)
{
	size_t first = p->program->ranges_len;

	add_range(p, rune, rune);
	emit_class(p, first, false);
}

/* ---- Characters and classes ---- */

static uint32_t take_rune(struct parser *p)
{
	uint32_t rune;
	size_t size = regex_rune((const uint8_t *)p->at, strlen(p->at), &rune);

	p->at += size;
	return rune;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind \x: two digits, or any number between braces. */
static uint32_t take_hex(struct parser *p)
{
	bool braces = *p->at == '{';
	uint32_t rune = 0;
	int count = 0;

	for (p->at += braces; hex(*p->at) >= 0 && (braces || count < 2) && rune <= REGEX_RUNE_MAX;
	     count++)
		rune = rune << 4 | (uint32_t)hex(*p->at++);
	if (!count || rune > REGEX_RUNE_MAX || (braces ? *p->at != '}' : count < 2))
		fail(p, "invalid escape sequence");
	p->at += braces && *p->at;
	return rune;
}

/* Behind the backslash, where it is one character. */
static uint32_t take_escaped(struct parser *p)
{
	static const char letters[] = "afnrtv", runes[] = "\a\f\n\r\t\v";
	const char *letter = *p->at ? strchr(letters, *p->at) : NULL;
	unsigned char c = (unsigned char)*p->at;

	if (!c) {
		fail(p, "trailing backslash");
		return 0;
	}
	p->at++;
	if (letter)
		return (unsigned char)runes[letter - letters];
	if (c == 'x')
		return take_hex(p);
	if (c >= 0x80 || hex((char)c) >= 0 || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		fail(p, "invalid escape sequence");
	return c;
}

/* \d, \s, \w and their opposites, behind the backslash. */
static bool take_perl(struct parser *p)
{
	bool negated = *p->at == 'D' || *p->at == 'S' || *p->at == 'W';

	switch (*p->at | 0x20) {
	case 'd':
		add_ranges(p, digits, 1, negated);
		break;
	case 's':
		add_ranges(p, blanks, 3, negated);
		break;
	case 'w':
		add_ranges(p, words, 4, negated);
		break;
	default:
		return false;
	}
	p->at++;
	return true;
}

/* [:alpha:] and its kin, and [:^alpha:], inside of brackets. */
static bool take_posix(struct parser *p)
{
	static const struct {
		const char *name;
		size_t count;
		struct regex_range ranges[4];
	} classes[] = {
		{ "alnum", 3, { { '0', '9' }, { 'A', 'Z' }, { 'a', 'z' } } },
		{ "alpha", 2, { { 'A', 'Z' }, { 'a', 'z' } } },
		{ "ascii", 1, { { 0, 0x7F } } },
		{ "blank", 2, { { '\t', '\t' }, { ' ', ' ' } } },
		{ "cntrl", 2, { { 0, 0x1F }, { 0x7F, 0x7F } } },
		{ "digit", 1, { { '0', '9' } } },
		{ "graph", 1, { { '!', '~' } } },
		{ "lower", 1, { { 'a', 'z' } } },
		{ "print", 1, { { ' ', '~' } } },
		{ "punct", 4, { { '!', '/' }, { ':', '@' }, { '[', '`' }, { '{', '~' } } },
		{ "space", 2, { { '\t', '\r' }, { ' ', ' ' } } },
		{ "upper", 1, { { 'A', 'Z' } } },
		{ "word", 4, { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } } },
		{ "xdigit", 3, { { '0', '9' }, { 'A', 'F' }, { 'a', 'f' } } },
	};
	const char *name = p->at + 2, *end;
	bool negated;

	if (p->at[0] != '[' || p->at[1] != ':')
		return false;
	end = strstr(name, ":]");
	if (!end)
		return false;
	negated = *name == '^';
	name += negated;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if ((size_t)(end - name) != strlen(classes[i].name) ||
		    memcmp(name, classes[i].name, (size_t)(end - name)) != 0)
			continue;
		add_ranges(p, classes[i].ranges, classes[i].count, negated);
		p->at = end + 2;
		return true;
	}
	fail(p, "invalid character class");
	return false;
}

static uint32_t take_class_rune(struct parser *p)
{
	if (*p->at != '\\')
		return take_rune(p);
	p->at++;
	return take_escaped(p);
}

static void take_class_item(struct parser *p)
{
	uint32_t low, high;

	if (take_posix(p))
		return;
	if (*p->at == '\\') {
		p->at++;
		if (take_perl(p))
			return;
		p->at--;
	}
	low = high = take_class_rune(p);
	if (p->at[0] == '-' && p->at[1] && p->at[1] != ']') {
		p->at++;
		high = take_class_rune(p);
	}
	if (low > high)
		fail(p, "invalid character class range");
	add_range(p, low, high);
}

/* Behind the bracket. */
static void take_class(struct parser *p)
{
	size_t first = p->program->ranges_len;
	bool negated = *p->at == '^', begun = false;

	for (p->at += negated; *p->at && (*p->at != ']' || !begun) && !p->why; begun = true)
		take_class_item(p);
	if (!*p->at)
		fail(p, "missing closing ]");
	else
		p->at++;
	emit_class(p, first, negated);
}

/* ---- Groups, repetitions, alternatives ---- */

static void take_alternatives(struct parser *p);

static bool is_name(const char *at, const char *end)
{
	for (; at < end; at++)
		if (!(*at == '_' || (*at >= '0' && *at <= '9') ||
		      ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')))
			return false;
	return true;
}

/* Behind "(?": flags and ':' or ')', or a name. True where a group follows. */
static bool take_group_head(struct parser *p)
{
	const char *end = strchr(p->at, '>');
	bool on = true;

	if (p->at[0] == 'P' || p->at[0] == '<') {
		p->at += *p->at == 'P';
		if (*p->at != '<' || !end || end == p->at + 1 || !is_name(p->at + 1, end))
			fail(p, "invalid named capture");
		else
			p->at = end + 1;
		return true;
	}
	for (; *p->at && *p->at != ':' && *p->at != ')'; p->at++) {
		if (*p->at == '-' && on)
			on = false;
		else if (*p->at == 'i')
			p->flags.fold = on;
		else if (*p->at == 'm')
			p->flags.multi_line = on;
		else if (*p->at == 's')
			p->flags.dot_all = on;
		else if (*p->at != 'U') { /* which match is found does not matter */
			fail(p, "invalid or unsupported group");
			break;
		}
	}
	if (!*p->at)
		fail(p, "missing closing )");
	return !p->why && *p->at++ == ':';
}

/* Behind the bracket. */
static void take_group(struct parser *p)
{
	struct flags outside = p->flags;

	if (*p->at == '?') {
		p->at++;
		if (!take_group_head(p))
			return; /* flags of what follows in the group around */
	}
	if (++p->depth > DEPTH_MAX)
		fail(p, "nested too deeply");
	if (!p->why)
		take_alternatives(p);
	p->depth--;
	p->flags = outside;
	if (*p->at != ')')
		fail(p, "missing closing )");
	else
		p->at++;
}

static void emit_condition(struct parser *p, enum regex_op op)
{
	emit(p, (struct regex_instruction){ .op = (uint8_t)op });
}

/* Behind the backslash. */
static void take_escape(struct parser *p)
{
	static const char letters[] = "AzbB";
	static const enum regex_op ops[] = { REGEX_TEXT_BEGIN, REGEX_TEXT_END, REGEX_WORD_EDGE,
					     REGEX_NO_WORD_EDGE };
	const char *letter = *p->at ? strchr(letters, *p->at) : NULL;
	size_t first = p->program->ranges_len;

	if (letter) {
		p->at++;
		emit_condition(p, ops[letter - letters]);
	} else if (take_perl(p)) {
		emit_class(p, first, false);
	} else {
		emit_rune(p, take_escaped(p));
	}
}

static void emit_dot(struct parser *p)
{
	size_t first = p->program->ranges_len;

	if (!p->flags.dot_all)
		add_range(p, '\n', '\n');
	emit_class(p, first, true);
}

static void take_one(struct parser *p)
{
	char c = *p->at;

	if (p->quoting) {
		emit_rune(p, take_rune(p));
	} else if (c == '*' || c == '+' || c == '?') {
		fail(p, "missing argument to repetition operator");
	} else if (!strchr("([.^$\\", c)) {
		emit_rune(p, take_rune(p));
	} else {
		p->at++;
		if (c == '(')
			take_group(p);
		else if (c == '[')
			take_class(p);
		else if (c == '.')
			emit_dot(p);
		else if (c == '^')
			emit_condition(p,
				       p->flags.multi_line ? REGEX_LINE_BEGIN : REGEX_TEXT_BEGIN);
		else if (c == '$')
			emit_condition(p, p->flags.multi_line ? REGEX_LINE_END : REGEX_TEXT_END);
		else
			take_escape(p);
	}
}

/* A number, or -1; of a large one the rest is left. */
static int take_number(const char **at)
{
	int number = -1;

	for (; **at >= '0' && **at <= '9' && number < 100000; (*at)++)
		number = (number < 0 ? 0 : number) * 10 + **at - '0';
	return number;
}

/* {n}, {n,} or {n,m}; anything else is text. max -1: any number. */
static bool take_braces(struct parser *p, int *ret_min, int *ret_max)
{
	const char *at = p->at + 1;
	int min = take_number(&at), max = min;

	if (min < 0)
		return false;
	if (*at == ',') {
		at++;
		max = *at == '}' ? -1 : take_number(&at);
		if (max < 0 && *at != '}')
			return false;
	}
	if (*at != '}')
		return false;
	p->at = at + 1;
	if (min > REPEAT_MAX || max > REPEAT_MAX || (max >= 0 && max < min))
		fail(p, "invalid repeat count");
	*ret_min = min;
	*ret_max = max;
	return true;
}

static bool take_repetition(struct parser *p, int *ret_min, int *ret_max)
{
	char c = *p->at;

	if (p->quoting || !c)
		return false;
	if (c == '{')
		return take_braces(p, ret_min, ret_max);
	if (c != '*' && c != '+' && c != '?')
		return false;
	p->at++;
	*ret_min = c == '+';
	*ret_max = c == '?' ? 1 : -1;
	return true;
}

/* What stands from at on, min to max times. */
static void repeat(struct parser *p, size_t at, int min, int max)
{
	size_t len = p->program->code_len - at, begin = at;

	if (min == 0 && max == 0) {
		p->program->code_len = at;
		return;
	}
	for (int i = 1; i < min && !p->why; i++) {
		begin = p->program->code_len;
		copy_code(p, at, len);
	}
	if (min > 0 && max < 0) { /* the last one again and again */
		size_t end = p->program->code_len;

		emit_condition(p, REGEX_NOTHING);
		set_split(p, end, begin, end + 1);
	} else if (max < 0) {
		insert_split(p, at);
		emit_jump(p, at);
		set_split(p, at, at + 1, p->program->code_len);
	} else {
		/* Each of the rest behind a split of its own. */
		if (min == 0)
			insert_split(p, at);
		if (min == 0)
			set_split(p, at, at + 1, p->program->code_len);
		for (int i = min ? min : 1; i < max && !p->why; i++) {
			size_t split = p->program->code_len;

			emit_condition(p, REGEX_NOTHING);
			copy_code(p, min ? at : at + 1, len);
			set_split(p, split, split + 1, p->program->code_len);
		}
	}
}

/* \Q and \E are no characters. True where one was taken. */
static bool take_quoting(struct parser *p)
{
	if (p->at[0] != '\\' || p->at[1] != (p->quoting ? 'E' : 'Q'))
		return false;
	p->quoting = !p->quoting;
	p->at += 2;
	return true;
}

static void take_sequence(struct parser *p)
{
	while (*p->at && !p->why && (p->quoting || (*p->at != '|' && *p->at != ')'))) {
		size_t at = p->program->code_len;
		bool repeated = false;
		int min, max;

		if (take_quoting(p))
			continue;
		take_one(p);
		while (!p->why && take_repetition(p, &min, &max)) {
			if (repeated)
				fail(p, "invalid nested repetition operator");
			repeated = true;
			repeat(p, at, min, max);
			p->at += *p->at == '?'; /* as few as possible: a match is a match */
		}
	}
}

static void take_alternatives(struct parser *p)
{
	struct flags flags = p->flags;
	size_t at = p->program->code_len;

	take_sequence(p);
	while (!p->why && *p->at == '|') {
		size_t jump;

		p->at++;
		insert_split(p, at);
		jump = p->program->code_len;
		emit_jump(p, jump); /* to the end, which is not known yet */
		set_split(p, at, at + 1, p->program->code_len);
		take_alternatives(p);
		set_split(p, jump, p->program->code_len, p->program->code_len);
	}
	p->flags = flags;
}

int regex_compile(const char *pattern, struct regex_program *program, const char **ret_why)
{
	struct parser p = { .program = program, .at = pattern };

	program->code_len = program->ranges_len = 0;
	take_alternatives(&p);
	if (*p.at == ')')
		fail(&p, "unexpected )");
	if (p.why) {
		*ret_why = p.why;
		return -EINVAL;
	}
	program->code[program->code_len++] = (struct regex_instruction){ .op = REGEX_FOUND };
	return 0;
}
