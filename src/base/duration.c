// SPDX-License-Identifier: Apache-2.0
/*
 * Below a second the unit is the largest one that leaves a digit before the point;
 * from a second on hours and minutes stand before the seconds. Trailing zeros of the
 * fraction are cut. Digits are written from the end of the buffer towards its start.
 */
#include "base/duration.h"

#include "base/clock.h"

static char *put_integer(char *end, uint64_t value)
{
	do {
		*--end = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return end;
}

/* Writes value / 10^digits before end, without trailing zeros. */
static char *put_decimal(char *end, uint64_t value, int digits)
{
	int written = 0;

	for (; digits > 0; digits--) {
		unsigned digit = (unsigned)(value % 10);

		value /= 10;
		if (!digit && !written)
			continue;
		*--end = (char)('0' + digit);
		written++;
	}
	if (written)
		*--end = '.';
	return put_integer(end, value);
}

static char *put_below_second(char *end, uint64_t ns)
{
	*--end = 's';
	if (ns == 0)
		return put_integer(end, 0);
	if (ns < NSEC_PER_USEC) {
		*--end = 'n';
		return put_integer(end, ns);
	}
	if (ns < NSEC_PER_MSEC) {
		*--end = '\xb5'; /* U+00B5 MICRO SIGN in UTF-8 */
		*--end = '\xc2';
		return put_decimal(end, ns, 3);
	}
	*--end = 'm';
	return put_decimal(end, ns, 6);
}

static char *put_from_second(char *end, uint64_t ns)
{
	uint64_t minutes = ns / (60 * NSEC_PER_SEC);

	*--end = 's';
	end = put_decimal(end, ns % (60 * NSEC_PER_SEC), 9);
	if (!minutes)
		return end;
	*--end = 'm';
	end = put_integer(end, minutes % 60);
	if (minutes < 60)
		return end;
	*--end = 'h';
	return put_integer(end, minutes / 60);
}

size_t duration_format(uint64_t ns, char *ret_text)
{
	char text[DURATION_TEXT_MAX];
	char *end = text + sizeof(text);
	char *start = ns < NSEC_PER_SEC ? put_below_second(end, ns) : put_from_second(end, ns);

	memcpy(ret_text, start, (size_t)(end - start));
	return (size_t)(end - start);
}
