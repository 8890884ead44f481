// SPDX-License-Identifier: Apache-2.0
/* What can be asked of rows and of parsed fields without reading or printing them. */
#include "config/option.h"

#include <string.h>

void *obi_group_field(const struct obi_group *group, size_t i, void *base)
{
	size_t offset =
		group->options->slots ? i * sizeof(union obi_slot) : group->options->rows[i].offset;

	return (char *)base + group->base + offset;
}

size_t obi_groups_count(const struct obi_group *groups)
{
	size_t count = 0;

	for (; groups->options; groups++)
		count += groups->options->count;
	return count;
}

bool obi_ranges_have(const struct obi_ranges *ranges, uint32_t value)
{
	for (size_t i = 0; i < ranges->count; i++) {
		if (value >= ranges->items[i].first && value <= ranges->items[i].last)
			return true;
	}
	return false;
}

bool obi_prefix_has(const struct obi_prefix *prefix, const uint8_t address[16])
{
	size_t bytes = prefix->bits / 8;
	unsigned rest = prefix->bits % 8;

	if (memcmp(prefix->address, address, bytes) != 0)
		return false;
	return rest == 0 || (prefix->address[bytes] ^ address[bytes]) >> (8 - rest) == 0;
}
