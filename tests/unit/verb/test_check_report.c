// SPDX-License-Identifier: Apache-2.0
/* obi check as it is run: exit status and what stands in the report. */
#include <fcntl.h>
#include <linux/capability.h>
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

#include "base/cleanup.h"
#include "caps/check.h"
#include "verb/check.h"

#define CAP(name_) OBI_CAP(CAP_##name_)
#define EVERYTHING (~UINT64_C(0))

static char output[65536];

struct call {
	const char *env[4];
	const char *arguments[4];
	uint64_t held; /* of what the test has */
};

__attribute__((noreturn)) static void run_verb(const struct call *call, int out)
{
	char *argv[8] = { "check" };
	int argc = 1;

	(void)clearenv();
	for (size_t i = 0; i < ARRAY_SIZE(call->env) && call->env[i]; i++)
		(void)putenv((char *)call->env[i]);
	for (size_t i = 0; i < ARRAY_SIZE(call->arguments) && call->arguments[i]; i++)
		argv[argc++] = (char *)call->arguments[i];
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(99);
	if (call->held != EVERYTHING && obi_caps_set(call->held))
		_exit(98);
	_exit(verb_check(argc, argv));
}

/* Returns the exit status; what was printed is in output. */
static int check(const struct call *call)
{
	int pipes[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		run_verb(call, pipes[1]);
	(void)close(pipes[1]);
	while ((n = read(pipes[0], output + len, sizeof(output) - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	(void)close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool says(const char *text)
{
	return strstr(output, text) != NULL;
}

/* Kernels before 5.11 ask for one more. */
static uint64_t also;

static int ask_kernel(void **state)
{
	struct obi_host host;

	if (obi_host_read("", &host))
		return -1;
	also = obi_host_before(&host, 5, 11) ? CAP(SYS_RESOURCE) : 0;
	return 0;
}

static bool can(uint64_t mask)
{
	uint64_t effective = 0;

	return !obi_caps_effective(&effective) && (effective & mask) == mask;
}

#define NETWORK "OTEL_EBPF_NETWORK_METRICS=1", "OTEL_EBPF_NETWORK_PRINT_FLOWS=1"
#define APPLICATION "OTEL_EBPF_OPEN_PORT=8080", "OTEL_EBPF_TRACE_PRINTER=text"

static void wrong_command_line_is_two(void **state)
{
	assert_int_equal(check(&(struct call){ .arguments = { "--bogus" } }), 2);
	assert_true(says("'--bogus'"));
	assert_int_equal(check(&(struct call){ .arguments = { "--as", "rpm" } }), 2);
	assert_true(says("'rpm'"));
	assert_int_equal(check(&(struct call){ .arguments = { "--as" } }), 2);
	assert_int_equal(check(&(struct call){ .arguments = { "--config" } }), 2);
}

static void wrong_configuration_is_255(void **state)
{
	assert_int_equal(check(&(struct call){ .env = { "OTEL_EBPF_OPEN_PORT=x" } }), 255);
	assert_true(says("wrong configuration"));
	assert_int_equal(check(&(struct call){ .arguments = { "--config", "/nonexistent.yaml" } }),
			 255);
}

static void without_any_privilege_it_reports_what_is_missing(void **state)
{
	struct call call = { .env = { NETWORK }, .held = 0 };

	assert_int_equal(check(&call), 1);
	assert_true(says(also ? "are required: CAP_NET_RAW, CAP_SYS_RESOURCE, CAP_BPF\n"
			      : "are required: CAP_NET_RAW, CAP_BPF\n"));
	assert_true(says(also ? "sudo setcap cap_net_raw,cap_sys_resource,cap_bpf+ep "
			      : "sudo setcap cap_net_raw,cap_bpf+ep "));
	assert_true(says("The agent will warn and go on."));
	call.env[2] = "OTEL_EBPF_ENFORCE_SYS_CAPS=1";
	assert_int_equal(check(&call), 1);
	assert_true(says("The agent will refuse to start."));
}

static void with_the_documented_set_all_is_there(void **state)
{
	struct call call = { .env = { NETWORK }, .held = also | CAP(BPF) | CAP(NET_RAW) };

	if (!can(call.held))
		skip();
	assert_int_equal(check(&call), 0);
	assert_true(says("CAP_BPF                  present; tried: works\n"));
	assert_true(says("CAP_NET_RAW              present; tried: works\n"));
	assert_true(says("network                    works by socket filter\n"));
	assert_true(says("All that is needed is there.\n"));
	assert_false(says("CAP_PERFMON"));
}

static void one_that_is_missing_is_named_and_the_rest_tried(void **state)
{
	struct call call = { .env = { NETWORK }, .held = also | CAP(BPF) };

	if (!can(call.held))
		skip();
	assert_int_equal(check(&call), 1);
	assert_true(says("CAP_BPF                  present; tried: works\n"));
	assert_true(says("CAP_NET_RAW              missing; tried: Operation not permitted\n"));
}

static void sys_admin_is_no_packet_socket(void **state)
{
	struct call call = { .env = { NETWORK }, .held = CAP(SYS_ADMIN) };

	if (!can(call.held))
		skip();
	assert_int_equal(check(&call), 1);
	assert_true(says("CAP_BPF                  present by CAP_SYS_ADMIN; tried: works\n"));
	assert_true(says("CAP_NET_RAW              missing; tried: Operation not permitted\n"));
}

static void without_a_mode_every_tracer_is_shown(void **state)
{
	assert_int_equal(check(&(struct call){ .held = 0 }), 1);
	for (size_t i = 0; i < obi_tracer_count; i++)
		assert_true(says(obi_tracers[i].gives));
	assert_true(says("would not start"));
}

static void grant_alone_is_printed_for_pasting(void **state)
{
	struct call call = { .env = { APPLICATION }, .arguments = { "--as", "k8s" }, .held = 0 };

	assert_int_equal(check(&call), 1);
	assert_true(says("hostPID: true\n"));
	assert_false(says("preflight"));
}

static void docs_page_is_the_same_everywhere(void **state)
{
	static char first[sizeof(output)];
	struct call call = { .arguments = { "--markdown" }, .held = 0 };

	assert_int_equal(check(&call), 0);
	memcpy(first, output, sizeof(first));
	call.env[0] = "OTEL_EBPF_OPEN_PORT=80";
	call.held = EVERYTHING;
	assert_int_equal(check(&call), 0);
	assert_string_equal(first, output);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_command_line_is_two),
		cmocka_unit_test(wrong_configuration_is_255),
		cmocka_unit_test(without_any_privilege_it_reports_what_is_missing),
		cmocka_unit_test(with_the_documented_set_all_is_there),
		cmocka_unit_test(one_that_is_missing_is_named_and_the_rest_tried),
		cmocka_unit_test(sys_admin_is_no_packet_socket),
		cmocka_unit_test(without_a_mode_every_tracer_is_shown),
		cmocka_unit_test(grant_alone_is_printed_for_pasting),
		cmocka_unit_test(docs_page_is_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, ask_kernel, NULL);
}
