/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single values from text and back. All parsers take the whole slice, allow blanks
 * around it, and return 0 or -EINVAL; ret_ is untouched on failure.
 */
#ifndef OBI_CONFIG_PARSE_H
#define OBI_CONFIG_PARSE_H

#include "base/buffer.h"
#include "base/slice.h"
#include "config/option.h"

/* true, false, yes, no, on, off, t, f, y, n, 1, 0; in any case. */
int obi_parse_bool(struct slice text, bool *ret_value);

/* Decimal, with an optional sign. */
int obi_parse_int(struct slice text, int64_t *ret_value);

/* Decimal, with an optional fraction and exponent. */
int obi_parse_float(struct slice text, double *ret_value);

/* Go's syntax: numbers, each with its unit of ns, us, µs, ms, s, m or h, one after another, as
 * 1h30m or 1.5s; or 0. Nanoseconds, below 2^63. */
int obi_parse_duration(struct slice text, uint64_t *ret_ns);

/* 80 or 8000-8999, from 1 to max, blanks around each number. */
int obi_parse_range(struct slice text, uint32_t max, struct obi_range *ret_range);

/* 10.0.0.0/8 or 2001:db8::/32. Does not set ret_prefix->text. */
int obi_parse_prefix(struct slice text, struct obi_prefix *ret_prefix);

/* 1h30m, 500ms: what obi_parse_duration() reads back as the same. */
void obi_put_duration(struct buffer *buf, uint64_t ns);

void obi_put_prefix(struct buffer *buf, const struct obi_prefix *prefix);

/* The shortest form that reads back as the same number. */
void obi_put_float(struct buffer *buf, double value);

#endif
