// SPDX-License-Identifier: Apache-2.0
/* A child that does not read: nothing waits for it, and what it gets in the end is all, in order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/queue.h"
#include "wire/wire.h"

#define BODY 8192

static int pair[2];
static char body[BODY];

static int open_pair(void **state)
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair);
}

static int close_pair(void **state)
{
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

static uint32_t receive(int *fds, int *fd_count)
{
	static char got[BODY];
	uint32_t id = 0;

	*fd_count = 0;
	return obi_wire_receive(pair[1], &id, got, sizeof(got), fds, fd_count) < 0 ? 0 : id;
}

static void what_does_not_fit_waits_in_order(void **state)
{
	struct obi_queue queue = { 0 };
	int fds[OBI_WIRE_FDS], fd_count;
	uint32_t sent = 0, got = 0, id;

	while (!obi_queue_waits(&queue))
		assert_int_equal(0, obi_queue_send(&queue, pair[0], ++sent, body, BODY, NULL, 0));
	/* With a descriptor, which may be closed at once. */
	assert_int_equal(0, obi_queue_send(&queue, pair[0], ++sent, body, BODY, &pair[0], 1));
	while (got < sent) {
		id = receive(fds, &fd_count);
		if (!id) {
			assert_true(obi_queue_flush(&queue, pair[0]));
			continue;
		}
		assert_int_equal(++got, id);
		assert_int_equal(got == sent, fd_count);
		if (fd_count)
			(void)close(fds[0]);
	}
	assert_false(obi_queue_waits(&queue));
	assert_int_equal(0, queue.bytes);
	assert_int_equal(0, queue.descriptors);
}

static void it_is_bounded_by_bytes(void **state)
{
	struct obi_queue queue = { 0 };
	int error = 0;

	for (uint32_t i = 0; !error && i < 2 * OBI_QUEUE_BYTES / BODY; i++)
		error = obi_queue_send(&queue, pair[0], 1, body, BODY, NULL, 0);
	assert_int_equal(-EAGAIN, error);
	assert_in_range(queue.bytes, OBI_QUEUE_BYTES - 2 * BODY, OBI_QUEUE_BYTES + BODY);
	obi_queue_clear(&queue);
	assert_false(obi_queue_waits(&queue));
}

static void it_is_bounded_by_descriptors_and_leaks_none(void **state)
{
	int fds[2] = { pair[0], pair[1] }, error = 0, first, after;
	struct obi_queue queue = { 0 };

	while (!obi_queue_waits(&queue))
		assert_int_equal(0, obi_queue_send(&queue, pair[0], 1, body, BODY, NULL, 0));
	first = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
	(void)close(first);
	for (int i = 0; !error && i < OBI_QUEUE_DESCRIPTORS; i++)
		error = obi_queue_send(&queue, pair[0], 1, NULL, 0, fds, 2);
	assert_int_equal(-EAGAIN, error);
	assert_int_equal(OBI_QUEUE_DESCRIPTORS, queue.descriptors);
	obi_queue_clear(&queue);
	after = fcntl(pair[0], F_DUPFD_CLOEXEC, 0);
	(void)close(after);
	assert_int_equal(first, after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_does_not_fit_waits_in_order, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(it_is_bounded_by_bytes, open_pair, close_pair),
		cmocka_unit_test_setup_teardown(it_is_bounded_by_descriptors_and_leaks_none,
						open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
