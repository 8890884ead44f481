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

static void new_child(struct obi_conns *conns, struct exchange *x, const struct obi_trace *parent)
{
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

/* A header of its own was made by the application, or is the one that its request came with, which
 * then is the parent. */
static const struct obi_trace *parent_of_client(struct obi_conns *conns, const struct exchange *x,
						const struct origin *origin,
						const struct obi_trace *header)
{
	const struct obi_trace *parent = kin_parent(conns, x, &origin->opening);

	return header && !(parent && obi_handed_on(parent, header)) ? header : parent;
}

void exchange_identify(struct obi_conns *conns, struct exchange *x, const struct origin *origin,
		       const struct obi_trace *header)
{
	struct conn *c = &conns->slots[x->conn];
	const struct obi_trace *kernel, *parent = header;

	x->server = c->requests == OBI_RECV;
	x->kind = x->server ? OBI_KIND_SERVER : OBI_KIND_CLIENT;
	x->pid = origin->pid;
	x->tid = origin->tid;
	x->start_ns = origin->start_ns;
	x->could_wait = origin->flags & OBI_RECORD_COULD_WAIT;
	kernel = fresh_trace(c, origin->flags & OBI_RECORD_TRACED, origin->trace);
	/* The application's own header went out untouched: it is the parent. */
	if (!x->server && header && !(origin->flags & OBI_RECORD_INJECTED))
		kernel = NULL;
	if (!x->server)
		parent = parent_of_client(conns, x, origin, header);
	if (kernel)
		x->trace = *kernel;
	else if (parent)
		new_child(conns, x, parent);
	else
		new_root(conns, x);
	/* Its children do as it does. */
	if (!kernel && conns->options.sampled)
		x->trace.trace_flags =
			conns->options.sampled(conns->options.context, x->pid, &x->trace);
	if (x->server && !c->protocol->carrier)
		kin_begin(conns, x);
}
