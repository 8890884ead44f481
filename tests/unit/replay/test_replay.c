// SPDX-License-Identifier: Apache-2.0
/* Whole captures: every NAME.pcap or NAME.pcapng in tests/data/pcap gives the spans that
 * NAME.spans says (see make.py there). */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/address.h"
#include "guard.h"
#include "replay/replay.h"

#define DATA "tests/data/pcap"
#define EPOCH_NS 1700000000000000000ULL

struct text {
	char data[16384];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text->len += (size_t)vsnprintf(text->data + text->len, sizeof(text->data) - text->len,
				       format, args);
	va_end(args);
	assert_true(text->len < sizeof(text->data));
}

static void say_end(struct text *text, const uint8_t *addr, uint16_t port)
{
	char name[ADDRESS_TEXT_MAX];

	(void)address_format(addr, name);
	say(text, address_is_v4(addr) ? "%s:%u" : "[%s]:%u", name, port);
}

static void on_span(void *context, struct obi_span *span)
{
	struct text *text = context;

	assert_int_equal(span->kind, OBI_KIND_SERVER);
	assert_true(span->end_ns >= span->start_ns);
	say(text, "%d " SLICE_FMT " " SLICE_FMT SLICE_FMT "%s" SLICE_FMT " %lld>%lld [%llu..%llu] ",
	    span->op.http.status, SLICE_ARG(span->op.http.method), SLICE_ARG(span->op.http.host),
	    SLICE_ARG(span->op.http.path), span->op.http.query.len ? "?" : "",
	    SLICE_ARG(span->op.http.query), (long long)span->op.http.request_length,
	    (long long)span->op.http.response_length,
	    (unsigned long long)(span->start_ns - EPOCH_NS) / 1000,
	    (unsigned long long)(span->end_ns - EPOCH_NS) / 1000);
	say_end(text, span->peer_addr, span->peer_port);
	say(text, "->");
	say_end(text, span->host_addr, span->host_port);
	say(text, "%s\n", span->flags & OBI_SPAN_INCOMPLETE ? " incomplete" : "");
}

static void check_sums(struct replay *replay, struct replay_stats *ret_stats)
{
	uint64_t sum, kinds = 0;

	replay_stats(replay, ret_stats);
	sum = ret_stats->conns.spans + ret_stats->conns.pending;
	for (int i = 0; i < OBI_DROP_REASONS; i++)
		sum += ret_stats->conns.dropped[i];
	assert_int_equal(ret_stats->conns.requests, sum);
	for (int i = 0; i < PACKET_KINDS; i++)
		kinds += ret_stats->kinds[i];
	assert_int_equal(ret_stats->packets, kinds);
}

/* Replays bytes; what ended it, and the spans. */
static int replay_bytes(struct slice bytes, struct text *ret_text, struct replay_stats *ret_stats)
{
	struct replay_options options = {
		.max_connections = 256,
		.seed = 1,
		.sink = { .put = on_span, .context = ret_text },
	};
	struct replay *replay = replay_new(&options);
	struct capture *capture = capture_open_bytes(guarded(bytes));
	int err;

	ret_text->len = 0;
	ret_text->data[0] = 0;
	err = replay_capture(replay, capture);
	check_sums(replay, ret_stats);
	replay_flush(replay);
	check_sums(replay, ret_stats);
	assert_int_equal(ret_stats->conns.pending, 0);
	capture_close(capture);
	replay_free(replay);
	return err;
}

static struct slice read_file(const char *name, uint8_t *data, size_t room)
{
	char path[512];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), DATA "/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	got = read(fd, data, room);
	assert_true(got >= 0 && (size_t)got < room);
	close(fd);
	return slice_of(data, (size_t)got);
}

static uint8_t file[256 * 1024], wanted[16384];

/* Calls body for every capture. Returns how many there are. */
static int for_each_capture(void (*body)(const char *name, struct slice bytes))
{
	DIR *dir = opendir(DATA);
	struct dirent *entry;
	int count = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (!dot || strncmp(dot, ".pcap", 5) != 0)
			continue;
		body(entry->d_name, read_file(entry->d_name, file, sizeof(file)));
		count++;
	}
	closedir(dir);
	return count;
}

static void assert_spans(const char *name, struct slice bytes)
{
	char spans[300];
	struct replay_stats stats;
	struct text text;
	struct slice want;

	snprintf(spans, sizeof(spans), "%.*s.spans", (int)(strrchr(name, '.') - name), name);
	want = read_file(spans, wanted, sizeof(wanted));
	assert_int_equal(replay_bytes(bytes, &text, &stats), 0);
	if (!slice_equal(slice_of(text.data, text.len), want))
		fail_msg("%s: got\n%swant\n" SLICE_FMT, name, text.data, SLICE_ARG(want));
}

static void captures_give_the_spans_they_should(void **state)
{
	assert_true(for_each_capture(assert_spans) >= 12);
}

/* What a cut file holds is still replayed, and its end is said. */
static void cut_at_every_64_bytes(const char *name, struct slice bytes)
{
	struct replay_stats stats;
	struct text text;

	for (size_t len = 0; len < bytes.len && len < 8192; len += 64)
		(void)replay_bytes(slice_first(bytes, len), &text, &stats);
}

static void captures_cut_anywhere(void **state)
{
	(void)for_each_capture(cut_at_every_64_bytes);
}

static void cut_capture_gives_what_is_there(void **state)
{
	struct slice bytes = read_file("keepalive.pcap", file, sizeof(file));
	struct replay_stats stats;
	struct text text;

	assert_true(replay_bytes(slice_first(bytes, bytes.len - 150), &text, &stats) < 0);
	assert_int_equal(stats.conns.spans, 2);
}

static void lost_packets_are_counted(void **state)
{
	struct slice bytes = read_file("lost_packets.pcap", file, sizeof(file));
	struct replay_stats stats;
	struct text text;

	assert_int_equal(replay_bytes(bytes, &text, &stats), 0);
	assert_int_equal(stats.tcp.holes, 2);
	assert_int_equal(stats.conns.spans, 1);
	assert_int_equal(stats.conns.requests, 2 + stats.conns.dropped[OBI_DROP_NO_REQUEST]);
}

static void what_is_passed_over_is_counted(void **state)
{
	struct slice bytes = read_file("mixed_interfaces.pcapng", file, sizeof(file));
	struct replay_stats stats;
	struct text text;

	assert_int_equal(replay_bytes(bytes, &text, &stats), 0);
	assert_int_equal(stats.kinds[PACKET_NOT_IP], 1);
	assert_int_equal(stats.kinds[PACKET_NOT_TCP], 1);
	assert_int_equal(stats.kinds[PACKET_FRAGMENT], 1);
	assert_int_equal(stats.kinds[PACKET_TCP], 15);
	assert_int_equal(stats.tcp.connections, 3);
	assert_int_equal(stats.messages, 6);
}

static void keep_service(void *context, struct obi_span *span)
{
	*(struct obi_service *)context = *span->service;
}

static void services_are_named(void **state)
{
	static const char *const names[] = { NULL, "shop" };
	struct slice bytes = read_file("pipelined_ipv6_vlan.pcapng", file, sizeof(file));

	for (int i = 0; i < 2; i++) {
		struct obi_service service = { 0 };
		struct replay_options options = {
			.max_connections = 16,
			.service = names[i],
			.sink = { .put = keep_service, .context = &service },
		};
		struct replay *replay = replay_new(&options);
		struct capture *capture = capture_open_bytes(bytes);

		assert_int_equal(replay_capture(replay, capture), 0);
		replay_flush(replay); /* the capture has no acknowledgements */
		assert_string_equal(service.name, i ? "shop" : "[2001:db8::2]:80");
		assert_string_equal(service.instance, "[2001:db8::2]:80");
		capture_close(capture);
		replay_free(replay);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures_give_the_spans_they_should),
		cmocka_unit_test(captures_cut_anywhere),
		cmocka_unit_test(cut_capture_gives_what_is_there),
		cmocka_unit_test(lost_packets_are_counted),
		cmocka_unit_test(what_is_passed_over_is_counted),
		cmocka_unit_test(services_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
