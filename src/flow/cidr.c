// SPDX-License-Identifier: Apache-2.0
#include "flow/cidr.h"

const char *obi_cidr_find(const struct obi_cidr_list *cidrs, const uint8_t address[16])
{
	const struct obi_cidr *best = NULL;

	for (size_t i = 0; i < cidrs->count; i++) {
		const struct obi_cidr *cidr = &cidrs->items[i];

		if (obi_prefix_has(&cidr->prefix, address) &&
		    (!best || cidr->prefix.bits > best->prefix.bits))
			best = cidr;
	}
	if (!best)
		return "";
	return best->name && best->name[0] ? best->name : best->prefix.text;
}
