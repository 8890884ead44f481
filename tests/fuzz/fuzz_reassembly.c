// SPDX-License-Identifier: Apache-2.0
/*
 * TCP segments made of the input, 8 bytes each: of two connections, in any order, with any gaps.
 * What must hold: of each end, the bytes that were seen stand where their sequence numbers say,
 * nothing comes after the end, and nothing comes twice.
 */
#include <stdlib.h>

#include "replay/reassembly.h"

struct seen {
	uint32_t opened;
	uint32_t at[2];   /* bytes from each end so far */
	uint8_t phase[2]; /* of the first byte that was seen, less its place */
	uint8_t any[2];
	uint8_t fin[2];
	uint8_t closed;
};

static void on_open(void *context, void *state, const struct packet_end ends[2], int client)
{
	struct seen *seen = state;

	if (seen->opened || client < 0 || client > REASSEMBLY_END_UNKNOWN)
		abort();
	seen->opened = 1;
}

static void on_data(void *context, void *state, int from, struct slice bytes, uint64_t len,
		    uint64_t time_ns)
{
	struct seen *seen = state;

	if (!seen->opened || seen->closed || seen->fin[from] || len == 0 || bytes.len > len)
		abort();
	/* Every byte is the low one of its sequence number. */
	if (!seen->any[from] && bytes.len) {
		seen->any[from] = 1;
		seen->phase[from] = (uint8_t)(bytes.data[0] - seen->at[from]);
	}
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] != (uint8_t)(seen->phase[from] + seen->at[from] + i))
			abort();
	seen->at[from] += (uint32_t)len;
}

static void on_fin(void *context, void *state, int from, uint64_t time_ns)
{
	struct seen *seen = state;

	if (seen->closed || seen->fin[from]++)
		abort();
}

static void on_close(void *context, void *state, bool reset, uint64_t time_ns)
{
	struct seen *seen = state;

	if (!seen->opened || seen->closed++)
		abort();
}

/* flags, which, sequence (2), length, captured, acknowledgement (2) */
static void put_segment(struct reassembly *tcp, const uint8_t *p, uint32_t isn, uint64_t time_ns)
{
	uint32_t seq = isn + (uint32_t)(p[2] << 8 | p[3]) - 0x1000;
	uint8_t payload[256];
	struct packet packet = {
		.src = { .addr = { [15] = 1 }, .port = (uint16_t)(1000 + (p[1] >> 1 & 3)) },
		.dst = { .addr = { [15] = 2 }, .port = 80 },
		.seq = seq,
		.ack = isn + (uint32_t)(p[6] << 8 | p[7]) - 0x1000,
		.flags = p[0],
		.length = p[4],
	};

	if (p[1] & 1) {
		struct packet_end end = packet.src;

		packet.src = packet.dst;
		packet.dst = end;
	}
	if (packet.flags & TCP_SYN)
		seq++;
	for (uint32_t i = 0; i < packet.length; i++)
		payload[i] = (uint8_t)(seq + i);
	packet.payload = slice_of(payload, p[5] < packet.length ? p[5] : packet.length);
	reassembly_put(tcp, &packet, time_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t isn = size > 3 && data[0] & 1 ? 0xffffff00 : 100000;
	struct reassembly_limits limits = { .connections = 3, .held_bytes = 2000 };
	struct reassembly_sink sink = {
		.state_size = sizeof(struct seen),
		.open = on_open,
		.data = on_data,
		.fin = on_fin,
		.close = on_close,
	};
	struct reassembly *tcp = reassembly_new(&limits, &sink);

	if (!tcp)
		return 0;
	for (size_t at = 1; at + 8 <= size; at += 8)
		put_segment(tcp, data + at, isn, at);
	reassembly_flush(tcp);
	reassembly_free(tcp);
	return 0;
}
