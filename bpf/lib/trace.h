/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Trace identity, made where it is needed first. A server request takes its trace from the
 * traceparent header it came with, else a new one, and is remembered for its thread; a
 * client request of that thread becomes its child.
 */
#ifndef OBI_BPF_TRACE_H
#define OBI_BPF_TRACE_H

/* "traceparent:" then blanks, "00-" 32 hex "-" 16 hex "-" 2 hex (W3C Trace Context section 3.2) */
#define TRACEPARENT_NAME_LEN 12
#define TRACEPARENT_VALUE_LEN 55

static __always_inline void random_bytes(u8 *to, u32 words)
{
	u32 *word = (u32 *)to;

	for (u32 i = 0; i < words; i++)
		word[i] = bpf_get_prandom_u32();
}

static __always_inline bool trace_is_set(const struct obi_trace *trace)
{
	const u64 *id = (const u64 *)trace->trace_id;

	return id[0] | id[1];
}

/* Its flags say whether it is sampled, in a header too. */
static __always_inline void trace_sample(struct obi_trace *trace, u32 pid)
{
	u32 *flags = sampling ? bpf_map_lookup_elem(&processes, &pid) : NULL;
	u32 entry = flags ? *flags >> OBI_PROCESS_SAMPLER : 0;
	struct obi_sampler *sampler = flags ? bpf_map_lookup_elem(&samplers, &entry) : NULL;

	if (sampler)
		trace->trace_flags = obi_sampler_takes(sampler, trace);
}

static __always_inline void trace_new_root(struct obi_trace *trace)
{
	random_bytes(trace->trace_id, 4);
	random_bytes(trace->span_id, 2);
	__builtin_memset(trace->parent_id, 0, sizeof(trace->parent_id));
	trace->trace_flags = 1;
}

/* The same span, in a trace of its own. */
static __always_inline void trace_is_root(struct obi_trace *trace)
{
	random_bytes(trace->trace_id, 4);
	__builtin_memset(trace->parent_id, 0, sizeof(trace->parent_id));
	trace->trace_flags = 1;
}

static __always_inline void trace_new_child(struct obi_trace *trace, const struct obi_trace *parent)
{
	__builtin_memcpy(trace->trace_id, parent->trace_id, sizeof(trace->trace_id));
	__builtin_memcpy(trace->parent_id, parent->span_id, sizeof(trace->parent_id));
	random_bytes(trace->span_id, 2);
	trace->trace_flags = parent->trace_flags;
}

/* false where a digit is not hexadecimal in lower case (W3C Trace Context section 3.2.2.1); without
 * branches, see guess.h */
static __noinline bool hex_decode(const u8 *from, u8 *to, u32 bytes)
{
	u32 good = 1;

#pragma clang loop unroll(disable)
	for (u32 i = 0; i < bytes; i++) {
		u32 high = from[2 * i], low = from[2 * i + 1];

		good &= byte_between(high, '0', '9') | byte_between(high, 'a', 'f');
		good &= byte_between(low, '0', '9') | byte_between(low, 'a', 'f');
		to[i] = ((high & 15) + 9 * (high >> 6)) << 4 | ((low & 15) + 9 * (low >> 6));
	}
	return good;
}

static __always_inline bool is_traceparent_name(const u8 *p)
{
	const u8 name[] = "traceparent";
	u32 differs = p[TRACEPARENT_NAME_LEN - 1] ^ ':';

#pragma clang loop unroll(full)
	for (u32 i = 0; i < TRACEPARENT_NAME_LEN - 1; i++)
		differs |= (p[i] | 0x20) ^ name[i];
	return differs == 0;
}

static __always_inline bool is_blank_or_end(u8 c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/*
 * Reads the value of a traceparent field at p, of which at least TRACEPARENT_VALUE_LEN + 1 bytes
 * may be touched: trace id, the sender's span as parent id, and flags. Versions above 00 are read
 * as far as version 00 goes (section 3.2.2.2); the same as span/trace.c, and tested with the same
 * vectors.
 */
static __always_inline bool read_traceparent(const u8 *p, struct obi_trace *trace)
{
	u8 version, behind = p[TRACEPARENT_VALUE_LEN];

	if (p[2] != '-' || p[35] != '-' || p[52] != '-')
		return false;
	if (!hex_decode(p, &version, 1) || version == 0xff)
		return false;
	if (behind == '-' ? version == 0 : !is_blank_or_end(behind))
		return false;
	if (!hex_decode(p + 3, trace->trace_id, 16) || !hex_decode(p + 36, trace->parent_id, 8) ||
	    !hex_decode(p + 53, &trace->trace_flags, 1))
		return false;
	return trace_is_set(trace) && *(u64 *)trace->parent_id;
}

/* The request goes on with the trace of the header that was found in its head. */
static __always_inline void trace_adopt(struct obi_trace *trace, const struct obi_trace *header)
{
	__builtin_memcpy(trace->trace_id, header->trace_id, sizeof(trace->trace_id));
	__builtin_memcpy(trace->parent_id, header->parent_id, sizeof(trace->parent_id));
	trace->trace_flags = header->trace_flags;
}

#endif
