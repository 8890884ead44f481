/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What worker and sender say to each other, over a SOCK_SEQPACKET pair that the broker makes
 * (wire.h carries the messages). The body of a batch is a sealed memfd: five bytes of room for
 * gRPC's frame header, already filled in, then the export request in protobuf.
 */
#ifndef OBI_WIRE_BATCH_H
#define OBI_WIRE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#define OBI_BATCH_SIGNALS 2

/* gRPC over HTTP/2, "Length-Prefixed-Message": a flag and a length, big endian. */
#define OBI_BATCH_FRAME 5

/* Batches that wait for an answer at one time, of all signals. */
#define OBI_BATCHES_MAX 512

enum obi_batch_id {
	OBI_BATCH_PUT = 128, /* struct obi_batch, and its memfd */
	OBI_BATCH_FLUSH,     /* struct obi_batch_flush */
	OBI_BATCH_ANSWER,    /* struct obi_batch_answer */
	OBI_BATCH_FLUSHED,   /* nothing: every batch is answered */
};

struct obi_batch {
	uint64_t sequence; /* for its answer */
	uint32_t signal;   /* enum otlp_signal */
	uint32_t items;
	uint32_t bytes; /* of the memfd */
	uint32_t pad;
};

struct obi_batch_flush {
	uint64_t timeout_ns;
};

enum obi_batch_state {
	OBI_BATCH_DONE,      /* `sequence` left memory: exported + dropped are its items */
	OBI_BATCH_SPILLED,   /* `sequence` lies on disk now: its items are in `exported` */
	OBI_BATCH_LEFT_DONE, /* so many items of those left were exported, so many dropped */
	OBI_BATCH_LEFT,      /* at start: so many items, in `exported`, were left, on disk by an
				earlier run or in the sender's memory by an earlier worker; so
				many more, in `dropped`, were found damaged */
};

struct obi_batch_answer {
	uint64_t sequence;
	uint64_t exported;
	uint64_t dropped;
	uint32_t signal;
	uint32_t state;  /* enum obi_batch_state */
	uint32_t reason; /* enum outbox_drop, of `dropped` */
	uint32_t pad;
};

_Static_assert(sizeof(struct obi_batch) == 24, "no holes");
_Static_assert(sizeof(struct obi_batch_answer) == 40, "no holes");

/* What a batch of so many bytes takes: its pages, and the file around them. */
static inline uint64_t obi_batch_memory(size_t bytes)
{
	return ((uint64_t)bytes + 4095) / 4096 * 4096 + 2048;
}

/* Makes the memfd of a body, sealed: neither side can change it. A descriptor or a negative
 * errno. */
int obi_batch_seal(const void *body, size_t size);

/* Maps a batch's memfd for reading, for munmap(). -EPROTO where it is not sealed or has another
 * size than it should, and other errno. */
int obi_batch_map(int fd, size_t bytes, const uint8_t **ret_map);

#endif
