// SPDX-License-Identifier: Apache-2.0
/*
 * What a worker taken over could send: any packet, also an empty one, with any number of
 * descriptors. The broker must take it apart without harm and keep none of them. The first byte of
 * the input says how many there are and how much room the receiver has, so that packets are cut
 * off, too.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/pass_fds.h"
#include "wire/wire.h"

#define MOST_DESCRIPTORS 7
#define LOOKED_AT 128

static unsigned open_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static ssize_t send_packet(int sock, const uint8_t *data, size_t size, int descriptors)
{
	int fds[MOST_DESCRIPTORS] = { 0 };

	for (int i = 0; i < descriptors; i++)
		fds[i] = sock;
	return pass_fds(sock, data, size, fds, descriptors);
}

static void check(uint32_t id, size_t size, int fd_count)
{
	const char *why = NULL;

	for (int phase = 0; phase < 3; phase++) {
		const struct obi_request *request =
			obi_request_check(id, size, fd_count, (enum obi_phase)(1 << phase), &why);

		assert(request ? request->size == size && (request->phases & (1u << phase)) &&
					 !fd_count
			       : why != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int pair[2] = { -1, -1 };
	int fds[OBI_WIRE_FDS], fd_count = 0, descriptors;
	uint8_t body[64];
	uint32_t id = 0;
	unsigned before;
	size_t room;
	ssize_t n;

	if (pair[0] < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		return 0;
	if (size == 0 || size > 4096)
		return 0;
	descriptors = data[0] & MOST_DESCRIPTORS;
	room = data[0] & 8 ? sizeof(body) : data[0] >> 4;
	before = open_descriptors();
	if (send_packet(pair[0], data + 1, size - 1, descriptors) != (ssize_t)size - 1)
		return 0;
	n = obi_wire_receive(pair[1], &id, body, room, fds, &fd_count);
	if (n >= 0) {
		assert((size_t)n + sizeof(struct obi_wire_header) == size - 1);
		assert((size_t)n <= room && fd_count == descriptors);
		check(id, (size_t)n, fd_count);
		while (fd_count)
			(void)close(fds[--fd_count]);
	} else {
		assert(n == -EPROTO); /* the peer is there, and a packet was, too */
	}
	assert(open_descriptors() == before);
	return 0;
}
