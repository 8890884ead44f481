// SPDX-License-Identifier: Apache-2.0
/* Of a certificate only what it takes to come to its validity (RFC 5280 section 4.1). */
#include "protocol/tls/hello.h"

enum {
	DER_INTEGER = 0x02,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_VERSION = 0xa0, /* [0], explicit */
};

/* ---- DER (X.690 sections 8.1 and 10.1) ----------------------------------------------------- */

static bool take_length(struct slice *in, size_t *ret_len)
{
	size_t count, len = 0;

	if (in->len < 1)
		return false;
	count = in->data[0];
	*in = slice_from(*in, 1);
	if (count < 0x80) {
		*ret_len = count;
		return true;
	}
	count &= 0x7f;
	if (count == 0 || count > 3 || in->len < count)
		return false;
	for (size_t i = 0; i < count; i++)
		len = len << 8 | in->data[i];
	*in = slice_from(*in, count);
	*ret_len = len;
	return true;
}

/* The content of the next value, which has to be of that type: of one that is cut, what is there.
 */
static bool enter(struct slice *in, uint8_t type, struct slice *ret_content)
{
	size_t len;

	if (in->len < 2 || in->data[0] != type)
		return false;
	*in = slice_from(*in, 1);
	if (!take_length(in, &len))
		return false;
	*ret_content = slice_first(*in, len);
	*in = slice_from(*in, len);
	return true;
}

static bool pass(struct slice *in, uint8_t type)
{
	struct slice content;

	return enter(in, type, &content);
}

/* ---- Time ---------------------------------------------------------------------------------- */

/* Two digits, or -1. */
static int take_two(struct slice *in)
{
	int high, low;

	if (in->len < 2)
		return -1;
	high = in->data[0] - '0';
	low = in->data[1] - '0';
	*in = slice_from(*in, 2);
	return high < 0 || high > 9 || low < 0 || low > 9 ? -1 : high * 10 + low;
}

/* Days from 1970 on of a date of the Gregorian calendar. The year begins in March, so that the day
 * that some years have more is its last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t months = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * months + 2) / 5 + day - 1 - 719468;
}

/* YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ (RFC 5280 section 4.1.2.5); 0: it is none. */
static int64_t seconds_of(struct slice text, bool generalized)
{
	int century = generalized ? take_two(&text) : 0, year = take_two(&text);
	int month = take_two(&text), day = take_two(&text), hour = take_two(&text),
	    minute = take_two(&text), second = take_two(&text);

	if (century < 0 || year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 ||
	    hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
	    !slice_equal(text, SLICE_LIT("Z")))
		return 0;
	if (generalized)
		year += century * 100;
	else
		year += year < 50 ? 2000 : 1900;
	return days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

/* ---- Certificates -------------------------------------------------------------------------- */

static bool pass_time(struct slice *in)
{
	return pass(in, DER_UTC_TIME) || pass(in, DER_GENERALIZED_TIME);
}

int64_t tls_der_not_after(struct slice der)
{
	struct slice certificate, signed_part, validity, time;

	if (!enter(&der, DER_SEQUENCE, &certificate) ||
	    !enter(&certificate, DER_SEQUENCE, &signed_part))
		return 0;
	(void)pass(&signed_part, DER_VERSION);
	/* Serial number, algorithm, issuer. */
	if (!pass(&signed_part, DER_INTEGER) || !pass(&signed_part, DER_SEQUENCE) ||
	    !pass(&signed_part, DER_SEQUENCE) || !enter(&signed_part, DER_SEQUENCE, &validity) ||
	    !pass_time(&validity))
		return 0;
	if (enter(&validity, DER_UTC_TIME, &time))
		return seconds_of(time, false);
	return enter(&validity, DER_GENERALIZED_TIME, &time) ? seconds_of(time, true) : 0;
}

int64_t tls_certificate_not_after(struct slice body)
{
	/* Length of the list, length of its first. */
	size_t len;

	if (body.len < 6)
		return 0;
	len = (size_t)body.data[3] << 16 | (size_t)body.data[4] << 8 | body.data[5];
	return tls_der_not_after(slice_first(slice_from(body, 6), len));
}
