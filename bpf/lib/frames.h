/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Chunks of frames, by a rule that the worker gave: all is shown but the payloads of long frames of
 * some types, so that bulk costs nothing and no frame behind it is lost. What is not shown is a
 * hole of known length; the record before it says that it is there, so that its end has its time.
 */
#ifndef OBI_BPF_FRAMES_H
#define OBI_BPF_FRAMES_H

#define FRAMES_ROUNDS 136 /* OBI_HEAD_MAX bytes of frames, one each, a header byte by byte */

/* Is a frame with this header one whose payload is not shown? */
static __always_inline bool frame_is_skipped(const struct obi_frame_rule *rule,
					     const struct frame_walk *frames)
{
	u8 type = frames->header[rule->type_at & (OBI_FRAME_HEADER_MAX - 1)];

	if (frames->left <= rule->shown_over)
		return false;
	return rule->types_count == 0 || type == rule->types[0] ||
	       (rule->types_count > 1 && type == rule->types[1]) ||
	       (rule->types_count > 2 && type == rule->types[2]) ||
	       (rule->types_count > 3 && type == rule->types[3]);
}

/* The header is whole: what follows it? */
static __always_inline void frame_begin(const struct obi_frame_rule *rule,
					struct frame_walk *frames)
{
	u32 at = rule->length_at & (OBI_FRAME_HEADER_MAX / 2 - 1);
	u32 unused = 8 * (4 - (rule->length_width & 3)) & 31; /* bits */
	u32 length = *(u32 *)(frames->header + at);
	s64 left;

	length = rule->little_endian ? length << unused >> unused
				     : __builtin_bswap32(length) >> unused;
	left = (s64)length + rule->bias;
	frames->left = left < 0 ? 0 : left;
	frames->have = 0;
	frames->skips = frame_is_skipped(rule, frames);
}

/* Takes bytes of a header from head, where run is: all of it where it is there, else one. */
static __always_inline void frame_header(struct scratch *s)
{
	u64 *to = (u64 *)s->frames.header;
	u64 at = s->run & (OBI_HEAD_MAX - 1);

	barrier_var(at);
	at &= OBI_HEAD_MAX - 1; /* of the register that is used */
	if (s->frames.have == 0 && s->run + OBI_FRAME_HEADER_MAX <= s->window) {
		to[0] = *(u64 *)(s->head + at);
		to[1] = *(u64 *)(s->head + at + 8);
		s->frames.have = s->rule.header;
		s->run += s->rule.header;
		return;
	}
	s->frames.header[s->frames.have & (OBI_FRAME_HEADER_MAX - 1)] = s->head[at];
	s->frames.have++;
	s->run++;
}

/* Goes on by a frame, or by a byte of its header. false: at the end, or where nothing is shown. */
static __always_inline bool frame_next(struct scratch *s)
{
	u32 n = s->window - s->run;

	if (n > s->frames.left)
		n = s->frames.left;
	s->frames.left -= n;
	s->run += n;
	if (s->run >= s->window)
		return false;
	frame_header(s);
	if (s->frames.have < s->rule.header)
		return true;
	frame_begin(&s->rule, &s->frames);
	return !s->frames.skips;
}

/* Rounds that are gone through together: the verifier walks through so many, and not through all.
 */
#define FRAMES_SOME 8

/* Goes on, some rounds. All that is known is in memory, so that each looks the same to the
 * verifier.
 */
__noinline int scratch_frames_some(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);

	if (!s)
		return 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < FRAMES_SOME; i++) {
		if (!frame_next(s))
			return 0;
		barrier();
	}
	return 1;
}

/* Goes through the len bytes in head of a scratch, and sets run: those up to a payload that is not
 * shown. */
static __noinline int scratch_frames(struct scratch *s, u32 slot, u32 len)
{
	s->window = len;
	s->run = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < FRAMES_ROUNDS / FRAMES_SOME; i++)
		if (!scratch_frames_some(slot))
			break;
	return 0;
}

/* Reads on from pos up to a payload that is not shown. Returns the bytes to be shown; 0: none could
 * be read. */
static __always_inline u32 frames_read(struct scratch *s, u32 slot)
{
	u32 len;

	s->skip = s->pos;
	s->bytes = s->all - s->pos;
	len = scratch_read(slot);
	if (len == 0 || len > OBI_HEAD_MAX)
		return 0;
	(void)scratch_frames(s, slot, len);
	return s->run;
}

/* One record, and the hole behind it. 0 where the chunk ends. */
__noinline int scratch_frames_record(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 hole = 0;
	bool skips;
	u32 len;

	if (!s)
		return 0;
	skips = s->frames.left && s->frames.skips;
	len = skips ? 0 : frames_read(s, slot);
	if (!skips && len == 0)
		return 0;
	if (s->frames.skips) {
		hole = s->all - s->pos - len;
		if (hole > s->frames.left)
			hole = s->frames.left;
		s->frames.left -= hole;
	}
	s->record.before = s->before + s->pos;
	s->record.bytes = len + hole;
	s->pos += len + hole;
	/* Of the end of what is not shown only a record behind it tells, in the same chunk. */
	if (len || (!s->frames.left && s->pos == s->all))
		(void)scratch_put(slot, len);
	return s->pos < s->all;
}

/* The records of a chunk, the first of which is filled in but for its bytes. */
static __always_inline void scratch_output_frames(struct scratch *s, u32 slot)
{
	s->all = s->bytes;
	s->before = s->record.before;
	s->pos = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < 2 * CROWD_PIECES; i++)
		if (!scratch_frames_record(slot))
			break;
	s->skip = 0;
	s->bytes = s->all;
	s->run = s->pos < s->all; /* the rest was too much, or could not be read */
}

/* Such a chunk of a connection. */
static __always_inline void frames_output(struct conn_state *state, struct scratch *s, u32 slot,
					  u8 direction)
{
	s->rule = state->rule;
	s->frames = state->frames[direction & 1];
	scratch_output_frames(s, slot);
	state->frames[direction & 1] = s->frames;
	if (s->run) /* nobody knows where the next frame begins */
		state->walks &= ~(1 << direction);
}

/* What comes in this direction are frames of HTTP/2, after so many bytes. */
static __always_inline void frames_begin(struct conn_state *state, u8 direction, u32 left)
{
	const struct obi_frame_rule rule = OBI_FRAMES_HTTP2;
	const struct frame_walk walk = { .left = left };

	state->rule = rule;
	state->frames[direction & 1] = walk;
	state->walks |= 1 << (direction & 1);
}

/* Bytes of a direction that is not followed yet, of which guess says what they begin with: its
 * first ones? Servers may speak first, and then the worker may know the protocol before the
 * client's preface comes. */
static __noinline void frames_may_begin(struct conn_state *state, const struct scratch *s,
					u8 direction, enum protocol_guess guess)
{
	u64 other = state->offset[(direction & 1) ^ 1];

	if (guess == GUESS_HTTP2) {
		frames_begin(state, direction, OBI_HTTP2_PREFACE_LEN);
		if (other == 0 && state->message == 0)
			frames_begin(state, !direction, 0);
		/* What the worker would say, too late for the first ones. */
		state->ordered = OBI_ORDER_FRAMES;
		state->limit = OBI_ORDER_BYTES_MAX;
	} else if (state->offset[direction & 1] == 0 && is_http2_settings(s)) {
		frames_begin(state, direction, 0);
	}
}

#endif
