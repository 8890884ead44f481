// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/line_writer.h"
#include "base/log_fold.h"
#include "base/utf8.h"

#define PATIENCE_MS 100
#define CLOSE_MS 1000
#define RETRY_NS NSEC_PER_SEC

static enum log_level threshold = LOG_INFO;
static bool as_json;
static bool (*put_line)(void *context, struct slice line);
static void *put_context;
static uint64_t lost;
static struct line_writer own;
static bool own_is_open;
static bool folding;
static struct log_fold fold;
static uint64_t tell_at_ns; /* not before: it had no room */

static const char *const level_names[] = { "DEBUG", "INFO", "WARN", "ERROR" };

void log_set_level(enum log_level level)
{
	threshold = level;
}

void log_set_json(bool json)
{
	as_json = json;
}

bool log_enabled(enum log_level level)
{
	return level >= threshold;
}

struct log_value log_errno(int error)
{
	return log_str(strerror(error < 0 ? -error : error));
}

/* RFC 3339 with milliseconds and the local offset. */
static void put_time(struct buffer *out)
{
	uint64_t now = clock_realtime_ns();
	time_t seconds = (time_t)(now / NSEC_PER_SEC);
	struct tm tm;
	char date[32], zone[8];

	localtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	buffer_printf(out, "%s.%03u", date, (unsigned)(now % NSEC_PER_SEC / NSEC_PER_MSEC));
	if (tm.tm_gmtoff == 0)
		buffer_put_char(out, 'Z');
	else
		buffer_printf(out, "%.3s:%.2s", zone, zone + 3);
}

/* slog quotes what is empty or holds a blank, '=', '"', or something unprintable. */
static bool needs_quotes(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] == ' ' || s.data[i] == '=' || s.data[i] == '"')
			return true;
	return s.len == 0 || !utf8_all_printable(s);
}

static void put_value(struct buffer *out, const struct log_value *value)
{
	struct slice s = value->kind == LOG_VALUE_SLICE ? value->slice : slice_cstr(value->str);

	if (value->kind == LOG_VALUE_INT)
		buffer_put_i64(out, value->num);
	else if (as_json || needs_quotes(s))
		buffer_put_json_string(out, s);
	else
		buffer_put_slice(out, s);
}

static void put_key(struct buffer *out, const char *key)
{
	if (as_json) {
		buffer_put_char(out, ',');
		buffer_put_json_string(out, slice_cstr(key));
		buffer_put_char(out, ':');
		return;
	}
	buffer_put_char(out, ' ');
	if (needs_quotes(slice_cstr(key)))
		buffer_put_json_string(out, slice_cstr(key));
	else
		buffer_put_cstr(out, key);
	buffer_put_char(out, '=');
}

void log_set_writer(bool (*put)(void *context, struct slice line), void *context)
{
	put_line = put;
	put_context = context;
}

void log_use_line_writer(void)
{
	line_writer_open(&own, STDOUT_FILENO);
	own_is_open = true;
}

static bool put_own(struct slice line)
{
	struct buffer *to = line_writer_begin(&own);
	uint64_t dropped = own.dropped;

	if (!to)
		return false;
	buffer_put_slice(to, line);
	line_writer_end(&own);
	line_writer_flush(&own);
	return own.dropped == dropped;
}

/* At once or not at all, but for a line that is longer than what a pipe takes at once. */
static bool write_line(struct buffer *line)
{
	struct pollfd pollfd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (put_line)
		return put_line(put_context, slice_of(line->data, line->len));
	if (own_is_open)
		return put_own(slice_of(line->data, line->len));
	buffer_put_char(line, '\n');
	if (line->failed || poll(&pollfd, 1, lost ? 0 : PATIENCE_MS) <= 0)
		return false;
	return write(STDOUT_FILENO, line->data, line->len) == (ssize_t)line->len;
}

static bool write_event(enum log_level level, const char *msg, const struct log_field *fields,
			int count)
{
	struct buffer out = { 0 };
	struct log_value text = log_str(msg);
	bool written;

	buffer_put_cstr(&out, as_json ? "{\"time\":\"" : "time=");
	put_time(&out);
	buffer_put_cstr(&out, as_json ? "\",\"level\":\"" : " level=");
	buffer_put_cstr(&out, level_names[level]);
	buffer_put_cstr(&out, as_json ? "\"" : "");
	put_key(&out, "msg");
	put_value(&out, &text);
	for (int i = 0; i < count; i++) {
		put_key(&out, fields[i].key);
		put_value(&out, &fields[i].value);
	}
	buffer_put_cstr(&out, as_json ? "}" : "");
	written = write_line(&out);
	buffer_free(&out);
	return written;
}

/* Its own loss is told before. */
static bool write_or_lose(enum log_level level, const char *msg, const struct log_field *fields,
			  int count)
{
	struct log_field lines = F("lines", log_int((int64_t)lost));

	if (lost && write_event(LOG_WARN, "the log had no room: lines were lost", &lines, 1))
		lost = 0;
	return !lost && write_event(level, msg, fields, count);
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields, int count)
{
	uint64_t now = folding ? clock_monotonic_ns() : 0;

	if (!log_enabled(level))
		return;
	log_tick(now);
	if (folding && !log_fold_take(&fold, level, msg, now))
		return;
	if (!write_or_lose(level, msg, fields, count))
		lost++;
}

/* ---- Lines that are left out ---- */

void log_begin_folding(void)
{
	folding = true;
}

/* What nobody could be told of yet is told later. */
static bool tell(const struct log_fold_entry *entry)
{
	const struct log_field fields[] = {
		F("like", log_str(entry->text)),
		F("count", log_int((int64_t)entry->folded)),
	};

	return write_or_lose(entry->level, LOG_FOLDED, fields, 2);
}

void log_tick(uint64_t now_ns)
{
	struct log_fold_entry *entry;

	while (folding && now_ns >= tell_at_ns && (entry = log_fold_due(&fold, now_ns))) {
		if (!tell(entry)) {
			tell_at_ns = clock_monotonic_ns() + RETRY_NS;
			return;
		}
		log_fold_told(entry);
	}
	if (own_is_open)
		line_writer_flush(&own);
}

uint64_t log_next(void)
{
	uint64_t next = folding ? log_fold_next(&fold) : 0;

	if (own_is_open && line_writer_waits(&own))
		return clock_monotonic_ns() + PATIENCE_MS * NSEC_PER_MSEC;
	return next && next < tell_at_ns ? tell_at_ns : next;
}

void log_flush(void)
{
	log_tick(UINT64_MAX);
	if (own_is_open)
		(void)line_writer_close(&own, CLOSE_MS);
}
