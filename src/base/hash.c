// SPDX-License-Identifier: Apache-2.0
/*
 * 16 bytes a step: two words, each mixed with a constant, multiplied to 128 bits and
 * folded. The rest is read as two possibly overlapping words, so nothing is copied and
 * nothing beyond the end is read.
 */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

/* Odd constants with about half of their bits set: digits of pi and e. */
#define MIX_A 0x243f6a8885a308d3ULL
#define MIX_B 0xb7e151628aed2a6bULL

uint64_t hash_seed(void)
{
	static uint64_t seed;

	while (!seed) {
		if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
			seed = clock_realtime_ns();
	}
	return seed;
}

static uint64_t read64(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static uint64_t read32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t hash = seed ^ fold(seed ^ MIX_A, len ^ MIX_B);
	uint64_t a = 0, b = 0;
	size_t left = len;

	for (; left > 16; left -= 16, p += 16)
		hash = fold(read64(p) ^ MIX_A, read64(p + 8) ^ hash);
	if (left >= 8) {
		a = read64(p);
		b = read64(p + left - 8);
	} else if (left >= 4) {
		a = read32(p);
		b = read32(p + left - 4);
	} else if (left) {
		a = (uint64_t)p[0] << 16 | (uint64_t)p[left / 2] << 8 | p[left - 1];
	}
	return fold(a ^ MIX_B, b ^ hash ^ MIX_A) ^ hash;
}
