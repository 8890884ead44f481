// SPDX-License-Identifier: Apache-2.0
/*
 * Networks lie in one array, narrow ones first, those of one length sorted by address.
 * A look-up searches one length after the other, so its time grows with the number of
 * different lengths, hardly with that of networks: lists of cloud providers have
 * thousands of networks of some twenty lengths.
 */
#include "flow/cidr.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"

/* An IPv4 network of n bits has 96 + n here. */
#define V4_BITS 96

struct group {
	size_t first;
	size_t count;
	uint8_t bits;
};

struct cidrs {
	struct obi_cidr *items;
	struct group groups[129];
	size_t groups_count;
};

static int compare_cidrs(const void *a, const void *b)
{
	const struct obi_prefix *first = &((const struct obi_cidr *)a)->prefix;
	const struct obi_prefix *second = &((const struct obi_cidr *)b)->prefix;

	if (first->bits != second->bits)
		return second->bits - first->bits;
	return memcmp(first->address, second->address, sizeof(first->address));
}

struct cidrs *cidrs_new(const struct obi_cidr_list *list)
{
	struct cidrs *cidrs = calloc(1, sizeof(*cidrs));

	if (!cidrs)
		return NULL;
	cidrs->items = calloc(list->count + 1, sizeof(*cidrs->items));
	if (!cidrs->items) {
		free(cidrs);
		return NULL;
	}
	for (size_t i = 0; i < list->count; i++)
		cidrs->items[i] = list->items[i];
	qsort(cidrs->items, list->count, sizeof(*cidrs->items), compare_cidrs);
	for (size_t i = 0; i < list->count; i++) {
		uint8_t bits = cidrs->items[i].prefix.bits;

		if (i == 0 || bits != cidrs->items[i - 1].prefix.bits)
			cidrs->groups[cidrs->groups_count++] =
				(struct group){ .first = i, .bits = bits };
		cidrs->groups[cidrs->groups_count - 1].count++;
	}
	return cidrs;
}

void cidrs_free(struct cidrs *cidrs)
{
	if (!cidrs)
		return;
	free(cidrs->items);
	free(cidrs);
}

static void clear_after(uint8_t address[16], unsigned bits)
{
	if (bits % 8)
		address[bits / 8] &= (uint8_t)(0xff00 >> bits % 8);
	for (unsigned i = (bits + 7) / 8; i < 16; i++)
		address[i] = 0;
}

static const struct obi_cidr *find_in(const struct cidrs *cidrs, const struct group *group,
				      const uint8_t address[16])
{
	struct obi_cidr key = { .prefix.bits = group->bits };

	memcpy(key.prefix.address, address, sizeof(key.prefix.address));
	clear_after(key.prefix.address, group->bits);
	return bsearch(&key, cidrs->items + group->first, group->count, sizeof(key), compare_cidrs);
}

const char *cidrs_find(const struct cidrs *cidrs, const uint8_t address[16])
{
	bool v4 = address_is_v4(address);

	for (size_t i = 0; i < cidrs->groups_count; i++) {
		const struct obi_cidr *found;

		if (v4 && cidrs->groups[i].bits < V4_BITS)
			break; /* ::/0 is about IPv6 */
		found = find_in(cidrs, &cidrs->groups[i], address);
		if (found)
			return found->name && *found->name ? found->name : found->prefix.text;
	}
	return "";
}
