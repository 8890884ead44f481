// SPDX-License-Identifier: Apache-2.0
#include "sender/status.h"

#include <errno.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/grpc_status.h"
#include "base/percent.h"
#include "otlp/reply.h"

#define LONGEST_WAIT_S 86400
#define LONGEST_WAIT_NS (LONGEST_WAIT_S * NSEC_PER_SEC)

const char *sender_status_name(int grpc)
{
	const char *name = grpc_status_name(grpc);

	return name ? name : "?";
}

/* ---- Headers --------------------------------------------------------------------- */

/* Decimal digits and nothing else, up to max; false where it is anything else. */
static bool read_number(struct slice text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
		if (value > max)
			value = max;
	}
	*ret_value = value;
	return true;
}

/* A status that makes no sense means UNKNOWN (PROTOCOL-HTTP2.md has none for it). */
static int read_grpc_status(struct slice text)
{
	uint64_t value;

	if (!read_number(text, 1000, &value) || value > GRPC_STATUS_LAST)
		return GRPC_UNKNOWN;
	return (int)value;
}

/* Percent-decodes; what cannot be printed becomes '?'. */
static void read_message(struct slice text, char ret_message[SENDER_MESSAGE_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < text.len && len < SENDER_MESSAGE_MAX - 1; i++) {
		int byte = percent_byte(text, i);
		uint8_t c = byte < 0 ? text.data[i] : (uint8_t)byte;

		if (byte >= 0)
			i += 2;
		ret_message[len++] = (char)(c >= ' ' && c < 0x7f ? c : '?');
	}
	ret_message[len] = '\0';
}

/* Seconds, or a date in the one form that may be sent (RFC 9110 section 5.6.7). */
static bool read_retry_after(struct slice text, int64_t now_s, uint64_t *ret_ns)
{
	uint64_t seconds;
	char copy[40];
	struct tm tm = { 0 };
	const char *end;
	int64_t at;

	if (read_number(text, LONGEST_WAIT_S, &seconds)) {
		*ret_ns = seconds * NSEC_PER_SEC;
		return true;
	}
	if (text.len >= sizeof(copy))
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	end = strptime(copy, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end)
		return false;
	at = timegm(&tm);
	at = at < now_s ? 0 : at - now_s;
	*ret_ns = (uint64_t)(at > LONGEST_WAIT_S ? LONGEST_WAIT_S : at) * NSEC_PER_SEC;
	return true;
}

void sender_status_header(struct sender_status *status, struct slice line, int64_t now_s)
{
	ptrdiff_t colon = slice_find(line, ':');
	struct otlp_status details;
	struct slice name, value;
	uint64_t ns;

	if (colon <= 0)
		return;
	name = slice_first(line, (size_t)colon);
	value = slice_from(line, (size_t)colon + 1);
	while (value.len &&
	       (value.data[value.len - 1] == '\n' || value.data[value.len - 1] == '\r'))
		value.len--;
	value = slice_trim(value);
	if (slice_equal_nocase(name, SLICE_LIT("grpc-status"))) {
		status->grpc = read_grpc_status(value);
	} else if (slice_equal_nocase(name, SLICE_LIT("grpc-message"))) {
		read_message(value, status->message);
	} else if (slice_equal_nocase(name, SLICE_LIT("retry-after"))) {
		if (read_retry_after(value, now_s, &ns)) {
			status->retry_after = true;
			status->wait_ns = ns;
		}
	} else if (slice_equal_nocase(name, SLICE_LIT("grpc-status-details-bin"))) {
		if (!otlp_status_read_header(value, &details) && details.may_retry) {
			ns = details.retry_delay_ns;
			status->retry_after = status->retry_info = true;
			status->wait_ns = ns < LONGEST_WAIT_NS ? ns : LONGEST_WAIT_NS;
		}
	}
}

/* ---- Verdict --------------------------------------------------------------------- */

static enum sender_verdict grpc_verdict(const struct sender_status *status)
{
	switch (status->grpc == SENDER_NO_STATUS ? (int)grpc_status_of_http(status->http)
						 : status->grpc) {
	case GRPC_OK:
		return SENDER_EXPORTED;
	case GRPC_CANCELLED:
	case GRPC_DEADLINE_EXCEEDED:
	case GRPC_ABORTED:
	case GRPC_OUT_OF_RANGE:
	case GRPC_UNAVAILABLE:
	case GRPC_DATA_LOSS:
		return SENDER_RETRY;
	case GRPC_RESOURCE_EXHAUSTED:
		return status->retry_info ? SENDER_RETRY : SENDER_REFUSED;
	default:
		return SENDER_REFUSED;
	}
}

enum sender_verdict sender_status_verdict(const struct sender_status *status, bool grpc)
{
	if (grpc)
		return grpc_verdict(status);
	if (status->http >= 200 && status->http <= 299)
		return SENDER_EXPORTED;
	return status->http == 429 || (status->http >= 502 && status->http <= 504) ? SENDER_RETRY
										   : SENDER_REFUSED;
}
