// SPDX-License-Identifier: Apache-2.0
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

#include "wire/wire.h"

static int pair[2];

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

static void wire_carries_body_and_descriptors(void **state)
{
	struct obi_wire_pid sent = { .pid = 77 }, got = { 0 };
	int pipe_fds[2], fds[OBI_WIRE_FDS], count = 0;
	uint32_t id = 0;
	char c = 0;

	assert_int_equal(0, pipe2(pipe_fds, O_CLOEXEC));
	assert_int_equal(
		0, obi_wire_send(pair[0], OBI_WIRE_PROCESS_GONE, &sent, sizeof(sent), pipe_fds, 2));
	assert_int_equal(sizeof(got),
			 obi_wire_receive(pair[1], &id, &got, sizeof(got), fds, &count));
	assert_int_equal(OBI_WIRE_PROCESS_GONE, id);
	assert_int_equal(77, got.pid);
	assert_int_equal(2, count);
	assert_int_equal(FD_CLOEXEC, fcntl(fds[0], F_GETFD));
	assert_int_equal(1, write(fds[1], "x", 1));
	assert_int_equal(1, read(fds[0], &c, 1));
	assert_int_equal('x', c);
	for (int i = 0; i < 2; i++) {
		(void)close(fds[i]);
		(void)close(pipe_fds[i]);
	}
}

static void wire_empty_message_has_size_zero(void **state)
{
	int fds[OBI_WIRE_FDS], count = 9;
	uint32_t id = 0;
	char body[8];

	assert_int_equal(0, obi_wire_send(pair[0], OBI_REQUEST_READY, NULL, 0, NULL, 0));
	assert_int_equal(0, obi_wire_receive(pair[1], &id, body, sizeof(body), fds, &count));
	assert_int_equal(OBI_REQUEST_READY, id);
	assert_int_equal(0, count);
}

static void wire_refuses_a_message_that_is_too_large(void **state)
{
	int fds[OBI_WIRE_FDS], count = 0;
	char large[64] = "", small[8];
	uint32_t id = 0;

	assert_int_equal(0, obi_wire_send(pair[0], OBI_WIRE_STOP, large, sizeof(large), NULL, 0));
	assert_int_equal(-EPROTO,
			 obi_wire_receive(pair[1], &id, small, sizeof(small), fds, &count));
}

static void wire_refuses_a_size_that_lies(void **state)
{
	struct obi_wire_header header = { .id = OBI_WIRE_STOP, .size = 100 };
	int fds[OBI_WIRE_FDS], count = 0;
	char body[128];
	uint32_t id = 0;

	assert_int_equal(sizeof(header), send(pair[0], &header, sizeof(header), 0));
	assert_int_equal(-EPROTO, obi_wire_receive(pair[1], &id, body, sizeof(body), fds, &count));
	assert_int_equal(3, send(pair[0], "abc", 3, 0));
	assert_int_equal(-EPROTO, obi_wire_receive(pair[1], &id, body, sizeof(body), fds, &count));
}

static void wire_tells_nothing_from_a_peer_that_is_gone(void **state)
{
	int fds[OBI_WIRE_FDS], count = 0;
	uint32_t id = 0;
	char body[8];

	assert_int_equal(-EAGAIN, obi_wire_receive(pair[1], &id, body, sizeof(body), fds, &count));
	(void)shutdown(pair[0], SHUT_RDWR);
	assert_int_equal(-EPIPE, obi_wire_receive(pair[1], &id, body, sizeof(body), fds, &count));
}

static void request_must_be_known_sized_and_permitted(void **state)
{
	const char *why = NULL;

	assert_non_null(obi_request_check(OBI_REQUEST_READY, 0, 0, OBI_PHASE_STARTING, &why));
	assert_null(obi_request_check(OBI_REQUEST_READY, 0, 0, OBI_PHASE_RUNNING, &why));
	assert_string_equal("not permitted now", why);
	assert_null(obi_request_check(OBI_REQUEST_READY, 4, 0, OBI_PHASE_STARTING, &why));
	assert_string_equal("wrong size", why);
	assert_null(obi_request_check(OBI_REQUEST_READY, 0, 1, OBI_PHASE_STARTING, &why));
	assert_string_equal("descriptors are not expected", why);
	assert_null(obi_request_check(OBI_WIRE_START, 0, 0, OBI_PHASE_STARTING, &why));
	assert_string_equal("unknown request", why);
}

static void request_rate_is_counted_by_row(void **state)
{
	const struct obi_request *ready, *counters;
	struct obi_request_meter meter = { 0 };
	uint64_t now = 1000000000000;
	const char *why;

	ready = obi_request_check(OBI_REQUEST_READY, 0, 0, OBI_PHASE_STARTING, &why);
	counters = obi_request_check(OBI_REQUEST_COUNTERS, 0, 0, OBI_PHASE_RUNNING, &why);
	for (uint32_t i = 0; i < counters->burst; i++)
		assert_true(obi_request_within_rate(&meter, counters, now));
	assert_false(obi_request_within_rate(&meter, counters, now));
	assert_true(obi_request_within_rate(&meter, ready, now));
	/* As time goes by, so many more as the rate says. */
	now += 1000000000;
	for (uint32_t i = 1; i < counters->rate; i++)
		assert_true(obi_request_within_rate(&meter, counters, now));
	assert_false(obi_request_within_rate(&meter, counters, now + 1000));
}

/* Of a worker that asks each second, minutes wait for a broker that stood still. */
static void request_backlog_is_no_offence(void **state)
{
	struct obi_request_meter meter = { 0 };
	const struct obi_request *counters;
	const char *why;

	counters = obi_request_check(OBI_REQUEST_COUNTERS, 0, 0, OBI_PHASE_RUNNING, &why);
	for (int i = 0; i < 600; i++)
		assert_true(obi_request_within_rate(&meter, counters, 77));
}

static void request_under_way_at_the_stop_is_no_offence(void **state)
{
	const char *why;

	for (size_t i = 0; i < obi_request_count; i++)
		assert_non_null(obi_request_check(obi_requests[i].id, obi_requests[i].size, 0,
						  OBI_PHASE_STOPPING, &why));
}

static size_t open_descriptors(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* An empty packet reads as the end of the peer does, and may bring descriptors. */
static void wire_empty_packet_is_malformed_and_leaks_nothing(void **state)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	int ours[4] = { 0, 1, 2, 0 }, fds[OBI_WIRE_FDS], fd_count = 0;
	size_t before = open_descriptors();
	char body[8];
	uint32_t id;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(ours));
	memcpy(CMSG_DATA(&control.header), ours, sizeof(ours));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(0, sendmsg(pair[0], &msg, 0));
		assert_int_equal(-EPROTO, obi_wire_receive(pair[1], &id, body, sizeof(body), fds,
							   &fd_count));
		assert_int_equal(before, open_descriptors());
	}
}

static void request_rows_are_distinct_and_bounded(void **state)
{
	for (size_t i = 0; i < obi_request_count; i++) {
		assert_non_null(obi_requests[i].name);
		assert_true(obi_requests[i].phases != 0);
		assert_true(obi_requests[i].rate > 0);
		assert_true(obi_requests[i].burst > 0);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(obi_requests[i].id, obi_requests[j].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wire_carries_body_and_descriptors, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(wire_empty_message_has_size_zero, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(wire_refuses_a_message_that_is_too_large, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(wire_refuses_a_size_that_lies, open_pair,
						close_pair),
		cmocka_unit_test_setup_teardown(wire_tells_nothing_from_a_peer_that_is_gone,
						open_pair, close_pair),
		cmocka_unit_test(request_must_be_known_sized_and_permitted),
		cmocka_unit_test_setup_teardown(wire_empty_packet_is_malformed_and_leaks_nothing,
						open_pair, close_pair),
		cmocka_unit_test(request_rate_is_counted_by_row),
		cmocka_unit_test(request_backlog_is_no_offence),
		cmocka_unit_test(request_under_way_at_the_stop_is_no_offence),
		cmocka_unit_test(request_rows_are_distinct_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
