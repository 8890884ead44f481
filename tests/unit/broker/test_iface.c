// SPDX-License-Identifier: Apache-2.0
/* Which interfaces are wanted, and what netlink says of them: over a socket pair, and from the
 * kernel of this machine. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "broker/iface.h"

static bool wanted(struct obi_list include, struct obi_list exclude, const char *name)
{
	struct obi_network_options options = { .interfaces = include,
					       .exclude_interfaces = exclude };
	struct obi_iface_filter *filter;
	char why[128] = "";
	bool yes;

	assert_int_equal(obi_iface_filter_new(&options, &filter, why, sizeof(why)), 0);
	assert_int_equal(obi_iface_filter_empty(filter), !include.count && !exclude.count);
	yes = obi_iface_wanted(filter, name);
	obi_iface_filter_free(filter);
	return yes;
}

#define LIST(...)                                                                                  \
	((struct obi_list){ .items = (const char *[]){ __VA_ARGS__ },                              \
			    .count = sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *) })
#define NONE ((struct obi_list){ 0 })

static void interfaces_are_wanted_by_name_and_expression(void **state)
{
	assert_true(wanted(NONE, NONE, "eth0"));
	assert_true(wanted(LIST("eth0"), NONE, "eth0"));
	assert_false(wanted(LIST("eth0"), NONE, "eth01")); /* a name is the whole name */
	assert_false(wanted(LIST("eth0"), NONE, "lo"));
	assert_true(wanted(LIST("lo", "eth0"), NONE, "eth0"));
	assert_true(wanted(LIST("/^(veth|br)/"), NONE, "veth12"));
	assert_false(wanted(LIST("/^(veth|br)/"), NONE, "xveth12"));
	assert_true(wanted(LIST("/eth/"), NONE, "veth12")); /* an expression matches a part */
	assert_false(wanted(NONE, LIST("lo"), "lo"));
	assert_true(wanted(NONE, LIST("lo"), "lo0"));
	assert_false(wanted(LIST("/eth/"), LIST("/^v/"), "veth12")); /* excluded wins */
	assert_true(wanted(LIST("/eth/"), LIST("/^v/"), "eth12"));
	assert_true(wanted(LIST("/"), NONE, "/")); /* no expression: a name */
}

static void wrong_expression_is_named(void **state)
{
	struct obi_network_options options = { .interfaces = LIST("lo", "/(/") };
	struct obi_iface_filter *filter = NULL;
	char why[128] = "";

	assert_int_equal(obi_iface_filter_new(&options, &filter, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "interface pattern /(/ is not a regular expression");
	assert_null(filter);
}

/* ---- Netlink ---- */

struct heard {
	char text[512];
	size_t len;
	bool loopback;
};

static void hear(void *context, const struct obi_iface *iface)
{
	struct heard *h = context;
	const char *name = iface->name;

	h->loopback |= iface->ifindex == if_nametoindex("lo") && name && !strcmp(name, "lo");
	if (h->len < sizeof(h->text))
		h->len += (size_t)snprintf(h->text + h->len, sizeof(h->text) - h->len, "%u %s%s\n",
					   iface->ifindex, name ? name : "gone",
					   iface->xdp ? " xdp" : "");
}

struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[1024];
	size_t len;
};

static void put_link(struct message *m, uint16_t type, int ifindex, const char *name)
{
	struct nlmsghdr *header = (void *)(m->bytes + m->len);
	struct ifinfomsg info = { .ifi_index = ifindex };
	uint32_t mtu = 1500;
	struct rtattr *attr;
	size_t room = NLMSG_LENGTH(sizeof(info));

	memcpy(NLMSG_DATA(header), &info, sizeof(info));
	attr = (void *)((uint8_t *)header + NLMSG_ALIGN(room)); /* one that is not looked for */
	*attr = (struct rtattr){ RTA_LENGTH(sizeof(mtu)), IFLA_MTU };
	memcpy(RTA_DATA(attr), &mtu, sizeof(mtu));
	room = NLMSG_ALIGN(room) + RTA_SPACE(sizeof(mtu));
	if (name) {
		attr = (void *)((uint8_t *)header + room);
		*attr = (struct rtattr){ (uint16_t)RTA_LENGTH(strlen(name) + 1), IFLA_IFNAME };
		memcpy(RTA_DATA(attr), name, strlen(name) + 1);
		room += RTA_SPACE(strlen(name) + 1);
	}
	*header = (struct nlmsghdr){ .nlmsg_len = (uint32_t)room, .nlmsg_type = type };
	m->len += NLMSG_ALIGN(room);
}

static void interfaces_that_come_and_go_are_told(void **state)
{
	struct message first = { .len = 0 }, second = { .len = 0 };
	struct heard heard = { .len = 0 };
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	put_link(&first, RTM_NEWLINK, 1, "lo");
	put_link(&first, RTM_NEWADDR, 9, "not a link");
	put_link(&first, RTM_NEWLINK, 7, "veth7");
	put_link(&second, RTM_DELLINK, 7, "veth7");
	put_link(&second, RTM_NEWLINK, 8, NULL); /* without a name: nothing to tell */
	assert_int_equal(send(pair[0], first.bytes, first.len, 0), first.len);
	assert_int_equal(send(pair[0], second.bytes, second.len, 0), second.len);
	assert_int_equal(obi_iface_read(pair[1], hear, &heard), 0);
	assert_string_equal(heard.text, "1 lo\n7 veth7\n7 gone\n");
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* An attribute of so many bytes, which says so. */
static void put_xdp(struct message *m, int attached, uint16_t len)
{
	struct nlmsghdr *header = (void *)m->bytes;
	struct rtattr *xdp = (void *)(m->bytes + NLMSG_ALIGN(header->nlmsg_len));
	struct rtattr *inner = RTA_DATA(xdp);
	uint32_t id = 5;

	*xdp = (struct rtattr){ len, IFLA_XDP | NLA_F_NESTED };
	*inner = (struct rtattr){ RTA_LENGTH(sizeof(id)), IFLA_XDP_PROG_ID };
	memcpy(RTA_DATA(inner), &id, sizeof(id));
	inner = (void *)((uint8_t *)inner + RTA_SPACE(sizeof(id)));
	*inner = (struct rtattr){ RTA_LENGTH(1), IFLA_XDP_ATTACHED };
	*(uint8_t *)RTA_DATA(inner) = (uint8_t)attached;
	header->nlmsg_len += RTA_ALIGN(len);
	m->len = header->nlmsg_len;
}

/* The nested attribute may be cut anywhere, too. */
static void xdp_program_is_told(void **state)
{
	const uint16_t whole = RTA_LENGTH(RTA_SPACE(4) + RTA_LENGTH(1));
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	for (uint16_t len = RTA_LENGTH(0); len <= whole; len++)
		for (int attached = XDP_ATTACHED_NONE; attached <= XDP_ATTACHED_MULTI; attached++) {
			struct heard heard = { .len = 0 };
			struct message m = { .len = 0 };

			put_link(&m, RTM_NEWLINK, 3, "eth0");
			put_xdp(&m, attached, len);
			assert_int_equal(send(pair[0], m.bytes, m.len, 0), m.len);
			assert_int_equal(obi_iface_read(pair[1], hear, &heard), 0);
			assert_string_equal(heard.text,
					    attached && len == whole ? "3 eth0 xdp\n" : "3 eth0\n");
		}
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* Cut anywhere: what is whole is told, nothing behind the end is read. */
static void message_cut_short_does_no_harm(void **state)
{
	struct message m = { .len = 0 };
	size_t first;
	int pair[2];

	put_link(&m, RTM_NEWLINK, 1, "lo");
	first = m.len;
	put_link(&m, RTM_NEWLINK, 7, "veth7");
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	for (size_t len = 1; len <= m.len; len++) {
		struct heard heard = { .len = 0 };

		assert_int_equal(send(pair[0], m.bytes, len, 0), len);
		assert_int_equal(obi_iface_read(pair[1], hear, &heard), 0);
		assert_string_equal(heard.text, len == m.len   ? "1 lo\n7 veth7\n"
						: len >= first ? "1 lo\n"
							       : "");
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void kernel_tells_of_the_loopback_interface(void **state)
{
	struct heard heard = { .len = 0 };
	int watch = obi_iface_watch();

	assert_true(watch >= 0);
	assert_int_equal(obi_iface_read(watch, hear, &heard), 0);
	assert_true(heard.loopback);
	(void)close(watch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_are_wanted_by_name_and_expression),
		cmocka_unit_test(wrong_expression_is_named),
		cmocka_unit_test(interfaces_that_come_and_go_are_told),
		cmocka_unit_test(xdp_program_is_told),
		cmocka_unit_test(message_cut_short_does_no_harm),
		cmocka_unit_test(kernel_tells_of_the_loopback_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
