// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's encoders and decoders for tests to call:
 *
 *   otlp_tool spans SEED COUNT DIRECTORY     random spans: inputs.json, request.bin, request.json
 *   otlp_tool json traces|metrics FILE       a request as OTLP/JSON
 *   otlp_tool reply protobuf|json FILE       an answer: "rejected=N message=TEXT"
 *
 * Texts in inputs.json are hexadecimal, since they need not be UTF-8.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "otlp/json.h"
#include "otlp/reply.h"
#include "otlp/spans.h"
#include "settings/settings.h"

#define SERVICES 12
#define TEXT_ROOM 8192

/* ---- Random things ---- */

static uint64_t seed;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t next(void)
{
	uint64_t z = seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t below(uint64_t bound)
{
	return next() % bound;
}

static bool one_in(uint64_t n)
{
	return below(n) == 0;
}

/* What a text is made of: a plain letter mostly, any character of each length, any byte. */
static size_t next_character(uint8_t *to)
{
	static const struct {
		uint8_t len;
		uint8_t bytes[4];
	} others[] = {
		{ 2, { 0xc3, 0xbc } },
		{ 3, { 0xe2, 0x82, 0xac } },
		{ 4, { 0xf0, 0x9f, 0x98, 0x80 } },
		{ 1, { '"' } },
		{ 1, { '\\' } },
		{ 1, { '\n' } },
		{ 1, { 0x7f } },
		{ 3, { 0xed, 0xa0, 0x80 } }, /* half of a pair of UTF-16 */
		{ 1, { 0xc0 } },
		{ 4, { 0xf4, 0x90, 0x80, 0x80 } }, /* beyond U+10FFFF */
	};
	size_t other = below(ARRAY_SIZE(others));

	if (!one_in(6)) {
		*to = (uint8_t)('a' + below(26));
		return 1;
	}
	if (one_in(4)) {
		*to = (uint8_t)(1 + below(255));
		return 1;
	}
	memcpy(to, others[other].bytes, others[other].len);
	return others[other].len;
}

/* Of at most so many bytes. dirty: it may be no UTF-8. */
static struct slice next_text(uint8_t *room, size_t most, bool dirty)
{
	size_t len = below(most + 1), used = 0;

	while (used + 4 <= len) {
		if (dirty)
			used += next_character(room + used);
		else
			room[used++] = (uint8_t)('a' + below(26));
	}
	return slice_of(room, used);
}

static void next_cstr(char *to, size_t size, bool dirty)
{
	struct slice text = next_text((uint8_t *)to, size - 1, dirty);

	to[text.len] = '\0';
}

/* ---- Services and spans ---- */

static struct obi_service services[SERVICES];

static void make_services(void)
{
	for (unsigned i = 0; i < SERVICES; i++) {
		struct obi_service *service = &services[i];

		service->pid = (uint32_t)(1 + below(SERVICES));
		service->name[0] = 's';
		next_cstr(service->name + 1, sizeof(service->name) - 1, one_in(2));
		if (one_in(2))
			next_cstr(service->name_space, sizeof(service->name_space), one_in(2));
		(void)snprintf(service->language, sizeof(service->language), "go");
		(void)snprintf(service->instance, sizeof(service->instance), "host%u:%u", i,
			       service->pid);
		if (one_in(2))
			(void)snprintf(service->resource_attributes,
				       sizeof(service->resource_attributes),
				       "a=%u,service.version=v%%2F%u,a=%u,host.id=x", i, i, i + 1);
	}
}

struct texts {
	uint8_t method[TEXT_ROOM], path[TEXT_ROOM], query[TEXT_ROOM], route[TEXT_ROOM],
		host[TEXT_ROOM], peer_name[TEXT_ROOM], host_name[TEXT_ROOM];
};

static size_t next_size(void)
{
	return one_in(40) ? 6000 : one_in(10) ? 300 : 24;
}

static void set_texts(struct texts *texts, struct obi_span *span)
{
	span->op.http.method = next_text(texts->method, one_in(20) ? 5000 : 8, one_in(4));
	span->op.http.path = next_text(texts->path, next_size(), one_in(2));
	span->op.http.query =
		one_in(2) ? next_text(texts->query, next_size(), one_in(2)) : slice_of(NULL, 0);
	span->op.http.route =
		one_in(2) ? next_text(texts->route, next_size(), one_in(2)) : slice_of(NULL, 0);
	span->op.http.scheme =
		one_in(8) ? slice_of(NULL, 0) : slice_cstr(one_in(2) ? "http" : "https");
	span->op.http.host = one_in(2) ? next_text(texts->host, 40, one_in(4)) : slice_of(NULL, 0);
	span->peer_name = next_text(texts->peer_name, 40, one_in(4));
	span->host_name = next_text(texts->host_name, 40, one_in(4));
}

static void set_bytes(uint8_t *bytes, size_t len, bool zero)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = zero ? 0 : (uint8_t)next();
}

static void set_times(struct obi_span *span)
{
	span->start_ns = 1795534176432936000 + below(1000000000000);
	span->request_start_ns = span->start_ns;
	if (one_in(4))
		span->request_start_ns -= below(1000000);
	else if (one_in(10))
		span->request_start_ns = one_in(2) ? 0 : span->start_ns + below(1000);
	span->end_ns = span->start_ns + below(one_in(10) ? 3 : 10000000000);
	if (one_in(20))
		span->end_ns = span->start_ns - below(1000000);
}

static void set_span(struct texts *texts, struct obi_span *span)
{
	static const int statuses[] = { 0, 100, 200, 204, 301, 399, 400, 404, 499, 500, 503, 999 };

	*span = (struct obi_span){
		.system = &obi_system_http,
		.kind = (enum obi_span_kind)below(OBI_SPAN_SIDES),
		.op.http.status = statuses[below(ARRAY_SIZE(statuses))],
		.op.http.request_length = one_in(3) ? -1 : (int64_t)(next() >> (1 + below(63))),
		.op.http.response_length = one_in(3) ? -1 : (int64_t)(next() >> (1 + below(63))),
		.peer_port = (uint16_t)next(),
		.host_port = one_in(10) ? 0 : (uint16_t)next(),
		.service = &services[below(SERVICES)],
	};
	set_times(span);
	set_texts(texts, span);
	set_bytes(span->host_addr, sizeof(span->host_addr), one_in(8));
	if (one_in(2))
		memcpy(span->host_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	set_bytes(span->trace.trace_id, sizeof(span->trace.trace_id), one_in(8));
	set_bytes(span->trace.span_id, sizeof(span->trace.span_id), one_in(8));
	set_bytes(span->trace.parent_id, sizeof(span->trace.parent_id), one_in(2));
	span->trace.trace_flags = (uint8_t)next();
}

/* ---- Their description ---- */

static void put_key(struct buffer *buf, const char *key)
{
	buffer_printf(buf, "%s\"%s\":", buf->data[buf->len - 1] == '{' ? "" : ",", key);
}

static void put_hex(struct buffer *buf, const char *key, struct slice bytes)
{
	put_key(buf, key);
	buffer_put_char(buf, '"');
	buffer_put_hex(buf, bytes.data, bytes.len);
	buffer_put_char(buf, '"');
}

static void put_text(struct buffer *buf, const char *key, const char *text)
{
	put_hex(buf, key, slice_cstr(text));
}

static void put_number(struct buffer *buf, const char *key, int64_t value)
{
	put_key(buf, key);
	buffer_printf(buf, "\"%lld\"", (long long)value);
}

static void put_service(struct buffer *buf, const struct obi_service *service)
{
	put_key(buf, "service");
	buffer_put_char(buf, '{');
	put_number(buf, "pid", service->pid);
	put_text(buf, "name", service->name);
	put_text(buf, "nameSpace", service->name_space);
	put_text(buf, "language", service->language);
	put_text(buf, "instance", service->instance);
	put_text(buf, "resourceAttributes", service->resource_attributes);
	buffer_put_char(buf, '}');
}

static void put_span(struct buffer *buf, const struct obi_span *span)
{
	buffer_put_char(buf, '{');
	put_number(buf, "type", span->kind);
	put_number(buf, "requestStart", (int64_t)span->request_start_ns);
	put_number(buf, "start", (int64_t)span->start_ns);
	put_number(buf, "end", (int64_t)span->end_ns);
	put_number(buf, "status", span->op.http.status);
	put_number(buf, "requestLength", span->op.http.request_length);
	put_number(buf, "responseLength", span->op.http.response_length);
	put_hex(buf, "method", span->op.http.method);
	put_hex(buf, "path", span->op.http.path);
	put_hex(buf, "query", span->op.http.query);
	put_hex(buf, "route", span->op.http.route);
	put_hex(buf, "scheme", span->op.http.scheme);
	put_hex(buf, "hostHeader", span->op.http.host);
	put_hex(buf, "peerName", span->peer_name);
	put_hex(buf, "hostName", span->host_name);
	put_hex(buf, "hostAddress", slice_of(span->host_addr, sizeof(span->host_addr)));
	put_number(buf, "hostPort", span->host_port);
	put_hex(buf, "traceId", slice_of(span->trace.trace_id, sizeof(span->trace.trace_id)));
	put_hex(buf, "spanId", slice_of(span->trace.span_id, sizeof(span->trace.span_id)));
	put_hex(buf, "parentId", slice_of(span->trace.parent_id, sizeof(span->trace.parent_id)));
	put_number(buf, "traceFlags", span->trace.trace_flags);
	put_service(buf, span->service);
	buffer_put_char(buf, '}');
}

/* ---- Verbs ---- */

static void die(const char *what)
{
	(void)fprintf(stderr, "otlp_tool: %s\n", what);
	exit(1);
}

static void write_file(const char *directory, const char *name, struct buffer *buf)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	if (buf->failed || !file || fwrite(buf->data, 1, buf->len, file) != buf->len ||
	    fclose(file))
		die(path);
	buffer_free(buf);
}

static struct otlp_spans *open_batch(struct obi_settings *settings, bool query, bool skip)
{
	struct otlp_spans *batch;
	struct obi_error error;
	char *env[] = { NULL };
	char yaml[256];

	(void)snprintf(yaml, sizeof(yaml),
		       "metrics: { features: [%s] }\n"
		       "attributes: { select: { traces: { %s: [url.query] } } }\n",
		       skip ? "application_span" : "application", query ? "include" : "exclude");
	if (obi_settings_load_text("test", slice_cstr(yaml), env, settings, &error))
		die(error.text);
	if (otlp_spans_new(settings, &batch))
		die("no memory");
	return batch;
}

static void make_request(uint64_t first_seed, uint64_t count, const char *directory)
{
	struct buffer inputs = { 0 }, request = { 0 }, json = { 0 };
	bool query = first_seed & 1, skip = first_seed & 2;
	struct obi_settings settings;
	struct otlp_spans *batch = open_batch(&settings, query, skip);
	static struct texts texts;
	struct otlp_faults faults;

	seed = first_seed;
	make_services();
	buffer_printf(&inputs, "{\"query\":%s,\"skip\":%s,\"spans\":[", query ? "true" : "false",
		      skip ? "true" : "false");
	for (uint64_t i = 0; i < count; i++) {
		struct obi_span span;

		set_span(&texts, &span);
		buffer_put_cstr(&inputs, i ? ",\n" : "\n");
		put_span(&inputs, &span);
		if (otlp_spans_put(batch, &span))
			die("no memory");
	}
	faults = otlp_spans_faults(batch);
	buffer_printf(&inputs, "],\n\"replaced\":%u,\"cut\":%u}\n", faults.replaced, faults.cut);
	if (otlp_spans_take(batch, &request) ||
	    otlp_json_put(OTLP_TRACES, slice_of(request.data, request.len), OTLP_JSON_COMPACT,
			  &json))
		die("no request");
	write_file(directory, "inputs.json", &inputs);
	write_file(directory, "request.bin", &request);
	write_file(directory, "request.json", &json);
	otlp_spans_free(batch);
	obi_settings_free(&settings);
}

static void read_file(const char *path, struct buffer *buf)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char piece[4096];
	size_t n;

	if (!file)
		die(path);
	while ((n = fread(piece, 1, sizeof(piece), file)))
		buffer_put(buf, piece, n);
}

static void print_json(const char *signal, const char *path)
{
	enum otlp_signal which = strcmp(signal, "traces") == 0 ? OTLP_TRACES : OTLP_METRICS;
	struct buffer request = { 0 }, json = { 0 };

	read_file(path, &request);
	if (otlp_json_put(which, slice_of(request.data, request.len), OTLP_JSON_PRETTY, &json))
		die("no request");
	(void)fwrite(json.data, 1, json.len, stdout);
	buffer_free(&request);
	buffer_free(&json);
}

static void print_reply(const char *format, const char *path)
{
	enum otlp_reply_format which =
		strcmp(format, "json") == 0 ? OTLP_REPLY_JSON : OTLP_REPLY_PROTOBUF;
	struct buffer body = { 0 };
	struct otlp_reply reply;

	read_file(path, &body);
	if (otlp_reply_read(which, slice_of(body.data, body.len), &reply))
		die("no reply");
	printf("rejected=%llu message=%s\n", (unsigned long long)reply.rejected, reply.message);
	buffer_free(&body);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "spans") == 0)
		make_request(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), argv[4]);
	else if (argc == 4 && strcmp(argv[1], "json") == 0)
		print_json(argv[2], argv[3]);
	else if (argc == 4 && strcmp(argv[1], "reply") == 0)
		print_reply(argv[2], argv[3]);
	else
		die("see the beginning of tests/otlp/otlp_tool.c");
	return 0;
}
