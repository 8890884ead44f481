// SPDX-License-Identifier: Apache-2.0
/* What is selected, by events and languages. */
#include "discover/discovery.h"

static void answer(const char *language)
{
	obi_discover_language(discover, (uint32_t)target, language);
	settle();
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

/* Before the kernel side knew that it is selected: there is no event. */
static void children_forked_before_it_was_selected_are_found(void **state)
{
	uint32_t child = 0;

	start("sleep 100 & read y");
	begin("discovery: {instrument: [{exe_path: '*/dash', name: a}]}\n");
	assert_int_equal(write(tell, "\n", 1), 1);
	for (int i = 0; i < 2000 && obi_procfs_children((uint32_t)target, &child, 1) != 1; i++)
		(void)usleep(1000);
	assert_true(child != 0);
	event(OBI_PROCESS_EXEC, 0);
	(void)kill((pid_t)child, SIGKILL);
	assert_non_null(strstr(did, "announce dash as 'a' fresh;announce "));
	assert_int_equal(obi_discover_count(discover), 2);
	assert_true(obi_discover_has(discover, child));
}

/* Who goes into the background: only what it left can be looked at. */
static void an_orphan_is_judged_for_itself(void **state)
{
	start("exec 9>&-; exec sleep 100");
	begin_by_ports();
	event(OBI_PROCESS_ORPHAN, (unsigned)getpid());
	did_only("announce dash as 'a' fresh;");
	event(OBI_PROCESS_ORPHAN, (unsigned)getpid());
	did_only("");
	become_sleep();
	event(OBI_PROCESS_EXEC, 0);
	did_only("forget;");
	event(OBI_PROCESS_ORPHAN, (unsigned)getpid());
	did_only("");
}

static void an_orphan_of_the_selected_is_selected(void **state)
{
	uint32_t child = 0;

	start("exec 9>&-; sleep 100 & read y");
	begin("discovery: {instrument: [{exe_path: '*/dash', name: a}]}\n");
	event(OBI_PROCESS_EXEC, 0);
	did_only("announce dash as 'a' fresh;");
	assert_int_equal(write(tell, "\n", 1), 1);
	for (int i = 0; i < 2000 && obi_procfs_children((uint32_t)target, &child, 1) != 1; i++)
		(void)usleep(1000);
	obi_discover_event(discover, &(struct obi_process_event){ .type = OBI_PROCESS_ORPHAN,
								  .pid = child,
								  .parent = (uint32_t)target });
	settle();
	(void)kill((pid_t)child, SIGKILL);
	did_only("announce dash as 'a' fresh;");
	assert_true(obi_discover_has(discover, child));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_socket_that_exec_closed_selects_no_longer),
		TEST(a_socket_that_was_inherited_selects_on),
		TEST(ports_of_the_unselected_are_forgotten_too),
		TEST(what_a_child_becomes_stays_its_parents),
		TEST(children_forked_before_it_was_selected_are_found),
		TEST(an_orphan_is_judged_for_itself),
		TEST(an_orphan_of_the_selected_is_selected),
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
	};

	return cmocka_run_group_tests_name("discover", tests, NULL, NULL);
}
