// SPDX-License-Identifier: Apache-2.0
/* One message is one packet: header and body in an iovec, descriptors in SCM_RIGHTS. */
#include "wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * OBI_WIRE_FDS)];
};

int obi_wire_send(int sock, uint32_t id, const void *body, size_t size, const int *fds,
		  int fd_count)
{
	struct obi_wire_header header = { .id = id, .size = (uint32_t)size };
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)body, .iov_len = size },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = size ? 2 : 1 };
	union control control = { 0 };

	if (fd_count > OBI_WIRE_FDS)
		return -EINVAL;
	if (fd_count > 0) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)fd_count);
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

/* How many came. Control messages are padded, so one more than asked for may fit in: what is beyond
 * OBI_WIRE_FDS is closed, and counted. */
static int take_descriptors(struct msghdr *msg, int ret_fds[OBI_WIRE_FDS])
{
	int count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (count < OBI_WIRE_FDS)
				ret_fds[count] = fd;
			else
				(void)close(fd);
			count++;
		}
	}
	return count;
}

/* An empty packet, which is no message, reads as the end does. */
static bool has_ended(int sock)
{
	struct pollfd pollfd = { .fd = sock };

	return poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLERR));
}

ssize_t obi_wire_receive(int sock, uint32_t *ret_id, void *body, size_t size,
			 int ret_fds[OBI_WIRE_FDS], int *ret_fd_count)
{
	struct obi_wire_header header;
	struct iovec iov[2] = {
		{ .iov_base = &header, .iov_len = sizeof(header) },
		{ .iov_base = body, .iov_len = size },
	};
	union control control = { 0 };
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	int fds[OBI_WIRE_FDS], count;
	ssize_t n;

	n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	/* Before anything else is looked at: what came is ours to close. */
	count = take_descriptors(&msg, fds);
	if ((size_t)n < sizeof(header) || header.size != (size_t)n - sizeof(header) ||
	    (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || count > OBI_WIRE_FDS) {
		for (int i = 0; i < count && i < OBI_WIRE_FDS; i++)
			(void)close(fds[i]);
		return n == 0 && has_ended(sock) ? -EPIPE : -EPROTO;
	}
	memcpy(ret_fds, fds, sizeof(int) * (size_t)count);
	*ret_fd_count = count;
	*ret_id = header.id;
	return n - (ssize_t)sizeof(header);
}
