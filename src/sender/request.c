// SPDX-License-Identifier: Apache-2.0
/*
 * OTLP/HTTP and OTLP/gRPC differ by a few headers, a frame of five bytes and where the status
 * stands (gRPC's PROTOCOL-HTTP2.md); libcurl hands trailers on like headers.
 */
#include "sender/request.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "otlp/reply.h"
#include "sender/body.h"
#include "sender/redirect.h"

#define USER_AGENT "OTel-OTLP-Exporter-C/" OBI_VERSION

/* ---- Callbacks ------------------------------------------------------------------- */

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
	struct sender_request *request = context;

	sender_status_header(&request->status, slice_of(data, size * count),
			     (int64_t)(clock_realtime_ns() / NSEC_PER_SEC));
	return size * count;
}

/* Anything but the full count ends the transfer. */
static size_t take_reply(char *data, size_t size, size_t count, void *context)
{
	struct sender_request *request = context;
	size_t len = size * count, room = SENDER_REPLY_MAX - request->reply.len;

	buffer_put(&request->reply, data, len < room ? len : room);
	if (len <= room)
		return len;
	request->reply_cut = true;
	return 0;
}

/* ---- Begin ----------------------------------------------------------------------- */

int sender_request_open(struct sender_request *request, const struct obi_curl *curl)
{
	*request = (struct sender_request){ .curl = curl };
	request->easy = curl->easy_init();
	return request->easy ? 0 : -ENOMEM;
}

void sender_request_close(struct sender_request *request)
{
	if (!request->easy)
		return;
	request->curl->easy_cleanup(request->easy);
	request->easy = NULL;
}

static int add_header(struct sender_request *request, const char *line)
{
	struct curl_slist *grown = request->curl->slist_append(request->headers, line);

	if (!grown)
		return -ENOMEM;
	request->headers = grown;
	return 0;
}

/* "name:" takes a header of libcurl's own away. */
static const char *const grpc_headers[] = { "Content-Type: application/grpc", "TE: trailers",
					    "Accept:", NULL };
static const char *const protobuf_headers[] = { "Content-Type: application/x-protobuf",
						"Expect:", NULL };
static const char *const json_headers[] = { "Content-Type: application/json", "Expect:", NULL };

/* configured: those of the configuration too, which may be credentials. */
static int add_headers(struct sender_request *request, const struct sender_target *target,
		       bool configured)
{
	bool gzip = target->options->compression == OTLP_COMPRESSION_GZIP, grpc;
	const char *const *lines = protobuf_headers;
	int error = 0;

	grpc = target->endpoint.protocol == OTLP_PROTOCOL_GRPC;
	if (grpc)
		lines = grpc_headers;
	else if (target->endpoint.protocol == OTLP_PROTOCOL_HTTP_JSON)
		lines = json_headers;
	for (; *lines && !error; lines++)
		error = add_header(request, *lines);
	if (gzip && !error)
		error = add_header(request,
				   grpc ? "grpc-encoding: gzip" : "Content-Encoding: gzip");
	for (size_t i = 0; configured && i < target->headers.count && !error; i++)
		error = add_header(request, target->headers.lines[i]);
	return error;
}

static void set_blob(const struct sender_request *request, CURLoption option,
		     const struct buffer *pem)
{
	struct curl_blob blob = { .data = pem->data, .len = pem->len, .flags = CURL_BLOB_NOCOPY };

	if (pem->len)
		request->curl->easy_setopt(request->easy, option, &blob);
}

static void set_tls(const struct sender_request *request, const struct sender_target *target,
		    bool credentials)
{
	const struct obi_curl *curl = request->curl;
	CURL *easy = request->easy;

	/* RFC 8996, whatever the library's own policy is. */
	curl->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl->easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (target->options->insecure_skip_verify) {
		curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	set_blob(request, CURLOPT_CAINFO_BLOB, &target->certificate);
	if (!credentials)
		return;
	set_blob(request, CURLOPT_SSLCERT_BLOB, &target->client_certificate);
	set_blob(request, CURLOPT_SSLKEY_BLOB, &target->client_key);
}

/* With TLS both sides agree on HTTP/2 (ALPN), as gRPC demands. */
static void set_grpc(const struct sender_request *request, bool tls)
{
	const struct obi_curl *curl = request->curl;
	CURL *easy = request->easy;

	curl->easy_setopt(
		easy, CURLOPT_HTTP_VERSION,
		(long)(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
	/* A proxy passes HTTP/2 on only through a tunnel. */
	curl->easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
	/* Before 8.0 the second request on such a connection fails (curl issue 10634). */
	if (!tls && !curl->reuses_h2c) {
		curl->easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
		curl->easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
}

static void set_endpoint(const struct sender_request *request, const struct sender_target *target)
{
	const struct otlp_endpoint *endpoint = &target->endpoint;
	const struct obi_curl *curl = request->curl;
	CURL *easy = request->easy;

	curl->easy_setopt(easy, CURLOPT_URL, request->url);
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	if (endpoint->socket[0] == '@')
		curl->easy_setopt(easy, CURLOPT_ABSTRACT_UNIX_SOCKET, endpoint->socket + 1);
	else if (endpoint->socket[0])
		curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint->socket);
	if (endpoint->socket[0])
		curl->easy_setopt(easy, CURLOPT_PROXY, "");
	if (endpoint->protocol == OTLP_PROTOCOL_GRPC)
		set_grpc(request, endpoint->tls);
}

static void set_all(struct sender_request *request, const struct sender_target *target,
		    bool credentials)
{
	const struct obi_curl *curl = request->curl;
	CURL *easy = request->easy;

	curl->easy_reset(easy);
	set_endpoint(request, target);
	set_tls(request, target, credentials);
	curl->easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl->easy_setopt(easy, CURLOPT_POST, 1L);
	curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data);
	curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	curl->easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl->easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
	curl->easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)target->options->timeout_ms);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)target->options->timeout_ms);
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* A resolver that hangs is left behind, not waited for. */
	curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl->easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, request);
}

static void expect_answer(struct sender_request *request)
{
	request->status = (struct sender_status){ .grpc = SENDER_NO_STATUS };
	request->reply.len = 0;
	request->reply_cut = false;
	request->connection = (struct sender_connection){ .fd = -1 };
	request->error[0] = '\0';
}

static void free_headers(struct sender_request *request)
{
	request->curl->slist_free_all(request->headers);
	request->headers = NULL;
}

static void release(struct sender_request *request)
{
	if (request->batch)
		sender_batch_unmap(request->batch, request->framed);
	buffer_free(&request->made);
	buffer_free(&request->reply);
	free_headers(request);
	request->framed = (struct slice){ 0 };
	request->batch = NULL;
}

int sender_request_begin(struct sender_request *request, const struct sender_target *target,
			 struct sender_batch *batch)
{
	int error = sender_batch_map(batch, &request->framed);

	if (error)
		return error;
	request->batch = batch;
	request->redirects = 0;
	request->not_followed = NULL;
	memcpy(request->url, target->endpoint.url, sizeof(request->url));
	expect_answer(request);
	error = sender_body_make(target->signal, target->endpoint.protocol,
				 (enum otlp_compression)target->options->compression,
				 request->framed, &request->made, &request->body);
	if (!error)
		error = add_headers(request, target, true);
	if (error)
		release(request);
	else
		set_all(request, target, true);
	return error;
}

/* ---- Redirects ------------------------------------------------------------------- */

/* From one that went to the endpoint itself credentials go along; who got none passes none on. */
static bool follow(struct sender_request *request, const struct sender_target *target,
		   const char *url)
{
	bool same;

	request->not_followed = sender_redirect_refused(target->endpoint.url, url, &same);
	if (!request->not_followed && strlen(url) >= sizeof(request->url))
		request->not_followed = "a redirect to a URL of such a length is not followed";
	if (!request->not_followed && request->redirects == SENDER_REDIRECTS_MAX)
		request->not_followed = "there are too many redirects";
	if (request->not_followed)
		return false;
	(void)snprintf(request->url, sizeof(request->url), "%s", url);
	request->redirects++;
	free_headers(request);
	if (add_headers(request, target, same)) {
		request->not_followed = "there is no memory to follow a redirect";
		return false;
	}
	expect_answer(request);
	set_all(request, target, same);
	return true;
}

bool sender_request_redirects(struct sender_request *request, const struct sender_target *target)
{
	char *url = NULL;
	long http = 0;

	request->curl->easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &http);
	if (!sender_redirect_is((int)http) || target->endpoint.protocol == OTLP_PROTOCOL_GRPC)
		return false;
	request->curl->easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &url);
	return url && follow(request, target, url);
}

/* ---- The connection -------------------------------------------------------------- */

/* What came in over it from its beginning, also what libcurl keeps to itself: extensions of chunks,
 * frames that mean nothing. Not of a Unix socket. */
static uint64_t received_by(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_bytes_received;
}

void sender_request_uses(struct sender_request *request, int fd)
{
	if (fd == request->connection.fd)
		return;
	request->connection.fd = fd;
	request->connection.before = fd < 0 ? 0 : received_by(fd);
}

bool sender_request_is_flooded(struct sender_request *request)
{
	const struct sender_connection *connection = &request->connection;
	long http = 0;

	if (connection->fd < 0 ||
	    received_by(connection->fd) - connection->before <= SENDER_RECEIVED_MAX)
		return false;
	request->curl->easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &http);
	/* With a status it is an answer, too long to be read; without one it is none. */
	request->reply_cut = http >= 200;
	(void)snprintf(request->error, sizeof(request->error), "more than %u KiB of an answer",
		       SENDER_RECEIVED_MAX >> 10);
	return true;
}

/* ---- End ------------------------------------------------------------------------- */

static curl_off_t time_of(const struct sender_request *request, CURLINFO info)
{
	curl_off_t us = 0;

	request->curl->easy_getinfo(request->easy, info, &us);
	return us;
}

/* How far did a transfer get that took too long? */
static const char *step_of_timeout(const struct sender_request *request,
				   const struct sender_target *target)
{
	bool named = !target->endpoint.socket[0];

	if (named && !time_of(request, CURLINFO_NAMELOOKUP_TIME_T))
		return "DNS";
	if (!time_of(request, CURLINFO_CONNECT_TIME_T))
		return "TCP";
	if (target->endpoint.tls && !time_of(request, CURLINFO_APPCONNECT_TIME_T))
		return "TLS";
	return "HTTP";
}

static const char *step_of(const struct sender_request *request, const struct sender_target *target,
			   CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "DNS";
	case CURLE_COULDNT_CONNECT:
		return "TCP";
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return "TLS";
	case CURLE_OPERATION_TIMEDOUT:
		return step_of_timeout(request, target);
	default:
		return "HTTP";
	}
}

static void tell(struct sender_outcome *outcome, const char *step, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct sender_outcome *outcome, const char *step, const char *format, ...)
{
	va_list args;

	outcome->step = step;
	va_start(args, format);
	(void)vsnprintf(outcome->text, sizeof(outcome->text), format, args);
	va_end(args);
}

/* What the body of an error says: OTLP/HTTP has a Status there, proxies have HTML. */
static void tell_http(const struct sender_request *request, enum otlp_reply_format format,
		      struct sender_outcome *outcome)
{
	struct slice body = slice_of(request->reply.data, request->reply.len);
	struct otlp_status status = { 0 };

	(void)otlp_status_read(format, body, &status);
	if (request->not_followed)
		tell(outcome, "HTTP", "status %d: %s", request->status.http, request->not_followed);
	else
		tell(outcome, "HTTP", "status %d%s%s", request->status.http,
		     status.message[0] ? ": " : "", status.message);
}

static void tell_grpc(const struct sender_status *status, struct sender_outcome *outcome)
{
	if (status->grpc == SENDER_NO_STATUS)
		tell(outcome, "HTTP", "status %d without a gRPC status", status->http);
	else
		tell(outcome, "gRPC", "status %d %s%s%s", status->grpc,
		     sender_status_name(status->grpc), status->message[0] ? ": " : "",
		     status->message);
}

static void read_partial_success(const struct sender_request *request, bool grpc,
				 enum otlp_reply_format format, struct sender_outcome *outcome)
{
	struct slice body = slice_of(request->reply.data, request->reply.len);
	struct otlp_reply reply = { 0 };

	if (grpc)
		body = sender_body_unframe(body);
	/* The batch was taken; an answer that cannot be read takes nothing back. */
	if (request->reply_cut || otlp_reply_read(format, body, &reply))
		return;
	outcome->rejected = reply.rejected;
	if (reply.rejected || reply.message[0])
		tell(outcome, grpc ? "gRPC" : "HTTP", "partial success: %s", reply.message);
}

static void judge(struct sender_request *request, const struct sender_target *target, CURLcode code,
		  struct sender_outcome *outcome)
{
	bool grpc = target->endpoint.protocol == OTLP_PROTOCOL_GRPC;
	enum otlp_reply_format format = target->endpoint.protocol == OTLP_PROTOCOL_HTTP_JSON
						? OTLP_REPLY_JSON
						: OTLP_REPLY_PROTOBUF;
	long http = 0;

	request->curl->easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &http);
	request->status.http = (int)http;
	/* A complete gRPC status counts, however the stream ended. */
	if (code != CURLE_OK && !request->reply_cut &&
	    !(grpc && request->status.grpc != SENDER_NO_STATUS)) {
		outcome->verdict = SENDER_RETRY;
		tell(outcome, step_of(request, target, code), "%s%s",
		     request->redirects ? "after a redirect: " : "",
		     request->error[0] ? request->error : request->curl->easy_strerror(code));
		return;
	}
	outcome->verdict = sender_status_verdict(&request->status, grpc);
	outcome->wait_given = request->status.retry_after;
	outcome->wait_ns = request->status.wait_ns;
	if (outcome->verdict == SENDER_EXPORTED)
		read_partial_success(request, grpc, format, outcome);
	else if (grpc)
		tell_grpc(&request->status, outcome);
	else
		tell_http(request, format, outcome);
}

struct sender_batch *sender_request_finish(struct sender_request *request,
					   const struct sender_target *target, CURLcode code,
					   struct sender_outcome *ret_outcome)
{
	struct sender_outcome outcome = { .step = "" };

	judge(request, target, code, &outcome);
	*ret_outcome = outcome;
	return sender_request_cancel(request);
}

struct sender_batch *sender_request_cancel(struct sender_request *request)
{
	struct sender_batch *batch = request->batch;

	release(request);
	return batch;
}
