// SPDX-License-Identifier: Apache-2.0
#include "replay/gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

/* The largest window, around it gzip's header and checksum alone. */
#define GZIP_WINDOW (15 + 16)

struct gunzip {
	z_stream stream;
	int fd;
	uint8_t *buffer;
	size_t buffer_size;
	bool member_over;
};

bool gunzip_is_gzip(struct slice begin)
{
	return slice_has_prefix(begin, SLICE_LIT("\x1f\x8b"));
}

struct gunzip *gunzip_new(struct slice begin, int fd, uint8_t *buffer, size_t buffer_size)
{
	struct gunzip *gunzip = calloc(1, sizeof(*gunzip));

	if (!gunzip || inflateInit2(&gunzip->stream, GZIP_WINDOW) != Z_OK) {
		free(gunzip);
		return NULL;
	}
	gunzip->stream.next_in = (Bytef *)begin.data;
	gunzip->stream.avail_in = (uInt)begin.len;
	gunzip->fd = fd;
	gunzip->buffer = buffer;
	gunzip->buffer_size = buffer_size;
	return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
	if (!gunzip)
		return;
	(void)inflateEnd(&gunzip->stream);
	free(gunzip->buffer);
	free(gunzip);
}

/* Makes n bytes of the file readable: 1 if there are, 0 if it ends before. */
static int need_input(struct gunzip *gunzip, size_t n)
{
	z_stream *stream = &gunzip->stream;

	while (stream->avail_in < n) {
		ssize_t got;

		if (gunzip->fd < 0)
			return 0;
		if (stream->avail_in)
			memmove(gunzip->buffer, stream->next_in, stream->avail_in);
		stream->next_in = gunzip->buffer;
		got = read(gunzip->fd, gunzip->buffer + stream->avail_in,
			   gunzip->buffer_size - stream->avail_in);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			return 0;
		stream->avail_in += got > 0 ? (uInt)got : 0;
	}
	return 1;
}

/* 1: another member begins, 0: there is none. */
static int next_member(struct gunzip *gunzip)
{
	z_stream *stream = &gunzip->stream;
	int have = need_input(gunzip, 2);

	if (have <= 0 || !gunzip_is_gzip(slice_of(stream->next_in, stream->avail_in)))
		return have < 0 ? have : 0;
	gunzip->member_over = false;
	return inflateReset(stream) == Z_OK ? 1 : -ENOMEM;
}

/* What there is to inflate now. */
static int inflate_some(struct gunzip *gunzip)
{
	int have = gunzip->member_over ? next_member(gunzip) : need_input(gunzip, 1);

	if (have <= 0)
		return have < 0 || gunzip->member_over ? have : -ENODATA;
	switch (inflate(&gunzip->stream, Z_NO_FLUSH)) {
	case Z_STREAM_END:
		gunzip->member_over = true;
		return 1;
	case Z_OK:
	case Z_BUF_ERROR: /* no progress without more bytes */
		return 1;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

ssize_t gunzip_read(struct gunzip *gunzip, uint8_t *to, size_t room)
{
	z_stream *stream = &gunzip->stream;
	int state = 1;

	stream->next_out = to;
	stream->avail_out = (uInt)room;
	while (state == 1 && stream->avail_out == room)
		state = inflate_some(gunzip);
	return stream->avail_out == room ? state : (ssize_t)(room - stream->avail_out);
}
