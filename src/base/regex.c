// SPDX-License-Identifier: Apache-2.0
/*
 * All threads of the program that are alive stand at the same character of the text; each place of
 * the program is taken by one of them at most. So a character costs no more than the program is
 * long.
 */
#include "base/regex.h"

#include <string.h>

#include "base/regex_program.h"

struct threads {
	uint16_t at[REGEX_CODE_MAX];
	size_t count;
};

struct machine {
	struct regex_program program;
	struct threads now, next;
	uint32_t seen[REGEX_CODE_MAX]; /* the step in which a place was taken last */
	uint16_t stack[2 * REGEX_CODE_MAX];
	uint32_t step;
	bool found;
};

/* A place in the text, and what stands around it; REGEX_NONE at its ends. */
#define REGEX_NONE UINT32_MAX
struct place {
	uint32_t before, behind;
};

size_t regex_rune(const uint8_t *text, size_t len, uint32_t *ret_rune)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = text[0] < 0x80   ? 1
		      : text[0] < 0xC0 ? 0
		      : text[0] < 0xE0 ? 2
		      : text[0] < 0xF0 ? 3
		      : text[0] < 0xF8 ? 4
				       : 0;
	uint32_t rune = size == 1 ? text[0] : text[0] & (0x7Fu >> size);

	for (size_t i = 1; i < size; i++) {
		if (i >= len || (text[i] & 0xC0) != 0x80)
			size = 0;
		else
			rune = rune << 6 | (text[i] & 0x3F);
	}
	if (!size || rune < least[size] || rune > REGEX_RUNE_MAX ||
	    (rune >= 0xD800 && rune < 0xE000)) {
		*ret_rune = 0xFFFD;
		return 1;
	}
	*ret_rune = rune;
	return size;
}

static bool is_word(uint32_t rune)
{
	return (rune >= '0' && rune <= '9') || rune == '_' ||
	       ((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z');
}

static bool condition_holds(enum regex_op op, const struct place *place)
{
	switch (op) {
	case REGEX_TEXT_BEGIN:
		return place->before == REGEX_NONE;
	case REGEX_TEXT_END:
		return place->behind == REGEX_NONE;
	case REGEX_LINE_BEGIN:
		return place->before == REGEX_NONE || place->before == '\n';
	case REGEX_LINE_END:
		return place->behind == REGEX_NONE || place->behind == '\n';
	case REGEX_WORD_EDGE:
		return is_word(place->before) != is_word(place->behind);
	case REGEX_NO_WORD_EDGE:
		return is_word(place->before) == is_word(place->behind);
	default:
		return true;
	}
}

/* A thread at pc, and all that it becomes without taking a character. */
static void add_thread(struct machine *m, struct threads *threads, uint16_t pc,
		       const struct place *place)
{
	size_t depth = 0;

	m->stack[depth++] = pc;
	while (depth) {
		const struct regex_instruction *in;

		pc = m->stack[--depth];
		if (m->seen[pc] == m->step)
			continue;
		m->seen[pc] = m->step;
		in = &m->program.code[pc];
		if (in->op == REGEX_FOUND) {
			m->found = true;
		} else if (in->op == REGEX_CLASS) {
			threads->at[threads->count++] = pc;
		} else if (in->op == REGEX_SPLIT) {
			m->stack[depth++] = in->y;
			m->stack[depth++] = in->x;
		} else if (condition_holds((enum regex_op)in->op, place)) {
			m->stack[depth++] = (uint16_t)(pc + 1);
		}
	}
}

static bool in_ranges(const struct regex_program *program, const struct regex_instruction *in,
		      uint32_t rune)
{
	for (size_t i = in->x; i < (size_t)in->x + in->y; i++)
		if (rune >= program->ranges[i].low && rune <= program->ranges[i].high)
			return true;
	return false;
}

static bool takes(const struct regex_program *program, const struct regex_instruction *in,
		  uint32_t rune)
{
	bool letter = (rune | 0x20) >= 'a' && (rune | 0x20) <= 'z';

	return (in_ranges(program, in, rune) ||
		(in->folded && letter && in_ranges(program, in, rune ^ 0x20))) != in->negated;
}

static bool run(struct machine *m, struct slice text)
{
	struct threads *now = &m->now, *next = &m->next, *other;
	struct place place = { REGEX_NONE, REGEX_NONE };
	size_t at = 0, size = text.len ? regex_rune(text.data, text.len, &place.behind) : 0;

	for (;;) {
		/* A match may begin anywhere. */
		add_thread(m, now, 0, &place);
		if (m->found || at == text.len)
			return m->found;
		at += size;
		place.before = place.behind;
		place.behind = REGEX_NONE;
		size = at < text.len ? regex_rune(text.data + at, text.len - at, &place.behind) : 0;
		m->step++;
		next->count = 0;
		for (size_t i = 0; i < now->count; i++) {
			const struct regex_instruction *in = &m->program.code[now->at[i]];

			if (takes(&m->program, in, place.before))
				add_thread(m, next, (uint16_t)(now->at[i] + 1), &place);
		}
		other = now;
		now = next;
		next = other;
	}
}

int obi_regex_check(const char *pattern, const char **ret_why)
{
	struct regex_program program;

	return regex_compile(pattern, &program, ret_why);
}

bool obi_regex_match(const char *pattern, struct slice text)
{
	struct machine m;
	const char *why;

	if (regex_compile(pattern, &m.program, &why))
		return false;
	m.now.count = m.next.count = 0;
	memset(m.seen, 0, m.program.code_len * sizeof(m.seen[0]));
	m.step = 1;
	m.found = false;
	return run(&m, text);
}
