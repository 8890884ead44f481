/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt to send one batch: an easy handle of libcurl that is used again and again. */
#ifndef OBI_SENDER_REQUEST_H
#define OBI_SENDER_REQUEST_H

#include "otlp/endpoint.h"
#include "sender/batch.h"
#include "sender/curl_api.h"
#include "sender/headers.h"
#include "sender/status.h"

#define SENDER_REPLY_MAX (64u << 10) /* that is kept */
/* From the connection, TLS and HTTP/2 with it: what a reader of 4 MiB may say about its windows
 * too.
 */
#define SENDER_RECEIVED_MAX (512u << 10)

/* Where the batches of a signal go. */
struct sender_target {
	enum otlp_signal signal;
	struct otlp_endpoint endpoint;
	const struct obi_otlp_target_options *options;
	struct sender_headers headers;
	/* PEM, read before the sandbox closed; empty where not configured. */
	struct buffer certificate, client_certificate, client_key;
};

struct sender_connection {
	int fd;          /* -1: none yet */
	uint64_t before; /* bytes that it had brought when the request began */
};

struct sender_request {
	const struct obi_curl *curl;
	CURL *easy;
	struct curl_slist *headers;
	struct sender_batch *batch; /* NULL: idle */
	struct slice framed;
	struct buffer made;
	struct buffer reply;
	bool reply_cut;
	unsigned redirects;       /* followed, for this batch */
	const char *not_followed; /* why the last one is not; NULL: there was none */
	char url[OTLP_URL_MAX];   /* where it goes now */
	struct slice body;
	struct sender_connection connection;
	struct sender_status status;
	char error[CURL_ERROR_SIZE];
};

/* What became of it. */
struct sender_outcome {
	enum sender_verdict verdict;
	uint64_t rejected; /* items, of those of an exported batch */
	const char *step;  /* that failed: "DNS", "TCP", "TLS", "HTTP", "gRPC"...; "" = none */
	char text[320];    /* why; "" = nothing to tell */
	uint64_t wait_ns;  /* the collector's wish */
	bool wait_given;
};

/* 0 or -ENOMEM. The api must outlive it. */
int sender_request_open(struct sender_request *request, const struct obi_curl *curl);
void sender_request_close(struct sender_request *request);

/* Prepares the attempt; the caller adds request->easy to its multi handle. The batch stays the
 * request's until sender_request_finish() or sender_request_cancel() returns it. 0, or a negative
 * errno: nothing has begun then, and the batch is the caller's. */
int sender_request_begin(struct sender_request *request, const struct sender_target *target,
			 struct sender_batch *batch);

/* libcurl uses this descriptor for it; -1: no more. */
void sender_request_uses(struct sender_request *request, int fd);

/* Did more come in than any answer has? Then it is to be ended with CURLE_RECV_ERROR. */
bool sender_request_is_flooded(struct sender_request *request);

/* The transfer ended with an answer; request->easy was removed from the multi handle. Does that
 * send it to another place? Then it is prepared as by sender_request_begin(). */
bool sender_request_redirects(struct sender_request *request, const struct sender_target *target);

/* The transfer ended with this code; request->easy was removed from the multi handle. */
struct sender_batch *sender_request_finish(struct sender_request *request,
					   const struct sender_target *target, CURLcode code,
					   struct sender_outcome *ret_outcome);

/* Gives it up; request->easy was removed from the multi handle. */
struct sender_batch *sender_request_cancel(struct sender_request *request);

#endif
