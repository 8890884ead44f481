/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log, on standard output, one line an event, in the field's slog text form:
 *   time=2026-11-24T10:00:00.123+01:00 level=INFO msg="…" key=value
 * or as JSON. Only the broker, the worker and the verbs log: libraries return
 * errors. Lines that cannot be written are counted, and the next one that can is
 * preceded by their number.
 *
 * Who goes on for long folds: of lines that say the same (log_fold.h) those beyond an allowance are
 * left out, and LOG_FOLDED says how many, and like which.
 *
 *   log_info("starting", F("port", log_int(8080)), F("path", log_str("/metrics")));
 */
#ifndef OBI_BASE_LOG_H
#define OBI_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

struct log_value {
	enum {
		LOG_VALUE_STR,
		LOG_VALUE_INT,
		LOG_VALUE_SLICE
	} kind;
	const char *str;
	int64_t num;
	struct slice slice;
};

struct log_field {
	const char *key;
	struct log_value value;
};

static inline struct log_value log_str(const char *s)
{
	return (struct log_value){ .kind = LOG_VALUE_STR, .str = s ? s : "" };
}

static inline struct log_value log_int(int64_t n)
{
	return (struct log_value){ .kind = LOG_VALUE_INT, .num = n };
}

static inline struct log_value log_slice(struct slice s)
{
	return (struct log_value){ .kind = LOG_VALUE_SLICE, .slice = s };
}

/* strerror(-error) for a negative errno. */
struct log_value log_errno(int error);

void log_set_level(enum log_level level);
void log_set_json(bool json);
bool log_enabled(enum log_level level);

/* Another way out than write(2) to standard output: takes a line without its end, false where it
 * was dropped. NULL: the usual one. */
void log_set_writer(bool (*put)(void *context, struct slice line), void *context);

/* From here on by a line writer, beside others of this process on standard output, which is
 * non-blocking or waited for by nobody. log_tick() writes what had to wait, log_flush() ends it. */
void log_use_line_writer(void);

/* ---- Folding ---- */

#define LOG_FOLDED "more lines like this were left out"

/* From here on. */
void log_begin_folding(void);

/* Tells of lines that were left out, where it is due. Monotonic time, also of the next one; 0:
 * there is none. */
void log_tick(uint64_t now_ns);
uint64_t log_next(void);

/* Tells of all and writes all: before the end. */
void log_flush(void);

/* ---- Writing ---- */

/* Writes one line in one write(2). fields end where count says. */
void log_write(enum log_level level, const char *msg, const struct log_field *fields, int count);

#define LOG_FIELDS(...)                                                                            \
	(const struct log_field[]){ __VA_ARGS__ },                                                 \
		(int)(sizeof((const struct log_field[]){ __VA_ARGS__ }) /                          \
		      sizeof(struct log_field))

/* log_info("text", F("key", log_str(value)), ...): at least one field; log_info0 without. */
#define F(key_, value_)                                                                            \
	{                                                                                          \
		.key = (key_), .value = (value_)                                                   \
	}
#define log_debug(msg, ...) log_write(LOG_DEBUG, msg, LOG_FIELDS(__VA_ARGS__))
#define log_info(msg, ...) log_write(LOG_INFO, msg, LOG_FIELDS(__VA_ARGS__))
#define log_warn(msg, ...) log_write(LOG_WARN, msg, LOG_FIELDS(__VA_ARGS__))
#define log_error(msg, ...) log_write(LOG_ERROR, msg, LOG_FIELDS(__VA_ARGS__))
#define log_info0(msg) log_write(LOG_INFO, msg, NULL, 0)
#define log_warn0(msg) log_write(LOG_WARN, msg, NULL, 0)
#define log_error0(msg) log_write(LOG_ERROR, msg, NULL, 0)

#endif
