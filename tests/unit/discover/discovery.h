/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discovery over real processes, and events as the kernel side would send them. A target is a shell
 * that holds a listening socket as descriptor 9, and becomes `sleep` when it is told to. What is
 * asked is answered as the looker would, when the test says so.
 */
#ifndef OBI_TEST_DISCOVERY_H
#define OBI_TEST_DISCOVERY_H

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "discover/discover.h"
#include "discover/procfs.h"
#include "settings/settings.h"
#include "wire/wire.h"

/* ---- What discovery did ---- */

static char did[1024];

static void note(const char *what, const char *about)
{
	size_t len = strlen(did);

	(void)snprintf(did + len, sizeof(did) - len, "%s%s;", what, about);
}

static void announce(void *context, const struct obi_target *target)
{
	const char *slash = strrchr(target->exe, '/');
	char text[128];

	(void)snprintf(text, sizeof(text), "%s as '%s'%s", slash ? slash + 1 : "?", target->name,
		       target->fresh ? " fresh" : "");
	note("announce ", text);
}

static void inspect(void *context, uint32_t pid, const char *exe, const struct obi_files *files)
{
	assert_false(files->have & OBI_WIRE_HAS_ENVIRON);
	note("inspect", "");
}

static void forget(void *context, uint32_t pid)
{
	note("forget", "");
}

static int mark_error;
static uint32_t marked; /* of the target, as of last */

static int mark(void *context, uint32_t pid, uint32_t flags)
{
	if (!flags)
		marked = 0;
	else if (!mark_error)
		marked = flags;
	return flags ? mark_error : 0;
}

static void told(void *context)
{
	note("told", "");
}

/* What was asked, to be answered by answer_one(). */
static struct look_request asked[LOOK_ASKED_MAX];
static size_t asked_count;
static int ask_error;

static int ask(void *context, const struct look_request *request)
{
	if (ask_error)
		return ask_error;
	assert_true(asked_count < LOOK_ASKED_MAX);
	asked[asked_count++] = *request;
	return 0;
}

static const struct obi_discover_actions actions = { .ask = ask,
						     .announce = announce,
						     .inspect = inspect,
						     .forget = forget,
						     .mark = mark,
						     .told = told };

static void did_only(const char *expected)
{
	assert_string_equal(did, expected);
	did[0] = '\0';
}

/* ---- Targets ---- */

static struct obi_settings settings;
static struct obi_discover *discover;

static void give(void *context, const struct look_answer *answer, size_t size, const int *fds,
		 int fd_count)
{
	int own[OBI_WIRE_FDS];

	for (int i = 0; i < fd_count; i++)
		own[i] = dup(fds[i]);
	obi_discover_answer(discover, context, answer, own, fd_count);
}

static struct look_request take_asked(void)
{
	struct look_request request = asked[0];

	assert_true(asked_count > 0);
	memmove(asked, asked + 1, --asked_count * sizeof(asked[0]));
	return request;
}

/* As the looker would. */
static void answer_one(void)
{
	static struct look_page page;
	struct look_eyes eyes = { .page = &page };
	struct look_request request = take_asked();

	look_answer_request(&eyes, &request, give, &request);
	look_eyes_close(&eyes);
}

static void settle(void)
{
	while (asked_count)
		answer_one();
}
static pid_t target;
static int tell = -1;
static unsigned port;

static void begin(const char *yaml)
{
	char *environment[] = { NULL };
	struct obi_error error;

	if (obi_settings_load_text("t.yaml", slice_cstr(yaml), environment, &settings, &error))
		fail_msg("%s", error.text);
	discover = obi_discover_new(&settings.discovery, &actions);
	assert_non_null(discover);
	did[0] = '\0';
	asked_count = 0;
	ask_error = mark_error = 0;
}

static int listen_anywhere(unsigned *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void await_exe(const char *name)
{
	char exe[4096] = "";

	for (int i = 0; i < 2000 && !strstr(exe, name); i++) {
		(void)usleep(1000);
		(void)obi_procfs_exe((uint32_t)target, exe, sizeof(exe));
	}
	assert_non_null(strstr(exe, name));
}

/* Descriptor 9 is a listening socket, on `port`. then: what the shell does once it is told. */
static void start(const char *then)
{
	int fd = listen_anywhere(&port), pipes[2];
	char script[256];

	assert_int_equal(pipe(pipes), 0);
	(void)snprintf(script, sizeof(script), "read x; %s", then);
	target = fork();
	if (target == 0) {
		(void)dup2(pipes[0], 0);
		(void)dup2(fd, 9);
		(void)close(pipes[1]);
		(void)execl("/bin/dash", "dash", "-c", script, NULL);
		_exit(127);
	}
	(void)close(fd);
	(void)close(pipes[0]);
	tell = pipes[1];
	await_exe("dash");
}

static void become_sleep(void)
{
	assert_int_equal(write(tell, "\n", 1), 1);
	await_exe("sleep");
}

static int end(void **state)
{
	if (target > 0) {
		(void)kill(target, SIGKILL);
		(void)waitpid(target, NULL, 0);
		(void)close(tell);
	}
	target = 0;
	obi_discover_free(discover);
	discover = NULL;
	obi_settings_free(&settings);
	return 0;
}

/* It happens, and nothing is looked at yet. */
static void happen(uint32_t type, unsigned about)
{
	struct obi_process_event event = {
		.type = type, .pid = (uint32_t)target, .parent = about, .port = about
	};

	obi_discover_event(discover, &event);
}

static void event(uint32_t type, unsigned about)
{
	happen(type, about);
	settle();
}

/* Entries a, for the port of the target, and b, for the one after. */
static void begin_by_ports(void)
{
	char yaml[256];

	(void)snprintf(yaml, sizeof(yaml),
		       "discovery: {instrument: [{open_ports: %u, name: a}, "
		       "{open_ports: %u, name: b}]}\n",
		       port, port + 1);
	begin(yaml);
}

static void tick_after(uint64_t ms)
{
	obi_discover_tick(discover, clock_monotonic_ns() + ms * NSEC_PER_MSEC);
	settle();
}

#define TEST(name_) cmocka_unit_test_teardown(name_, end)

#endif
