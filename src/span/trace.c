// SPDX-License-Identifier: Apache-2.0
/*
 * traceparent, W3C Trace Context section 3.2.2: fixed places, lower-case hex. Eight digits are
 * read as one word, and checked by writing them again.
 */
#include "span/trace.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define EACH(byte) (0x0101010101010101 * (uint64_t)(byte))

/* Eight digits to four bytes; false if one of them is none. */
static inline bool read_hex8(const uint8_t *text, uint8_t *ret_bytes)
{
	uint64_t word, value, again;
	uint32_t packed;

	memcpy(&word, text, sizeof(word));
	word = le64toh(word);
	value = (word & EACH(0x0f)) + (word >> 6 & EACH(1)) * 9;
	again = value + EACH('0') + ((value + EACH(6)) >> 4 & EACH(1)) * ('a' - '9' - 1);
	if (again != word || value & EACH(0xf0))
		return false;
	value = (value << 4 | value >> 8) & 0x00ff00ff00ff00ff;
	value = (value | value >> 8) & 0x0000ffff0000ffff;
	packed = htole32((uint32_t)(value | value >> 16));
	memcpy(ret_bytes, &packed, sizeof(packed));
	return true;
}

static inline bool read_hex(const uint8_t *text, uint8_t *ret_bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 4)
		if (!read_hex8(text + 2 * i, ret_bytes + i))
			return false;
	return true;
}

static bool read_hex2(const uint8_t *text, uint8_t *ret_byte)
{
	uint8_t padded[8] = { '0', '0', '0', '0', '0', '0', text[0], text[1] }, bytes[4];

	if (!read_hex8(padded, bytes))
		return false;
	*ret_byte = bytes[3];
	return true;
}

int trace_parse_traceparent(struct slice value, struct obi_trace *ret_trace)
{
	const uint8_t *p = value.data;
	struct obi_trace trace = { 0 };
	uint8_t version;

	if (value.len < TRACEPARENT_LEN)
		return -EPROTO;
	if (!read_hex2(p, &version) || version == 0xff)
		return -EPROTO;
	if (value.len > TRACEPARENT_LEN && (version == 0 || p[TRACEPARENT_LEN] != '-'))
		return -EPROTO;
	if (p[2] != '-' || p[35] != '-' || p[52] != '-')
		return -EPROTO;
	if (!read_hex(p + 3, trace.trace_id, sizeof(trace.trace_id)) ||
	    !read_hex(p + 36, trace.span_id, sizeof(trace.span_id)) ||
	    !read_hex2(p + 53, &trace.trace_flags))
		return -EPROTO;
	if (bytes_are_zero(trace.trace_id, sizeof(trace.trace_id)) ||
	    bytes_are_zero(trace.span_id, sizeof(trace.span_id)))
		return -EPROTO;
	*ret_trace = trace;
	return 0;
}

static char *write_hex(char *at, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*at++ = digits[bytes[i] >> 4];
		*at++ = digits[bytes[i] & 0x0f];
	}
	return at;
}

void trace_format_traceparent(const struct obi_trace *trace, char *ret_text)
{
	static const uint8_t version = 0;
	char *at = write_hex(ret_text, &version, sizeof(version));

	*at++ = '-';
	at = write_hex(at, trace->trace_id, sizeof(trace->trace_id));
	*at++ = '-';
	at = write_hex(at, trace->span_id, sizeof(trace->span_id));
	*at++ = '-';
	(void)write_hex(at, &trace->trace_flags, 1);
}

bool trace_is_set(const struct obi_trace *trace)
{
	return !bytes_are_zero(trace->trace_id, sizeof(trace->trace_id));
}
