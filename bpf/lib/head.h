/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Heads of HTTP/1 messages, as far as the kernel side looks into them: where they end, a
 * traceparent field, and how long an answer is. Eight bytes at a time, from line to line.
 */
#ifndef OBI_BPF_HEAD_H
#define OBI_BPF_HEAD_H

/* What a piece of a head ended in: conn_state.head_edge. */
enum head_edge {
	EDGE_LINE,    /* within a line */
	EDGE_FEED,    /* a line feed: the next line may be the blank one */
	EDGE_FEED_CR, /* and a carriage return */
};

/* A chunk of which all is shown, within limits. */
static __always_inline u32 pieces_of(u64 bytes)
{
	if (bytes > CROWD_PIECES * OBI_HEAD_MAX)
		return CROWD_PIECES;
	return (bytes + OBI_HEAD_MAX - 1) / OBI_HEAD_MAX;
}

/* What was found. */
#define SCAN_ENDS 0x01   /* the blank line */
#define SCAN_TRACED 0x02 /* a valid traceparent: it stands in s->found */
#define SCAN_NAMED 0x04  /* one, valid or not; ... */
#define SCAN_TWICE 0x08  /* ... with more than one none counts */

/* The line that begins at `at` of head: is it blank, or a traceparent field? end: behind the last
 * byte. 1 where the head ends. */
static __always_inline int scan_field(struct scratch *s, u32 at, u32 end)
{
	if (at >= end || at >= SCRATCH_HEAD - 16)
		return 0;
	if (s->head[at] == '\n' || (s->head[at] == '\r' && at + 1 < end && s->head[at + 1] == '\n'))
		return 1;
	if ((s->head[at] | 0x20) == 't' &&
	    at + TRACEPARENT_NAME_LEN + TRACEPARENT_VALUE_LEN < end &&
	    is_traceparent_name(&s->head[at])) {
		s->scanned |= s->scanned & SCAN_NAMED ? SCAN_TWICE : SCAN_NAMED;
		*(volatile u32 *)&s->value_at = at + TRACEPARENT_NAME_LEN;
	}
	return 0;
}

static __always_inline u32 skip_blanks(const struct scratch *s, u32 at)
{
#pragma clang loop unroll(full)
	for (u32 i = 0; i < 4; i++) {
		u32 c = s->head[at & (SCRATCH_HEAD - 1)];

		at += c == ' ' || c == '\t';
	}
	return at;
}

/* The value's fixed part ends before `at`: is it all of the value? Only a version above 00 may have
 * more. Blanks are no part of it (RFC 9112 section 5). */
static __always_inline bool value_ends(const struct scratch *s, u32 at, u32 end)
{
	u32 c;

	if (s->head[at & (SCRATCH_HEAD - 1)] == '-')
		return true; /* which read_traceparent() looks at */
	at = skip_blanks(s, at);
	c = s->head[at & (SCRATCH_HEAD - 1)];
	if (at >= end)
		return false;
	if (c == '\r' && at + 1 < end)
		return s->head[(at + 1) & (SCRATCH_HEAD - 1)] == '\n';
	return c == '\n' || c == '\r';
}

/* Reads the value of the field that was found, if there was one. */
__noinline int scratch_value(u32 slot, u32 end)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u32 at = s ? *(volatile u32 *)&s->value_at : 0;

	if (!s || !at)
		return 0;
	at = skip_blanks(s, at);
	if (at + TRACEPARENT_VALUE_LEN >= end || !value_ends(s, at + TRACEPARENT_VALUE_LEN, end))
		return 0;
	/* A bound of its own, on the register that is used. */
	barrier_var(at);
	if (at >= SCRATCH_HEAD - 128)
		return 0;
	if (read_traceparent(&s->head[at], &s->found))
		s->scanned |= SCAN_TRACED;
	return 0;
}

/* Rounds that are looked at together: the verifier walks through so many, and not through all. */
#define SCAN_ROUNDS 16

enum scan_end {
	SCAN_GOES_ON,
	SCAN_IS_OVER, /* where lines no longer begin */
	SCAN_HEAD_ENDS,
};

/* Goes on from the cursor, some rounds. */
__noinline int scratch_scan_some(u32 slot, u32 last, u32 end)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 feeds;

	if (!s)
		return SCAN_IS_OVER;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < SCAN_ROUNDS; i++) {
		/* Through memory, so that the verifier does not follow each way to this place. */
		u32 at = *(volatile u32 *)&s->cursor;

		if (at >= last || at >= SCRATCH_HEAD - 8)
			return SCAN_IS_OVER;
		feeds = line_feeds(*(u64 *)&s->head[at]);
		if (!feeds) {
			*(volatile u32 *)&s->cursor = at + 8;
			continue;
		}
		at += first_byte(feeds) + 1;
		*(volatile u32 *)&s->cursor = at;
		if (at < last && scan_field(s, at, end))
			return SCAN_HEAD_ENDS;
	}
	return SCAN_GOES_ON;
}

/*
 * Looks through len bytes from `from` of head of a scratch, up to the blank line. Lines begin
 * before `last`. edge: what came before (enum head_edge). Adds to s->scanned; 1 where the head
 * ends.
 */
__noinline int scratch_scan(u32 slot, u32 from, u32 len, u32 edge)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u32 end = from + len, last = from == OBI_HEAD_MAX ? from + EDGE_LEN : end;
	int scan = SCAN_GOES_ON;

	if (!s || from > OBI_HEAD_MAX || len > OBI_HEAD_MAX)
		return 0;
	*(volatile u32 *)&s->cursor = from;
	*(volatile u32 *)&s->value_at = 0;
	if (edge == EDGE_FEED_CR && s->head[from] == '\n')
		return 1;
	if (edge == EDGE_FEED && scan_field(s, from, end))
		scan = SCAN_HEAD_ENDS;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < OBI_HEAD_MAX / 4 / SCAN_ROUNDS && scan == SCAN_GOES_ON; i++)
		scan = scratch_scan_some(slot, last, end);
	if (propagate)
		(void)scratch_value(slot, end);
	return scan == SCAN_HEAD_ENDS;
}

/* What len bytes of a head end in. */
static __always_inline u32 edge_of(const struct scratch *s, u32 len)
{
	if (len < 2 || len > OBI_HEAD_MAX)
		return EDGE_LINE;
	if (s->head[len - 1] == '\n')
		return EDGE_FEED;
	return s->head[len - 2] == '\n' && s->head[len - 1] == '\r' ? EDGE_FEED_CR : EDGE_LINE;
}

/*
 * A field may be cut by the end of a piece: the end is kept in s->edge, and looked at together with
 * the len bytes that follow, behind these.
 */
static __always_inline void scan_over_edge(struct scratch *s, u32 slot, u32 len)
{
	u32 more = len < EDGE_LEN ? len : EDGE_LEN;

	__builtin_memcpy(s->head + OBI_HEAD_MAX, s->edge, EDGE_LEN);
	__builtin_memcpy(s->head + OBI_HEAD_MAX + EDGE_LEN, s->head, EDGE_LEN);
	(void)scratch_scan(slot, OBI_HEAD_MAX, EDGE_LEN + more, EDGE_LINE);
}

static __always_inline void keep_edge(struct scratch *s, u32 len)
{
	const u8 *from = s->head;

	s->head_edge = edge_of(s, len);
	if (!propagate || len > OBI_HEAD_MAX)
		return;
	if (len < EDGE_LEN) { /* with the end of what was kept before */
		__builtin_memcpy(s->head + OBI_HEAD_MAX, s->edge, EDGE_LEN);
		__builtin_memcpy(s->head + OBI_HEAD_MAX + EDGE_LEN, s->head, EDGE_LEN);
		from += OBI_HEAD_MAX + len;
	} else {
		from += len - EDGE_LEN;
	}
	(void)bpf_probe_read_kernel(s->edge, EDGE_LEN, from);
}

/* Bytes of a PROXY protocol header of version 2 before the request, which holds an empty line
 * (PROXY protocol specification, section 2.2). */
static __always_inline u32 preface_len(const struct scratch *s, u32 len)
{
	u32 size = 16 + (s->head[14] << 8 | s->head[15]);

	if (len < 16 || *(const u64 *)s->head != 0x510a0d000a0d0a0d || size > OBI_HEAD_MAX / 2)
		return 0;
	return size;
}

#define NEXT_UNREAD 256

/* The head ended in a piece of len bytes that began at s->skip: what follows? */
static __always_inline void note_end(struct scratch *s, u32 len)
{
	u32 at = *(volatile u32 *)&s->cursor & (OBI_HEAD_MAX - 1);

	at += s->head[at] == '\r' ? 2 : 1;
	barrier_var(at);
	s->head_end = s->skip + at;
	if (at < len && at < SCRATCH_HEAD)
		s->next = s->head[at];
	else if (s->head_end < s->skip + s->bytes)
		s->next = NEXT_UNREAD;
}

/*
 * Looks through the chunk's part of a request's head, of which len bytes were read, in pieces:
 * s->pieces of them. What was found is added to s->scanned. goes_on: the head began before, and
 * s->edge is what it ended in. Of more than one piece the last stands in s->head afterwards.
 */
__noinline int scratch_scan_chunk(u32 slot, u32 len, u32 goes_on)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u32 from;
	u64 all;

	if (!s)
		return 0;
	all = s->bytes;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < HEAD_PIECES; i++) {
		if (i) {
			s->skip = i * OBI_HEAD_MAX;
			if (s->skip >= all)
				break;
			s->bytes = all - s->skip;
			len = scratch_read(slot);
		}
		if (len == 0 || len > OBI_HEAD_MAX)
			break;
		s->pieces = i + 1;
		if (propagate && (goes_on || i))
			scan_over_edge(s, slot, len);
		from = i ? 0 : s->preface;
		if (from > len)
			break;
		if (scratch_scan(slot, from, len - from, goes_on || i ? s->head_edge : EDGE_LINE)) {
			s->scanned |= SCAN_ENDS;
			note_end(s, len);
			break;
		}
		keep_edge(s, len);
	}
	s->skip = 0;
	s->bytes = all;
	return 0;
}

/* What the last bytes of a chunk, in s->tail, leave of a head: whether it ended is in s->scanned.
 */
static __always_inline void note_tail(struct scratch *s)
{
	u32 last = s->tail >> 32;

	s->head_edge = EDGE_LINE;
	if (last == 0x0a0d0a0d || last >> 16 == 0x0a0a)
		return;
	s->scanned &= ~SCAN_ENDS;
	if (last >> 24 == '\n')
		s->head_edge = EDGE_FEED;
	else if (last >> 16 == 0x0d0a)
		s->head_edge = EDGE_FEED_CR;
}

/*
 * More of the chunk follows the head that ended in it: other requests, or its body? Of requests all
 * is shown, and what the last one ends in is that of the chunk. none: no body is to come.
 */
__noinline int scratch_crowd(u32 slot, u32 none)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u64 all;
	u32 len;

	if (!s || s->head_end >= s->bytes)
		return 0;
	all = s->bytes;
	s->skip = s->head_end;
	s->bytes = all - s->head_end;
	len = scratch_read(slot);
	s->crowd = none || scratch_guess(slot, len) == GUESS_HTTP_REQUEST;
	s->skip = 0;
	s->bytes = all;
	if (!s->crowd)
		return 0;
	s->pieces = pieces_of(all);
	(void)scratch_tail(slot);
	note_tail(s);
	return 0;
}

/* The key of the request line in head of a scratch, of which len bytes came: see obi/parent.h. */
__noinline int scratch_line(u32 slot, u32 len, u32 pid)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);

	if (s && len <= OBI_HEAD_MAX)
		s->line = obi_line_key(pid, s->head, s->head + len);
	return 0;
}

#define CONTENT_LENGTH_LEN 15 /* "content-length:" */

static __always_inline bool is_content_length(const u8 *p)
{
	return (*(const u64 *)p | 0x2020202020202020) == 0x2d746e65746e6f63 &&     /* "content-" */
	       (*(const u64 *)(p + 7) | 0x2020202020202020) == 0x3a6874676e656c2d; /* "-length:" */
}

/* Reads the number at p, of at most 18 digits. */
static __always_inline u64 read_number(const u8 *p)
{
	u64 value = 0;

	for (u32 i = 0; i < 20; i++) {
		u32 c = p[i];

		if (i == 0 && c == ' ')
			continue;
		if (c - '0' > 9)
			break;
		value = value * 10 + c - '0';
	}
	return value;
}

/*
 * Where the answer that begins in head of a scratch, of which len bytes came, ends: what its head
 * and its Content-Length come to, into s->answer_end. 0 where that is not known: chunked, ended by
 * the connection's end, or a head longer than this.
 */
__noinline int scratch_answer_end(u32 slot, u32 len)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u32 at, value_at;
	u64 feeds;

	if (!s || len > OBI_HEAD_MAX)
		return 0;
	s->answer_end = 0;
	*(volatile u32 *)&s->cursor = 0;
	*(volatile u32 *)&s->value_at = 0;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < OBI_HEAD_MAX / 4; i++) {
		at = *(volatile u32 *)&s->cursor;
		if (at >= len || at >= OBI_HEAD_MAX)
			return 0;
		feeds = line_feeds(*(u64 *)&s->head[at]);
		if (!feeds) {
			*(volatile u32 *)&s->cursor = at + 8;
			continue;
		}
		at += first_byte(feeds) + 1;
		*(volatile u32 *)&s->cursor = at;
		if (at + 2 > len || at >= OBI_HEAD_MAX)
			return 0;
		if (s->head[at] == '\n' || (s->head[at] == '\r' && s->head[at + 1] == '\n'))
			break;
		if ((s->head[at] | 0x20) == 'c' && is_content_length(&s->head[at]))
			*(volatile u32 *)&s->value_at = at + CONTENT_LENGTH_LEN;
	}
	at = *(volatile u32 *)&s->cursor;
	value_at = *(volatile u32 *)&s->value_at;
	if (!value_at || value_at >= OBI_HEAD_MAX || at >= OBI_HEAD_MAX ||
	    (s->head[at] != '\r' && s->head[at] != '\n'))
		return 0;
	s->answer_end = at + 1 + (s->head[at] == '\r') + read_number(&s->head[value_at]);
	return 0;
}

#endif
