// SPDX-License-Identifier: Apache-2.0
/* Answers that come late or never, and tables that are full. */
#include "discover/discovery.h"

/* ---- Answers that come late, or never ---- */

static void answer_by(int error)
{
	struct look_request request = take_asked();
	struct look_answer answer = { .error = error, .pid = request.pid };

	obi_discover_answer(discover, &request, &answer, NULL, 0);
}

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
								.port = 1,
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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

	return cmocka_run_group_tests_name("asking", tests, NULL, NULL);
}
