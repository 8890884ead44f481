// SPDX-License-Identifier: Apache-2.0
/* The sender's loop in a thread, between a broker, a worker and a libcurl that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "fake_curl.h"
#include "otlp/outbox.h"
#include "sandbox/sender_rules.h"
#include "sender/sender.h"
#include "wire/batch.h"
#include "wire/wire.h"

#define ITEMS 10
#define MS NSEC_PER_MSEC
#define LONG_NS (60000 * MS)
/* Nothing here takes so long, on a busy machine either. */
#define PATIENCE_MS 20000

static int broker = -1, worker = -1;
static pthread_t thread;
static struct obi_settings settings;
static int sandbox_error, curl_error;
/* How transfers end, the first of them and the others; NULL: they do not. */
static _Atomic(const struct fake_answer *) first_answer, other_answer;
static atomic_uint ended;

static const struct fake_answer taken = { .http = 200 };
static const struct fake_answer unavailable = { .http = 503 };
static const struct fake_answer no_connection = { .code = CURLE_COULDNT_CONNECT };

/* ---- In place of the library and the sandbox ------------------------------------- */

static const struct fake_answer *decide(const struct fake_easy *easy)
{
	const struct fake_answer *answer = ended ? other_answer : first_answer;

	ended += answer != NULL;
	return answer;
}

int obi_curl_open(struct obi_curl *ret_curl, char *why, size_t why_size)
{
	if (curl_error) {
		(void)snprintf(why, why_size, "there is none");
		return curl_error;
	}
	*ret_curl = fake_curl;
	fake_decide = decide;
	return 0;
}

int sender_sandbox_close(const char *spill_directory, const struct sender_reach *reach,
			 struct obi_sandbox *ret_sandbox, const char **ret_step)
{
	*ret_step = "test";
	if (!sandbox_error)
		*ret_sandbox = (struct obi_sandbox){ 0 };
	return sandbox_error;
}

/* ---- Broker and worker ----------------------------------------------------------- */

static void *run(void *context)
{
	char *env[] = { NULL };

	return (void *)(intptr_t)obi_sender_run(&settings, env);
}

/* Its end of a new pair; ours in ret_ours. */
static int make_pair(int *ret_ours)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*ret_ours = pair[0];
	return pair[1];
}

static void drop(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void set_worker(void)
{
	int ours, its = make_pair(&ours);

	assert_int_equal(obi_wire_send(broker, OBI_WIRE_PEER, NULL, 0, &its, 1), 0);
	(void)close(its);
	drop(&worker);
	worker = ours;
}

static void start(void)
{
	int its = make_pair(&broker);

	if (its != OBI_WIRE_FD) {
		assert_int_equal(dup2(its, OBI_WIRE_FD), OBI_WIRE_FD);
		(void)close(its);
	}
	(void)fcntl(OBI_WIRE_FD, F_SETFL, O_NONBLOCK);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

/* Waits for its end. */
static int join(void)
{
	void *status;

	assert_int_equal(pthread_join(thread, &status), 0);
	(void)close(OBI_WIRE_FD);
	return (int)(intptr_t)status;
}

static int begin(void **state)
{
	char *env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
			"OTEL_EBPF_BACKOFF_INITIAL_INTERVAL=50ms",
			"OTEL_EBPF_BACKOFF_MAX_INTERVAL=100ms", "OTEL_EBPF_SHUTDOWN_TIMEOUT=300ms",
			NULL };
	struct obi_error error;

	/* Whoever has the number of the wire's end must not lose it. */
	while (fcntl(OBI_WIRE_FD, F_GETFD) < 0)
		assert_true(open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0);
	assert_int_equal(obi_settings_load_text("test", SLICE_LIT(""), env, &settings, &error), 0);
	sandbox_error = curl_error = 0;
	first_answer = other_answer = &taken;
	ended = 0;
	return 0;
}

static int end(void **state)
{
	drop(&worker);
	drop(&broker);
	obi_settings_free(&settings);
	return 0;
}

static void put(uint64_t sequence, uint32_t signal)
{
	const struct obi_batch batch = {
		.sequence = sequence, .signal = signal, .items = ITEMS, .bytes = OBI_BATCH_FRAME + 1
	};
	int fd = obi_batch_seal("x", 1);

	assert_int_equal(obi_wire_send(worker, OBI_BATCH_PUT, &batch, sizeof(batch), &fd, 1), 0);
	(void)close(fd);
}

static void flush(uint64_t timeout_ns)
{
	const struct obi_batch_flush message = { .timeout_ns = timeout_ns };

	assert_int_equal(obi_wire_send(worker, OBI_BATCH_FLUSH, &message, sizeof(message), NULL, 0),
			 0);
}

/* The next message, which must be this. */
static struct obi_batch_answer receive(uint32_t expected)
{
	struct pollfd p = { .fd = worker, .events = POLLIN };
	struct obi_batch_answer answer = { 0 };
	int fds[OBI_WIRE_FDS], fd_count = 0;
	uint32_t id;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	assert_true(obi_wire_receive(worker, &id, &answer, sizeof(answer), fds, &fd_count) >= 0);
	assert_int_equal(id, expected);
	assert_int_equal(fd_count, 0);
	return answer;
}

static void expect_exported(uint64_t sequence)
{
	struct obi_batch_answer answer = receive(OBI_BATCH_ANSWER);

	assert_int_equal(answer.sequence, sequence);
	assert_int_equal(answer.exported, ITEMS);
	assert_int_equal(answer.dropped, 0);
}

static void expect_shutdown(uint64_t sequence)
{
	struct obi_batch_answer answer = receive(OBI_BATCH_ANSWER);

	assert_int_equal(answer.sequence, sequence);
	assert_int_equal(answer.exported, 0);
	assert_int_equal(answer.dropped, ITEMS);
	assert_int_equal(answer.reason, OUTBOX_SHUTDOWN);
}

/* The broker goes, then the worker. */
static void leave(void)
{
	drop(&broker);
	drop(&worker);
	assert_int_equal(join(), 0);
}

static void wait_for_ends(unsigned count)
{
	for (int i = 0; ended < count && i < PATIENCE_MS; i++)
		(void)poll(NULL, 0, 1);
	assert_in_range(ended, count, UINT32_MAX);
}

/* ---- Tests ----------------------------------------------------------------------- */

static void batches_are_answered_in_order(void **state)
{
	start();
	set_worker();
	for (uint64_t i = 1; i <= 20; i++)
		put(i, OTLP_TRACES);
	for (uint64_t i = 1; i <= 20; i++)
		expect_exported(i);
	put(21, OTLP_METRICS);
	expect_exported(21);
	leave();
}

static void a_failure_is_tried_again_by_itself(void **state)
{
	first_answer = &no_connection;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	expect_exported(1);
	assert_int_equal(ended, 2);
	leave();
}

static void a_flush_ends_when_all_is_out(void **state)
{
	first_answer = other_answer = NULL;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	put(2, OTLP_METRICS);
	flush(LONG_NS);
	first_answer = other_answer = &taken;
	expect_exported(1);
	expect_exported(2);
	(void)receive(OBI_BATCH_FLUSHED);
	leave();
}

static void a_flush_of_nothing_ends_at_once(void **state)
{
	start();
	set_worker();
	flush(LONG_NS);
	(void)receive(OBI_BATCH_FLUSHED);
	leave();
}

static void a_flush_ends_within_its_time(void **state)
{
	uint64_t from;

	first_answer = other_answer = NULL;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	put(2, OTLP_TRACES);
	from = clock_monotonic_ns();
	flush(200 * MS);
	expect_shutdown(2);
	expect_shutdown(1);
	(void)receive(OBI_BATCH_FLUSHED);
	assert_in_range(clock_monotonic_ns() - from, 200 * MS, LONG_NS);
	leave();
}

/* The wait for the next try was long; a flush does not keep to it, and sees what it brings. */
static void a_flush_tries_at_once(void **state)
{
	static const struct fake_answer later = { .http = 503, .headers = "Retry-After: 50\r\n" };

	first_answer = &later;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	wait_for_ends(1);
	flush(LONG_NS);
	expect_exported(1);
	(void)receive(OBI_BATCH_FLUSHED);
	leave();
}

static void a_flush_gives_up_where_nobody_listens(void **state)
{
	first_answer = other_answer = &no_connection;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	wait_for_ends(1);
	flush(LONG_NS);
	expect_shutdown(1);
	(void)receive(OBI_BATCH_FLUSHED);
	assert_in_range(ended, 4, UINT32_MAX);
	leave();
}

/* What it brought in before goes on; what the old one waited for is answered to nobody. */
static void a_later_worker_is_served(void **state)
{
	struct obi_batch_answer answer;

	first_answer = other_answer = &unavailable;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	wait_for_ends(1);
	set_worker();
	answer = receive(OBI_BATCH_ANSWER);
	assert_int_equal(answer.state, OBI_BATCH_LEFT);
	assert_int_equal(answer.exported, ITEMS);
	first_answer = other_answer = &taken;
	put(2, OTLP_TRACES);
	answer = receive(OBI_BATCH_ANSWER);
	assert_int_equal(answer.state, OBI_BATCH_LEFT_DONE);
	assert_int_equal(answer.exported, ITEMS);
	expect_exported(2);
	leave();
}

static void what_makes_no_sense_is_passed_over(void **state)
{
	const struct obi_batch batch = { .sequence = 1, .items = ITEMS, .bytes = 6 };
	int fds[2] = { obi_batch_seal("x", 1), obi_batch_seal("x", 1) };

	start();
	set_worker();
	put(1, OTLP_SIGNALS);
	put(1, UINT32_MAX);
	assert_int_equal(obi_wire_send(worker, OBI_BATCH_PUT, &batch, sizeof(batch), NULL, 0), 0);
	assert_int_equal(obi_wire_send(worker, OBI_BATCH_PUT, &batch, sizeof(batch), fds, 2), 0);
	assert_int_equal(obi_wire_send(worker, OBI_BATCH_PUT, &batch, 8, fds, 1), 0);
	assert_int_equal(obi_wire_send(worker, OBI_BATCH_FLUSH, &batch, 4, NULL, 0), 0);
	assert_int_equal(obi_wire_send(worker, OBI_BATCH_ANSWER, &batch, 24, NULL, 0), 0);
	assert_int_equal(obi_wire_send(worker, 7, NULL, 0, fds, 2), 0);
	put(2, OTLP_TRACES);
	expect_exported(2);
	leave();
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* A worker that does not leave is not waited for. */
static void without_a_broker_it_leaves_in_time(void **state)
{
	uint64_t from = clock_monotonic_ns();

	first_answer = other_answer = NULL;
	start();
	set_worker();
	put(1, OTLP_TRACES);
	drop(&broker);
	assert_int_equal(join(), 0);
	assert_in_range(clock_monotonic_ns() - from, 300 * MS, LONG_NS);
	expect_shutdown(1);
}

static void without_libcurl_or_sandbox_it_does_not_run(void **state)
{
	curl_error = -ENOENT;
	start();
	assert_int_equal(join(), OBI_SENDER_CANNOT_RUN);
	drop(&broker);
	curl_error = 0;
	sandbox_error = -EPERM;
	start();
	assert_int_equal(join(), OBI_SENDER_CANNOT_RUN);
}

int main(void)
{
#define T(test_) cmocka_unit_test_setup_teardown(test_, begin, end)
	const struct CMUnitTest tests[] = {
		T(batches_are_answered_in_order),
		T(a_failure_is_tried_again_by_itself),
		T(a_flush_ends_when_all_is_out),
		T(a_flush_of_nothing_ends_at_once),
		T(a_flush_ends_within_its_time),
		T(a_flush_tries_at_once),
		T(a_flush_gives_up_where_nobody_listens),
		T(a_later_worker_is_served),
		T(what_makes_no_sense_is_passed_over),
		T(without_a_broker_it_leaves_in_time),
		T(without_libcurl_or_sandbox_it_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
