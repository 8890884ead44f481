// SPDX-License-Identifier: Apache-2.0
#include "base/percent.h"

struct slice percent_decode(struct slice value, uint8_t *room)
{
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		int byte = value.data[i];

		if (byte == '%') {
			byte = percent_byte(value, i);
			if (byte <= 0)
				return value;
			i += 2;
		}
		room[len++] = (uint8_t)byte;
	}
	return slice_of(room, len);
}
