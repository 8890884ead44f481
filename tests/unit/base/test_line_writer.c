// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/line_writer.h"

/* Line number n is recognisable and of varying length. */
static void put_line(struct line_writer *writer, unsigned n)
{
	struct buffer *line = line_writer_begin(writer);

	if (!line)
		return;
	buffer_printf(line, "%u:", n);
	for (unsigned i = 0; i < n % 300; i++)
		buffer_put_char(line, 'x');
	line_writer_end(writer);
}

static void drain(int fd, struct buffer *all)
{
	char piece[4096];
	ssize_t len;

	while ((len = read(fd, piece, sizeof(piece))) > 0)
		buffer_put(all, piece, (size_t)len);
}

/* Every line that arrived is whole, in order; returns how many there are. */
static uint64_t check_lines(struct buffer *all)
{
	uint64_t lines = 0;
	long last = -1;

	buffer_put_char(all, '\0');
	for (char *at = all->data; *at; lines++) {
		long n = strtol(at, &at, 10);

		assert_true(n > last);
		assert_int_equal(*at, ':');
		assert_int_equal(strspn(at + 1, "x"), n % 300);
		at += 1 + n % 300;
		assert_int_equal(*at, '\n');
		at++;
		last = n;
	}
	return lines;
}

static void make_slow_pair(bool sockets, int fds[2])
{
	if (sockets)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	else
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
}

/* The reader sleeps, wakes up now and then: the writer never waits, whole lines are lost. */
static void check_slow_reader(bool sockets)
{
	enum {
		LINES = 20000
	};
	struct line_writer writer;
	struct buffer all = { 0 };
	int fds[2];

	make_slow_pair(sockets, fds);
	line_writer_open(&writer, fds[1]);
	for (unsigned n = 0; n < LINES; n++) {
		put_line(&writer, n);
		if (n % 1000 == 0)
			line_writer_flush(&writer);
		if (n % 5000 == 0)
			drain(fds[0], &all);
	}
	for (int i = 0; i < 100; i++) {
		drain(fds[0], &all);
		line_writer_flush(&writer);
	}
	line_writer_close(&writer, 0);
	(void)close(fds[1]);
	drain(fds[0], &all);
	assert_true(writer.dropped > 0);
	assert_int_equal(check_lines(&all), writer.written);
	assert_int_equal(writer.written + writer.dropped, LINES);
	buffer_free(&all);
	(void)close(fds[0]);
}

static void a_slow_pipe_loses_whole_lines_and_counts_them(void **state)
{
	check_slow_reader(false);
}

static void a_slow_socket_loses_whole_lines_and_counts_them(void **state)
{
	check_slow_reader(true);
}

static void a_file_takes_everything(void **state)
{
	FILE *file = tmpfile();
	struct line_writer writer;
	struct buffer all = { 0 };

	assert_non_null(file);
	line_writer_open(&writer, fileno(file));
	for (unsigned n = 0; n < 10000; n++)
		put_line(&writer, n);
	line_writer_close(&writer, 0);
	rewind(file);
	drain(fileno(file), &all);
	assert_int_equal(writer.dropped, 0);
	assert_int_equal(check_lines(&all), 10000);
	buffer_free(&all);
	(void)fclose(file);
}

/* Two on one pipe, lines longer than it takes: neither writes into a line of the other. */
static void writers_of_one_pipe_keep_out_of_each_others_lines(void **state)
{
	static char longer[100000];
	struct line_writer printer, log;
	struct buffer all = { 0 };
	size_t whole = 0, lines = 0;
	int fds[2];

	make_slow_pair(false, fds);
	assert_int_equal(fcntl(fds[1], F_SETPIPE_SZ, 65536), 65536);
	memset(longer, 'x', sizeof(longer));
	line_writer_open(&printer, fds[1]);
	line_writer_open(&log, fds[1]);
	for (unsigned i = 0; i < 10; i++) {
		struct buffer *line = line_writer_begin(&printer);

		if (line) {
			buffer_put(line, longer, sizeof(longer));
			line_writer_end(&printer);
		}
		line_writer_flush(&printer);
		line = line_writer_begin(&log);
		buffer_put_cstr(line, "log");
		line_writer_end(&log);
		line_writer_flush(&log);
		drain(fds[0], &all);
		line_writer_flush(&printer);
	}
	for (int i = 0; i < 20; i++) {
		drain(fds[0], &all);
		line_writer_flush(&printer);
		line_writer_flush(&log);
	}
	/* One that is given up within a line is ended by who comes next. */
	buffer_put(line_writer_begin(&printer), longer, sizeof(longer));
	line_writer_end(&printer);
	assert_false(line_writer_close(&printer, 0));
	drain(fds[0], &all);
	buffer_put_cstr(line_writer_begin(&log), "log");
	line_writer_end(&log);
	assert_true(line_writer_close(&log, 0));
	drain(fds[0], &all);
	buffer_put_char(&all, '\0');
	for (char *line = strtok(all.data, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		size_t len = strlen(line);

		whole += len == sizeof(longer);
		assert_true(!strcmp(line, "log") || strspn(line, "x") == len);
	}
	assert_int_equal(whole, printer.written);
	assert_int_equal(lines, printer.written + 1 + log.written);
	assert_int_equal(log.written, 11);
	buffer_free(&all);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void a_reader_that_is_gone_costs_nothing(void **state)
{
	struct line_writer writer;
	int fds[2];

	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	(void)close(fds[0]);
	line_writer_open(&writer, fds[1]);
	for (unsigned n = 0; n < 100; n++)
		put_line(&writer, n);
	line_writer_close(&writer, 1000);
	assert_int_equal(writer.written, 0);
	assert_int_equal(writer.dropped, 100);
	(void)close(fds[1]);
}

static void closing_waits_no_longer_than_told(void **state)
{
	struct line_writer writer;
	uint64_t start;
	int fds[2];

	make_slow_pair(false, fds);
	line_writer_open(&writer, fds[1]);
	for (unsigned n = 0; n < 2000; n++)
		put_line(&writer, n);
	start = clock_monotonic_ns();
	line_writer_close(&writer, 50);
	assert_true(clock_monotonic_ns() - start < NSEC_PER_SEC);
	assert_true(writer.dropped > 0);
	assert_int_equal(writer.written + writer.dropped, 2000);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_pipe_loses_whole_lines_and_counts_them),
		cmocka_unit_test(a_slow_socket_loses_whole_lines_and_counts_them),
		cmocka_unit_test(a_file_takes_everything),
		cmocka_unit_test(writers_of_one_pipe_keep_out_of_each_others_lines),
		cmocka_unit_test(a_reader_that_is_gone_costs_nothing),
		cmocka_unit_test(closing_waits_no_longer_than_told),
	};

	return cmocka_run_group_tests_name("line_writer", tests, NULL, NULL);
}
