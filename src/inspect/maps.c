// SPDX-License-Identifier: Apache-2.0
#include "inspect/maps.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX 8192 /* a path is 4096 at most, but "\n" in it takes four */

/* Takes a hexadecimal number, and the byte behind it, which must be that, off the line. */
static bool take_hex(struct slice *line, char end, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < line->len && i < 16; i++) {
		uint8_t c = line->data[i];

		if (c >= '0' && c <= '9')
			n = n << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (i == 0 || i == line->len || line->data[i] != (uint8_t)end)
		return false;
	*line = slice_from(*line, i + 1);
	*ret = n;
	return true;
}

/* The same of a decimal number with a blank behind it. */
static bool take_decimal(struct slice *line, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < line->len && line->data[i] >= '0' && line->data[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(line->data[i] - '0'), &n))
			return false;
	if (i == 0 || i == line->len || line->data[i] != ' ')
		return false;
	*line = slice_from(*line, i + 1);
	*ret = n;
	return true;
}

/* proc(5): start-end perms offset major:minor inode path. false: not a file's code. What memory of
 * no file is called may have slashes (PR_SET_VMA_ANON_NAME). */
static bool parse(struct slice line, struct obi_mapped *ret)
{
	static const struct slice deleted = SLICE_LIT(" (deleted)");
	uint64_t offset, major, minor;
	bool code;

	if (!take_hex(&line, '-', &ret->start) || !take_hex(&line, ' ', &ret->end) || line.len < 5)
		return false;
	code = line.data[2] == 'x';
	line = slice_from(line, 5);
	if (!code || !take_hex(&line, ' ', &offset) || !take_hex(&line, ':', &major) ||
	    !take_hex(&line, ' ', &minor) || !take_decimal(&line, &ret->inode))
		return false;
	while (line.len && line.data[0] == ' ')
		line = slice_from(line, 1);
	if (!line.len || line.data[0] != '/' || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	ret->major = (uint32_t)major;
	ret->minor = (uint32_t)minor;
	ret->path = line;
	if (ret->path.len > deleted.len &&
	    slice_equal(slice_from(ret->path, ret->path.len - deleted.len), deleted))
		ret->path.len -= deleted.len;
	return true;
}

int obi_maps_read(int fd, bool (*take)(void *context, const struct obi_mapped *mapped),
		  void *context)
{
	uint8_t buf[LINE_MAX];
	size_t len = 0, total = 0;
	struct obi_mapped mapped;

	while (total < OBI_MAPS_MAX) {
		ssize_t n = read(fd, buf + len, sizeof(buf) - len);
		struct slice rest;
		ptrdiff_t end;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		total += (size_t)n;
		len += (size_t)n;
		rest = slice_of(buf, len);
		while ((end = slice_find(rest, '\n')) >= 0) {
			if (parse(slice_first(rest, (size_t)end), &mapped) &&
			    !take(context, &mapped))
				return 0;
			rest = slice_from(rest, (size_t)end + 1);
		}
		if (rest.len == sizeof(buf)) /* no line of the kernel's is so long */
			return -EINVAL;
		memmove(buf, rest.data, rest.len);
		len = rest.len;
	}
	return 0;
}
