// SPDX-License-Identifier: Apache-2.0
/*
 * Heads of HTTP/1 messages. One pass: http1_lines.h finds the line ends, the start line is
 * taken apart, and of the fields only the few that matter are looked at, by their first
 * letter. Fields are not validated beyond that: the observed server did so already.
 */
#include "protocol/http1/http1.h"

#include <errno.h>
#include <limits.h>

#include "protocol/http1/lines.h"
#include "span/trace.h"

/* nginx takes what fits its buffer, of capitals, '-' and '_'; a longer word of others is none. */
#define METHOD_MAX 256
#define ODD_METHOD_MAX 64
/* "HTTP/1.1", and with a status behind it "HTTP/1.1 200" */
#define VERSION_LEN 8
#define STATUS_END 12
/* Digits and dots of a version. */
#define VERSION_MAX 16

/* tchar, RFC 9110 section 5.6.2 */
/* clang-format off */
static const bool is_token[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
	['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
	['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};
/* clang-format on */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static struct slice between(const uint8_t *from, const uint8_t *to)
{
	return slice_of(from, (size_t)(to - from));
}

/* Is text the beginning of lit, or the other way round? */
static bool may_begin(struct slice text, struct slice lit)
{
	return text.len == 0 ||
	       slice_has_prefix(slice_first(lit, text.len), slice_first(text, lit.len));
}

/* Between the words of a request line: SP, HTAB, VT, FF (RFC 9112 section 3), and Python's
 * str.split() the separators FS, GS, RS, US, too. */
static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == 0x0b || c == 0x0c || (c >= 0x1c && c <= 0x1f);
}

static struct slice skip_blanks(struct slice s)
{
	while (s.len && is_blank(s.data[0]))
		s = slice_from(s, 1);
	return s;
}

/* The end of a target's path, or of a part of its query. Some servers take control characters in
 * it; NUL is in no text, and the others end a word or a line. */
static const uint8_t *target_part_end(const uint8_t *p, const uint8_t *end)
{
	for (p = path_end(p, end); p < end; p = path_end(p + 1, end))
		if (*p == '?' || *p == '\0' || *p == '\n' || *p == '\r' || is_blank(*p))
			return p;
	return p;
}

/* scheme "://" authority [path], RFC 3986 section 3. Returns what follows the authority. */
static struct slice split_authority(struct slice target, size_t scheme_len,
				    struct http1_head *ret_head)
{
	struct slice rest = slice_from(target, scheme_len + 3);
	size_t end = 0, from = 0;

	for (; end < rest.len; end++) {
		uint8_t c = rest.data[end];

		if (c == '/' || c == '?' || c == '#')
			break;
		if (c == '@')
			from = end + 1; /* user information is nobody's business */
	}
	ret_head->scheme = slice_first(target, scheme_len);
	ret_head->host = slice_of(rest.data + from, end - from);
	return slice_from(rest, end);
}

/* Length of the scheme if this is absolute-form, else 0. */
static size_t scheme_length(struct slice target)
{
	size_t i = 0;

	while (i < target.len && (is_token[target.data[i]]))
		i++;
	return slice_has_prefix(slice_from(target, i), SLICE_LIT("://")) ? i : 0;
}

/* A target that does not begin with '/' (RFC 9112 section 3.2); head->path is what stands
 * before the query. */
static void split_other_target(struct http1_head *head)
{
	size_t scheme;

	if (slice_equal(head->method, SLICE_LIT("CONNECT"))) {
		head->host = head->target;
		head->path = head->query = slice_from(head->target, head->target.len);
		return;
	}
	scheme = scheme_length(head->target);
	if (!scheme)
		return;
	head->path = split_authority(head->path, scheme, head);
	if (head->path.len == 0)
		head->path = SLICE_LIT("/");
}

/* ---- Fields ------------------------------------------------------------------------------ */

static inline uint64_t word8(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word | 0x2020202020202020;
}

static inline uint32_t word4(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word | 0x20202020;
}

/* p begins with lit, a literal of letters, '-' and ':' in lower case, at least 4 long. Taking
 * case away also takes some control characters for '-' and ':': no harm in a name. */
static inline __attribute__((always_inline)) bool begins_with(const uint8_t *p, struct slice lit)
{
	if (lit.len < 8)
		return word4(p) == word4(lit.data) &&
		       word4(p + lit.len - 4) == word4(lit.data + lit.len - 4);
	for (size_t i = 0; i + 8 <= lit.len; i += 8)
		if (word8(p + i) != word8(lit.data + i))
			return false;
	return word8(p + lit.len - 8) == word8(lit.data + lit.len - 8);
}

static inline __attribute__((always_inline)) bool is_word(struct slice s, struct slice lit)
{
	return s.len == lit.len && begins_with(s.data, lit);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n'; /* the last two: folded lines */
}

static struct slice trim(const uint8_t *from, const uint8_t *to)
{
	while (from < to && is_space(*from))
		from++;
	while (to > from && is_space(to[-1]))
		to--;
	return between(from, to);
}

/* The next element of a comma separated list (RFC 9110 section 5.6.1); false at its end. */
static bool list_next(struct slice *list, struct slice *ret_item)
{
	ptrdiff_t comma;
	size_t end;

	if (list->len == 0)
		return false;
	comma = slice_find(*list, ',');
	end = comma < 0 ? list->len : (size_t)comma;
	*ret_item = trim(list->data, list->data + end);
	*list = slice_from(*list, end + 1);
	return true;
}

/* A number, or -1. 18 digits fit, and nothing longer is a length. */
static int64_t parse_length(struct slice s)
{
	int64_t value = 0;

	if (s.len == 0 || s.len > 18)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (!is_digit(s.data[i]))
			return -1;
		value = value * 10 + (s.data[i] - '0');
	}
	return value;
}

/* Repeated equal values are one (RFC 9112 section 6.3, item 5). */
static void read_content_length(struct slice value, struct http1_head *head)
{
	int64_t length = parse_length(value);
	struct slice item = value;

	if (length >= 0 && head->content_length < 0 && !(head->flags & HTTP1_BAD_LENGTH)) {
		head->content_length = length;
		return;
	}
	do {
		if (!list_next(&value, &item))
			item = value;
		length = parse_length(item);
		if (length < 0 || (head->content_length >= 0 && head->content_length != length))
			head->flags |= HTTP1_BAD_LENGTH;
		head->content_length = length;
	} while (value.len);
	if (head->flags & HTTP1_BAD_LENGTH)
		head->content_length = -1;
}

static void read_transfer_encoding(struct slice value, struct http1_head *head)
{
	struct slice item;

	head->flags |= HTTP1_CODED;
	while (list_next(&value, &item)) {
		if (is_word(item, SLICE_LIT("chunked")))
			head->flags |= HTTP1_CHUNKED;
		else if (item.len)
			head->flags &= (uint16_t)~HTTP1_CHUNKED; /* not the last one */
	}
}

/* Exactly one counts (Trace Context section 3.2, and RFC 9110 section 5.3: it is no list). */
static void read_traceparent(struct slice value, struct http1_head *head)
{
	if (head->flags & HTTP1_TRACEPARENT)
		head->flags &= (uint16_t)~HTTP1_TRACED;
	else if (trace_parse_traceparent(value, &head->trace) == 0)
		head->flags |= HTTP1_TRACED;
	head->flags |= HTTP1_TRACEPARENT;
}

/* Does the line begin with this name, which ends in ':'? */
static inline __attribute__((always_inline)) bool is_field(struct slice line, struct slice name)
{
	return line.len >= name.len && begins_with(line.data, name);
}

static inline struct slice field_value(struct slice line, struct slice name)
{
	return trim(line.data + name.len, line.data + line.len);
}

#define FIELD_HOST SLICE_LIT("host:")
#define FIELD_CONTENT_LENGTH SLICE_LIT("content-length:")
#define FIELD_TRANSFER_ENCODING SLICE_LIT("transfer-encoding:")
#define FIELD_TRACEPARENT SLICE_LIT("traceparent:")

static void read_host(struct slice line, struct http1_head *head)
{
	/* An authority in the target wins over Host (RFC 9112 section 3.2.2). */
	if (head->host.len == 0 && is_field(line, FIELD_HOST))
		head->host = field_value(line, FIELD_HOST);
}

/* request is a constant: this becomes two functions. */
static LINES_INLINE void read_field(struct slice line, struct http1_head *head, bool request)
{
	switch (line.data[0] | 0x20) {
	case 'h':
		if (request)
			read_host(line, head);
		break;
	case 'c':
		if (is_field(line, FIELD_CONTENT_LENGTH))
			read_content_length(field_value(line, FIELD_CONTENT_LENGTH), head);
		break;
	case 't':
		if (is_field(line, FIELD_TRANSFER_ENCODING))
			read_transfer_encoding(field_value(line, FIELD_TRANSFER_ENCODING), head);
		else if (request && is_field(line, FIELD_TRACEPARENT))
			read_traceparent(field_value(line, FIELD_TRACEPARENT), head);
		break;
	default:
		break;
	}
}

/* A line without its end. A number may go on behind the cut; a name is worth having, and
 * an identity is whole or not at all. */
static void read_cut_field(struct slice line, struct http1_head *head)
{
	if (line.len == 0)
		return;
	read_host(line, head);
	if (is_field(line, FIELD_TRACEPARENT))
		read_traceparent(field_value(line, FIELD_TRACEPARENT), head);
}

/* What a line may be, by its first byte: the blank one, or a field that matters. */
enum line_class {
	LINE_OTHER,
	LINE_BLANK,
	LINE_FIELD,
};

static const uint8_t line_class[256] = {
	['\r'] = LINE_BLANK, ['\n'] = LINE_BLANK, ['C'] = LINE_FIELD, ['c'] = LINE_FIELD,
	['H'] = LINE_FIELD,  ['h'] = LINE_FIELD,  ['T'] = LINE_FIELD, ['t'] = LINE_FIELD,
};

/* Reads the fields of the head in `in`, whose lines go on at `at`. */
static LINES_INLINE int read_fields(struct slice in, const uint8_t *at, struct http1_head *head,
				    bool request)
{
	struct lines lines = lines_from(in, at);
	const uint8_t *eol;

	for (; (eol = lines_next(&lines)); at = eol + 1) {
		enum line_class class = line_class[*at];

		if (class == LINE_OTHER)
			continue;
		if (class == LINE_BLANK && eol <= at + 1) {
			if (request && lines_nul_before(&lines, eol))
				return -EPROTO;
			return (int)(eol + 1 - in.data);
		}
		/* A folded line goes on with a blank (RFC 9112 section 5.2). */
		while (eol && eol + 1 < lines.end && (eol[1] == ' ' || eol[1] == '\t'))
			eol = lines_next(&lines);
		if (!eol)
			break;
		read_field(between(at, eol), head, request);
	}
	if (request && lines_nul_before(&lines, lines.end))
		return -EPROTO;
	if (request)
		read_cut_field(between(at, lines.end), head);
	return -EAGAIN;
}

/* ---- Start lines ------------------------------------------------------------------------- */

/* Only what a parser does not write in any case: this is a good part of its time. */
static inline void clear_request(struct http1_head *head)
{
	head->method = head->target = head->path = head->query = (struct slice){ 0 };
	head->scheme = head->host = (struct slice){ 0 };
	head->content_length = -1;
	head->status = 0;
	head->flags = 0;
	head->minor = 0;
}

static inline void clear_response(struct http1_head *head)
{
	head->content_length = -1;
	head->status = 0;
	head->flags = 0;
	head->minor = 0;
}

/* A head of this length is none; and lengths are returned as int. */
static struct slice bounded(struct slice in)
{
	return slice_first(in, INT_MAX);
}

static bool is_version(const uint8_t *p)
{
	return memcmp(p, "HTTP/1.", 7) == 0 && is_digit(p[7]);
}

/* The rest of a line that begins with "HTTP/1.": digits and dots as some devices send them (1.0.8,
 * 1.10, none at all), and blanks behind them. */
static int read_odd_version(const uint8_t *p, const uint8_t *end, struct http1_head *head,
			    const uint8_t **ret_next)
{
	const uint8_t *first = p;

	while (p < end && (is_digit(*p) || *p == '.'))
		p++;
	if (p - first > VERSION_MAX)
		return -EPROTO;
	head->minor = 1;
	if (p > first && is_digit(*first) && (p - first == 1 || first[1] == '.'))
		head->minor = *first - '0';
	while (p < end && is_blank(*p))
		p++;
	if (p < end && *p == '\r')
		p++;
	if (p == end)
		return -EAGAIN;
	*ret_next = p + 1;
	return *p == '\n' ? 0 : -EPROTO;
}

/* version [CR] LF. in begins behind the target. */
static int read_version(struct slice in, struct http1_head *head, const uint8_t **ret_next)
{
	const uint8_t *p, *end = in.data + in.len;

	if (in.len && !is_blank(in.data[0]))
		return -EPROTO;
	in = skip_blanks(in);
	if (in.len < VERSION_LEN)
		return may_begin(in, SLICE_LIT("HTTP/1.")) ? -EAGAIN : -EPROTO;
	p = in.data;
	if (memcmp(p, "HTTP/1.", VERSION_LEN - 1) != 0)
		return -EPROTO;
	if (end - p < VERSION_LEN + 2 || !is_digit(p[7]) || p[8] != '\r' || p[9] != '\n')
		return read_odd_version(p + VERSION_LEN - 1, end, head, ret_next);
	head->minor = p[VERSION_LEN - 1] - '0';
	*ret_next = p + VERSION_LEN + 2;
	return 0;
}

static bool is_method_length(const uint8_t *p, size_t len)
{
	if (len <= ODD_METHOD_MAX)
		return true;
	for (size_t i = 0; i < len; i++)
		if (!(p[i] >= 'A' && p[i] <= 'Z') && p[i] != '-' && p[i] != '_')
			return false;
	return len <= METHOD_MAX;
}

/* method SP target SP version; other and more blanks are tolerated (RFC 9112 section 3). in goes
 * on behind the line, or is cut within. */
static int read_request_line(struct slice in, struct http1_head *head, const uint8_t **ret_next)
{
	const uint8_t *end = in.data + in.len, *p = in.data, *from, *mark;

	while (p < end && is_token[*p])
		p++;
	if (!is_method_length(in.data, (size_t)(p - in.data)) ||
	    (p < end && (p == in.data || !is_blank(*p))))
		return -EPROTO;
	if (p == end)
		return -EAGAIN;
	head->method = between(in.data, p);
	from = skip_blanks(between(p, end)).data;
	mark = p = target_part_end(from, end);
	while (p < end && *p == '?')
		p = target_part_end(p + 1, end);
	head->target = between(from, p);
	head->path = between(from, mark);
	if (mark < p)
		head->query = between(mark + 1, p);
	if (from == end)
		return -EAGAIN;
	if (from == p)
		return -EPROTO;
	if (*from != '/')
		split_other_target(head);
	return read_version(between(p, end), head, ret_next);
}

/* Empty lines before the request line (RFC 9112 section 2.2). */
static struct slice skip_empty_lines(struct slice in)
{
	for (;;) {
		if (in.len >= 1 && in.data[0] == '\n')
			in = slice_from(in, 1);
		else if (in.len >= 2 && in.data[0] == '\r' && in.data[1] == '\n')
			in = slice_from(in, 2);
		else
			return in;
	}
}

int http1_parse_request(struct slice in, struct http1_head *ret_head)
{
	struct slice line = skip_empty_lines(bounded(in));
	const uint8_t *next;
	int err;

	clear_request(ret_head);
	if (line.len == 1 && line.data[0] == '\r')
		return -EAGAIN;
	err = read_request_line(line, ret_head, &next);
	if (err)
		return err;
	return read_fields(bounded(in), next, ret_head, true);
}

int http1_read_request_line(struct slice in, struct http1_head *ret_head)
{
	const uint8_t *next;

	clear_request(ret_head);
	return read_request_line(in, ret_head, &next);
}

/* version SP status [SP reason]. line may be cut, or more may follow. */
static int read_status_line(struct slice line, struct http1_head *head)
{
	const uint8_t *p = line.data;

	if (line.len < STATUS_END)
		return may_begin(line, SLICE_LIT("HTTP/1.")) && slice_find(line, '\n') < 0
			       ? -EAGAIN
			       : -EPROTO;
	if (!is_version(p) || p[VERSION_LEN] != ' ' || p[9] < '1' || p[9] > '9' ||
	    !is_digit(p[10]) || !is_digit(p[11]))
		return -EPROTO;
	if (line.len > STATUS_END && p[STATUS_END] != ' ' && p[STATUS_END] != '\r' &&
	    p[STATUS_END] != '\n')
		return -EPROTO;
	head->minor = p[VERSION_LEN - 1] - '0';
	head->status = (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	return 0;
}

int http1_read_status_line(struct slice in, struct http1_head *ret_head)
{
	clear_response(ret_head);
	return read_status_line(in, ret_head);
}

/* The status of a line that is none by the rules, or 0. at is where its version ends. */
static uint16_t odd_status(struct slice line, size_t at)
{
	const uint8_t *p;

	while (at < line.len && line.data[at] != ' ' && line.data[at] != '\t')
		at++;
	while (at < line.len && (line.data[at] == ' ' || line.data[at] == '\t'))
		at++;
	p = line.data + at;
	if (line.len - at < 3 || p[0] < '1' || !is_digit(p[0]) || !is_digit(p[1]) ||
	    !is_digit(p[2]) || (line.len - at > 3 && is_digit(p[3])))
		return 0;
	return (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
}

/* An answer that clients took, though its first line is not by the rules: any version, any number
 * of blanks, a status that is none. */
static int parse_odd_response(struct slice in, struct http1_head *head)
{
	ptrdiff_t eol = slice_find(in, '\n');

	if (!may_begin(in, SLICE_LIT("HTTP/")))
		return -EPROTO;
	if (eol < 0)
		return -EAGAIN;
	head->flags |= HTTP1_ODD_STATUS;
	head->status = odd_status(slice_first(in, (size_t)eol), strlen("HTTP/"));
	head->minor = !slice_has_prefix(in, SLICE_LIT("HTTP/1.0"));
	return read_fields(in, in.data + eol + 1, head, false);
}

int http1_parse_response(struct slice in, struct http1_head *ret_head)
{
	size_t at = STATUS_END;
	int err;

	clear_response(ret_head);
	err = read_status_line(in, ret_head);
	if (err)
		return err == -EPROTO ? parse_odd_response(bounded(in), ret_head) : err;
	/* A reason is read as if it were a field: none begins with a blank. Without one the line
	 * ends here, and is not the blank line. */
	if (at < in.len && in.data[at] == '\r')
		at++;
	if (at < in.len && in.data[at] == '\n')
		at++;
	else if (at > STATUS_END)
		return at < in.len ? parse_odd_response(bounded(in), ret_head) : -EAGAIN;
	return read_fields(bounded(in), in.data + at, ret_head, false);
}
