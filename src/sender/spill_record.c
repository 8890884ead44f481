// SPDX-License-Identifier: Apache-2.0
#include "sender/spill_record.h"

#include <unistd.h>
#include <zlib.h>

#define MAGIC 0x4c50534fu /* "OSPL" */
#define CHUNK 16384

static uint32_t header_crc(const struct spill_record *record)
{
	return (uint32_t)crc32(0, (const Bytef *)record, offsetof(struct spill_record, header_crc));
}

struct spill_record spill_record_make(struct slice body, uint32_t items)
{
	struct spill_record record = {
		.magic = MAGIC,
		.size = (uint32_t)body.len,
		.items = items,
		.body_crc = (uint32_t)crc32(0, body.data, (uInt)body.len),
	};

	record.header_crc = header_crc(&record);
	return record;
}

static bool read_at(int fd, void *to, size_t len, uint64_t at)
{
	char *next = to;

	while (len) {
		ssize_t n = pread(fd, next, len, (off_t)at);

		if (n <= 0)
			return false;
		next += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

bool spill_record_read(int fd, uint64_t at, uint64_t size, struct spill_record *ret_record)
{
	struct spill_record record;

	if (at > size || size - at < sizeof(record) || !read_at(fd, &record, sizeof(record), at) ||
	    record.magic != MAGIC || record.header_crc != header_crc(&record))
		return false;
	*ret_record = record;
	return true;
}

/* Is there as much, and no more than any batch has? */
static bool size_is_right(const struct spill_record *record, uint64_t at, uint64_t size)
{
	return record->items > 0 && record->size <= SPILL_BODY_MAX &&
	       record->size <= size - spill_record_body(at);
}

static bool spill_record_is_whole(int fd, const struct spill_record *record, uint64_t at,
				  uint64_t size)
{
	uint8_t chunk[CHUNK];
	uint32_t left = record->size;
	uLong crc = 0;

	if (!size_is_right(record, at, size))
		return false;
	for (at = spill_record_body(at); left;) {
		uint32_t len = left < CHUNK ? left : CHUNK;

		if (!read_at(fd, chunk, len, at))
			return false;
		crc = crc32(crc, chunk, len);
		at += len;
		left -= len;
	}
	return crc == record->body_crc;
}

void sender_spill_scan(int fd, uint64_t size,
		       void (*take)(void *context, uint32_t offset, uint32_t items, uint32_t bytes),
		       void *context, struct sender_spill_found *found)
{
	uint64_t end = size < SPILL_FILE_MAX ? size : SPILL_FILE_MAX, at = 0;
	struct spill_record record;

	while (at < end && spill_record_read(fd, at, size, &record)) {
		if (!record.done && spill_record_is_whole(fd, &record, at, size)) {
			take(context, (uint32_t)at, record.items, record.size);
		} else if (!record.done) {
			found->broken_items += record.items ? record.items : 1;
			found->broken_bytes += record.size;
		}
		at = spill_record_body(at) + record.size;
	}
	if (at >= end)
		return;
	/* What stood there nobody can tell. */
	found->broken_items++;
	found->broken_bytes += end - at;
}

bool spill_record_read_body(int fd, const struct spill_record *record, uint64_t at, uint64_t size,
			    struct buffer *body)
{
	char *to = size_is_right(record, at, size) ? buffer_reserve(body, record->size) : NULL;

	if (!to || !read_at(fd, to, record->size, spill_record_body(at)) ||
	    record->body_crc != crc32(0, (const Bytef *)to, record->size))
		return false;
	body->len += record->size;
	return true;
}
