// SPDX-License-Identifier: Apache-2.0
/*
 * Discovery over real processes, and events as the kernel side would send them. A target is a shell
 * that holds a listening socket as descriptor 9, and becomes `sleep` when it is told to.
 */
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
#include "broker/discover.h"
#include "wire/wire.h"
#include "service/procfs.h"
#include "settings/settings.h"

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

static void answer_by(int error)
{
	struct look_request request = take_asked();
	struct look_answer answer = { .error = error, .pid = request.pid };

	obi_discover_answer(discover, &request, &answer, NULL, 0);
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

static void answer(const char *language)
{
	obi_discover_language(discover, (uint32_t)target, language);
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

/* ---- exec(2) ---- */

static void a_socket_that_exec_closed_selects_no_longer(void **state)
{
	start("exec 9>&-; exec sleep 100");
	begin_by_ports();
	event(OBI_PROCESS_LISTEN, port);
	did_only("announce dash as 'a';");
	become_sleep();
	event(OBI_PROCESS_EXEC, 0);
	did_only("forget;");
	event(OBI_PROCESS_LISTEN, port + 2);
	did_only("");
	event(OBI_PROCESS_LISTEN, port + 1);
	did_only("announce sleep as 'b' fresh;");
}

static void a_socket_that_was_inherited_selects_on(void **state)
{
	start("exec sleep 100");
	begin_by_ports();
	event(OBI_PROCESS_LISTEN, port);
	did_only("announce dash as 'a';");
	become_sleep();
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce sleep as 'a' fresh;");
	/* And what it listens on besides may say more. */
	event(OBI_PROCESS_LISTEN, port + 1);
	did_only("announce sleep as 'b' fresh;");
	event(OBI_PROCESS_LISTEN, port);
	did_only("");
}

/* It listened before anybody was interested. */
static void ports_of_the_unselected_are_forgotten_too(void **state)
{
	char yaml[128];

	start("exec 9>&-; exec sleep 100");
	(void)snprintf(yaml, sizeof(yaml),
		       "discovery: {instrument: [{open_ports: %u, exe_path: '*/sleep'}]}\n", port);
	begin(yaml);
	event(OBI_PROCESS_LISTEN, port);
	become_sleep();
	event(OBI_PROCESS_EXEC, 0);
	did_only("");
}

static void what_a_child_becomes_stays_its_parents(void **state)
{
	start("exec 9>&-; exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/none'}], "
	      "exclude_instrument: [{exe_path: '*/never'}]}\n");
	event(OBI_PROCESS_FORK, (unsigned)getpid());
	did_only("announce dash as '';");
	become_sleep();
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce sleep as '' fresh;");
}

static void a_child_that_becomes_something_excluded_is_let_go(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/none'}], "
	      "exclude_instrument: [{exe_path: '*/sleep'}]}\n");
	event(OBI_PROCESS_FORK, (unsigned)getpid());
	did_only("announce dash as '';");
	become_sleep();
	event(OBI_PROCESS_EXEC, 0);
	did_only("forget;");
}

static void listening_on_what_is_excluded_lets_go(void **state)
{
	char yaml[160];

	start("exec sleep 100");
	(void)snprintf(yaml, sizeof(yaml),
		       "discovery: {instrument: [{exe_path: '*/dash'}], "
		       "exclude_instrument: [{open_ports: %u}]}\n",
		       port + 1);
	begin(yaml);
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce dash as '' fresh;");
	event(OBI_PROCESS_LISTEN, port + 1);
	did_only("forget;");
}

/* ---- Language ---- */

#define JAVA "discovery: {instrument: [{languages: java, name: j}]}\n"

static void tick_after(uint64_t ms)
{
	obi_discover_tick(discover, clock_monotonic_ns() + ms * NSEC_PER_MSEC);
	settle();
}

static void an_answer_right_after_exec_is_asked_for_again(void **state)
{
	start("exec sleep 100");
	begin(JAVA);
	event(OBI_PROCESS_EXEC, 0);
	did_only("inspect;");
	assert_int_equal(obi_discover_next(discover), 0);
	answer("generic");
	did_only("");
	assert_true(obi_discover_next(discover) > clock_monotonic_ns());
	tick_after(50);
	did_only("");
	tick_after(101);
	did_only("inspect;");
	answer("cpp");
	tick_after(1001);
	did_only("inspect;");
	answer("java");
	did_only("announce dash as 'j' fresh;");
	assert_int_equal(obi_discover_next(discover), 0);
}

static void an_answer_that_stays_stands(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{languages: generic, name: c}]}\n");
	event(OBI_PROCESS_EXEC, 0);
	did_only("inspect;");
	for (int i = 0; i < 3; i++) {
		answer("generic");
		did_only("");
		tick_after(5000);
		did_only("inspect;");
	}
	answer("generic");
	did_only("announce dash as 'c' fresh;");
	assert_int_equal(obi_discover_next(discover), 0);
}

static void who_listens_is_asked_at_once(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{languages: generic, name: c}]}\n");
	event(OBI_PROCESS_EXEC, 0);
	answer("generic");
	did_only("inspect;");
	event(OBI_PROCESS_LISTEN, port);
	did_only("inspect;");
	answer("generic");
	did_only("announce dash as 'c' fresh;");
	tick_after(101); /* which was put off before */
	did_only("");
}

/* The one that is under way was seen before. */
static void an_answer_from_before_listening_is_not_taken(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{languages: '{java,generic}', name: x}]}\n");
	event(OBI_PROCESS_EXEC, 0);
	did_only("inspect;");
	event(OBI_PROCESS_LISTEN, port);
	did_only("");
	answer("generic");
	did_only("inspect;");
	answer("java");
	did_only("announce dash as 'x' fresh;");
}

static void port_and_language_count_together(void **state)
{
	char yaml[128];

	start("exec sleep 100");
	(void)snprintf(yaml, sizeof(yaml),
		       "discovery: {instrument: [{open_ports: %u, languages: java}]}\n", port);
	begin(yaml);
	event(OBI_PROCESS_EXEC, 0); /* the socket is there already */
	did_only("inspect;");
	answer("java");
	did_only("announce dash as '' fresh;");
}

static void an_excluded_language_is_never_chosen(void **state)
{
	char yaml[160];

	start("exec sleep 100");
	(void)snprintf(yaml, sizeof(yaml),
		       "discovery: {instrument: [{open_ports: %u}], "
		       "exclude_instrument: [{languages: java}]}\n",
		       port);
	begin(yaml);
	event(OBI_PROCESS_LISTEN, port);
	did_only("inspect;");
	answer("java");
	did_only("");
}

static void a_language_that_decides_nothing_is_not_asked_for(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/other', languages: java}]}\n");
	event(OBI_PROCESS_EXEC, 0);
	event(OBI_PROCESS_LISTEN, port);
	did_only("");
}

static void what_nobody_asked_for_is_no_answer(void **state)
{
	start("exec sleep 100");
	begin(JAVA);
	answer("java");
	did_only("");
	event(OBI_PROCESS_EXEC, 0);
	answer("go");
	did_only("inspect;");
	answer("java"); /* once more */
	did_only("");
	assert_int_equal(obi_discover_count(discover), 0);
}

static void who_ended_before_the_answer_is_forgotten(void **state)
{
	start("exec sleep 100");
	begin(JAVA);
	event(OBI_PROCESS_EXEC, 0);
	did_only("inspect;");
	(void)kill(target, SIGKILL);
	(void)waitpid(target, NULL, 0);
	answer("generic");
	assert_int_equal(obi_discover_next(discover), 0);
	answer("java");
	did_only("");
	target = 0;
	(void)close(tell);
}

static void another_worker_is_asked_what_was_not_answered(void **state)
{
	start("exec sleep 100");
	begin(JAVA);
	event(OBI_PROCESS_EXEC, 0);
	did_only("inspect;");
	obi_discover_repeat(discover);
	settle();
	did_only("inspect;told;");
	answer("java");
	did_only("announce dash as 'j' fresh;");
	obi_discover_repeat(discover);
	settle();
	did_only("announce dash as 'j' fresh;told;");
}

/* ---- Answers that come late, or never ---- */

static void exec_while_it_is_looked_at_is_looked_at_anew(void **state)
{
	start("exec 9>&-; exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash'}]}\n");
	happen(OBI_PROCESS_EXEC, 0);
	assert_int_equal(asked_count, 1);
	happen(OBI_PROCESS_EXEC, 0);
	happen(OBI_PROCESS_EXEC, 0);
	assert_int_equal(asked_count, 1);
	answer_one();
	did_only("");
	become_sleep();
	settle();
	did_only("");
	assert_int_equal(obi_discover_count(discover), 0);
}

static void an_end_that_overtakes_an_answer_drops_it(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash'}]}\n");
	happen(OBI_PROCESS_EXEC, 0);
	happen(OBI_PROCESS_EXIT, 0);
	settle();
	did_only("");
	/* Its number is used again before the answer is there. */
	happen(OBI_PROCESS_EXEC, 0);
	happen(OBI_PROCESS_EXIT, 0);
	happen(OBI_PROCESS_EXEC, 0);
	assert_int_equal(asked_count, 1);
	answer_one();
	did_only("");
	settle();
	did_only("announce dash as '' fresh;");
}

/* The kernel side has reported its connections already. */
static void a_child_that_ends_at_once_is_told_of_all_the_same(void **state)
{
	pid_t child;

	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash', name: s}]}\n");
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce dash as 's' fresh;");
	child = fork();
	if (child == 0)
		_exit(0);
	(void)waitpid(child, NULL, 0);
	obi_discover_event(discover, &(struct obi_process_event){ .type = OBI_PROCESS_FORK,
								  .pid = (uint32_t)child,
								  .parent = (uint32_t)target });
	obi_discover_event(discover, &(struct obi_process_event){ .type = OBI_PROCESS_EXIT,
								  .pid = (uint32_t)child });
	settle();
	did_only("announce dash as 's' fresh;forget;");
	assert_int_equal(obi_discover_count(discover), 1);
}

static void who_holds_a_look_is_selected_no_more_nor_less(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash'}]}\n");
	happen(OBI_PROCESS_EXEC, 0);
	answer_by(-ETIMEDOUT);
	assert_int_equal(asked_count, 0);
	did_only("");
	ask_error = -EBUSY; /* it is left alone */
	event(OBI_PROCESS_LISTEN, port);
	did_only("");
	ask_error = 0;
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce dash as '' fresh;");
	ask_error = -EBUSY;
	event(OBI_PROCESS_EXEC, 0);
	did_only("");
	assert_int_equal(obi_discover_count(discover), 1);
}

static void who_holds_only_its_files_is_told_of_without_them(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash'}]}\n");
	happen(OBI_PROCESS_EXEC, 0);
	answer_one();
	did_only("");
	assert_int_equal(asked[0].kind, LOOK_OPEN);
	answer_by(-ETIMEDOUT);
	did_only("announce dash as '' fresh;");
}

static void without_a_looker_nothing_is_forgotten(void **state)
{
	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash'}]}\n");
	ask_error = -EAGAIN;
	happen(OBI_PROCESS_EXEC, 0);
	ask_error = 0;
	tick_after(0);
	did_only("announce dash as '' fresh;");
}

/* ---- Room ---- */

static void who_finds_no_room_is_marked_when_there_is_some(void **state)
{
	struct obi_discover_counters counters;

	start("exec sleep 100");
	begin("discovery: {instrument: [{exe_path: '*/dash'}, {exe_path: '*/test_discover'}]}\n");
	mark_error = -E2BIG;
	marked = 0;
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce dash as '' fresh;forget;");
	obi_discover_counters(discover, &counters);
	assert_int_equal(counters.unmarked, 1);
	assert_int_equal(marked, 0);
	mark_error = 0;
	tick_after(1000);
	assert_int_equal(marked, 0); /* nobody ended */
	/* Another that was selected ends. */
	obi_discover_event(discover, &(struct obi_process_event){ .type = OBI_PROCESS_FORK,
								  .pid = (uint32_t)getpid(),
								  .parent = (uint32_t)target });
	settle();
	marked = 0;
	obi_discover_event(discover, &(struct obi_process_event){ .type = OBI_PROCESS_EXIT,
								  .pid = (uint32_t)getpid() });
	did[0] = '\0';
	tick_after(1000);
	assert_true(marked & OBI_PROCESS_SELECTED);
	did_only("announce dash as '' fresh;");
}

/* Of a user with very many of them some are forgotten, and nobody else's; none is marked. */
static void listeners_that_nobody_selects_have_a_share(void **state)
{
	struct obi_discover_counters counters;
	char yaml[200];

	start("exec 9>&-; exec sleep 100");
	(void)snprintf(yaml, sizeof(yaml),
		       "discovery: {instrument: [{open_ports: %u, exe_path: '*/sleep'}], "
		       "exclude_instrument: [{open_ports: 1}]}\n",
		       port);
	begin(yaml);
	happen(OBI_PROCESS_LISTEN, 1);
	settle();
	marked = 0;
	for (uint32_t pid = 1; pid < 10000; pid++) {
		struct look_request request = { .kind = LOOK_AT };
		struct look_answer look = {
			.pid = pid + 5000000, .uid = 99, .text_len = 6, .args_at = 5, .text = "/x/y"
		};

		obi_discover_event(discover,
				   &(struct obi_process_event){ .type = OBI_PROCESS_LISTEN,
								.pid = look.pid,
								.port = 7,
								.uid = 99 });
		request = take_asked();
		assert_int_equal(request.kind, LOOK_AT);
		obi_discover_answer(discover, &request, &look, NULL, 0);
	}
	did_only("");
	assert_int_equal(marked, 0);
	obi_discover_counters(discover, &counters);
	assert_int_equal(counters.evicted, 9999 + 1 - 8192);
	assert_int_equal(counters.missed, 0);
	/* That of another user is still known to listen on the port that excludes it. */
	event(OBI_PROCESS_LISTEN, port);
	did_only("");
}

static void events_that_were_lost_are_made_good(void **state)
{
	start("exec 9>&-; exec sleep 100");
	begin_by_ports();
	obi_discover_lost(discover, 0);
	assert_int_equal(obi_discover_next(discover), 0);
	obi_discover_lost(discover, 17);
	did_only("");
	assert_int_not_equal(obi_discover_next(discover), 0);
	tick_after(201);
	did_only("announce dash as 'a';");
	/* Its end, and that it has become something else. */
	become_sleep();
	obi_discover_lost(discover, 18);
	tick_after(60000);
	did_only("forget;");
	assert_int_equal(obi_discover_count(discover), 0);
}

static void an_end_that_was_lost_is_seen_too(void **state)
{
	start("exec sleep 100");
	begin_by_ports();
	event(OBI_PROCESS_LISTEN, port);
	did_only("announce dash as 'a';");
	(void)kill(target, SIGKILL);
	(void)waitpid(target, NULL, 0);
	(void)close(tell);
	target = 0;
	obi_discover_lost(discover, 1);
	tick_after(201);
	did_only("forget;");
}

static void all_is_told_when_the_pass_is_over(void **state)
{
	start("exec sleep 100");
	begin_by_ports();
	obi_discover_scan(discover);
	answer_one();
	did_only("");
	settle();
	did_only("announce dash as 'a';told;");
}

#define TEST(name_) cmocka_unit_test_teardown(name_, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_socket_that_exec_closed_selects_no_longer),
		TEST(a_socket_that_was_inherited_selects_on),
		TEST(ports_of_the_unselected_are_forgotten_too),
		TEST(what_a_child_becomes_stays_its_parents),
		TEST(a_child_that_becomes_something_excluded_is_let_go),
		TEST(listening_on_what_is_excluded_lets_go),
		TEST(an_answer_right_after_exec_is_asked_for_again),
		TEST(an_answer_that_stays_stands),
		TEST(who_listens_is_asked_at_once),
		TEST(an_answer_from_before_listening_is_not_taken),
		TEST(port_and_language_count_together),
		TEST(an_excluded_language_is_never_chosen),
		TEST(a_language_that_decides_nothing_is_not_asked_for),
		TEST(what_nobody_asked_for_is_no_answer),
		TEST(who_ended_before_the_answer_is_forgotten),
		TEST(another_worker_is_asked_what_was_not_answered),
		TEST(exec_while_it_is_looked_at_is_looked_at_anew),
		TEST(an_end_that_overtakes_an_answer_drops_it),
		TEST(a_child_that_ends_at_once_is_told_of_all_the_same),
		TEST(who_holds_a_look_is_selected_no_more_nor_less),
		TEST(who_holds_only_its_files_is_told_of_without_them),
		TEST(without_a_looker_nothing_is_forgotten),
		TEST(who_finds_no_room_is_marked_when_there_is_some),
		TEST(listeners_that_nobody_selects_have_a_share),
		TEST(events_that_were_lost_are_made_good),
		TEST(an_end_that_was_lost_is_seen_too),
		TEST(all_is_told_when_the_pass_is_over),
	};

	return cmocka_run_group_tests_name("discover", tests, NULL, NULL);
}
