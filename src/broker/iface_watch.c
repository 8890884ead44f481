// SPDX-License-Identifier: Apache-2.0
/* RTM_GETLINK for all there is, RTMGRP_LINK for what happens. */
#include "broker/iface_watch.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define READS 64 /* a call: whoever makes interfaces without end does not keep the caller */

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3) /* linux/rtnetlink.h since 4.4 */
#endif

struct known {
	uint32_t index;
	uint32_t dump; /* the last that named it */
	bool told, ethernet, xdp;
	char name[IFNAMSIZ];
};

struct obi_iface_watch {
	int socket;
	struct known *known; /* by index */
	size_t count, room;
	uint32_t dump; /* the sequence number of the last one asked for */
	bool dumping;
	bool again; /* what is known may be wrong by now */
	void (*take)(void *context, const struct obi_iface *iface);
	void *context;
};

int obi_iface_socket(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return take_fd(fd);
}

struct obi_iface_watch *obi_iface_watch_new(int socket)
{
	struct obi_iface_watch *watch = calloc(1, sizeof(*watch));

	if (!watch) {
		(void)close(socket);
		return NULL;
	}
	watch->socket = socket;
	return watch;
}

void obi_iface_watch_free(struct obi_iface_watch *watch)
{
	if (!watch)
		return;
	(void)close(watch->socket);
	free(watch->known);
	free(watch);
}

int obi_iface_watch_fd(const struct obi_iface_watch *watch)
{
	return watch->socket;
}

static int ask_for_all(struct obi_iface_watch *watch)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr mask_attr;
		uint32_t mask;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			    .nlmsg_seq = watch->dump + 1 },
		.info = { .ifi_family = AF_UNSPEC },
		.mask_attr = { RTA_LENGTH(sizeof(request.mask)), IFLA_EXT_MASK },
		.mask = RTEXT_FILTER_SKIP_STATS,
	};

	if (watch->dumping) { /* the kernel makes one at a time */
		watch->again = true;
		return 0;
	}
	watch->again = false;
	if (send(watch->socket, &request, sizeof(request), 0) < 0)
		return -errno;
	watch->dump++;
	watch->dumping = true;
	return 0;
}

int obi_iface_watch_all(struct obi_iface_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		watch->known[i].told = false;
	return ask_for_all(watch);
}

/* Where it is, or belongs. */
static size_t place_of(const struct obi_iface_watch *watch, uint32_t index)
{
	size_t low = 0, high = watch->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (watch->known[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct obi_iface_watch *watch, size_t at, uint32_t index)
{
	return at < watch->count && watch->known[at].index == index;
}

static struct known *insert(struct obi_iface_watch *watch, size_t at, uint32_t index)
{
	if (watch->count == watch->room) {
		size_t room = watch->room ? 2 * watch->room : 16;
		struct known *known = realloc(watch->known, room * sizeof(*known));

		if (!known)
			return NULL;
		watch->known = known;
		watch->room = room;
	}
	memmove(watch->known + at + 1, watch->known + at,
		(watch->count - at) * sizeof(*watch->known));
	watch->count++;
	watch->known[at] = (struct known){ .index = index };
	return &watch->known[at];
}

static void forget(struct obi_iface_watch *watch, size_t at)
{
	const struct obi_iface gone = { .index = watch->known[at].index };

	watch->count--;
	memmove(watch->known + at, watch->known + at + 1,
		(watch->count - at) * sizeof(*watch->known));
	watch->take(watch->context, &gone);
}

static bool is_known(const struct known *known, const struct obi_iface *iface)
{
	return known->told && known->ethernet == iface->ethernet && known->xdp == iface->xdp &&
	       !strcmp(known->name, iface->name);
}

static void on_new_link(struct obi_iface_watch *watch, const struct obi_iface *iface)
{
	size_t at = place_of(watch, iface->index);
	struct known *known = is_at(watch, at, iface->index) ? &watch->known[at]
							     : insert(watch, at, iface->index);

	if (known) { /* else it is told each time, and never of its end */
		known->dump = watch->dump;
		if (is_known(known, iface))
			return;
		known->told = true;
		known->ethernet = iface->ethernet;
		known->xdp = iface->xdp;
		(void)snprintf(known->name, sizeof(known->name), "%s", iface->name);
	}
	watch->take(watch->context, iface);
}

/* IFLA_XDP holds more: what is attached, and where. */
static bool has_xdp(const struct rtattr *xdp)
{
	int len = (int)RTA_PAYLOAD(xdp);

	for (const struct rtattr *attr = RTA_DATA(xdp); RTA_OK(attr, len);
	     attr = RTA_NEXT(attr, len))
		if (attr->rta_type == IFLA_XDP_ATTACHED && RTA_PAYLOAD(attr) >= 1)
			return *(const uint8_t *)RTA_DATA(attr) != XDP_ATTACHED_NONE;
	return false;
}

static void on_link(struct obi_iface_watch *watch, const struct nlmsghdr *header)
{
	const struct ifinfomsg *info = NLMSG_DATA(header);
	int len = (int)IFLA_PAYLOAD(header);
	struct obi_iface iface = {
		.index = (uint32_t)info->ifi_index,
		.ethernet = info->ifi_type == ARPHRD_ETHER || info->ifi_type == ARPHRD_LOOPBACK,
	};

	if (header->nlmsg_type == RTM_DELLINK) {
		size_t at = place_of(watch, (uint32_t)info->ifi_index);

		if (is_at(watch, at, (uint32_t)info->ifi_index))
			forget(watch, at);
		return;
	}
	for (const struct rtattr *attr = IFLA_RTA(info); RTA_OK(attr, len);
	     attr = RTA_NEXT(attr, len)) {
		uint16_t type = attr->rta_type & NLA_TYPE_MASK;

		if (type == IFLA_IFNAME)
			iface.name = RTA_DATA(attr);
		else if (type == IFLA_XDP)
			iface.xdp = has_xdp(attr);
	}
	if (iface.name)
		on_new_link(watch, &iface);
}

/* What the kernel did not name is gone. */
static void end_dump(struct obi_iface_watch *watch)
{
	watch->dumping = false;
	for (size_t i = watch->count; i-- > 0;)
		if (watch->known[i].dump != watch->dump)
			forget(watch, i);
}

static int on_message(struct obi_iface_watch *watch, const struct nlmsghdr *header)
{
	const struct nlmsgerr *answer;

	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		watch->again = true;
	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (header->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			on_link(watch, header);
		return 0;
	case NLMSG_DONE:
		end_dump(watch);
		return 0;
	case NLMSG_ERROR:
		watch->dumping = false;
		answer = NLMSG_DATA(header);
		return header->nlmsg_len >= NLMSG_LENGTH(sizeof(*answer)) ? answer->error
									  : -EBADMSG;
	default:
		return 0;
	}
}

static int take_messages(struct obi_iface_watch *watch, const void *bytes, size_t size)
{
	int len = (int)size, error = 0;

	for (const struct nlmsghdr *header = bytes; NLMSG_OK(header, (unsigned)len);
	     header = NLMSG_NEXT(header, len)) {
		int one = on_message(watch, header);

		if (one)
			error = one;
	}
	return error;
}

int obi_iface_watch_read(struct obi_iface_watch *watch,
			 void (*take)(void *context, const struct obi_iface *iface), void *context)
{
	_Alignas(struct nlmsghdr) char buf[16384];
	int error = 0;

	watch->take = take;
	watch->context = context;
	for (int i = 0; i < READS && !error; i++) {
		ssize_t n = recv(watch->socket, buf, sizeof(buf), 0);

		if (n > 0)
			error = take_messages(watch, buf, (size_t)n);
		else if (n < 0 && errno == ENOBUFS)
			watch->again = true;
		else
			break;
	}
	if (watch->again && !watch->dumping && !error)
		error = ask_for_all(watch);
	return error;
}
