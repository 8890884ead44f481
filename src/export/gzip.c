// SPDX-License-Identifier: Apache-2.0
#include "export/gzip.h"

#include <stdlib.h>
#include <zlib.h>

/* The fastest: a scraper is near, a core is dear. */
#define LEVEL 1
/* 8 KiB to look back, in gzip's format. Lines of metrics resemble those just before them: the
 * largest window (32 KiB, four times the memory) gains 3 %. */
#define WINDOW_BITS (13 + 16)
#define MEMORY_LEVEL 6

struct gzip {
	z_stream stream;
};

struct gzip *gzip_new(void)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));

	if (gzip && deflateInit2(&gzip->stream, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
				 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gzip);
		return NULL;
	}
	return gzip;
}

void gzip_free(struct gzip *gzip)
{
	if (!gzip)
		return;
	(void)deflateEnd(&gzip->stream);
	free(gzip);
}

size_t gzip_put(struct gzip *gzip, struct slice *from, bool last, void *to, size_t room)
{
	z_stream *stream = &gzip->stream;

	stream->next_in = (Bytef *)from->data;
	stream->avail_in = (uInt)from->len;
	stream->next_out = to;
	stream->avail_out = (uInt)room;
	(void)deflate(stream, last ? Z_FINISH : Z_SYNC_FLUSH);
	*from = slice_from(*from, from->len - stream->avail_in);
	return room - stream->avail_out;
}
