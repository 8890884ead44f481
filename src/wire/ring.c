// SPDX-License-Identifier: Apache-2.0
/* Layout of the mapping: kernel/bpf/ringbuf.c. Consumer page, producer page, data, data again. */
#include "wire/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
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

static size_t length_of(uint32_t head)
{
	return head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
}

size_t obi_ring_drain(struct obi_ring *ring, size_t budget,
		      void (*take)(void *context, const void *record, size_t size), void *context)
{
	unsigned long consumer = __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
	size_t taken = 0;

	while (taken < budget && consumer < __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE)) {
		const uint8_t *at = ring->data + (consumer & (ring->size - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		size_t len = length_of(head);

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

/* Do records lead from one position to the other? */
static bool leads_to(const struct obi_ring *ring, unsigned long from, unsigned long to, size_t min,
		     size_t max)
{
	if (from % 8 || to - from > ring->size)
		return false;
	while (from < to) {
		const uint8_t *at = ring->data + (from & (ring->size - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		size_t len = length_of(head);

		if ((len < min && !(head & BPF_RINGBUF_DISCARD_BIT)) || len > max)
			return false;
		from += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	}
	return from == to;
}

ssize_t obi_ring_repair(int fd, size_t size, size_t min, size_t max)
{
	struct obi_ring ring = { 0 };
	int error = obi_ring_map(&ring, fd, size);
	unsigned long consumer, producer;
	ssize_t lost = 0;

	if (error)
		return error;
	consumer = __atomic_load_n(ring.consumer, __ATOMIC_ACQUIRE);
	producer = __atomic_load_n(ring.producer, __ATOMIC_ACQUIRE);
	if (!leads_to(&ring, consumer, producer, min, max)) {
		/* How much it was cannot be told where the position is none. */
		lost = producer - consumer <= size ? (ssize_t)(producer - consumer) : (ssize_t)size;
		__atomic_store_n(ring.consumer, producer, __ATOMIC_RELEASE);
	}
	obi_ring_unmap(&ring);
	return lost;
}

size_t obi_ring_waiting(const struct obi_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
}
