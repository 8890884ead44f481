// SPDX-License-Identifier: Apache-2.0
/*
 * Heads and chunked bodies of HTTP/1. What must hold: a head that is read whole is read the same
 * with more behind it, its beginnings ask for more, and all slices lie within the input.
 */
#include <errno.h>
#include <stdlib.h>

#include "protocol/http1/http1.h"

static void inside(struct slice s, struct slice in)
{
	/* "/" of an absolute-form target without a path is no piece of the input. */
	if (s.len == 0 || slice_equal(s, SLICE_LIT("/")))
		return;
	if (s.data < in.data || s.len > in.len || s.data + s.len > in.data + in.len)
		abort();
}

static void check_request(struct slice in)
{
	struct http1_head head, again;
	int n = http1_parse_request(in, &head);

	if (n == -EPROTO)
		return;
	inside(head.method, in);
	inside(head.target, in);
	inside(head.scheme, in);
	inside(head.host, in);
	inside(head.path, in);
	inside(head.query, in);
	if (head.content_length < -1)
		abort();
	(void)http1_request_body(&head);
	if (n == -EAGAIN)
		return;
	if (n <= 0 || (size_t)n > in.len)
		abort();
	if (http1_parse_request(slice_first(in, (size_t)n), &again) != n ||
	    again.flags != head.flags || again.content_length != head.content_length ||
	    !slice_equal(again.host, head.host) || !slice_equal(again.path, head.path))
		abort();
	if (http1_parse_request(slice_first(in, (size_t)n - 1), &again) != -EAGAIN)
		abort();
}

static void check_response(struct slice in)
{
	struct http1_head head, again;
	int n = http1_parse_response(in, &head);

	if (n < 0)
		return;
	if (n == 0 || (size_t)n > in.len || head.status > 999 ||
	    (head.status < 100 && !(head.status == 0 && head.flags & HTTP1_ODD_STATUS)))
		abort();
	(void)http1_response_body(&head, SLICE_LIT("GET"));
	if (http1_parse_response(slice_first(in, (size_t)n), &again) != n ||
	    again.flags != head.flags || again.content_length != head.content_length)
		abort();
	if (http1_parse_response(slice_first(in, (size_t)n - 1), &again) != -EAGAIN)
		abort();
}

/* Whole, and byte by byte: the same. */
static void check_chunked(struct slice in)
{
	struct http1_chunked whole = { 0 }, bytes = { 0 };
	ptrdiff_t n = http1_skip_chunked(&whole, in), sum = 0;

	for (size_t i = 0; i < in.len && sum >= 0; i++) {
		ptrdiff_t used = http1_skip_chunked(&bytes, slice_of(in.data + i, 1));

		sum = used < 0 ? used : sum + used;
	}
	if (n != sum || http1_chunked_done(&whole) != http1_chunked_done(&bytes))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own, so that the sanitizer sees every read past the end. */
	uint8_t *copy = malloc(size ? size : 1);
	struct slice in = slice_of(copy, size);
	enum obi_role role;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	check_request(in);
	check_response(in);
	check_chunked(in);
	if (http1_resume(in, &role) && http1_guess(in, &role) != OBI_GUESS_YES)
		abort();
	(void)http1_guess(in, &role);
	free(copy);
	return 0;
}
