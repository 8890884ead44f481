// SPDX-License-Identifier: Apache-2.0
/* Whatever a collector answers: what is made of it has its bounds, and its text is fit for a log.
 * The first byte says how it is read. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "otlp/reply.h"

static void check_message(const char message[OTLP_MESSAGE_MAX])
{
	size_t len = strnlen(message, OTLP_MESSAGE_MAX);

	if (len == OTLP_MESSAGE_MAX || !utf8_valid(slice_of(message, len)))
		abort();
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)message[i] < 0x20 || message[i] == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = slice_from(slice_of(data, size), 1);
	struct otlp_status status = { .message = "" };
	struct otlp_reply reply = { .message = "" };
	uint8_t how = size ? data[0] : 0;

	if (how % 5 < 2)
		(void)otlp_reply_read((enum otlp_reply_format)(how % 5 % 2), body, &reply);
	else if (how % 5 < 4)
		(void)otlp_status_read((enum otlp_reply_format)(how % 5 % 2), body, &status);
	else
		(void)otlp_status_read_header(body, &status);
	check_message(reply.message);
	check_message(status.message);
	if (reply.rejected > INT64_MAX || status.retry_delay_ns > UINT64_C(1000000000000000))
		abort();
	return 0;
}
