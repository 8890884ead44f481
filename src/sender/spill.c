// SPDX-License-Identifier: Apache-2.0
#include "sender/spill.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sender/spill_record.h"

#define SEGMENTS 16 /* the limit is so many segments */
#define SEGMENT_MIN (256u << 10)
#define SEGMENTS_MAX 4096         /* however small they are */
#define FIRST_NUMBER (1ull << 32) /* leaves numbers for what is put before */
#define LAST_NUMBER (1ull << 62)
#define NAME_MAX_LEN 64

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
	/* The last segment is of an earlier run, whose end may be torn, or could not be written. */
	bool append_closed;
	struct sender_spill_found found;
};

static void file_name(const struct sender_spill *spill, uint64_t number,
		      char ret_name[NAME_MAX_LEN])
{
	(void)snprintf(ret_name, NAME_MAX_LEN, "%s-%016" PRIx64 ".spill", spill->prefix, number);
}

/* A file that another user has a hand in is not a segment, whatever its name; nor is one that could
 * make an open or a read wait. */
static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1 &&
	       !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Returns a descriptor; -EPERM where what stands there is not ours. */
static int open_segment(const struct sender_spill *spill, uint64_t number, int flags,
			uint64_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	char name[NAME_MAX_LEN];
	struct stat st;

	file_name(spill, number, name);
	fd = openat(spill->directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EPERM : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!is_ours(&st))
		return -EPERM;
	*ret_size = (uint64_t)st.st_size;
	return take_fd(fd);
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

/* Its file is left as it is. */
static void drop_segment(struct sender_spill *spill, struct segment *segment)
{
	size_t at = (size_t)(segment - spill->segments);

	spill->bytes -= segment->size;
	if (spill->read_segment == segment->number)
		spill->read_offset = 0;
	memmove(segment, segment + 1, (spill->count - at - 1) * sizeof(*segment));
	spill->count--;
}

static void remove_segment(struct sender_spill *spill, struct segment *segment)
{
	char name[NAME_MAX_LEN];

	file_name(spill, segment->number, name);
	(void)unlinkat(spill->directory, name, 0);
	drop_segment(spill, segment);
}

static void count_record(void *context, uint32_t offset, uint32_t items, uint32_t bytes)
{
	struct segment *segment = context;

	segment->records++;
	segment->unread++;
	segment->items += items;
}

static int take_file(struct sender_spill *spill, uint64_t number)
{
	struct segment *segment;
	_cleanup_close_ int fd = -1;
	uint64_t size = 0;

	if (spill->count < SEGMENTS_MAX && number < LAST_NUMBER)
		fd = open_segment(spill, number, O_RDONLY, &size);
	if (number >= spill->next_number && number < LAST_NUMBER)
		spill->next_number = number + 1;
	if (fd < 0) {
		spill->found.foreign++;
		return 0;
	}
	segment = insert_segment(spill, number);
	if (!segment)
		return -ENOMEM;
	segment->size = (uint32_t)(size < SPILL_FILE_MAX ? size : SPILL_FILE_MAX);
	spill->bytes += segment->size;
	sender_spill_scan(fd, size, count_record, segment, &spill->found);
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
		(uint32_t)(segment_limit > SPILL_SEGMENT_MAX ? SPILL_SEGMENT_MAX : segment_limit);
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

/* A segment begins as a file that was not there before, and goes on as it was left. */
static int open_to_write(const struct sender_spill *spill, const struct segment *segment)
{
	bool is_new = segment->size == 0;
	uint64_t size = 0;
	_cleanup_close_ int fd = open_segment(spill, segment->number,
					      O_WRONLY | (is_new ? O_CREAT | O_EXCL : 0), &size);

	if (fd < 0)
		return fd;
	return size == segment->size ? take_fd(fd) : -EIO;
}

/* All of it or nothing: what was written of a record is cut off again. */
static int write_record(struct sender_spill *spill, struct segment *segment, struct slice body,
			uint32_t items)
{
	struct spill_record record = spill_record_make(body, items);
	struct iovec iov[2] = {
		{ .iov_base = &record, .iov_len = sizeof(record) },
		{ .iov_base = (void *)body.data, .iov_len = body.len },
	};
	_cleanup_close_ int fd = open_to_write(spill, segment);
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

/* One that could not be begun takes only a file with it that it made itself. */
static void forget_failed(struct sender_spill *spill, struct segment *segment, int error)
{
	if (error == -EEXIST || error == -EPERM)
		drop_segment(spill, segment);
	else
		remove_segment(spill, segment);
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
	size_t more = sizeof(struct spill_record) + body.len;
	struct segment *segment;
	int error;

	*ret_lost = 0;
	if (more > spill->limit / 2 || body.len > SPILL_BODY_MAX)
		return -EMSGSIZE;
	while (spill->count &&
	       (spill->bytes + more > spill->limit || spill->count >= SEGMENTS_MAX)) {
		*ret_lost += spill->segments[0].items;
		remove_segment(spill, &spill->segments[0]);
	}
	segment = segment_for(spill, more);
	if (!segment)
		return -ENOMEM;
	error = write_record(spill, segment, body, items);
	if (!error)
		return 0;
	if (!segment->size)
		forget_failed(spill, segment, error);
	else if (error != -ENOSPC && error != -EDQUOT)
		spill->append_closed = true; /* the next try is with a new one */
	return error;
}

int sender_spill_prepend(struct sender_spill *spill, struct slice body, uint32_t items)
{
	uint64_t number = spill->count ? spill->segments[0].number - 1 : spill->next_number++;
	size_t more = sizeof(struct spill_record) + body.len;
	struct segment *segment;
	int error;

	if (more > spill->limit / 2 || body.len > SPILL_BODY_MAX)
		return -EMSGSIZE;
	if (spill->bytes + more > spill->limit || spill->count >= SEGMENTS_MAX ||
	    number >= LAST_NUMBER)
		return -ENOSPC;
	segment = insert_segment(spill, number);
	if (!segment)
		return -ENOMEM;
	error = write_record(spill, segment, body, items);
	if (error)
		forget_failed(spill, segment, error);
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
static bool read_record(struct sender_spill *spill, int fd, uint64_t size, struct buffer *body,
			struct sender_spill_place *place)
{
	uint64_t end = size < SPILL_FILE_MAX ? size : SPILL_FILE_MAX;
	struct spill_record record;
	bool found = false;

	while (!found && spill->read_offset < end &&
	       spill_record_read(fd, spill->read_offset, size, &record)) {
		uint64_t at = spill->read_offset, next = spill_record_body(at) + record.size;

		found = !record.done && spill_record_read_body(fd, &record, at, size, body);
		if (body->failed)
			break;
		place->offset = (uint32_t)at;
		place->items = record.items;
		spill->read_offset = (uint32_t)(next < SPILL_FILE_MAX ? next : SPILL_FILE_MAX);
	}
	return found;
}

static int read_from(struct sender_spill *spill, struct segment *segment, struct buffer *body,
		     struct sender_spill_place *place, uint64_t *lost)
{
	uint64_t size = 0;
	_cleanup_close_ int fd = open_segment(spill, segment->number, O_RDONLY, &size);
	bool found = fd >= 0 && read_record(spill, fd, size, body, place);

	if (body->failed)
		return -ENOMEM;
	place->segment = segment->number;
	if (!found) {
		/* It was whole when it was counted, and is not any more. */
		*lost += segment->items;
		remove_segment(spill, segment);
		return -EAGAIN;
	}
	segment->unread--;
	return 0;
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
	uint64_t size = 0;
	int fd;

	if (!segment || segment->items < place->items || !segment->records)
		return 0;
	segment->records--;
	segment->items -= place->items;
	if (!segment->records) {
		remove_segment(spill, segment);
		return place->items;
	}
	fd = open_segment(spill, place->segment, O_WRONLY, &size);
	if (fd >= 0) {
		(void)!pwrite(fd, &done, sizeof(done),
			      place->offset + (off_t)offsetof(struct spill_record, done));
		(void)close(fd);
	}
	return place->items;
}

struct sender_spill_found sender_spill_found(const struct sender_spill *spill)
{
	return spill->found;
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
