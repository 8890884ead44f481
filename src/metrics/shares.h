/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has how much of what all share. One may take nine times what is then still free: alone it
 * comes to nine tenths, and one that comes late still finds room.
 */
#ifndef OBI_METRICS_SHARES_H
#define OBI_METRICS_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metric_share {
	uint64_t owner;
	size_t used;
};

/* Blank to begin with; holds memory while anything is used. */
struct metric_shares {
	struct metric_share *items;
	size_t count, room;
};

/* May owner take so much more, where so much is free? An owner of 0 is nobody: it may. */
bool metric_shares_allow(const struct metric_shares *shares, uint64_t owner, size_t more,
			 size_t free);

/* Takes, and gives back what was taken. Where memory is short nothing is remembered. */
void metric_shares_take(struct metric_shares *shares, uint64_t owner, size_t amount);
void metric_shares_give(struct metric_shares *shares, uint64_t owner, size_t amount);

/* Whoever has the most; NULL: nobody has anything. */
const struct metric_share *metric_shares_largest(const struct metric_shares *shares);

#endif
