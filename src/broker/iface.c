// SPDX-License-Identifier: Apache-2.0
/* rtnetlink(7), RTM_GETLINK once and RTMGRP_LINK from then on. */
#include "broker/iface.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

struct pattern {
	const char *name; /* where it is not a regular expression */
	regex_t regex;
	bool is_regex;
};

struct patterns {
	struct pattern *items;
	size_t count;
};

struct obi_iface_filter {
	struct patterns include, exclude;
};

static int compile(const struct obi_list *list, struct patterns *ret_patterns, char *why,
		   size_t why_size)
{
	ret_patterns->items = calloc(list->count ? list->count : 1, sizeof(struct pattern));
	if (!ret_patterns->items)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++) {
		struct pattern *pattern = &ret_patterns->items[i];
		const char *text = list->items[i];
		size_t len = strlen(text);
		_cleanup_free_ char *copy = NULL;

		pattern->name = text;
		ret_patterns->count++;
		if (len < 2 || text[0] != '/' || text[len - 1] != '/')
			continue;
		copy = strndup(text + 1, len - 2);
		if (!copy)
			return -ENOMEM;
		if (regcomp(&pattern->regex, copy, REG_EXTENDED | REG_NOSUB)) {
			(void)snprintf(why, why_size,
				       "interface pattern %s is not a regular expression", text);
			return -EINVAL;
		}
		pattern->is_regex = true;
	}
	return 0;
}

static void release(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (patterns->items[i].is_regex)
			regfree(&patterns->items[i].regex);
	free(patterns->items);
}

int obi_iface_filter_new(const struct obi_network_options *options,
			 struct obi_iface_filter **ret_filter, char *why, size_t why_size)
{
	struct obi_iface_filter *filter = calloc(1, sizeof(*filter));
	int error;

	if (!filter)
		return -ENOMEM;
	error = compile(&options->interfaces, &filter->include, why, why_size);
	if (!error)
		error = compile(&options->exclude_interfaces, &filter->exclude, why, why_size);
	if (error) {
		obi_iface_filter_free(filter);
		return error;
	}
	*ret_filter = filter;
	return 0;
}

void obi_iface_filter_free(struct obi_iface_filter *filter)
{
	if (!filter)
		return;
	release(&filter->include);
	release(&filter->exclude);
	free(filter);
}

static bool matches(const struct patterns *patterns, const char *name)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct pattern *pattern = &patterns->items[i];

		if (pattern->is_regex ? !regexec(&pattern->regex, name, 0, NULL, 0)
				      : !strcmp(pattern->name, name))
			return true;
	}
	return false;
}

bool obi_iface_wanted(const struct obi_iface_filter *filter, const char *name)
{
	if (filter->include.count && !matches(&filter->include, name))
		return false;
	return !matches(&filter->exclude, name);
}

bool obi_iface_filter_empty(const struct obi_iface_filter *filter)
{
	return !filter->include.count && !filter->exclude.count;
}

int obi_iface_watch(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.info = { .ifi_family = AF_UNSPEC },
	};
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	return take_fd(fd);
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

static void take_link(const struct nlmsghdr *header,
		      void (*take)(void *context, const struct obi_iface *iface), void *context)
{
	const struct ifinfomsg *info = NLMSG_DATA(header);
	struct obi_iface iface = { .ifindex = (uint32_t)info->ifi_index };
	int len = (int)IFLA_PAYLOAD(header);

	if (header->nlmsg_type == RTM_DELLINK) {
		take(context, &iface);
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
		take(context, &iface);
}

int obi_iface_read(int watch, void (*take)(void *context, const struct obi_iface *iface),
		   void *context)
{
	_Alignas(struct nlmsghdr) char buf[16384];
	ssize_t n;

	while ((n = recv(watch, buf, sizeof(buf), 0)) > 0) {
		int len = (int)n;

		for (const struct nlmsghdr *header = (void *)buf; NLMSG_OK(header, (unsigned)len);
		     header = NLMSG_NEXT(header, len))
			if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK)
				take_link(header, take, context);
	}
	return n < 0 && errno == ENOBUFS ? -ENOBUFS : 0;
}
