/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's word on network interfaces (rtnetlink(7)): which come, change their names, and go.
 * Each is told once for each change, however often the kernel says it. Where messages were lost,
 * all interfaces are asked for again, and those that are not among them are told to be gone.
 */
#ifndef OBI_BROKER_IFACE_WATCH_H
#define OBI_BROKER_IFACE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct obi_iface {
	uint32_t index;
	const char *name; /* NULL: gone */
	bool ethernet;    /* its packets begin with 14 bytes of Ethernet header */
	bool xdp;         /* a program decides on its packets before all others see them */
};

struct obi_iface_watch;

/* A netlink socket that hears of interfaces, or a negative errno. */
int obi_iface_socket(void);

/* Takes the socket, also where it fails. NULL without memory. */
struct obi_iface_watch *obi_iface_watch_new(int socket);
void obi_iface_watch_free(struct obi_iface_watch *watch);

/* Readable when there is something to read. */
int obi_iface_watch_fd(const struct obi_iface_watch *watch);

/* Every one there is will be told, also those that were. 0 or a negative errno. */
int obi_iface_watch_all(struct obi_iface_watch *watch);

/* Reads some of what the socket has. 0, or a negative errno where the kernel does not tell. */
int obi_iface_watch_read(struct obi_iface_watch *watch,
			 void (*take)(void *context, const struct obi_iface *iface), void *context);

#endif
