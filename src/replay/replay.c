// SPDX-License-Identifier: Apache-2.0
/*
 * The glue: capture → packet → reassembly → tap → conn → span. Every service that is met is kept
 * by the address it listens on, and its number stands where the kernel writes a process id.
 */
#include "replay/replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "protocol/protocol.h"
#include "replay/tap.h"

#define SERVICES_MAX 4096 /* power of two */
#define HELD_BYTES (16u << 20)
#define TICK_NS 10000000ULL

struct named_service {
	struct packet_end end;
	struct obi_service service;
};

struct replay {
	struct replay_options options;
	struct obi_conns *conns;
	struct reassembly *tcp;
	struct tap_sink tap_sink;
	struct obi_board_slot *board;
	struct named_service **services; /* open addressing by end; pid is the place + 1 */
	size_t service_count;
	uint64_t taps; /* opened so far */
	uint64_t random;
	uint64_t tick_ns; /* when the next one is due */
	struct replay_stats stats;
};

/* ---- Services ------------------------------------------------------------------------------ */

static void name_service(struct obi_service *service, const struct packet_end *end,
			 const char *name)
{
	char addr[ADDRESS_TEXT_MAX];

	(void)address_format(end->addr, addr);
	(void)snprintf(service->instance, sizeof(service->instance),
		       address_is_v4(end->addr) ? "%s:%u" : "[%s]:%u", addr, end->port);
	(void)snprintf(service->name, sizeof(service->name), "%.*s", (int)sizeof(service->name) - 1,
		       name ? name : service->instance);
	(void)snprintf(service->language, sizeof(service->language), "generic");
}

/* Where the service that listens there stands or would stand. */
static uint32_t service_place(const struct replay *replay, const struct packet_end *end)
{
	uint64_t hash = end->port;
	uint32_t i;

	for (size_t k = 0; k < sizeof(end->addr); k++)
		hash = (hash ^ end->addr[k]) * 0x100000001b3ULL; /* FNV-1a */
	for (i = hash & (SERVICES_MAX - 1); replay->services[i]; i = (i + 1) & (SERVICES_MAX - 1)) {
		const struct packet_end *other = &replay->services[i]->end;

		if (other->port == end->port && memcmp(other->addr, end->addr, 16) == 0)
			break;
	}
	return i;
}

/* The number of the service that listens there; 0 where there is no room for it. */
static uint32_t service_number(struct replay *replay, const struct packet_end *end)
{
	uint32_t i = service_place(replay, end);

	if (!replay->services[i]) {
		if (replay->service_count == SERVICES_MAX - 1)
			return 0;
		replay->services[i] = calloc(1, sizeof(*replay->services[i]));
		if (!replay->services[i])
			return 0;
		replay->service_count++;
		replay->services[i]->end = *end;
		name_service(&replay->services[i]->service, end, replay->options.service);
		if (replay->options.service_met)
			replay->options.service_met(replay->options.context,
						    &replay->services[i]->service);
	}
	return i + 1;
}

/* Spans of those that found no room are counted as of no service. */
static const struct obi_service *find_service(void *context, uint32_t pid)
{
	const struct replay *replay = context;

	return pid ? &replay->services[pid - 1]->service : NULL;
}

/* splitmix64, public domain, Sebastiano Vigna */
static uint64_t next_random(struct replay *replay)
{
	uint64_t z = replay->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void fill_random(void *context, void *bytes, size_t len)
{
	uint8_t *at = bytes;
	uint64_t value;

	for (; len >= sizeof(value); len -= sizeof(value), at += sizeof(value)) {
		value = next_random(context);
		memcpy(at, &value, sizeof(value));
	}
	if (len) {
		value = next_random(context);
		memcpy(at, &value, len);
	}
}

/* ---- From connections to records ----------------------------------------------------------- */

static void on_record(void *context, const struct obi_record *record, size_t size)
{
	struct replay *replay = context;

	replay->stats.messages += record->type == OBI_RECORD_MESSAGE;
	(void)obi_conns_put(replay->conns, record, size); /* tap.c writes none that it refuses */
}

static void on_open(void *context, void *state, const struct packet_end ends[2], int client)
{
	struct replay *replay = context;

	tap_open(state, ++replay->taps, ends, client);
}

static void on_data(void *context, void *state, int from, struct slice bytes, uint64_t len,
		    uint64_t time_ns)
{
	struct replay *replay = context;
	struct tap *tap = state;

	if (!tap_orient(tap, from, bytes)) {
		replay->stats.unoriented_bytes += len;
		return;
	}
	if (!tap->pid)
		tap->pid = service_number(replay, &tap->ends[tap->server]);
	tap_data(tap, &replay->tap_sink, from, bytes, len, time_ns);
}

static void on_fin(void *context, void *state, int from, uint64_t time_ns)
{
	struct replay *replay = context;

	tap_fin(state, &replay->tap_sink, from, time_ns);
}

static void on_close(void *context, void *state, bool reset, uint64_t time_ns)
{
	struct replay *replay = context;

	tap_close(state, &replay->tap_sink, reset, time_ns);
}

/* ---- Life ---------------------------------------------------------------------------------- */

static struct obi_conns *make_conns(struct replay *replay)
{
	struct obi_conns_options options = {
		.max_connections = replay->options.max_connections,
		/* No limits of time: a capture has an end, and tells every last byte. */
		.service = find_service,
		.board = replay->board,
		.protocols = obi_protocols,
		.context = replay,
		.sink = replay->options.sink,
		.random = fill_random,
	};

	return obi_conns_new(&options);
}

static struct reassembly *make_reassembly(struct replay *replay)
{
	struct reassembly_limits limits = {
		.connections = replay->options.max_connections,
		.held_bytes = HELD_BYTES,
	};
	struct reassembly_sink sink = {
		.context = replay,
		.state_size = sizeof(struct tap),
		.open = on_open,
		.data = on_data,
		.fin = on_fin,
		.close = on_close,
	};

	return reassembly_new(&limits, &sink);
}

struct replay *replay_new(const struct replay_options *options)
{
	struct replay *replay = calloc(1, sizeof(*replay));

	if (!replay)
		return NULL;
	replay->options = *options;
	replay->random = options->seed;
	replay->board = calloc(OBI_BOARD_SLOTS, sizeof(*replay->board));
	replay->services = calloc(SERVICES_MAX, sizeof(struct named_service *));
	replay->tap_sink.context = replay;
	replay->tap_sink.put = on_record;
	replay->tap_sink.board = replay->board;
	replay->conns = make_conns(replay);
	replay->tcp = make_reassembly(replay);
	if (!replay->board || !replay->services || !replay->conns || !replay->tcp) {
		replay_free(replay);
		return NULL;
	}
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	reassembly_free(replay->tcp);
	obi_conns_free(replay->conns);
	for (size_t i = 0; replay->services && i < SERVICES_MAX; i++)
		free(replay->services[i]);
	free(replay->services);
	free(replay->board);
	free(replay);
}

void replay_packet(struct replay *replay, const struct capture_packet *packet)
{
	struct packet tcp;
	enum packet_kind kind = packet_decode(packet->link, packet->bytes, packet->length, &tcp);

	replay->stats.packets++;
	replay->stats.kinds[kind]++;
	if (kind == PACKET_TCP)
		reassembly_put(replay->tcp, &tcp, packet->time_ns);
	if (packet->time_ns >= replay->tick_ns) {
		obi_conns_tick(replay->conns, packet->time_ns);
		replay->tick_ns = packet->time_ns + TICK_NS;
	}
}

int replay_capture(struct replay *replay, struct capture *capture)
{
	struct capture_packet packet;
	int got;

	while ((got = capture_next(capture, &packet)) == 1)
		replay_packet(replay, &packet);
	return got;
}

void replay_flush(struct replay *replay)
{
	reassembly_flush(replay->tcp);
	obi_conns_flush(replay->conns);
}

void replay_stats(const struct replay *replay, struct replay_stats *ret_stats)
{
	*ret_stats = replay->stats;
	reassembly_stats(replay->tcp, &ret_stats->tcp);
	obi_conns_stats(replay->conns, &ret_stats->conns);
}
