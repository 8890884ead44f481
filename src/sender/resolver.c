// SPDX-License-Identifier: Apache-2.0
#include "sender/resolver.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

#define DNS_PORT 53
/* Far more than this process ever has open. */
#define DESCRIPTORS 1024

static bool is_dns_over_tcp(int fd)
{
	struct sockaddr_in6 peer = { 0 }; /* the port is where struct sockaddr_in has it */
	socklen_t len = sizeof(peer), type_len = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) == 0 && type == SOCK_STREAM &&
	       getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
	       (peer.sin6_family == AF_INET || peer.sin6_family == AF_INET6) &&
	       peer.sin6_port == htons(DNS_PORT);
}

void sender_resolver_end_hung(bool (*is_used)(void *context, int fd), void *context)
{
	for (int fd = 3; fd < DESCRIPTORS; fd++)
		if (is_dns_over_tcp(fd) && !is_used(context, fd))
			(void)shutdown(fd, SHUT_RDWR);
}
