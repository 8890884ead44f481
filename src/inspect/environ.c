// SPDX-License-Identifier: Apache-2.0
/*
 * Read in pieces: a Kubernetes namespace with many services gives each process hundreds of KiB of
 * environment, and the variable that names the service may stand at its end.
 */
#include "inspect/environ.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

bool obi_environ_split(struct slice entry, struct slice *ret_name, struct slice *ret_value)
{
	ptrdiff_t equals = slice_find(entry, '=');
	struct slice name, value;

	if (equals < 0)
		return false;
	name = slice_trim(slice_first(entry, (size_t)equals));
	value = slice_trim(slice_from(entry, (size_t)equals + 1));
	if (!name.len || !value.len)
		return false;
	*ret_name = name;
	*ret_value = value;
	return true;
}

struct reader {
	char *buf;
	size_t len;
	bool skipping; /* inside of an entry that is too long */
	void (*take)(void *context, struct slice name, struct slice value);
	void *context;
};

static void take_entry(struct reader *reader, struct slice entry)
{
	struct slice name, value;

	if (reader->skipping)
		reader->skipping = false;
	else if (obi_environ_split(entry, &name, &value))
		reader->take(reader->context, name, value);
}

/* Takes all whole entries out of the buffer. */
static void take_entries(struct reader *reader)
{
	struct slice rest = slice_of(reader->buf, reader->len);
	ptrdiff_t end;

	while ((end = slice_find(rest, '\0')) >= 0) {
		take_entry(reader, slice_first(rest, (size_t)end));
		rest = slice_from(rest, (size_t)end + 1);
	}
	if (rest.len == OBI_ENVIRON_ENTRY_MAX) {
		reader->skipping = true;
		rest.len = 0;
	}
	memmove(reader->buf, rest.data, rest.len);
	reader->len = rest.len;
}

int obi_environ_read(int fd, void (*take)(void *context, struct slice name, struct slice value),
		     void *context)
{
	_cleanup_free_ char *buf = malloc(OBI_ENVIRON_ENTRY_MAX);
	struct reader reader = { .buf = buf, .take = take, .context = context };
	size_t total = 0;

	if (!buf)
		return -ENOMEM;
	while (total < OBI_ENVIRON_MAX) {
		ssize_t n = read(fd, buf + reader.len, OBI_ENVIRON_ENTRY_MAX - reader.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		total += (size_t)n;
		reader.len += (size_t)n;
		take_entries(&reader);
	}
	if (reader.len) /* the last one, where its end is cut off */
		take_entry(&reader, slice_of(buf, reader.len));
	return 0;
}
