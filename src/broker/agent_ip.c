// SPDX-License-Identifier: Apache-2.0
/*
 * "external" asks the routing table which local address would reach a documentation address
 * (RFC 5737, RFC 3849): connecting a UDP socket sends nothing. Without such a route the first
 * address of an interface that is up and not loopback serves.
 */
#include "broker/agent_ip.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

static bool family_wanted(int family, int type)
{
	return (family == AF_INET && type != OBI_IP_V6) ||
	       (family == AF_INET6 && type != OBI_IP_V4);
}

static bool to_text(const struct sockaddr *addr, char ret_text[48])
{
	const void *bytes = addr->sa_family == AF_INET
				    ? (const void *)&((const struct sockaddr_in *)addr)->sin_addr
				    : (const void *)&((const struct sockaddr_in6 *)addr)->sin6_addr;

	return inet_ntop(addr->sa_family, bytes, ret_text, 48) != NULL;
}

static bool by_route(int family, char ret_text[48])
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);
	_cleanup_close_ int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int failed;

	(void)inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	(void)inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	if (fd < 0)
		return false;
	failed = family == AF_INET ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
				   : connect(fd, (struct sockaddr *)&v6, sizeof(v6));
	return !failed && !getsockname(fd, (struct sockaddr *)&local, &len) &&
	       to_text((struct sockaddr *)&local, ret_text);
}

/* name: NULL for any; loopback says whether loopback addresses are meant or shunned. */
static bool by_interface(const char *name, bool loopback, int type, char ret_text[48])
{
	struct ifaddrs *all;
	bool found = false;

	if (getifaddrs(&all))
		return false;
	for (struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
		if (!one->ifa_addr || !family_wanted(one->ifa_addr->sa_family, type))
			continue;
		if (name ? strcmp(one->ifa_name, name) != 0
			 : !(one->ifa_flags & IFF_UP) ||
				    !(one->ifa_flags & IFF_LOOPBACK) == loopback)
			continue;
		found = to_text(one->ifa_addr, ret_text);
	}
	freeifaddrs(all);
	return found;
}

void obi_agent_ip(const struct obi_network_options *options, char ret_text[48])
{
	const char *iface = options->agent_ip_iface;
	int type = options->agent_ip_type;

	ret_text[0] = '\0';
	if (options->agent_ip[0]) {
		(void)snprintf(ret_text, 48, "%s", options->agent_ip);
		return;
	}
	if (!strncmp(iface, "name:", 5)) {
		(void)by_interface(iface + 5, false, type, ret_text);
		return;
	}
	if (!strcmp(iface, "local")) {
		(void)by_interface(NULL, true, type, ret_text);
		return;
	}
	if ((type != OBI_IP_V6 && by_route(AF_INET, ret_text)) ||
	    (type != OBI_IP_V4 && by_route(AF_INET6, ret_text)))
		return;
	(void)by_interface(NULL, false, type, ret_text);
}
