// SPDX-License-Identifier: Apache-2.0
#include "metrics/shares.h"

#include <stdlib.h>

#define TIMES_FREE 9

static struct metric_share *find(const struct metric_shares *shares, uint64_t owner)
{
	for (size_t i = 0; i < shares->count; i++)
		if (shares->items[i].owner == owner)
			return &shares->items[i];
	return NULL;
}

bool metric_shares_allow(const struct metric_shares *shares, uint64_t owner, size_t more,
			 size_t free)
{
	const struct metric_share *share = owner ? find(shares, owner) : NULL;

	return more <= free && (!share || share->used / TIMES_FREE <= free - more);
}

void metric_shares_take(struct metric_shares *shares, uint64_t owner, size_t amount)
{
	struct metric_share *share = owner ? find(shares, owner) : NULL;

	if (!owner)
		return;
	if (!share && shares->count == shares->room) {
		size_t room = shares->room ? 2 * shares->room : 8;
		struct metric_share *items =
			reallocarray(shares->items, room, sizeof(*shares->items));

		if (!items)
			return;
		shares->items = items;
		shares->room = room;
	}
	if (!share) {
		share = &shares->items[shares->count++];
		*share = (struct metric_share){ .owner = owner };
	}
	share->used += amount;
}

void metric_shares_give(struct metric_shares *shares, uint64_t owner, size_t amount)
{
	struct metric_share *share = owner ? find(shares, owner) : NULL;

	if (!share)
		return;
	share->used -= amount < share->used ? amount : share->used;
	if (share->used)
		return;
	*share = shares->items[--shares->count];
	if (shares->count)
		return;
	free(shares->items);
	*shares = (struct metric_shares){ 0 };
}

const struct metric_share *metric_shares_largest(const struct metric_shares *shares)
{
	const struct metric_share *largest = NULL;

	for (size_t i = 0; i < shares->count; i++)
		if (!largest || shares->items[i].used > largest->used)
			largest = &shares->items[i];
	return largest;
}
