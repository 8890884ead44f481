// SPDX-License-Identifier: Apache-2.0
/* One attempt: what is asked of libcurl, and what is made of its answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "fake_curl.h"
#include "sender/request.h"
#include "wire/batch.h"

/* An ExportTraceServiceRequest with one empty ResourceSpans, framed. */
static const struct slice framed = SLICE_LIT("\0\0\0\0\2\x0a\0");

static struct sender_request request;
static struct sender_target target;
static struct obi_otlp_options options;

static int close_request(void **state)
{
	sender_request_close(&request);
	return 0;
}

static void aim(const char *endpoint, enum otlp_protocol protocol)
{
	options = (struct obi_otlp_options){
		.common = { .endpoint = "" },
		.traces.target = { .endpoint = endpoint,
				   .protocol = (int)protocol,
				   .timeout_ms = 700 },
	};
	target = (struct sender_target){ .options = &options.traces.target };
	assert_int_equal(otlp_endpoint_of(&options, OTLP_TRACES, &target.endpoint), 0);
}

static struct sender_batch *make_batch(void)
{
	int fd = obi_batch_seal(framed.data + OBI_BATCH_FRAME, framed.len - OBI_BATCH_FRAME);

	assert_true(fd >= 0);
	return sender_batch_new(fd, 100, (uint32_t)framed.len);
}

static struct fake_easy *begin(void)
{
	struct sender_batch *batch = make_batch();

	if (!request.easy)
		assert_int_equal(sender_request_open(&request, &fake_curl), 0);
	assert_int_equal(sender_request_begin(&request, &target, batch), 0);
	assert_int_equal(fake_multi_add_handle(NULL, request.easy), CURLM_OK);
	return fake_of(request.easy);
}

static struct sender_outcome finish(const struct fake_answer *answer)
{
	CURLcode code = fake_play(fake_of(request.easy), answer);
	struct sender_batch *batch = request.batch;
	struct sender_outcome outcome;

	(void)fake_multi_remove_handle(NULL, request.easy);
	assert_ptr_equal(sender_request_finish(&request, &target, code, &outcome), batch);
	sender_batch_free(batch);
	return outcome;
}

static struct sender_outcome attempt(const struct fake_answer *answer)
{
	(void)begin();
	return finish(answer);
}

/* ---- What is asked --------------------------------------------------------------- */

static void grpc_asks_for_http2_and_trailers(void **state)
{
	const struct fake_easy *easy;

	aim("http://127.0.0.1:4317", OTLP_PROTOCOL_GUESS);
	easy = begin();
	assert_string_equal(
		easy->url,
		"http://127.0.0.1:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export");
	assert_true(fake_has_line(easy, "Content-Type: application/grpc"));
	assert_true(fake_has_line(easy, "TE: trailers"));
	assert_int_equal(easy->http_version, CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
	assert_int_equal(easy->body.len, framed.len);
	assert_memory_equal(easy->body.data, framed.data, framed.len);
	assert_int_equal(easy->timeout_ms, 700);
	assert_int_equal(easy->fresh_connect, 0);
	(void)finish(&(struct fake_answer){ .http = 200 });
}

/* What libcurl before 8.0 cannot is not asked of it. */
static void an_old_libcurl_gets_a_connection_a_request(void **state)
{
	struct obi_curl old = fake_curl;

	old.reuses_h2c = false;
	assert_int_equal(sender_request_open(&request, &old), 0);
	aim("http://127.0.0.1:4317", OTLP_PROTOCOL_GRPC);
	assert_int_equal(begin()->fresh_connect, 1);
	(void)finish(&(struct fake_answer){ .http = 200 });
	aim("https://127.0.0.1:4317", OTLP_PROTOCOL_GRPC);
	assert_int_equal(begin()->fresh_connect, 0);
	(void)finish(&(struct fake_answer){ .http = 200 });
	sender_request_close(&request);
}

static void http_sends_the_message_without_its_frame(void **state)
{
	char line[] = "x-key: 1";
	const struct fake_easy *easy;

	aim("https://collector:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	target.headers = (struct sender_headers){ .lines = { line }, .count = 1 };
	target.certificate = (struct buffer){ .data = line, .len = 4 };
	easy = begin();
	assert_string_equal(easy->url, "https://collector:4318/v1/traces");
	assert_true(fake_has_line(easy, "Content-Type: application/x-protobuf"));
	assert_true(fake_has_line(easy, "x-key: 1"));
	assert_false(fake_has_line(easy, "TE: trailers"));
	assert_int_equal(easy->body.len, framed.len - OBI_BATCH_FRAME);
	assert_int_equal(easy->authorities.len, 4);
	assert_int_equal(easy->verify_peer, 1);
	assert_int_equal(easy->tls_least, CURL_SSLVERSION_TLSv1_2);
	(void)finish(&(struct fake_answer){ .http = 200 });
}

/* A handle is used again: nothing of the attempt before may be left. */
static void an_attempt_knows_nothing_of_the_one_before(void **state)
{
	static const struct fake_answer bad = {
		.http = 503,
		.headers = "retry-after: 7\r\ngrpc-status: 14\r\ngrpc-message: later\r\n",
		.body = SLICE_LIT("\x08\x0e\x12\x05later"),
		.error = "an old error",
	};
	struct sender_outcome outcome;

	aim("http://c:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	options.traces.target.insecure_skip_verify = true;
	options.traces.target.compression = OTLP_COMPRESSION_GZIP;
	assert_int_equal(begin()->verify_peer, 0);
	assert_int_equal(finish(&bad).verdict, SENDER_RETRY);

	aim("unix:///run/c", OTLP_PROTOCOL_GRPC);
	assert_int_equal(begin()->verify_peer, 1);
	assert_string_equal(fake_of(request.easy)->socket, "/run/c");
	assert_false(fake_has_line(fake_of(request.easy), "Content-Encoding: gzip"));
	outcome = finish(&(struct fake_answer){ .http = 200 });
	assert_int_equal(outcome.verdict, SENDER_REFUSED);
	assert_string_equal(outcome.text, "status 200 without a gRPC status");
	assert_false(outcome.wait_given);
	outcome = attempt(&(struct fake_answer){ .code = CURLE_COULDNT_CONNECT });
	assert_string_equal(outcome.text, "an error of libcurl");
}

static void what_cannot_be_mapped_is_given_back(void **state)
{
	struct sender_batch *batch = make_batch();

	batch->bytes++;
	aim("http://c:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	assert_int_equal(sender_request_open(&request, &fake_curl), 0);
	assert_int_equal(sender_request_begin(&request, &target, batch), -EPROTO);
	assert_null(request.batch);
	sender_batch_free(batch);
}

static void a_cancelled_attempt_gives_its_batch_back(void **state)
{
	struct sender_batch *batch;

	aim("http://c:4318", OTLP_PROTOCOL_HTTP_JSON);
	(void)begin();
	(void)fake_multi_remove_handle(NULL, request.easy);
	batch = sender_request_cancel(&request);
	assert_int_equal(batch->items, 100);
	assert_null(request.batch);
	sender_batch_free(batch);
}

/* ---- What comes of it ------------------------------------------------------------ */

struct expected {
	struct fake_answer answer;
	enum sender_verdict verdict;
	const char *step, *text;
	uint64_t rejected;
	int64_t wait_ms; /* -1: no wish */
};

static void expect(const struct expected *e)
{
	struct sender_outcome outcome = attempt(&e->answer);

	assert_string_equal(outcome.text, e->text);
	assert_string_equal(outcome.step, e->step);
	assert_int_equal(outcome.verdict, e->verdict);
	assert_int_equal(outcome.rejected, e->rejected);
	assert_int_equal(outcome.wait_given, e->wait_ms >= 0);
	if (e->wait_ms >= 0)
		assert_int_equal(outcome.wait_ns, (uint64_t)e->wait_ms * NSEC_PER_MSEC);
}

#define EXPECT(rows_)                                                                              \
	do {                                                                                       \
		for (size_t i_ = 0; i_ < ARRAY_SIZE(rows_); i_++)                                  \
			expect(&(rows_)[i_]);                                                      \
	} while (0)

/* An attempt that failed before there was a status. */
#define FAILED(code_, step_, ...)                                                                  \
	{                                                                                          \
		.answer = { .code = (code_), .error = "told why", __VA_ARGS__ },                   \
		.verdict = SENDER_RETRY, .step = (step_), .text = "told why", .wait_ms = -1        \
	}

static const struct expected transport[] = {
	FAILED(CURLE_COULDNT_RESOLVE_HOST, "DNS"),
	FAILED(CURLE_COULDNT_RESOLVE_PROXY, "DNS"),
	FAILED(CURLE_COULDNT_CONNECT, "TCP"),
	FAILED(CURLE_SSL_CONNECT_ERROR, "TLS"),
	FAILED(CURLE_PEER_FAILED_VERIFICATION, "TLS"),
	FAILED(CURLE_SSL_CACERT_BADFILE, "TLS"),
	FAILED(CURLE_SSL_CERTPROBLEM, "TLS"),
	FAILED(CURLE_GOT_NOTHING, "HTTP"),
	FAILED(CURLE_WEIRD_SERVER_REPLY, "HTTP"),
	FAILED(CURLE_HTTP2_STREAM, "HTTP"),
	FAILED(CURLE_RECV_ERROR, "HTTP"),
	/* A status that was cut off says nothing. */
	FAILED(CURLE_PARTIAL_FILE, "HTTP", .http = 200),
	FAILED(CURLE_OPERATION_TIMEDOUT, "DNS"),
	FAILED(CURLE_OPERATION_TIMEDOUT, "TCP", .resolved_us = 1),
	FAILED(CURLE_OPERATION_TIMEDOUT, "TLS", .resolved_us = 1, .connected_us = 2),
	FAILED(CURLE_OPERATION_TIMEDOUT, "HTTP", .resolved_us = 1, .connected_us = 2,
	       .secured_us = 3),
	/* It answers, a byte at a time. */
	FAILED(CURLE_OPERATION_TIMEDOUT, "HTTP", .resolved_us = 1, .connected_us = 2,
	       .secured_us = 3, .http = 200, .body = SLICE_LIT("x"), .times = 5),
};

static void failures_of_transport_name_the_step_and_come_again(void **state)
{
	aim("https://c:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	EXPECT(transport);
	aim("https://c:4317", OTLP_PROTOCOL_GRPC);
	EXPECT(transport);
}

#define HTTP(status_, verdict_, text_, wait_ms_, ...)                                              \
	{                                                                                          \
		.answer = { .http = (status_), __VA_ARGS__ }, .verdict = (verdict_),               \
		.step = "HTTP", .text = (text_), .wait_ms = (wait_ms_)                             \
	}

/* Status{13, "out of order"} */
#define STATUS SLICE_LIT("\x08\x0d\x12\x0cout of order")

static const struct expected http[] = {
	HTTP(400, SENDER_REFUSED, "status 400: out of order", -1, .body = STATUS),
	HTTP(400, SENDER_REFUSED, "status 400", -1),
	HTTP(429, SENDER_RETRY, "status 429", 2000, .headers = "Retry-After: 2\r\n"),
	HTTP(429, SENDER_RETRY, "status 429", -1, .headers = "Retry-After: soon\r\n"),
	HTTP(503, SENDER_RETRY, "status 503: out of order", -1, .body = STATUS),
	HTTP(502, SENDER_RETRY, "status 502", -1, .body = SLICE_LIT("<html>")),
	HTTP(301, SENDER_REFUSED, "status 301", -1, .headers = "Location: http://elsewhere\r\n"),
	/* Errors without end: the status stands all the same. */
	HTTP(503, SENDER_RETRY, "status 503", -1, .body = SLICE_LIT("\xff\xff"), .times = SIZE_MAX),
	HTTP(400, SENDER_REFUSED, "status 400", -1, .body = SLICE_LIT("<p>"), .times = SIZE_MAX),
};

#define TAKEN(...)                                                                                 \
	{                                                                                          \
		.answer = { .http = 200, __VA_ARGS__ }, .verdict = SENDER_EXPORTED, .step = "",    \
		.text = "", .wait_ms = -1                                                          \
	}

static const struct expected http_taken[] = {
	TAKEN(),
	TAKEN(.body = SLICE_LIT("\x0a\0")),
	/* The batch was taken, whatever the body holds. */
	TAKEN(.body = SLICE_LIT("\xff\xff\xff\xff")),
	TAKEN(.body = SLICE_LIT("<html>")),
	TAKEN(.body = SLICE_LIT("0123456789abcdef"), .times = 4096),
	TAKEN(.body = SLICE_LIT("0123456789abcdef"), .times = 4097),
	TAKEN(.body = SLICE_LIT("\x0a\x04\x08\x03\x12\0"), .times = SIZE_MAX),
};

static void http_answers(void **state)
{
	aim("http://c:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	EXPECT(http);
	EXPECT(http_taken);
}

/* Not a byte more than the limit is kept. */
static void a_long_answer_is_cut(void **state)
{
	const struct fake_answer endless = { .http = 200,
					     .body = SLICE_LIT("0123456789"),
					     .times = SIZE_MAX };

	aim("http://c:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	(void)begin();
	assert_int_equal(fake_play(fake_of(request.easy), &endless), CURLE_WRITE_ERROR);
	assert_int_equal(request.reply.len, SENDER_REPLY_MAX);
	assert_true(request.reply_cut);
	(void)finish(&(struct fake_answer){ .http = 200 });
}

#define TRAILERS(verdict_, text_, wait_ms_, ...)                                                   \
	{                                                                                          \
		.answer = { .http = 200, __VA_ARGS__ }, .verdict = (verdict_), .step = "gRPC",     \
		.text = (text_), .wait_ms = (wait_ms_)                                             \
	}

/* Status{8, "full", [Any{RetryInfo{Duration{2 s, 500 ms}}}]} */
#define RETRY_INFO                                                                                 \
	"grpc-status-details-bin: CAgSBGZ1bGwaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJl"    \
	"dHJ5SW5mbxIKCggIAhCAyrXuAQ\r\n"
#define EMPTY SLICE_LIT("\0\0\0\0\0")

static const struct expected grpc[] = {
	TRAILERS(SENDER_RETRY, "status 14 UNAVAILABLE: no room", -1,
		 .headers = "grpc-status: 14\r\ngrpc-message: no%20room\r\n"),
	TRAILERS(SENDER_RETRY, "status 8 RESOURCE_EXHAUSTED", 2500,
		 .headers = "grpc-status: 8\r\n" RETRY_INFO),
	TRAILERS(SENDER_REFUSED, "status 8 RESOURCE_EXHAUSTED", -1,
		 .headers = "grpc-status: 8\r\n"),
	TRAILERS(SENDER_REFUSED, "status 3 INVALID_ARGUMENT", -1, .headers = "grpc-status: 3\r\n"),
	TRAILERS(SENDER_REFUSED, "status 2 UNKNOWN", -1, .headers = "grpc-status: what\r\n"),
	/* The stream was reset, but after the trailers. */
	TRAILERS(SENDER_REFUSED, "status 3 INVALID_ARGUMENT", -1, .headers = "grpc-status: 3\r\n",
		 .code = CURLE_HTTP2_STREAM),
	/* Of a proxy: no trailers. */
	HTTP(503, SENDER_RETRY, "status 503 without a gRPC status", -1, .body = SLICE_LIT("<p>")),
	HTTP(429, SENDER_RETRY, "status 429 without a gRPC status", 3000,
	     .headers = "Retry-After: 3\r\n"),
	/* Whether it was taken stands after what has no end: once is better than twice. */
	HTTP(200, SENDER_REFUSED, "status 200 without a gRPC status", -1, .body = SLICE_LIT("x"),
	     .times = SIZE_MAX),
};

static const struct expected grpc_taken[] = {
	TAKEN(.headers = "grpc-status: 0\r\n", .body = EMPTY),
	TAKEN(.headers = "grpc-status: 0\r\n"),
	TAKEN(.headers = "grpc-status: 0\r\n", .body = EMPTY, .code = CURLE_HTTP2_STREAM),
	TAKEN(.headers = "grpc-status: 0\r\n", .body = SLICE_LIT("\0\0\0\xff\xff\x0a")),
	TAKEN(.headers = "grpc-status: 0\r\n", .body = SLICE_LIT("garbage")),
};

static void grpc_answers(void **state)
{
	aim("http://c:4317", OTLP_PROTOCOL_GRPC);
	EXPECT(grpc);
	EXPECT(grpc_taken);
}

static void expect_partial(struct slice body, const char *headers, const char *step,
			   uint64_t rejected, const char *text)
{
	const struct expected e = {
		.answer = { .http = 200, .headers = headers, .body = body },
		.verdict = SENDER_EXPORTED,
		.step = step,
		.text = text,
		.rejected = rejected,
		.wait_ms = -1,
	};

	expect(&e);
}

static void a_partial_success_is_told(void **state)
{
	aim("http://c:4318", OTLP_PROTOCOL_HTTP_PROTOBUF);
	expect_partial(SLICE_LIT("\x0a\x07\x08\x03\x12\x03old"), NULL, "HTTP", 3,
		       "partial success: old");
	/* A warning: all of it was taken. */
	expect_partial(SLICE_LIT("\x0a\x05\x12\x03old"), NULL, "HTTP", 0, "partial success: old");
	aim("http://c:4318", OTLP_PROTOCOL_HTTP_JSON);
	expect_partial(
		SLICE_LIT(
			"{\"partialSuccess\":{\"rejectedSpans\":\"3\",\"errorMessage\":\"old\"}}"),
		NULL, "HTTP", 3, "partial success: old");
	aim("http://c:4317", OTLP_PROTOCOL_GRPC);
	expect_partial(SLICE_LIT("\0\0\0\0\x09\x0a\x07\x08\x03\x12\x03old"), "grpc-status: 0\r\n",
		       "gRPC", 3, "partial success: old");
}

/* ---- Redirects ------------------------------------------------------------------- */

static const char *const token = "Authorization: secret";

static bool sends_token(const struct fake_easy *easy)
{
	for (size_t i = 0; i < easy->line_count; i++)
		if (!strcmp(easy->lines[i], token))
			return true;
	return false;
}

/* The answer sends it on; the fake handle of the next attempt, or NULL where it is not followed. */
static struct fake_easy *redirected(const char *to)
{
	const struct fake_answer answer = { .http = 307, .redirect = to };

	assert_int_equal(fake_play(fake_of(request.easy), &answer), CURLE_OK);
	(void)fake_multi_remove_handle(NULL, request.easy);
	if (!sender_request_redirects(&request, &target))
		return NULL;
	assert_int_equal(fake_multi_add_handle(NULL, request.easy), CURLM_OK);
	return fake_of(request.easy);
}

static struct fake_easy *begin_with_token(const char *endpoint, enum otlp_protocol protocol)
{
	aim(endpoint, protocol);
	target.headers.lines[0] = (char *)token;
	target.headers.count = 1;
	return begin();
}

static void redirect_gets_the_body_and_no_credentials(void **state)
{
	struct fake_easy *easy =
		begin_with_token("http://a:4318/v1/traces", OTLP_PROTOCOL_HTTP_PROTOBUF);
	struct slice body = easy->body;

	assert_true(sends_token(easy));
	easy = redirected("http://a:4318/there");
	assert_string_equal(easy->url, "http://a:4318/there");
	assert_true(slice_equal(easy->body, body));
	assert_true(sends_token(easy));
	easy = redirected("http://b:4318/there");
	assert_string_equal(easy->url, "http://b:4318/there");
	assert_true(slice_equal(easy->body, body));
	assert_false(sends_token(easy));
	assert_int_equal(finish(&(struct fake_answer){ .http = 200 }).verdict, SENDER_EXPORTED);
}

static void redirects_end(void **state)
{
	struct sender_outcome outcome;

	(void)begin_with_token("http://a:4318/v1/traces", OTLP_PROTOCOL_HTTP_JSON);
	for (int i = 0; i < 5; i++)
		assert_non_null(redirected("http://a:4318/v1/traces"));
	assert_null(redirected("http://a:4318/v1/traces"));
	assert_int_equal(fake_multi_add_handle(NULL, request.easy), CURLM_OK);
	outcome = finish(&(struct fake_answer){ .http = 307 });
	assert_int_equal(outcome.verdict, SENDER_REFUSED);
	assert_string_equal(outcome.text, "status 307: there are too many redirects");
}

static void redirect_of_grpc_is_an_answer(void **state)
{
	(void)begin_with_token("http://a:4317", OTLP_PROTOCOL_GRPC);
	assert_null(redirected("http://b:4317/x"));
	assert_int_equal(fake_multi_add_handle(NULL, request.easy), CURLM_OK);
	(void)finish(&(struct fake_answer){ .http = 307 });
}

int main(void)
{
#define T(test_) cmocka_unit_test_teardown(test_, close_request)
	const struct CMUnitTest tests[] = {
		T(grpc_asks_for_http2_and_trailers),
		T(an_old_libcurl_gets_a_connection_a_request),
		T(http_sends_the_message_without_its_frame),
		T(an_attempt_knows_nothing_of_the_one_before),
		T(what_cannot_be_mapped_is_given_back),
		T(a_cancelled_attempt_gives_its_batch_back),
		T(failures_of_transport_name_the_step_and_come_again),
		T(http_answers),
		T(a_long_answer_is_cut),
		T(grpc_answers),
		T(a_partial_success_is_told),
		T(redirect_gets_the_body_and_no_credentials),
		T(redirects_end),
		T(redirect_of_grpc_is_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
