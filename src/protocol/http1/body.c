// SPDX-License-Identifier: Apache-2.0
/* How long the bodies of HTTP/1 messages are (RFC 9112 sections 6 and 7). */
#include "protocol/http1/http1.h"

#include <errno.h>

enum http1_body http1_request_body(const struct http1_head *head)
{
	if (head->flags & HTTP1_CODED) {
		/* Any other coding cannot be delimited, and 1.0 does not know the field. */
		if (!(head->flags & HTTP1_CHUNKED) || head->minor == 0)
			return HTTP1_BODY_UNKNOWN;
		return HTTP1_BODY_CHUNKED;
	}
	if (head->flags & HTTP1_BAD_LENGTH)
		return HTTP1_BODY_UNKNOWN;
	return head->content_length > 0 ? HTTP1_BODY_LENGTH : HTTP1_BODY_NONE;
}

enum http1_body http1_response_body(const struct http1_head *head, struct slice method)
{
	if (slice_equal(method, SLICE_LIT("HEAD")) || http1_is_interim(head->status) ||
	    head->status == 101 || head->status == 204 || head->status == 304)
		return HTTP1_BODY_NONE;
	if (head->flags & HTTP1_CODED) {
		if (!(head->flags & HTTP1_CHUNKED))
			return HTTP1_BODY_CLOSE;
		return head->minor == 0 ? HTTP1_BODY_UNKNOWN : HTTP1_BODY_CHUNKED;
	}
	if (head->flags & HTTP1_BAD_LENGTH)
		return HTTP1_BODY_UNKNOWN;
	if (head->content_length < 0)
		return HTTP1_BODY_CLOSE;
	return head->content_length > 0 ? HTTP1_BODY_LENGTH : HTTP1_BODY_NONE;
}

bool http1_is_interim(int status)
{
	return status >= 100 && status < 200 && status != 101;
}

bool http1_is_tunnel(int status, struct slice method)
{
	return status == 101 ||
	       (status >= 200 && status < 300 && slice_equal(method, SLICE_LIT("CONNECT")));
}

/* ---- Chunks ------------------------------------------------------------------------------ */

enum {
	CHUNK_SIZE = 0, /* hex digits */
	CHUNK_EXTENSION,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_START,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF, /* of the blank line */
	CHUNK_DONE,
	CHUNK_BAD,
};

#define CHUNK_DIGITS_MAX 15 /* hex digits that surely fit */

/* What follows the data of the last but one chunk in most streams: CRLF "0" CRLF CRLF. */
#define CHUNK_ENDING 7

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static uint8_t size_line_ends(struct http1_chunked *chunked)
{
	chunked->digits = 0;
	return chunked->left ? CHUNK_DATA : CHUNK_TRAILER_START;
}

static uint8_t on_size_byte(struct http1_chunked *chunked, uint8_t c)
{
	int digit = hex_digit(c);

	if (digit >= 0) {
		if (++chunked->digits > CHUNK_DIGITS_MAX)
			return CHUNK_BAD;
		chunked->left = chunked->left << 4 | (uint64_t)digit;
		return CHUNK_SIZE;
	}
	if (chunked->digits == 0)
		return CHUNK_BAD;
	if (c == '\n')
		return size_line_ends(chunked);
	return c == '\r' || c == ';' || c == ' ' || c == '\t' ? CHUNK_EXTENSION : CHUNK_BAD;
}

/* The next state after one byte outside of the data. */
static uint8_t on_byte(struct http1_chunked *chunked, uint8_t c)
{
	switch (chunked->state) {
	case CHUNK_SIZE:
		return on_size_byte(chunked, c);
	case CHUNK_EXTENSION:
		return c == '\n' ? size_line_ends(chunked) : CHUNK_EXTENSION;
	case CHUNK_DATA_CR:
		if (c == '\r')
			return CHUNK_DATA_LF;
		return c == '\n' ? CHUNK_SIZE : CHUNK_BAD;
	case CHUNK_DATA_LF:
		return c == '\n' ? CHUNK_SIZE : CHUNK_BAD;
	case CHUNK_TRAILER_START:
		if (c == '\r')
			return CHUNK_TRAILER_LF;
		return c == '\n' ? CHUNK_DONE : CHUNK_TRAILER;
	case CHUNK_TRAILER:
		return c == '\n' ? CHUNK_TRAILER_START : CHUNK_TRAILER;
	case CHUNK_TRAILER_LF:
		return c == '\n' ? CHUNK_DONE : CHUNK_BAD;
	default:
		return CHUNK_BAD;
	}
}

static size_t skip_data(struct http1_chunked *chunked, size_t len)
{
	size_t n = len < chunked->left ? len : (size_t)chunked->left;

	chunked->left -= n;
	if (chunked->left == 0)
		chunked->state = CHUNK_DATA_CR;
	return n;
}

ptrdiff_t http1_skip_chunked(struct http1_chunked *chunked, struct slice in)
{
	size_t at = 0;

	while (at < in.len && chunked->state != CHUNK_DONE) {
		if (chunked->state == CHUNK_DATA)
			at += skip_data(chunked, in.len - at);
		else
			chunked->state = on_byte(chunked, in.data[at++]);
		if (chunked->state == CHUNK_BAD)
			return -EPROTO;
	}
	return chunked->state == CHUNK_BAD ? -EPROTO : (ptrdiff_t)at;
}

int http1_skip_chunked_unseen(struct http1_chunked *chunked, uint64_t len)
{
	if (chunked->state == CHUNK_DATA && len <= chunked->left) {
		chunked->left -= len;
		if (chunked->left == 0)
			chunked->state = CHUNK_DATA_CR;
		return 0;
	}
	if (len == 0)
		return 0;
	chunked->state = chunked->state == CHUNK_DATA && len == chunked->left + CHUNK_ENDING
				 ? CHUNK_DONE
				 : CHUNK_BAD;
	return chunked->state == CHUNK_DONE ? 0 : -EPROTO;
}

bool http1_chunked_done(const struct http1_chunked *chunked)
{
	return chunked->state == CHUNK_DONE;
}

bool http1_chunked_is_data(const struct http1_chunked *chunked, uint64_t len)
{
	return len == 0 || (chunked->state == CHUNK_DATA && len <= chunked->left);
}
