// SPDX-License-Identifier: Apache-2.0
#include "sender/spill.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"

#define MAGIC 0x4c50534fu /* "OSPL" */
#define SEGMENTS 16       /* the limit is so many segments */
#define SEGMENT_MIN (256u << 10)
#define SEGMENT_MAX (64u << 20)
#define FIRST_NUMBER (1ull << 32) /* leaves numbers for what is put before */
#define NAME_MAX_LEN 64

/* Native byte order: a directory does not move between machines. */
struct record {
	uint32_t magic;
	uint32_t size; /* of the body */
	uint32_t items;
	uint32_t body_crc;
	uint32_t header_crc; /* of the above */
	uint32_t done;       /* the mark: changes after the record was written */
};

_Static_assert(sizeof(struct record) == 24, "no holes");

struct segment {
	uint64_t number;
	uint32_t size;    /* bytes */
	uint32_t records; /* that are not taken care of */
	uint32_t unread;
	uint64_t items; /* of `records` */
};

struct sender_spill {
	int directory;
	char prefix[16];
	uint64_t limit;
	uint32_t segment_limit;
	struct segment *segments; /* oldest first */
	size_t count, room;
	uint64_t bytes;
	uint64_t next_number;  /* of the next segment: none is used twice */
	uint64_t read_segment; /* where the next is read from */
	uint32_t read_offset;
	bool append_closed; /* the last segment is of an earlier run, whose end may be torn */
};

static void file_name(const struct sender_spill *spill, uint64_t number,
		      char ret_name[NAME_MAX_LEN])
{
	(void)snprintf(ret_name, NAME_MAX_LEN, "%s-%016" PRIx64 ".spill", spill->prefix, number);
}

static int open_segment(const struct sender_spill *spill, uint64_t number, int flags)
{
	char name[NAME_MAX_LEN];
	int fd;

	file_name(spill, number, name);
	fd = openat(spill->directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

/* ---- Records --------------------------------------------------------------------- */

static uint32_t header_crc(const struct record *record)
{
	return (uint32_t)crc32(0, (const Bytef *)record, offsetof(struct record, header_crc));
}

static struct record make_record(struct slice body, uint32_t items)
{
	struct record record = {
		.magic = MAGIC,
		.size = (uint32_t)body.len,
		.items = items,
		.body_crc = (uint32_t)crc32(0, body.data, (uInt)body.len),
	};

	record.header_crc = header_crc(&record);
	return record;
}

/* Takes a record off the segment; false where its header is broken or its body is cut short. */
static bool take_record(struct slice *in, struct record *ret_record, struct slice *ret_body)
{
	struct record record;

	if (in->len < sizeof(record))
		return false;
	memcpy(&record, in->data, sizeof(record));
	if (record.magic != MAGIC || record.header_crc != header_crc(&record) ||
	    record.size > in->len - sizeof(record))
		return false;
	*ret_body = slice_first(slice_from(*in, sizeof(record)), record.size);
	*in = slice_from(*in, sizeof(record) + record.size);
	*ret_record = record;
	return true;
}

static bool body_is_whole(const struct record *record, struct slice body)
{
	return record->items > 0 && record->body_crc == crc32(0, body.data, (uInt)body.len);
}

uint64_t sender_spill_scan(struct slice segment,
			   void (*take)(void *context, uint32_t offset, uint32_t items,
					struct slice body),
			   void *context)
{
	const uint8_t *start = segment.data;
	struct record record;
	struct slice body;
	uint64_t broken = 0;

	while (take_record(&segment, &record, &body)) {
		if (record.done)
			continue;
		if (body_is_whole(&record, body))
			take(context, (uint32_t)(body.data - start - sizeof(record)), record.items,
			     body);
		else
			broken += record.items;
	}
	return broken;
}

/* ---- Segments -------------------------------------------------------------------- */

static struct segment *find_segment(const struct sender_spill *spill, uint64_t number)
{
	for (size_t i = 0; i < spill->count; i++)
		if (spill->segments[i].number == number)
			return &spill->segments[i];
	return NULL;
}

static struct segment *insert_segment(struct sender_spill *spill, uint64_t number)
{
	size_t at = spill->count;

	if (spill->count == spill->room) {
		size_t room = spill->room ? 2 * spill->room : 16;
		struct segment *grown =
			reallocarray(spill->segments, room, sizeof(*spill->segments));

		if (!grown)
			return NULL;
		spill->segments = grown;
		spill->room = room;
	}
	while (at > 0 && spill->segments[at - 1].number > number)
		at--;
	memmove(&spill->segments[at + 1], &spill->segments[at],
		(spill->count - at) * sizeof(*spill->segments));
	spill->segments[at] = (struct segment){ .number = number };
	spill->count++;
	return &spill->segments[at];
}

static void remove_segment(struct sender_spill *spill, struct segment *segment)
{
	size_t at = (size_t)(segment - spill->segments);
	char name[NAME_MAX_LEN];

	file_name(spill, segment->number, name);
	(void)unlinkat(spill->directory, name, 0);
	spill->bytes -= segment->size;
	if (spill->read_segment == segment->number)
		spill->read_offset = 0;
	memmove(segment, segment + 1, (spill->count - at - 1) * sizeof(*segment));
	spill->count--;
}

static void count_record(void *context, uint32_t offset, uint32_t items, struct slice body)
{
	struct segment *segment = context;

	segment->records++;
	segment->unread++;
	segment->items += items;
}

/* Maps a segment; NULL where that fails or it is empty. */
static const uint8_t *map_segment(const struct sender_spill *spill, uint64_t number,
				  size_t *ret_size)
{
	_cleanup_close_ int fd = open_segment(spill, number, O_RDONLY);
	struct stat st;
	void *map;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > (off_t)UINT32_MAX)
		return NULL;
	/* Ours alone: nobody shortens it under the mapping. */
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	*ret_size = (size_t)st.st_size;
	return map;
}

static int take_file(struct sender_spill *spill, uint64_t number)
{
	struct segment *segment = insert_segment(spill, number);
	const uint8_t *map;
	size_t size = 0;

	if (!segment)
		return -ENOMEM;
	if (number >= spill->next_number)
		spill->next_number = number + 1;
	map = map_segment(spill, number, &size);
	if (map) {
		segment->size = (uint32_t)size;
		spill->bytes += size;
		(void)sender_spill_scan(slice_of(map, size), count_record, segment);
		(void)munmap((void *)map, size);
	}
	if (!segment->records)
		remove_segment(spill, segment);
	return 0;
}

/* "traces-0000000100000000.spill" */
static bool read_name(const struct sender_spill *spill, const char *name, uint64_t *ret_number)
{
	size_t prefix = strlen(spill->prefix);
	char *end;

	if (strncmp(name, spill->prefix, prefix) != 0 || name[prefix] != '-' ||
	    strspn(name + prefix + 1, "0123456789abcdef") != 16)
		return false;
	*ret_number = strtoull(name + prefix + 1, &end, 16);
	return strcmp(end, ".spill") == 0;
}

static int take_directory(struct sender_spill *spill)
{
	int fd = openat(spill->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	uint64_t number;
	int error = 0;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	while (!error && (entry = readdir(dir)))
		if (read_name(spill, entry->d_name, &number))
			error = take_file(spill, number);
	(void)closedir(dir);
	return error;
}

int sender_spill_open(int directory, const char *prefix, uint64_t limit_bytes,
		      struct sender_spill **ret_spill, uint64_t *ret_items)
{
	struct sender_spill *spill = calloc(1, sizeof(*spill));
	uint64_t segment_limit = limit_bytes / SEGMENTS;
	int error;

	if (!spill)
		return -ENOMEM;
	spill->directory = directory;
	(void)snprintf(spill->prefix, sizeof(spill->prefix), "%s", prefix);
	spill->limit = limit_bytes;
	if (segment_limit < SEGMENT_MIN)
		segment_limit = SEGMENT_MIN;
	spill->segment_limit =
		(uint32_t)(segment_limit > SEGMENT_MAX ? SEGMENT_MAX : segment_limit);
	spill->append_closed = true;
	spill->next_number = FIRST_NUMBER;
	error = take_directory(spill);
	if (error) {
		sender_spill_close(spill);
		return error;
	}
	*ret_spill = spill;
	*ret_items = sender_spill_items(spill);
	return 0;
}

void sender_spill_close(struct sender_spill *spill)
{
	if (!spill)
		return;
	free(spill->segments);
	free(spill);
}

/* ---- Writing --------------------------------------------------------------------- */

/* All of it or nothing: what was written of a record is cut off again. */
static int write_record(struct sender_spill *spill, struct segment *segment, struct slice body,
			uint32_t items)
{
	struct record record = make_record(body, items);
	struct iovec iov[2] = {
		{ .iov_base = &record, .iov_len = sizeof(record) },
		{ .iov_base = (void *)body.data, .iov_len = body.len },
	};
	_cleanup_close_ int fd = open_segment(spill, segment->number, O_WRONLY | O_CREAT);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = pwritev(fd, iov, 2, segment->size);
	if (n != (ssize_t)(sizeof(record) + body.len)) {
		int error = n < 0 ? -errno : -ENOSPC;

		(void)!ftruncate(fd, segment->size);
		return error;
	}
	segment->size += (uint32_t)n;
	spill->bytes += (uint64_t)n;
	segment->records++;
	segment->unread++;
	segment->items += items;
	return 0;
}

static struct segment *segment_for(struct sender_spill *spill, size_t more)
{
	struct segment *last = spill->count ? &spill->segments[spill->count - 1] : NULL;

	if (last && !spill->append_closed && last->size + more <= spill->segment_limit)
		return last;
	spill->append_closed = false;
	return insert_segment(spill, spill->next_number++);
}

int sender_spill_append(struct sender_spill *spill, struct slice body, uint32_t items,
			uint64_t *ret_lost)
{
	size_t more = sizeof(struct record) + body.len;
	struct segment *segment;
	int error;

	*ret_lost = 0;
	if (more > spill->limit / 2 || body.len > SEGMENT_MAX)
		return -EMSGSIZE;
	while (spill->count && spill->bytes + more > spill->limit) {
		*ret_lost += spill->segments[0].items;
		remove_segment(spill, &spill->segments[0]);
	}
	segment = segment_for(spill, more);
	if (!segment)
		return -ENOMEM;
	error = write_record(spill, segment, body, items);
	if (error && !segment->size)
		remove_segment(spill, segment);
	return error;
}

int sender_spill_prepend(struct sender_spill *spill, struct slice body, uint32_t items)
{
	uint64_t number = spill->count ? spill->segments[0].number - 1 : spill->next_number++;
	size_t more = sizeof(struct record) + body.len;
	struct segment *segment;
	int error;

	if (more > spill->limit / 2 || body.len > SEGMENT_MAX)
		return -EMSGSIZE;
	if (spill->bytes + more > spill->limit)
		return -ENOSPC;
	segment = insert_segment(spill, number);
	if (!segment)
		return -ENOMEM;
	error = write_record(spill, segment, body, items);
	if (error)
		remove_segment(spill, segment);
	return error;
}

/* ---- Reading --------------------------------------------------------------------- */

/* The segment to go on reading in, with the place; NULL where all is read. */
static struct segment *reading(struct sender_spill *spill)
{
	for (size_t i = 0; i < spill->count; i++) {
		struct segment *segment = &spill->segments[i];

		if (!segment->unread)
			continue;
		if (segment->number != spill->read_segment) {
			spill->read_segment = segment->number;
			spill->read_offset = 0;
		}
		return segment;
	}
	return NULL;
}

/* Puts the body of the next record that counts; false where the segment has none any more. */
static bool read_record(struct sender_spill *spill, struct slice segment, struct buffer *body_buf,
			struct sender_spill_place *place)
{
	struct slice in = slice_from(segment, spill->read_offset), body;
	struct record record;

	while (take_record(&in, &record, &body)) {
		place->offset = spill->read_offset;
		place->items = record.items;
		spill->read_offset += (uint32_t)(sizeof(record) + record.size);
		if (record.done || !body_is_whole(&record, body))
			continue;
		buffer_put_slice(body_buf, body);
		return true;
	}
	return false;
}

static int read_from(struct sender_spill *spill, struct segment *segment, struct buffer *body,
		     struct sender_spill_place *place, uint64_t *lost)
{
	size_t size = 0;
	const uint8_t *map = map_segment(spill, segment->number, &size);
	bool found = map && read_record(spill, slice_of(map, size), body, place);

	if (map)
		(void)munmap((void *)map, size);
	place->segment = segment->number;
	if (!found) {
		/* It was whole when it was counted, and is not any more. */
		*lost += segment->items;
		remove_segment(spill, segment);
		return -EAGAIN;
	}
	segment->unread--;
	return body->failed ? -ENOMEM : 0;
}

int sender_spill_next(struct sender_spill *spill, struct buffer *body,
		      struct sender_spill_place *ret_place, uint64_t *ret_lost)
{
	struct segment *segment;

	*ret_lost = 0;
	while ((segment = reading(spill))) {
		struct sender_spill_place place = { 0 };
		int error = read_from(spill, segment, body, &place, ret_lost);

		if (!error)
			*ret_place = place;
		if (error != -EAGAIN)
			return error;
	}
	return -ENOENT;
}

uint32_t sender_spill_done(struct sender_spill *spill, const struct sender_spill_place *place)
{
	struct segment *segment = find_segment(spill, place->segment);
	static const uint32_t done = 1;
	int fd;

	if (!segment || segment->items < place->items || !segment->records)
		return 0;
	segment->records--;
	segment->items -= place->items;
	if (!segment->records) {
		remove_segment(spill, segment);
		return place->items;
	}
	fd = open_segment(spill, place->segment, O_WRONLY);
	if (fd >= 0) {
		(void)!pwrite(fd, &done, sizeof(done),
			      place->offset + (off_t)offsetof(struct record, done));
		(void)close(fd);
	}
	return place->items;
}

uint64_t sender_spill_items(const struct sender_spill *spill)
{
	uint64_t items = 0;

	for (size_t i = 0; i < spill->count; i++)
		items += spill->segments[i].items;
	return items;
}

uint64_t sender_spill_unread(const struct sender_spill *spill)
{
	uint64_t unread = 0;

	for (size_t i = 0; i < spill->count; i++)
		unread += spill->segments[i].unread;
	return unread;
}
