// SPDX-License-Identifier: Apache-2.0
/* What the sender reads from outside: a collector's header lines and answers, header lists, segment
 * files. The first byte says which. */
#include <sys/mman.h>
#include <unistd.h>

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

static void take(void *context, uint32_t offset, uint32_t items, uint32_t bytes)
{
	const struct slice *segment = context;

	if (!items || offset >= segment->len || bytes > segment->len - offset)
		abort();
}

static void read_segment(struct slice in)
{
	struct sender_spill_found found = { 0 };
	int fd = memfd_create("segment", MFD_CLOEXEC);

	if (fd < 0 || write(fd, in.data, in.len) != (ssize_t)in.len)
		abort();
	sender_spill_scan(fd, in.len, take, &in, &found);
	(void)close(fd);
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
		read_segment(in);
		break;
	case 3:
		if (sender_body_unframe(in).len > in.len)
			abort();
		break;
	}
	return 0;
}
