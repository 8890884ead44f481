// SPDX-License-Identifier: Apache-2.0
#include "broker/tc_filters.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static void copy_name(const struct rtattr *attr, struct obi_tc_filter *filter)
{
	(void)snprintf(filter->name, sizeof(filter->name), "%.*s", (int)RTA_PAYLOAD(attr),
		       (const char *)RTA_DATA(attr));
}

static void read_options(const struct rtattr *options, struct obi_tc_filter *filter)
{
	int len = (int)RTA_PAYLOAD(options);

	for (const struct rtattr *attr = RTA_DATA(options); RTA_OK(attr, len);
	     attr = RTA_NEXT(attr, len))
		if ((attr->rta_type & NLA_TYPE_MASK) == TCA_BPF_NAME)
			copy_name(attr, filter);
}

static void read_filter(const struct nlmsghdr *header, struct obi_tc_filter *ret_filter)
{
	const struct tcmsg *message = NLMSG_DATA(header);
	const struct rtattr *options = NULL;
	int len = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof(*message)));

	*ret_filter = (struct obi_tc_filter){
		.handle = message->tcm_handle,
		.priority = (uint16_t)(TC_H_MAJ(message->tcm_info) >> 16),
	};
	for (const struct rtattr *attr = TCA_RTA(message); RTA_OK(attr, len);
	     attr = RTA_NEXT(attr, len)) {
		if (attr->rta_type == TCA_KIND)
			copy_name(attr, ret_filter);
		else if ((attr->rta_type & NLA_TYPE_MASK) == TCA_OPTIONS)
			options = attr;
	}
	if (options && !strcmp(ret_filter->name, "bpf"))
		read_options(options, ret_filter);
}

/* 1: there is more to come. */
static int read_messages(const struct nlmsghdr *header, unsigned len,
			 void (*take)(void *context, const struct obi_tc_filter *filter),
			 void *context)
{
	for (; NLMSG_OK(header, len); header = NLMSG_NEXT(header, len)) {
		const struct nlmsgerr *error = NLMSG_DATA(header);
		struct obi_tc_filter filter;

		if (header->nlmsg_type == NLMSG_DONE)
			return 0;
		if (header->nlmsg_type == NLMSG_ERROR)
			return error->error;
		if (header->nlmsg_type != RTM_NEWTFILTER)
			continue;
		read_filter(header, &filter);
		take(context, &filter);
	}
	return 1;
}

int obi_tc_filters(uint32_t ifindex, bool egress,
		   void (*take)(void *context, const struct obi_tc_filter *filter), void *context)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg message;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_GETTFILTER,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.message = { .tcm_family = AF_UNSPEC,
			     .tcm_ifindex = (int)ifindex,
			     .tcm_parent = TC_H_MAKE(TC_H_CLSACT,
						     egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS) },
	};
	_Alignas(struct nlmsghdr) char buf[32768];
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int more = 1;

	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0)
		return -errno;
	while (more == 1) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n <= 0)
			return n < 0 ? -errno : -EPROTO;
		more = read_messages((const void *)buf, (unsigned)n, take, context);
	}
	return more;
}
