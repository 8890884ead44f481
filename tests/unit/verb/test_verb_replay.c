// SPDX-License-Identifier: Apache-2.0
/* obi replay as a person runs it: arguments, output, exit status. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "text.h"
#include "verb/verb.h"

#define KEEPALIVE "tests/data/pcap/keepalive.pcap"

static char out[256 * 1024], err[16 * 1024];

static void read_back(FILE *file, char *text, size_t room)
{
	size_t len;

	rewind(file);
	len = fread(text, 1, room - 1, file);
	text[len] = 0;
	fclose(file);
}

/* Runs `obi replay arguments...`, with the first len bytes of a file as its standard input. */
static int replay_input(const char *input, size_t len, char *const *arguments)
{
	FILE *files[2] = { tmpfile(), tmpfile() };
	int status, fds[2], argc = 0;
	static char data[4096];
	pid_t pid;

	while (arguments[argc])
		argc++;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[0], STDIN_FILENO);
		dup2(fileno(files[0]), STDOUT_FILENO);
		dup2(fileno(files[1]), STDERR_FILENO);
		close(fds[1]);
		exit(verb_replay(argc, (char **)arguments));
	}
	close(fds[0]);
	if (input) {
		int fd = open(input, O_RDONLY | O_CLOEXEC);

		assert_true(read(fd, data, len) == (ssize_t)len);
		assert_true(write(fds[1], data, len) == (ssize_t)len);
		close(fd);
	}
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	read_back(files[0], out, sizeof(out));
	read_back(files[1], err, sizeof(err));
	return WEXITSTATUS(status);
}

#define replay(...) replay_input(NULL, 0, (char *[]){ "replay", __VA_ARGS__, NULL })

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void text_is_a_line_a_span(void **state)
{
	assert_int_equal(replay(KEEPALIVE), 0);
	assert_int_equal(lines(out), 2);
	has(out, "200 GET /users/1(/users/*) [10.0.0.1 as 10.0.0.1:40000]->[10.0.0.2 as ");
	has(out, "contentLen:3B responseLen:0B svc=[10.0.0.2:8080 generic] traceparent=[00-");
	assert_string_equal(err, "obi replay: 9 packets, 1 connections, 4 messages, 2 spans\n");
}

static void json_is_an_array_of_spans(void **state)
{
	assert_int_equal(replay(KEEPALIVE, "--format", "json", "--service=shop"), 0);
	assert_int_equal(lines(out), 1);
	assert_int_equal(strncmp(out, "[{\"type\":\"HTTP\"", 15), 0);
	has(out, "\"hostName\":\"shop\"");
	has(out, "}},{");
	has(out, "}}]\n");
}

static void metrics_come_at_the_end(void **state)
{
	assert_int_equal(replay("--metrics", KEEPALIVE), 0);
	has(out, "]\n# HELP http_server");
	has(out, "http_server_request_duration_seconds_count{");
	has(out, "target_info{");
	assert_int_equal(replay("--metrics", "--format=none", KEEPALIVE), 0);
	assert_int_equal(out[0], '#');
}

static void standard_input_cut_short(void **state)
{
	char *const arguments[] = { "replay", "-", NULL };

	assert_int_equal(replay_input(KEEPALIVE, 500, arguments), 1);
	assert_int_equal(lines(out), 1); /* what was there is printed */
	assert_string_equal(err, "obi replay: -: offset 463: the file ends within a packet\n"
				 "obi replay: 5 packets, 1 connections, 2 messages, 1 spans\n");
}

static void drops_are_summed_up(void **state)
{
	assert_int_equal(replay("tests/data/pcap/lost_packets.pcap"), 0);
	has(err, "; dropped: ");
	has(err, "; missing in the capture: ");
	assert_int_equal(replay("tests/data/pcap/mixed_interfaces.pcapng"), 0);
	has(err, "; passed over: 1 not_ip, 1 not_tcp, 1 fragment\n");
}

static void files_that_are_none(void **state)
{
	assert_int_equal(replay("/etc/passwd"), 1);
	has(err,
	    "obi replay: /etc/passwd: offset 0: text, not a capture: tcpdump -w FILE writes one\n");
	assert_int_equal(replay("/nonexistent"), 1);
	assert_string_equal(err, "obi replay: /nonexistent: No such file or directory\n");
	assert_int_equal(replay("/"), 1);
	has(err, "obi replay: /: offset 0: cannot be read: Is a directory\n");
}

static void arguments_that_are_wrong(void **state)
{
	assert_int_equal(replay("--format", "xml", KEEPALIVE), OBI_EXIT_USAGE);
	has(err, "--format is text, json or none, not 'xml'");
	assert_int_equal(replay("--what", KEEPALIVE), OBI_EXIT_USAGE);
	has(err, "unknown option '--what'");
	assert_int_equal(replay(KEEPALIVE, KEEPALIVE), OBI_EXIT_USAGE);
	assert_int_equal(replay("--metrics"), OBI_EXIT_USAGE);
	assert_int_equal(replay("--format"), OBI_EXIT_USAGE);
	assert_int_equal(replay("--help"), 0);
	has(out, "Usage: obi replay FILE|-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_a_line_a_span),
		cmocka_unit_test(json_is_an_array_of_spans),
		cmocka_unit_test(metrics_come_at_the_end),
		cmocka_unit_test(standard_input_cut_short),
		cmocka_unit_test(drops_are_summed_up),
		cmocka_unit_test(files_that_are_none),
		cmocka_unit_test(arguments_that_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
