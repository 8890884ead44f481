// SPDX-License-Identifier: Apache-2.0
/* What a worker taken over could send: any packet. The broker must take it apart without harm. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int pair[2] = { -1, -1 };
	int fds[OBI_WIRE_FDS], fd_count = 0;
	const char *why = NULL;
	uint8_t body[64];
	uint32_t id = 0;
	ssize_t n;

	if (pair[0] < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		return 0;
	if (size == 0 || size > 4096 || send(pair[0], data, size, 0) != (ssize_t)size)
		return 0;
	n = obi_wire_receive(pair[1], &id, body, sizeof(body), fds, &fd_count);
	if (n < 0)
		return 0;
	assert((size_t)n + sizeof(struct obi_wire_header) == size);
	for (int phase = 0; phase < 3; phase++) {
		const struct obi_request *request = obi_request_check(
			id, (size_t)n, fd_count, (enum obi_phase)(1 << phase), &why);

		assert(request ? request->size == (size_t)n && (request->phases & (1u << phase))
			       : why != NULL);
	}
	return 0;
}
