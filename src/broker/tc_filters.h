/* SPDX-License-Identifier: Apache-2.0 */
/* What filters an interface has under clsact: rtnetlink(7), RTM_GETTFILTER. */
#ifndef OBI_BROKER_TC_FILTERS_H
#define OBI_BROKER_TC_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

struct obi_tc_filter {
	uint32_t handle;   /* 0: that there is a classifier with this priority */
	uint16_t priority; /* the lower goes first */
	char name[32];     /* of a BPF filter, as far as it fits; else the kind */
};

/* Tells of each; of an interface without clsact there is none. 0 or a negative errno. */
int obi_tc_filters(uint32_t ifindex, bool egress,
		   void (*take)(void *context, const struct obi_tc_filter *filter), void *context);

#endif
