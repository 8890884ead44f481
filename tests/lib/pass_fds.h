/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PASS_FDS_H
#define TESTS_PASS_FDS_H

#include <string.h>
#include <sys/socket.h>

#define PASS_FDS_MAX 64

/* Sends a packet with count descriptors, of PASS_FDS_MAX at most; 0: with none. What sendmsg(2)
 * answers. */
static inline ssize_t pass_fds(int sock, const void *bytes, size_t size, const int *fds, int count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)bytes, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, (size_t)count * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL);
}

#endif
