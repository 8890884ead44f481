// SPDX-License-Identifier: Apache-2.0
#include "wire/batch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int write_all(int fd, const void *body, size_t size)
{
	uint8_t frame[OBI_BATCH_FRAME] = { 0, (uint8_t)(size >> 24), (uint8_t)(size >> 16),
					   (uint8_t)(size >> 8), (uint8_t)size };
	struct iovec iov[2] = {
		{ .iov_base = frame, .iov_len = sizeof(frame) },
		{ .iov_base = (void *)body, .iov_len = size },
	};
	ssize_t n = writev(fd, iov, 2);

	if (n < 0)
		return -errno;
	/* Memory alone cuts a write short. */
	return (size_t)n == size + sizeof(frame) ? 0 : -ENOMEM;
}

int obi_batch_seal(const void *body, size_t size)
{
	_cleanup_close_ int fd = memfd_create("obi-batch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, body, size);
	if (error)
		return error;
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL))
		return -errno;
	return take_fd(fd);
}

int obi_batch_map(int fd, size_t bytes, const uint8_t **ret_map)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *map;

	/* What could shrink under a mapping would end us by SIGBUS. */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(fd, &st))
		return -errno;
	if (bytes < OBI_BATCH_FRAME || st.st_size != (off_t)bytes)
		return -EPROTO;
	map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*ret_map = map;
	return 0;
}
