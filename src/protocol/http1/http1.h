/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.0 and HTTP/1.1 message heads (RFC 9112), and how long the bodies behind them are.
 *
 * Nothing is allocated and nothing is kept between calls: what is found points into the
 * input. Reading is lenient where the RFC lets a receiver be (bare LF, folded lines, empty
 * lines before the request line, other blanks than one) and a little beyond (versions like 1.0.8,
 * control characters in a target), because what an observed program accepted should be seen. What
 * makes it HTTP all the same is the version behind the target, and that no NUL is in it.
 */
#ifndef OBI_PROTOCOL_HTTP1_H
#define OBI_PROTOCOL_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "conn/guess.h"
#include "obi/record.h"

/* http1_head.flags */
#define HTTP1_CHUNKED 0x01      /* Transfer-Encoding ends in chunked */
#define HTTP1_CODED 0x02        /* Transfer-Encoding is there, chunked or not */
#define HTTP1_BAD_LENGTH 0x04   /* Content-Length no number, too large, or two of them */
#define HTTP1_ODD_STATUS 0x08   /* a status line against the rules: status may be 0 */
#define HTTP1_TRACED 0x80       /* one valid traceparent: trace is filled in */
#define HTTP1_TRACEPARENT 0x100 /* there was one already: a second spoils it */

/* What a head says. Of a response only status, minor, content_length and flags are written. */
struct http1_head {
	struct slice method;    /* any token (RFC 9110 section 9.1), as sent */
	struct slice target;    /* as sent */
	struct slice scheme;    /* of an absolute-form target, else empty */
	struct slice host;      /* the target's authority if it has one, else the Host field */
	struct slice path;      /* "" for CONNECT, "*" for OPTIONS *; without query */
	struct slice query;     /* without '?' */
	struct obi_trace trace; /* traceparent: the sender's span as span_id; zero = none */
	int64_t content_length; /* -1 = absent, or HTTP1_BAD_LENGTH */
	uint16_t status;        /* 0 = none that can be read, see HTTP1_ODD_STATUS */
	uint16_t flags;         /* HTTP1_* */
	uint8_t minor;          /* of version 1.minor; where there is no such number, 1 */
};

/* Read the head of a request or response.
 * Return the length of the head with its blank line;
 * -EAGAIN if it is not complete: then ret_head holds what is known so far. Of the last, cut
 *   line the target, Host and traceparent are taken as far as they go;
 * -EPROTO if this is not HTTP/1: then ret_head holds nothing of use. */
int http1_parse_request(struct slice in, struct http1_head *ret_head);
int http1_parse_response(struct slice in, struct http1_head *ret_head);

/* The same of the first line alone, and of a status line strictly: 0 once it is read. */
int http1_read_request_line(struct slice in, struct http1_head *ret_head);
int http1_read_status_line(struct slice in, struct http1_head *ret_head);

/* Which half do these first bytes of a message begin? MORE where a longer input may tell. */
enum obi_guess http1_guess(struct slice in, enum obi_role *ret_role);

/* The same where a head may begin or anything may go on: see obi_protocol.resume. */
bool http1_resume(struct slice in, enum obi_role *ret_role);

/* How the end of a body is found (RFC 9112 section 6.3). */
enum http1_body {
	HTTP1_BODY_NONE,
	HTTP1_BODY_LENGTH, /* content_length bytes */
	HTTP1_BODY_CHUNKED,
	HTTP1_BODY_CLOSE,   /* until the connection ends */
	HTTP1_BODY_UNKNOWN, /* the head contradicts itself */
};

enum http1_body http1_request_body(const struct http1_head *head);

/* method is that of the request. What follows 101, or 2xx to CONNECT, is no longer HTTP:
 * see http1_is_tunnel(). */
enum http1_body http1_response_body(const struct http1_head *head, struct slice method);

/* Is this response followed by another (RFC 9110 section 15.2)? */
bool http1_is_interim(int status);

/* Does this response turn the connection into something else? */
bool http1_is_tunnel(int status, struct slice method);

/* Where in a chunked body (RFC 9112 section 7.1) we are. Starts as all zero. */
struct http1_chunked {
	uint64_t left; /* of the chunk's data, or the size read so far */
	uint8_t state;
	uint8_t digits;
};

/* Follows a chunked body over in. Returns the bytes that belong to it: fewer than in.len
 * only at its end. -EPROTO if these are not chunks; every later call says the same. */
ptrdiff_t http1_skip_chunked(struct http1_chunked *chunked, struct slice in);

/* Passes len bytes that nobody saw. Returns 0 while the place is known, else -EPROTO. */
int http1_skip_chunked_unseen(struct http1_chunked *chunked, uint64_t len);

/* Were the last chunk and the trailers passed? */
bool http1_chunked_done(const struct http1_chunked *chunked);
/* Are the next so many bytes data? */
bool http1_chunked_is_data(const struct http1_chunked *chunked, uint64_t len);

#endif
