// SPDX-License-Identifier: Apache-2.0
#include "broker/tc_handle.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/random.h"

#define HELD 0x0b100000 /* and the number of the agent on this host */
#define HELD_COUNT 64
#define UNHELD 0x0b200000 /* and a random number */
#define UNHELD_MASK 0xfffff

int obi_tc_handle_hold(uint32_t handle)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "obi-tc-%08x", handle);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&name,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)))
		return -errno;
	return take_fd(fd);
}

uint32_t obi_tc_handle_new(int *ret_hold)
{
	uint32_t number;

	for (uint32_t i = 0; i < HELD_COUNT; i++) {
		*ret_hold = obi_tc_handle_hold(HELD + i);
		if (*ret_hold >= 0)
			return HELD + i;
	}
	*ret_hold = -1;
	random_bytes(&number, sizeof(number));
	return UNHELD | (number & UNHELD_MASK);
}

bool obi_tc_handle_is_held(uint32_t handle)
{
	return handle >= HELD && handle < HELD + HELD_COUNT;
}
