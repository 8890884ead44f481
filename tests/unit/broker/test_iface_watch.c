// SPDX-License-Identifier: Apache-2.0
/* What netlink says of interfaces: over a socket pair, whose other end is the kernel, and from the
 * kernel of this machine. */
#include <errno.h>
#include <net/if_arp.h>
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

#include "broker/iface_watch.h"

struct heard {
	char text[512];
	size_t len;
	bool loopback;
};

static void hear(void *context, const struct obi_iface *iface)
{
	struct heard *h = context;

	h->loopback |= iface->index == if_nametoindex("lo") && iface->name &&
		       !strcmp(iface->name, "lo") && iface->ethernet;
	if (h->len < sizeof(h->text))
		h->len +=
			(size_t)snprintf(h->text + h->len, sizeof(h->text) - h->len, "%u %s%s%s\n",
					 iface->index, iface->name ? iface->name : "gone",
					 iface->name && !iface->ethernet ? " not Ethernet" : "",
					 iface->xdp ? " xdp" : "");
}

/* ---- The kernel's end ---- */

struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[1024];
	size_t len;
};

static size_t put_attr(void *at, uint16_t type, const void *value, size_t len)
{
	struct rtattr *attr = at;

	*attr = (struct rtattr){ (uint16_t)RTA_LENGTH(len), type };
	memcpy(RTA_DATA(attr), value, len);
	return RTA_SPACE(len);
}

static void put_link_of(struct message *m, uint16_t type, uint16_t link_type, int ifindex,
			const char *name)
{
	struct nlmsghdr *header = (void *)(m->bytes + m->len);
	struct ifinfomsg info = { .ifi_index = ifindex, .ifi_type = link_type };
	uint32_t mtu = 1500;
	size_t room = NLMSG_LENGTH(sizeof(info));

	memcpy(NLMSG_DATA(header), &info, sizeof(info));
	room = NLMSG_ALIGN(room);
	room += put_attr((uint8_t *)header + room, IFLA_MTU, &mtu, sizeof(mtu));
	if (name)
		room += put_attr((uint8_t *)header + room, IFLA_IFNAME, name, strlen(name) + 1);
	*header = (struct nlmsghdr){ .nlmsg_len = (uint32_t)room, .nlmsg_type = type };
	m->len += NLMSG_ALIGN(room);
}

static void put_link(struct message *m, uint16_t type, int ifindex, const char *name)
{
	put_link_of(m, type, ARPHRD_ETHER, ifindex, name);
}

static void put_done(struct message *m)
{
	struct nlmsghdr *header = (void *)(m->bytes + m->len);

	*header = (struct nlmsghdr){ .nlmsg_len = NLMSG_LENGTH(sizeof(int)),
				     .nlmsg_type = NLMSG_DONE };
	m->len += NLMSG_LENGTH(sizeof(int));
}

struct kernel {
	int socket;
	struct obi_iface_watch *watch;
};

static struct kernel begin(void)
{
	struct kernel kernel;
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	kernel.socket = pair[0];
	kernel.watch = obi_iface_watch_new(pair[1]);
	assert_non_null(kernel.watch);
	return kernel;
}

static void end(struct kernel *kernel)
{
	obi_iface_watch_free(kernel->watch);
	(void)close(kernel->socket);
}

static void say(const struct kernel *kernel, struct message *m)
{
	assert_int_equal(send(kernel->socket, m->bytes, m->len, 0), m->len);
	m->len = 0;
}

static void expect(const struct kernel *kernel, const char *text)
{
	struct heard heard = { .len = 0 };

	assert_int_equal(obi_iface_watch_read(kernel->watch, hear, &heard), 0);
	assert_string_equal(heard.text, text);
}

static bool is_asked_for_all(const struct kernel *kernel)
{
	struct nlmsghdr header;
	char buf[256];
	ssize_t n = recv(kernel->socket, buf, sizeof(buf), 0);

	if (n < (ssize_t)sizeof(header))
		return false;
	memcpy(&header, buf, sizeof(header));
	return header.nlmsg_type == RTM_GETLINK && header.nlmsg_flags & NLM_F_DUMP;
}

/* ---- Tests ---- */

static void interfaces_that_come_and_go_are_told(void **state)
{
	struct kernel kernel = begin();
	struct message m = { .len = 0 };

	put_link_of(&m, RTM_NEWLINK, ARPHRD_LOOPBACK, 1, "lo");
	put_link(&m, RTM_NEWADDR, 9, "not a link");
	put_link(&m, RTM_NEWLINK, 7, "veth7");
	put_link_of(&m, RTM_NEWLINK, ARPHRD_NONE, 5, "tun5");
	say(&kernel, &m);
	put_link(&m, RTM_DELLINK, 7, "veth7");
	put_link(&m, RTM_DELLINK, 6, "never heard of");
	put_link(&m, RTM_NEWLINK, 8, NULL); /* without a name: nothing to tell */
	say(&kernel, &m);
	expect(&kernel, "1 lo\n7 veth7\n5 tun5 not Ethernet\n7 gone\n");
	end(&kernel);
}

static void what_is_said_again_is_told_once(void **state)
{
	struct kernel kernel = begin();
	struct message m = { .len = 0 };

	put_link(&m, RTM_NEWLINK, 7, "veth7");
	put_link(&m, RTM_NEWLINK, 7, "veth7");
	put_link(&m, RTM_NEWLINK, 7, "eth0"); /* a new name */
	put_link(&m, RTM_NEWLINK, 7, "eth0");
	say(&kernel, &m);
	expect(&kernel, "7 veth7\n7 eth0\n");
	end(&kernel);
}

static void what_is_not_among_all_is_gone(void **state)
{
	struct kernel kernel = begin();
	struct message m = { .len = 0 };

	put_link(&m, RTM_NEWLINK, 1, "lo");
	put_link(&m, RTM_NEWLINK, 7, "veth7");
	put_link(&m, RTM_NEWLINK, 9, "veth9");
	say(&kernel, &m);
	expect(&kernel, "1 lo\n7 veth7\n9 veth9\n");
	assert_int_equal(obi_iface_watch_all(kernel.watch), 0);
	assert_true(is_asked_for_all(&kernel));
	put_link(&m, RTM_NEWLINK, 1, "lo");
	put_link(&m, RTM_NEWLINK, 9, "veth9");
	say(&kernel, &m);
	expect(&kernel, "1 lo\n9 veth9\n"); /* told again: asked for */
	put_link(&m, RTM_NEWLINK, 11, "new");
	put_done(&m);
	say(&kernel, &m);
	expect(&kernel, "11 new\n7 gone\n");
	end(&kernel);
}

/* While one answer is not whole, the kernel takes no other question. */
static void all_are_asked_for_one_time_at_a_time(void **state)
{
	struct kernel kernel = begin();
	struct message m = { .len = 0 };

	assert_int_equal(obi_iface_watch_all(kernel.watch), 0);
	assert_int_equal(obi_iface_watch_all(kernel.watch), 0);
	assert_true(is_asked_for_all(&kernel));
	assert_false(is_asked_for_all(&kernel));
	put_done(&m);
	say(&kernel, &m);
	expect(&kernel, "");
	assert_true(is_asked_for_all(&kernel));
	put_done(&m);
	say(&kernel, &m);
	expect(&kernel, "");
	assert_false(is_asked_for_all(&kernel));
	end(&kernel);
}

static void interrupted_answer_is_asked_for_again(void **state)
{
	struct kernel kernel = begin();
	struct message m = { .len = 0 };

	assert_int_equal(obi_iface_watch_all(kernel.watch), 0);
	assert_true(is_asked_for_all(&kernel));
	put_link(&m, RTM_NEWLINK, 1, "lo");
	((struct nlmsghdr *)(void *)m.bytes)->nlmsg_flags = NLM_F_DUMP_INTR;
	put_done(&m);
	say(&kernel, &m);
	expect(&kernel, "1 lo\n");
	assert_true(is_asked_for_all(&kernel));
	end(&kernel);
}

static void refusal_is_returned(void **state)
{
	struct kernel kernel = begin();
	struct heard heard = { .len = 0 };
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} answer = { .header = { .nlmsg_len = sizeof(answer), .nlmsg_type = NLMSG_ERROR },
		     .error = { .error = -EPERM } };

	assert_int_equal(send(kernel.socket, &answer, sizeof(answer), 0), sizeof(answer));
	assert_int_equal(obi_iface_watch_read(kernel.watch, hear, &heard), -EPERM);
	end(&kernel);
}

/* An attribute of so many bytes, which says so. */
static void put_xdp(struct message *m, int attached, uint16_t len)
{
	struct nlmsghdr *header = (void *)m->bytes;
	struct rtattr *xdp = (void *)(m->bytes + NLMSG_ALIGN(header->nlmsg_len));
	uint8_t *inner = RTA_DATA(xdp), state = (uint8_t)attached;
	uint32_t id = 5;

	*xdp = (struct rtattr){ len, IFLA_XDP | NLA_F_NESTED };
	inner += put_attr(inner, IFLA_XDP_PROG_ID, &id, sizeof(id));
	(void)put_attr(inner, IFLA_XDP_ATTACHED, &state, sizeof(state));
	header->nlmsg_len += RTA_ALIGN(len);
	m->len = header->nlmsg_len;
}

/* The nested attribute may be cut anywhere, too. */
static void xdp_program_is_told(void **state)
{
	const uint16_t whole = RTA_LENGTH(RTA_SPACE(4) + RTA_LENGTH(1));

	for (uint16_t len = RTA_LENGTH(0); len <= whole; len++)
		for (int attached = XDP_ATTACHED_NONE; attached <= XDP_ATTACHED_MULTI; attached++) {
			struct kernel kernel = begin();
			struct message m = { .len = 0 };

			put_link(&m, RTM_NEWLINK, 3, "eth0");
			put_xdp(&m, attached, len);
			say(&kernel, &m);
			expect(&kernel, attached && len == whole ? "3 eth0 xdp\n" : "3 eth0\n");
			end(&kernel);
		}
}

static void xdp_program_that_comes_later_is_told(void **state)
{
	struct kernel kernel = begin();
	struct message m = { .len = 0 };

	put_link(&m, RTM_NEWLINK, 3, "eth0");
	say(&kernel, &m);
	put_link(&m, RTM_NEWLINK, 3, "eth0");
	put_xdp(&m, XDP_ATTACHED_SKB, RTA_LENGTH(RTA_SPACE(4) + RTA_LENGTH(1)));
	say(&kernel, &m);
	expect(&kernel, "3 eth0\n3 eth0 xdp\n");
	end(&kernel);
}

/* Cut anywhere: what is whole is told, nothing behind the end is read. */
static void message_cut_short_does_no_harm(void **state)
{
	struct message m = { .len = 0 };
	size_t first;

	put_link(&m, RTM_NEWLINK, 1, "lo");
	first = m.len;
	put_link(&m, RTM_NEWLINK, 7, "veth7");
	for (size_t len = 1; len <= m.len; len++) {
		struct kernel kernel = begin();

		assert_int_equal(send(kernel.socket, m.bytes, len, 0), len);
		expect(&kernel, len == m.len ? "1 lo\n7 veth7\n" : len >= first ? "1 lo\n" : "");
		end(&kernel);
	}
}

static void kernel_tells_of_the_loopback_interface(void **state)
{
	struct heard heard = { .len = 0 };
	struct obi_iface_watch *watch = obi_iface_watch_new(obi_iface_socket());

	assert_non_null(watch);
	assert_int_equal(obi_iface_watch_all(watch), 0);
	assert_int_equal(obi_iface_watch_read(watch, hear, &heard), 0);
	assert_true(heard.loopback);
	obi_iface_watch_free(watch);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_that_come_and_go_are_told),
		cmocka_unit_test(what_is_said_again_is_told_once),
		cmocka_unit_test(what_is_not_among_all_is_gone),
		cmocka_unit_test(all_are_asked_for_one_time_at_a_time),
		cmocka_unit_test(interrupted_answer_is_asked_for_again),
		cmocka_unit_test(refusal_is_returned),
		cmocka_unit_test(xdp_program_is_told),
		cmocka_unit_test(xdp_program_that_comes_later_is_told),
		cmocka_unit_test(message_cut_short_does_no_harm),
		cmocka_unit_test(kernel_tells_of_the_loopback_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
