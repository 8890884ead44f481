/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 OR BSD-2-Clause */
/*
 * A sampler's decision, compiled for both sides: the kernel side writes it into headers. The number
 * of a trace is what the SDKs take: the last eight bytes of its id, big endian, without the lowest
 * bit. So all services of a trace decide alike, whatever language samples.
 */
#ifndef OBI_SAMPLER_H
#define OBI_SAMPLER_H

#include "obi/record.h"

#define OBI_TRACE_SAMPLED 0x01 /* W3C Trace Context, section 3.2.2.5 */

struct obi_sampler {
	__u64 bound;        /* of 2^63: a root is taken where its trace's number is below */
	__u32 parent_based; /* a span with a parent does as that did */
	__u32 pad;
};

static inline __attribute__((always_inline)) _Bool
obi_sampler_takes(const struct obi_sampler *sampler, const struct obi_trace *trace)
{
	__u64 parent, number;

	__builtin_memcpy(&parent, trace->parent_id, sizeof(parent));
	__builtin_memcpy(&number, trace->trace_id + 8, sizeof(number));
	if (sampler->parent_based && parent)
		return trace->trace_flags & OBI_TRACE_SAMPLED;
	return __builtin_bswap64(number) >> 1 < sampler->bound;
}

#endif
