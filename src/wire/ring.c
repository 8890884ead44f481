// SPDX-License-Identifier: Apache-2.0
/* Layout of the mapping: kernel/bpf/ringbuf.c. Consumer page, producer page, data, data again. */
#include "wire/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

int obi_ring_map(struct obi_ring *ret_ring, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct obi_ring ring = { .size = size, .page = page };
	void *consumer, *rest;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	rest = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (rest == MAP_FAILED) {
		int error = -errno;

		(void)munmap(consumer, page);
		return error;
	}
	ring.consumer = consumer;
	ring.producer = rest;
	ring.data = (const uint8_t *)rest + page;
	*ret_ring = ring;
	return 0;
}

void obi_ring_unmap(struct obi_ring *ring)
{
	if (!ring->consumer)
		return;
	(void)munmap(ring->consumer, ring->page);
	(void)munmap((void *)ring->producer, ring->page + 2 * ring->size);
	*ring = (struct obi_ring){ 0 };
}

size_t obi_ring_drain(struct obi_ring *ring, size_t budget,
		      void (*take)(void *context, const void *record, size_t size), void *context)
{
	unsigned long consumer = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
	size_t taken = 0;

	while (taken < budget && consumer < __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
		const uint8_t *at = ring->data + (consumer & (ring->size - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		uint32_t len = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (head & BPF_RINGBUF_BUSY_BIT)
			break; /* still being written */
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			take(context, at + BPF_RINGBUF_HDR_SZ, len);
			taken++;
		}
		consumer += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
		__atomic_store_n(ring->consumer, consumer, __ATOMIC_RELEASE);
	}
	return taken;
}

size_t obi_ring_waiting(const struct obi_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
}
