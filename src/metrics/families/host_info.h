/* SPDX-License-Identifier: Apache-2.0 */
/* traces_host_info: a constant 1 while any process is observed on this host. */
#ifndef OBI_METRICS_FAMILIES_HOST_INFO_H
#define OBI_METRICS_FAMILIES_HOST_INFO_H

#include "metrics/families/family.h"

struct host_info;

extern const struct attribute_group host_info_attributes;

/* Adds its table to the registry; options and registry must outlive the result. 0, or -ENOMEM. */
int host_info_new(const struct family_options *options, struct metrics *metrics,
		  struct host_info **ret_info);
void host_info_free(struct host_info *info);

/* Processes have come or gone. */
void host_info_update(struct host_info *info, uint64_t now_ns);

#endif
