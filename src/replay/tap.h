/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tap on one connection of a capture: what runs through it becomes the records that the kernel
 * side would have written at the server's end.
 */
#ifndef OBI_REPLAY_TAP_H
#define OBI_REPLAY_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "obi/record.h"
#include "replay/packet.h"

/* Where records and progress go. Begins as all zero. */
struct tap_sink {
	void *context;
	void (*put)(void *context, const struct obi_record *record, size_t size);
	struct obi_board_slot *board; /* OBI_BOARD_SLOTS */
	/* The record that is handed on, with its head; what no tap sets stays zero. */
	_Alignas(struct obi_record) uint8_t scratch[sizeof(struct obi_record) + OBI_HEAD_MAX];
};

struct tap {
	uint64_t id;
	uint64_t total; /* bytes of the current message */
	uint64_t last_ns;
	uint64_t tail;
	struct packet_end ends[2];
	uint64_t offset[2]; /* while streaming: bytes of each direction */
	uint32_t message;
	uint32_t pid;   /* stands for the service */
	uint8_t server; /* which end, or TAP_UNKNOWN */
	uint8_t direction;
	uint8_t side;
	bool is_heads;  /* a head was seen */
	bool streaming; /* chunks are handed on as they come */
};

#define TAP_UNKNOWN 2

/* client: the end that opened the connection, or TAP_UNKNOWN: then the first bytes that look like
 * a head decide, and what comes before them is passed over. */
void tap_open(struct tap *tap, uint64_t id, const struct packet_end ends[2], int client);

/* Does tap_data() need to know the server, and these bytes tell? Returns whether it is known. */
bool tap_orient(struct tap *tap, int from, struct slice bytes);

/* len bytes from this end, of which the first bytes.len were seen. */
void tap_data(struct tap *tap, struct tap_sink *sink, int from, struct slice bytes, uint64_t len,
	      uint64_t time_ns);

/* This end sends no more. */
void tap_fin(struct tap *tap, struct tap_sink *sink, int from, uint64_t time_ns);
void tap_close(struct tap *tap, struct tap_sink *sink, bool reset, uint64_t time_ns);

#endif
