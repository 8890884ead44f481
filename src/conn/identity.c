// SPDX-License-Identifier: Apache-2.0
/*
 * Which span an exchange is, in which trace, whose child: the kernel's word where it has one (it
 * writes headers), else made here by the same rule.
 */
#include "conn/state.h"

static void new_span_id(struct obi_conns *conns, struct exchange *x)
{
	uint8_t *id = x->trace.span_id;

	conns->options.random(conns->options.context, id, sizeof(x->trace.span_id));
	id[0] |= bytes_are_zero(id, sizeof(x->trace.span_id)); /* all zero would mean none */
}

static void new_root(struct obi_conns *conns, struct exchange *x)
{
	uint8_t *id = x->trace.trace_id;

	conns->options.random(conns->options.context, id, sizeof(x->trace.trace_id));
	id[0] |= bytes_are_zero(id, sizeof(x->trace.trace_id));
	memset(x->trace.parent_id, 0, sizeof(x->trace.parent_id));
	x->trace.trace_flags = 1;
	new_span_id(conns, x);
}

static void identify_server(struct obi_conns *conns, struct exchange *x,
			    const struct http1_head *head)
{
	if (!(head->flags & HTTP1_TRACED)) {
		new_root(conns, x);
		return;
	}
	memcpy(x->trace.trace_id, head->trace.trace_id, sizeof(x->trace.trace_id));
	memcpy(x->trace.parent_id, head->trace.span_id, sizeof(x->trace.parent_id));
	x->trace.trace_flags = head->trace.trace_flags;
	new_span_id(conns, x);
}

/* A header of its own was made by the application, or is the one that its request came with, which
 * then is the parent. */
static void identify_client(struct obi_conns *conns, struct exchange *x,
			    const struct obi_trace *parent, const struct http1_head *head)
{
	const struct obi_trace *header = head->flags & HTTP1_TRACED ? &head->trace : NULL;

	if (header && !(parent && obi_handed_on(parent, header)))
		parent = header;
	if (!parent) {
		new_root(conns, x);
		return;
	}
	memcpy(x->trace.trace_id, parent->trace_id, sizeof(x->trace.trace_id));
	memcpy(x->trace.parent_id, parent->span_id, sizeof(x->trace.parent_id));
	x->trace.trace_flags = parent->trace_flags;
	new_span_id(conns, x);
}

/* The kernel's identity belongs to one request, but stands in every record until the next. */
static const struct obi_trace *fresh_trace(struct conn *c, bool traced,
					   const struct obi_trace *trace)
{
	if (!traced || memcmp(c->last_span_id, trace->span_id, sizeof(c->last_span_id)) == 0)
		return NULL;
	memcpy(c->last_span_id, trace->span_id, sizeof(c->last_span_id));
	return trace;
}

/* What the records of a request's head say of it. */
static void take_record(struct exchange *x, const struct partial *partial,
			const struct chunk *chunk)
{
	const struct obi_record *record = chunk->record;
	unsigned flags = partial ? partial->record_flags : record->flags;

	x->pid = partial ? partial->pid : record->pid;
	x->tid = partial ? partial->tid : record->tid;
	x->start_ns = partial ? partial->start_ns : chunk->time_ns;
	x->could_wait = flags & OBI_RECORD_COULD_WAIT;
}

void exchange_identify(struct obi_conns *conns, struct exchange *x, const struct chunk *chunk,
		       const struct http1_head *head, bool cut)
{
	struct conn *c = &conns->slots[x->conn];
	const struct partial *partial = c->streams[c->requests].partial;
	const struct obi_record *record = chunk->record;
	unsigned flags = partial ? partial->record_flags : record->flags;
	struct opening opening = { record->opened_ns, record->opener };
	const struct obi_trace *kernel, *parent = NULL;

	x->server = c->requests == OBI_RECV;
	take_record(x, partial, chunk);
	if (!cut) /* the version stands behind the target, and the line's end */
		x->line = obi_line_key(x->pid, head->method.data,
				       head->target.data + head->target.len + sizeof(uint64_t));
	kernel = fresh_trace(c, flags & OBI_RECORD_TRACED,
			     partial ? &partial->trace : &record->trace);
	/* The application's own header went out untouched: it is the parent. */
	if (!x->server && (head->flags & HTTP1_TRACED) && !(flags & OBI_RECORD_INJECTED))
		kernel = NULL;
	if (!x->server)
		parent = kin_parent(conns, x, partial ? &partial->opening : &opening);
	if (kernel)
		x->trace = *kernel;
	else if (x->server)
		identify_server(conns, x, head);
	else
		identify_client(conns, x, parent, head);
	/* Its children do as it does. */
	if (!kernel && conns->options.sampled)
		x->trace.trace_flags =
			conns->options.sampled(conns->options.context, x->pid, &x->trace);
	if (x->server)
		kin_begin(conns, x);
}
