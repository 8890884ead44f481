// SPDX-License-Identifier: Apache-2.0
/*
 * The worker's way of a message, alone: records as the kernel writes them go through the
 * connections and the parser, and come out as spans. Nothing is read, printed or counted.
 *
 *   messages EXCHANGES short|browser
 *
 * short: what wrk sends; browser: the headers of a browser. Prints
 * "messages=N spans=N ns=N bytes=N head=N": the CPU time of the loop alone, the bytes of the heads
 * that went through, and those of one request.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cpu.h"
#include "conn/conn.h"
#include "protocol/protocol.h"

#define CONNECTIONS 64
#define EXCHANGE_NS 20000

static const char short_request[] = "GET /users/123 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
static const char browser_request[] =
	"GET /wp-content/uploads/2010/03/hello-kitty-darth-vader-pink.jpg HTTP/1.1\r\n"
	"Host: www.example.org\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
	"Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
	"Accept-Encoding: gzip, deflate, br\r\n"
	"Referer: https://www.example.org/gallery/2010/03/index.html\r\n"
	"Connection: keep-alive\r\n"
	"Cookie: wp_ozh_wsa_visits=2; wp_ozh_wsa_visit_lasttime=1733834129; "
	"__utma=xxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.xxxxxxxxxx.x; "
	"__utmz=xxxxxxxxx.xxxxxxxxxx.x.x.utmccn=(referral)|utmcsr=reader.example.org\r\n"
	"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
	"\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\n"
			       "Server: nginx/1.22.1\r\n"
			       "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n"
			       "Content-Type: text/plain\r\n"
			       "Content-Length: 6\r\n"
			       "Connection: keep-alive\r\n"
			       "\r\n"
			       "hello\n";

static struct obi_service service = { .pid = 1, .name = "bench", .instance = "bench:1" };
static unsigned long long spans;

static const struct obi_service *find_service(void *context, uint32_t pid)
{
	return &service;
}

static void count_span(void *context, struct obi_span *span)
{
	spans += span->op.http.status == 200;
}

static void no_random(void *context, void *bytes, size_t len)
{
	memset(bytes, 1, len);
}

struct message {
	struct obi_record record;
	char head[OBI_HEAD_MAX];
};

static size_t set_message(struct message *message, const char *text, size_t len, uint8_t direction)
{
	struct obi_record *record = &message->record;
	uint8_t loopback[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };

	record->type = OBI_RECORD_MESSAGE;
	record->direction = direction;
	record->side = OBI_SIDE_ACCEPTED;
	record->bytes = len;
	record->pid = record->tid = 1;
	record->tuple.local_port = 8080;
	record->tuple.remote_port = 40000;
	memcpy(record->tuple.local_addr, loopback, sizeof(loopback));
	memcpy(record->tuple.remote_addr, loopback, sizeof(loopback));
	record->head_len = (uint32_t)len;
	memcpy(message->head, text, len);
	return sizeof(*record) + len;
}

static void put(struct obi_conns *conns, struct message *message, size_t size, unsigned long long i,
		uint64_t before)
{
	struct obi_record *record = &message->record;

	record->conn = 1 + i % CONNECTIONS;
	record->message = (uint32_t)(1 + 2 * (i / CONNECTIONS) + (record->direction == OBI_SEND));
	record->time_ns =
		(i + 1) * EXCHANGE_NS + (record->direction == OBI_SEND ? EXCHANGE_NS / 2 : 0);
	record->total_bytes = record->message > 1 ? before : 0;
	record->last_ns = record->time_ns - EXCHANGE_NS / 2;
	(void)obi_conns_put(conns, record, size);
}

int main(int argc, char **argv)
{
	static struct message request, reply;
	unsigned long long exchanges = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	bool browser = argc > 2 && strcmp(argv[2], "browser") == 0;
	size_t head = browser ? sizeof(browser_request) - 1 : sizeof(short_request) - 1;
	size_t request_size =
		set_message(&request, browser ? browser_request : short_request, head, OBI_RECV);
	size_t reply_size = set_message(&reply, response, sizeof(response) - 1, OBI_SEND);
	struct obi_conns_options options = { .protocols = obi_protocols,
					     .max_connections = 1024,
					     .idle_ns = 1000000000ULL,
					     .service = find_service,
					     .sink = { .put = count_span },
					     .random = no_random };
	struct obi_conns *conns = obi_conns_new(&options);
	unsigned long long start = cpu_ns();

	if (!conns)
		return 1;
	for (unsigned long long i = 0; i < exchanges; i++) {
		put(conns, &request, request_size, i, sizeof(response) - 1);
		put(conns, &reply, reply_size, i, head);
	}
	start = cpu_ns() - start;
	obi_conns_flush(conns);
	printf("messages=%llu spans=%llu ns=%llu bytes=%llu head=%zu\n", 2 * exchanges, spans,
	       start, exchanges * (head + sizeof(response) - 1), head);
	obi_conns_free(conns);
	return 0;
}
