/* SPDX-License-Identifier: Apache-2.0 */
/* Which network interfaces are wanted. */
#ifndef OBI_BROKER_IFACE_H
#define OBI_BROKER_IFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/options.h"

struct obi_iface_filter;

/* Compiles `interfaces` and `exclude_interfaces`; -EINVAL names a bad regular expression in why. */
int obi_iface_filter_new(const struct obi_network_options *options,
			 struct obi_iface_filter **ret_filter, char *why, size_t why_size);
void obi_iface_filter_free(struct obi_iface_filter *filter);
bool obi_iface_wanted(const struct obi_iface_filter *filter, const char *name);
bool obi_iface_filter_empty(const struct obi_iface_filter *filter); /* wants everything */

#endif
