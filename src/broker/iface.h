/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: which are wanted, and the kernel's word on which come and go. */
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

/* A netlink socket that tells of interfaces; every one there is comes first. Non-blocking. A
 * descriptor or a negative errno. */
int obi_iface_watch(void);

struct obi_iface {
	uint32_t ifindex;
	const char *name; /* NULL: it is gone */
	bool xdp;         /* a program decides on its packets before all others see them */
};

/* Reads what the socket has. 0, or -ENOBUFS where messages were lost: watch anew. */
int obi_iface_read(int watch, void (*take)(void *context, const struct obi_iface *iface),
		   void *context);

#endif
