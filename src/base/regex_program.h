/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of regex: a pattern as a program, whose threads run side by side (Thompson, 1968). */
#ifndef OBI_BASE_REGEX_PROGRAM_H
#define OBI_BASE_REGEX_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_CODE_MAX 2000
#define REGEX_RANGES_MAX 1000
#define REGEX_RUNE_MAX 0x10FFFFu

enum regex_op {
	REGEX_CLASS, /* takes one character of count ranges from there on */
	REGEX_SPLIT, /* goes on at x and at y */
	REGEX_TEXT_BEGIN,
	REGEX_TEXT_END,
	REGEX_LINE_BEGIN,
	REGEX_LINE_END,
	REGEX_WORD_EDGE,
	REGEX_NO_WORD_EDGE,
	REGEX_NOTHING, /* goes on at the next */
	REGEX_FOUND,
};

struct regex_instruction {
	uint8_t op;
	bool negated; /* CLASS: of every other character */
	bool folded;  /* CLASS: cases of ASCII letters are alike */
	uint16_t x;   /* SPLIT; CLASS: first range */
	uint16_t y;   /* SPLIT; CLASS: their number */
};

struct regex_range {
	uint32_t low, high;
};

struct regex_program {
	struct regex_instruction code[REGEX_CODE_MAX];
	struct regex_range ranges[REGEX_RANGES_MAX];
	size_t code_len, ranges_len;
};

/* 0, or -EINVAL and why. */
int regex_compile(const char *pattern, struct regex_program *program, const char **ret_why);

/* The character at text (len > 0), and how many bytes it has. */
size_t regex_rune(const uint8_t *text, size_t len, uint32_t *ret_rune);

#endif
