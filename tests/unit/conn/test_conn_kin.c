// SPDX-License-Identifier: Apache-2.0
/*
 * Whose child is a client request? A wrong parent is worse than none: each model of a server below
 * knows the truth, and no client may be given another request than its own.
 */
#include "conn/wire.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define CLIENTS 64 /* connections from here on are to inner servers */

static void as_server(struct wire *w, int conn, uint32_t tid)
{
	w->conn = conn;
	w->side = OBI_SIDE_ACCEPTED;
	w->tid = tid;
	w->opened = 0;
}

static void serve(struct wire *w, int conn, uint32_t tid, const char *path)
{
	char text[64];

	as_server(w, conn, tid);
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
	wire_recv(w, text);
}

static struct obi_trace reply(struct wire *w, int conn, uint32_t tid)
{
	as_server(w, conn, tid);
	wire_send(w, OK);
	w->spans_len = 0;
	return w->last_trace;
}

static void ask(struct wire *w, int conn, uint32_t tid, const char *path)
{
	char text[64];

	w->conn = CLIENTS + conn;
	w->side = OBI_SIDE_CONNECTED;
	w->tid = tid;
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: b\r\n\r\n", path);
	wire_send(w, text);
}

static struct obi_trace answered(struct wire *w, int conn, uint32_t tid)
{
	w->conn = CLIENTS + conn;
	w->side = OBI_SIDE_CONNECTED;
	w->tid = tid;
	wire_recv(w, OK);
	w->spans_len = 0;
	return w->last_trace;
}

static bool is_child(const struct obi_trace *child, const struct obi_trace *server)
{
	return memcmp(child->trace_id, server->trace_id, sizeof(child->trace_id)) == 0 &&
	       memcmp(child->parent_id, server->span_id, sizeof(child->parent_id)) == 0;
}

static bool is_root(const struct obi_trace *trace)
{
	static const uint8_t none[8];

	return memcmp(trace->parent_id, none, sizeof(none)) == 0;
}

static void the_only_request_of_a_thread_is_the_parent(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child, server;

	serve(w, 0, 1, "/in");
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	server = reply(w, 0, 1);
	assert_true(is_child(&child, &server));
	assert_int_equal(wire_stats(w).unclear_parents, 0);
	wire_free(w);
}

static void two_open_requests_are_no_parents(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	serve(w, 0, 1, "/a");
	serve(w, 1, 1, "/b");
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	assert_true(is_root(&child));
	assert_int_equal(wire_stats(w).unclear_parents, 1);
	wire_free(w);
}

/* The second is over, but what the thread does now may still be for it. */
static void a_request_that_had_company_stays_unclear(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	serve(w, 0, 1, "/a");
	serve(w, 1, 1, "/b");
	(void)reply(w, 1, 1);
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	assert_true(is_root(&child));
	wire_free(w);
}

static void after_all_have_ended_the_next_one_is_alone(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child, server;

	serve(w, 0, 1, "/a");
	serve(w, 1, 1, "/b");
	(void)reply(w, 0, 1);
	(void)reply(w, 1, 1);
	serve(w, 0, 1, "/c");
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	server = reply(w, 0, 1);
	assert_true(is_child(&child, &server));
	wire_free(w);
}

static void who_opened_the_connection_alone_is_the_parent(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child, server;

	serve(w, 0, 1, "/a");
	w->opener = 1;
	w->now++;
	w->opened = w->now;
	serve(w, 1, 1, "/b");
	w->opened = w->now - 1;
	ask(w, 0, 1, "/out");
	w->opened = 0;
	child = answered(w, 0, 1);
	server = reply(w, 0, 1);
	assert_true(is_child(&child, &server));
	wire_free(w);
}

static void an_opener_that_has_ended_is_no_parent(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;
	uint64_t opened;

	serve(w, 0, 1, "/a");
	opened = ++w->now;
	serve(w, 1, 1, "/b");
	(void)reply(w, 0, 1);
	w->opener = 1;
	w->opened = opened;
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	assert_true(is_root(&child));
	wire_free(w);
}

static void opener_and_thread_that_differ_are_no_parents(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;
	uint64_t opened;

	w->could_wait = true;
	serve(w, 0, 1, "/a");
	opened = ++w->now;
	serve(w, 1, 2, "/b");
	w->opener = 1;
	w->opened = opened;
	ask(w, 0, 2, "/out");
	child = answered(w, 0, 2);
	assert_true(is_root(&child));
	wire_free(w);
}

static void a_proxy_hands_each_request_on(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace a, b;
	struct obi_trace server;

	serve(w, 0, 1, "/a");
	serve(w, 1, 1, "/b");
	ask(w, 1, 1, "/b");
	ask(w, 0, 1, "/a");
	a = answered(w, 0, 1);
	b = answered(w, 1, 1);
	server = reply(w, 0, 1);
	assert_true(is_child(&a, &server));
	server = reply(w, 1, 1);
	assert_true(is_child(&b, &server));
	wire_free(w);
}

static void equal_requests_at_a_proxy_are_no_parents(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	serve(w, 0, 1, "/a");
	serve(w, 1, 1, "/a");
	ask(w, 0, 1, "/a");
	child = answered(w, 0, 1);
	assert_true(is_root(&child));
	wire_free(w);
}

/* Who once asked for something else is no proxy: an equal line is chance. */
static void a_line_tells_nothing_of_who_asks_for_other_things(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child;

	serve(w, 0, 1, "/a");
	ask(w, 0, 1, "/other");
	(void)answered(w, 0, 1);
	serve(w, 1, 1, "/b");
	ask(w, 0, 1, "/b");
	child = answered(w, 0, 1);
	assert_true(is_root(&child));
	wire_free(w);
}

/* Of a server that asked nobody for long nothing is kept: what is open when it does is not known.
 */
static void a_server_that_asks_late_is_known_from_then_on(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child, server;

	for (int i = 0; i < 300; i++) {
		serve(w, 0, 1, "/a");
		(void)reply(w, 0, 1);
	}
	serve(w, 0, 1, "/a");
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	assert_true(is_root(&child));
	serve(w, 1, 2, "/b");
	ask(w, 0, 2, "/out");
	child = answered(w, 0, 2);
	assert_true(is_root(&child));
	(void)reply(w, 0, 1);
	(void)reply(w, 1, 2);
	serve(w, 1, 2, "/b");
	ask(w, 0, 2, "/out");
	child = answered(w, 0, 2);
	server = reply(w, 1, 2);
	assert_true(is_child(&child, &server));
	assert_int_equal(wire_stats(w).unclear_parents, 2);
	wire_free(w);
}

static bool takes_none(void *context, uint32_t pid, const struct obi_trace *trace)
{
	return false;
}

/* What a sampler does not take is not sampled further on. */
static void a_child_of_what_is_not_sampled_is_not(void **state)
{
	struct wire *w = wire_new();
	struct obi_trace child, server;

	obi_conns_free(w->conns);
	w->options.sampled = takes_none;
	wire_open(w);
	serve(w, 0, 1, "/in");
	ask(w, 0, 1, "/out");
	child = answered(w, 0, 1);
	server = reply(w, 0, 1);
	assert_true(is_child(&child, &server));
	assert_int_equal(server.trace_flags, 0);
	assert_int_equal(child.trace_flags, 0);
	wire_free(w);
}

/* ---- Models ------------------------------------------------------------------------------------
 */

#define AT_ONCE 24
#define REQUESTS 20000

enum phase {
	FREE,
	READ,
	ASKED,
	ANSWERED,
};

struct job {
	enum phase phase;
	uint32_t tid; /* that works on it next */
	char path[16];
	int pooled; /* client connection */
	struct obi_trace child;
};

struct model {
	struct wire *w;
	uint64_t random;
	struct job jobs[AT_ONCE];
	bool busy[AT_ONCE]; /* client connections */
	unsigned right, none, wrong;
	/* The kind of server: */
	uint32_t (*thread)(struct model *m, int job);
	const char *(*inner)(struct model *m, int job, char *buf);
	bool waits;
};

static unsigned dice(struct model *m, unsigned sides)
{
	m->random = m->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(m->random >> 33) % sides;
}

static void begin(struct model *m, int job)
{
	struct job *j = &m->jobs[job];

	(void)snprintf(j->path, sizeof(j->path), "/%u", dice(m, 40));
	j->tid = m->thread(m, job);
	m->w->could_wait = m->waits;
	serve(m->w, job, j->tid, j->path);
	j->phase = READ;
}

static void inquire(struct model *m, int job)
{
	struct job *j = &m->jobs[job];
	char path[16];

	do
		j->pooled = (int)dice(m, AT_ONCE);
	while (m->busy[j->pooled]);
	m->busy[j->pooled] = true;
	j->tid = m->thread(m, job);
	ask(m->w, j->pooled, j->tid, m->inner(m, job, path));
	j->phase = ASKED;
}

static void hear(struct model *m, int job)
{
	struct job *j = &m->jobs[job];

	j->tid = m->thread(m, job);
	j->child = answered(m->w, j->pooled, j->tid);
	m->busy[j->pooled] = false;
	j->phase = ANSWERED;
}

static void finish(struct model *m, int job)
{
	struct job *j = &m->jobs[job];
	struct obi_trace server;

	server = reply(m->w, job, m->thread(m, job));
	if (is_root(&j->child))
		m->none++;
	else if (is_child(&j->child, &server))
		m->right++;
	else
		m->wrong++;
	j->phase = FREE;
}

static void run(struct model *m)
{
	void (*const steps[])(struct model *, int) = { begin, inquire, hear, finish };

	m->w = wire_new();
	m->random = 7;
	while (m->right + m->none + m->wrong < REQUESTS) {
		int job = (int)dice(m, AT_ONCE);

		steps[m->jobs[job].phase](m, job);
	}
	print_message("%u right, %u none, %u wrong\n", m->right, m->none, m->wrong);
	wire_free(m->w);
}

static uint32_t one_thread(struct model *m, int job)
{
	return 1;
}

static uint32_t thread_a_connection(struct model *m, int job)
{
	return 10 + (uint32_t)job;
}

static uint32_t any_thread(struct model *m, int job)
{
	return 10 + dice(m, 6);
}

/* Four of them read, and hand what follows to four others. */
static uint32_t readers_and_workers(struct model *m, int job)
{
	return (m->jobs[job].phase == FREE ? 10 : 20) + dice(m, 4);
}

static const char *another_path(struct model *m, int job, char *buf)
{
	(void)snprintf(buf, 16, "/%u", dice(m, 40));
	return buf;
}

static const char *the_same_path(struct model *m, int job, char *buf)
{
	return m->jobs[job].path;
}

/* Of 24 requests with 40 paths about every second one is the only one with its own. */
static void a_proxy_gets_no_wrong_parent(void **state)
{
	struct model m = { .thread = one_thread, .inner = the_same_path };

	run(&m);
	assert_int_equal(m.wrong, 0);
	assert_in_range(m.right, REQUESTS / 4, REQUESTS);
}

static void an_event_loop_gets_no_wrong_parent(void **state)
{
	struct model m = { .thread = one_thread, .inner = another_path };

	run(&m);
	assert_int_equal(m.wrong, 0);
}

static void a_thread_a_request_gets_all_right(void **state)
{
	struct model m = { .thread = thread_a_connection, .inner = another_path, .waits = true };

	run(&m);
	assert_int_equal(m.wrong, 0);
	assert_int_equal(m.right, REQUESTS);
}

/* Its sockets never wait: that its requests stay with their threads must be seen first. */
static void a_pool_of_threads_that_keep_requests_gets_all_right_in_the_end(void **state)
{
	struct model m = { .thread = thread_a_connection, .inner = another_path };

	run(&m);
	assert_int_equal(m.wrong, 0);
	assert_in_range(m.none, 1, 200);
}

static void requests_that_wander_between_threads_get_no_wrong_parent(void **state)
{
	struct model m = { .thread = any_thread, .inner = another_path };

	run(&m);
	assert_int_equal(m.wrong, 0);
}

static void requests_handed_to_workers_get_no_wrong_parent(void **state)
{
	struct model m = { .thread = readers_and_workers, .inner = another_path };

	run(&m);
	assert_int_equal(m.wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_only_request_of_a_thread_is_the_parent),
		cmocka_unit_test(two_open_requests_are_no_parents),
		cmocka_unit_test(a_request_that_had_company_stays_unclear),
		cmocka_unit_test(after_all_have_ended_the_next_one_is_alone),
		cmocka_unit_test(who_opened_the_connection_alone_is_the_parent),
		cmocka_unit_test(an_opener_that_has_ended_is_no_parent),
		cmocka_unit_test(opener_and_thread_that_differ_are_no_parents),
		cmocka_unit_test(a_proxy_hands_each_request_on),
		cmocka_unit_test(equal_requests_at_a_proxy_are_no_parents),
		cmocka_unit_test(a_line_tells_nothing_of_who_asks_for_other_things),
		cmocka_unit_test(a_server_that_asks_late_is_known_from_then_on),
		cmocka_unit_test(a_child_of_what_is_not_sampled_is_not),
		cmocka_unit_test(a_proxy_gets_no_wrong_parent),
		cmocka_unit_test(an_event_loop_gets_no_wrong_parent),
		cmocka_unit_test(a_thread_a_request_gets_all_right),
		cmocka_unit_test(a_pool_of_threads_that_keep_requests_gets_all_right_in_the_end),
		cmocka_unit_test(requests_that_wander_between_threads_get_no_wrong_parent),
		cmocka_unit_test(requests_handed_to_workers_get_no_wrong_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
