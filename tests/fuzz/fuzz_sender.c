// SPDX-License-Identifier: Apache-2.0
/* What the sender reads from outside: a collector's header lines and answers, header lists, segment
 * files. The first byte says which. */
#include "base/cleanup.h"
#include "sender/body.h"
#include "sender/headers.h"
#include "sender/spill.h"
#include "sender/status.h"

static void read_headers(struct slice in)
{
	struct sender_status status = { .http = 200, .grpc = SENDER_NO_STATUS };

	while (in.len) {
		ptrdiff_t end = slice_find(in, '\n');
		size_t len = end < 0 ? in.len : (size_t)end + 1;

		sender_status_header(&status, slice_first(in, len), 1793613600);
		in = slice_from(in, len);
	}
	if (status.wait_ns > 86400 * 1000000000ull || status.grpc > 16 ||
	    strnlen(status.message, SENDER_MESSAGE_MAX) == SENDER_MESSAGE_MAX)
		abort();
	(void)sender_status_verdict(&status, true);
}

static void read_item(struct slice in)
{
	char *text = malloc(in.len + 1);
	struct buffer line = { 0 };
	const char *why;

	memcpy(text, in.data, in.len);
	text[in.len] = '\0';
	/* A line that is made ends, and has no other in it. */
	if (!sender_header_read(text, NULL, &line, &why) &&
	    (line.data[line.len - 1] || strpbrk(line.data, "\r\n") ||
	     strlen(line.data) != line.len - 1))
		abort();
	buffer_free(&line);
	free(text);
}

static void take(void *context, uint32_t offset, uint32_t items, struct slice body)
{
	const struct slice *segment = context;

	if (!items || offset >= segment->len || body.data < segment->data ||
	    body.data + body.len > segment->data + segment->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_from(slice_of(data, size), 1);

	if (!size)
		return 0;
	switch (data[0] % 4) {
	case 0:
		read_headers(in);
		break;
	case 1:
		read_item(in);
		break;
	case 2:
		(void)sender_spill_scan(in, take, &in);
		break;
	case 3:
		if (sender_body_unframe(in).len > in.len)
			abort();
		break;
	}
	return 0;
}
