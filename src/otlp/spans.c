// SPDX-License-Identifier: Apache-2.0
#include "otlp/spans.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/random.h"
#include "otlp/resource.h"
#include "otlp/span_attributes.h"
#include "settings/settings.h"

#define SCOPE_NAME "go.opentelemetry.io/obi"

/* Memory of groups that is kept for the next batch. */
#define KEPT_ROOM (2u << 20)
/* Upper bound of what leads a group in the request: a tag and a length. */
#define GROUP_HEAD 6u

/* opentelemetry/proto/collector/trace/v1/trace_service.proto, opentelemetry/proto/trace/v1 */
enum request_field {
	REQUEST_RESOURCE_SPANS = 1,
};

enum resource_spans_field {
	RESOURCE_SPANS_RESOURCE = 1,
	RESOURCE_SPANS_SCOPE_SPANS = 2,
};

enum scope_spans_field {
	SCOPE_SPANS_SCOPE = 1,
	SCOPE_SPANS_SPANS = 2,
};

enum span_field {
	SPAN_TRACE_ID = 1,
	SPAN_SPAN_ID = 2,
	SPAN_PARENT_SPAN_ID = 4,
	SPAN_NAME = 5,
	SPAN_KIND = 6,
	SPAN_START = 7,
	SPAN_END = 8,
	SPAN_ATTRIBUTES = 9,
	SPAN_STATUS = 15,
	SPAN_FLAGS = 16,
};

enum status_field {
	STATUS_MESSAGE = 2,
	STATUS_CODE = 3,
};

#define STATUS_CODE_ERROR 2

/* Span.flags: bits 0 to 7 are the trace flags of W3C; the next says that the one after it is known,
 * and that one that the parent is a span of another process. */
#define FLAG_SAMPLED 0x01u
#define FLAG_REMOTE_KNOWN 0x100u
#define FLAG_REMOTE 0x200u

static const enum otlp_span_kind kinds[] = {
	[OBI_KIND_SERVER] = OTLP_KIND_SERVER,     [OBI_KIND_CLIENT] = OTLP_KIND_CLIENT,
	[OBI_KIND_PRODUCER] = OTLP_KIND_PRODUCER, [OBI_KIND_CONSUMER] = OTLP_KIND_CONSUMER,
	[OBI_KIND_INTERNAL] = OTLP_KIND_INTERNAL,
};

_Static_assert(ARRAY_SIZE(kinds) == OBI_KINDS, "a number for each kind: 0 is none");

/* The spans of one service. */
struct group {
	struct obi_service service;
	struct buffer body;  /* a ResourceSpans without tag and length */
	size_t resource_len; /* what of it is there before the first span */
	size_t spans;        /* of this batch */
};

struct otlp_spans {
	const struct obi_settings *settings;
	struct otlp_resource *resource;
	attribute_set selected[OTLP_SPAN_TYPES];
	struct group **groups;
	size_t groups_count, groups_room;
	uint32_t *index; /* group number + 1, 0 = empty; open addressing by pid */
	size_t index_size;
	struct group *last; /* spans of one service come in runs */
	size_t count, encoded, bytes;
	struct buffer text;
	struct otlp_faults faults;
};

/* ---- Opening ---- */

int otlp_spans_new(const struct obi_settings *settings, struct otlp_spans **ret_batch)
{
	struct otlp_spans *batch = calloc(1, sizeof(*batch));
	int error = batch ? otlp_resource_new(settings, &batch->resource) : -ENOMEM;

	if (error) {
		free(batch);
		return error;
	}
	for (int i = 0; i < OTLP_SPAN_TYPES; i++)
		batch->selected[i] = otlp_span_select(&otlp_span_types[i],
						      &settings->pipeline.attributes.select);
	batch->settings = settings;
	*ret_batch = batch;
	return 0;
}

static void free_group(struct group *group)
{
	buffer_free(&group->body);
	free(group);
}

void otlp_spans_free(struct otlp_spans *batch)
{
	if (!batch)
		return;
	for (size_t i = 0; i < batch->groups_count; i++)
		free_group(batch->groups[i]);
	free(batch->groups);
	free(batch->index);
	buffer_free(&batch->text);
	otlp_resource_free(batch->resource);
	free(batch);
}

/* ---- Groups ---- */

/* The same process may become another service: an exec, a pid used again. No padding is compared,
 * and what is behind the end of a text makes a group more at worst. */
static bool is_of(const struct group *group, const struct obi_service *service)
{
	return group->service.pid == service->pid &&
	       memcmp(&group->service, service, sizeof(*service)) == 0;
}

static size_t home_of(const struct otlp_spans *batch, uint32_t pid)
{
	return hash_bytes(&pid, sizeof(pid), 0) & (batch->index_size - 1);
}

/* Of service's group in the index, or of the empty place where it would be. */
static uint32_t *place_of(const struct otlp_spans *batch, const struct obi_service *service)
{
	size_t place = home_of(batch, service->pid);

	while (batch->index[place] && !is_of(batch->groups[batch->index[place] - 1], service))
		place = (place + 1) & (batch->index_size - 1);
	return &batch->index[place];
}

static void fill_index(struct otlp_spans *batch)
{
	if (!batch->index)
		return;
	memset(batch->index, 0, batch->index_size * sizeof(*batch->index));
	for (size_t i = 0; i < batch->groups_count; i++)
		*place_of(batch, &batch->groups[i]->service) = (uint32_t)i + 1;
}

/* Room for one group more; the index is at least half empty. */
static int make_room(struct otlp_spans *batch)
{
	size_t room = batch->groups_room ? 2 * batch->groups_room : 8;
	struct group **groups;
	uint32_t *index;

	if (batch->groups_count < batch->groups_room)
		return 0;
	groups = reallocarray(batch->groups, room, sizeof(struct group *));
	if (!groups)
		return -ENOMEM;
	batch->groups = groups;
	index = reallocarray(batch->index, 2 * room, sizeof(*index));
	if (!index)
		return -ENOMEM;
	batch->index = index;
	batch->index_size = 2 * room;
	batch->groups_room = room;
	fill_index(batch);
	return 0;
}

/* We make span metrics of this service: nobody else shall, from these spans. */
static bool skips_metrics(const struct otlp_spans *batch, const struct obi_service *service)
{
	return obi_settings_features(batch->settings, service->entries.last) & OBI_FEATURES_SPAN;
}

static void put_resource(struct otlp_spans *batch, struct group *group)
{
	struct buffer *body = &group->body;
	size_t mark = proto_begin_guess(body, RESOURCE_SPANS_RESOURCE, PROTO_MIDDLE);

	otlp_faults_add(&batch->faults, otlp_resource_put(batch->resource, &group->service, body));
	otlp_put_clean_attribute(body, OTLP_RESOURCE_ATTRIBUTES, SLICE_LIT(OTLP_SCOPE_NAME_KEY),
				 SLICE_LIT(SCOPE_NAME));
	if (skips_metrics(batch, &group->service))
		otlp_put_bool_attribute(body, OTLP_RESOURCE_ATTRIBUTES,
					SLICE_LIT(OTLP_SKIP_METRICS_KEY), true);
	proto_end(body, mark);
	group->resource_len = body->len;
}

static struct group *add_group(struct otlp_spans *batch, const struct obi_service *service)
{
	struct group *group = make_room(batch) ? NULL : calloc(1, sizeof(*group));

	if (!group)
		return NULL;
	group->service = *service;
	put_resource(batch, group);
	if (group->body.failed) {
		free_group(group);
		return NULL;
	}
	batch->groups[batch->groups_count++] = group;
	*place_of(batch, service) = (uint32_t)batch->groups_count;
	return group;
}

static struct group *find_group(struct otlp_spans *batch, const struct obi_service *service)
{
	if (!batch->last || !is_of(batch->last, service)) {
		uint32_t number = batch->index ? *place_of(batch, service) : 0;

		batch->last = number ? batch->groups[number - 1] : add_group(batch, service);
	}
	return batch->last;
}

/* ---- Spans ---- */

struct identity {
	uint8_t trace_id[16];
	uint8_t parent_id[8];
	bool has_parent;
	uint32_t flags;
};

/* A server's parent is what its request came with, a client's is a span of its own process. */
static struct identity identify(const struct obi_span *span)
{
	const struct obi_trace *trace = &span->trace;
	struct identity identity = { .flags = FLAG_REMOTE_KNOWN | FLAG_SAMPLED };

	if (bytes_are_zero(trace->trace_id, sizeof(trace->trace_id))) {
		random_bytes(identity.trace_id, sizeof(identity.trace_id));
		return identity;
	}
	memcpy(identity.trace_id, trace->trace_id, sizeof(identity.trace_id));
	memcpy(identity.parent_id, trace->parent_id, sizeof(identity.parent_id));
	identity.has_parent = !bytes_are_zero(trace->parent_id, sizeof(trace->parent_id));
	identity.flags = FLAG_REMOTE_KNOWN | trace->trace_flags;
	if (identity.has_parent && span->kind == OBI_KIND_SERVER)
		identity.flags |= FLAG_REMOTE;
	return identity;
}

struct times {
	uint64_t start, end;
};

static struct times in_order(uint64_t start, uint64_t end)
{
	return (struct times){ start, end > start ? end : start };
}

/* All of a span that has the same length in each. */
static void put_head(struct buffer *buf, const struct identity *identity, const uint8_t id[8],
		     enum otlp_span_kind kind, struct times times)
{
	const uint64_t start = htole64(times.start), end = htole64(times.end);
	const uint32_t flags = htole32(identity->flags);
	uint8_t *to = proto_reserve(buf, 80);

	if (!to)
		return;
	*to++ = SPAN_TRACE_ID << 3 | PROTO_LENGTH;
	*to++ = sizeof(identity->trace_id);
	to = proto_write_bytes(to, identity->trace_id, sizeof(identity->trace_id));
	*to++ = SPAN_SPAN_ID << 3 | PROTO_LENGTH;
	*to++ = 8;
	to = proto_write_bytes(to, id, 8);
	if (identity->has_parent) {
		*to++ = SPAN_PARENT_SPAN_ID << 3 | PROTO_LENGTH;
		*to++ = sizeof(identity->parent_id);
		to = proto_write_bytes(to, identity->parent_id, sizeof(identity->parent_id));
	}
	*to++ = SPAN_KIND << 3 | PROTO_VARINT;
	*to++ = (uint8_t)kind;
	*to++ = SPAN_START << 3 | PROTO_FIXED64;
	to = proto_write_bytes(to, &start, sizeof(start));
	*to++ = SPAN_END << 3 | PROTO_FIXED64;
	to = proto_write_bytes(to, &end, sizeof(end));
	to = proto_write_tag(to, SPAN_FLAGS, PROTO_FIXED32);
	proto_written(buf, proto_write_bytes(to, &flags, sizeof(flags)));
}

static void put_child(struct buffer *buf, const struct identity *identity, const uint8_t id[8],
		      struct slice name, struct times times)
{
	size_t mark = proto_begin(buf, SCOPE_SPANS_SPANS);

	put_head(buf, identity, id, OTLP_KIND_INTERNAL, times);
	proto_put_bytes(buf, SPAN_NAME, name);
	proto_end(buf, mark);
}

/* `in queue` until the request was taken up, `processing` from then on. */
static void put_children(struct buffer *buf, const struct obi_span *span,
			 const struct identity *whole, const uint8_t whole_id[8],
			 const uint8_t handed_on[8])
{
	struct identity identity = *whole;
	uint8_t queue_id[8];

	identity.has_parent = true;
	identity.flags &= ~FLAG_REMOTE;
	memcpy(identity.parent_id, whole_id, sizeof(identity.parent_id));
	random_bytes(queue_id, sizeof(queue_id));
	put_child(buf, &identity, queue_id, SLICE_LIT("in queue"),
		  in_order(span->request_start_ns, span->start_ns));
	put_child(buf, &identity, handed_on, SLICE_LIT("processing"),
		  in_order(span->start_ns, span->end_ns));
}

/* Room for what is put together; empty. */
static struct buffer *scratch(struct otlp_spans *batch)
{
	batch->text.len = 0;
	batch->text.failed = false;
	return &batch->text;
}

static void put_name(struct otlp_spans *batch, const struct obi_span *span, struct buffer *buf)
{
	struct buffer *text = scratch(batch);

	span_put_name(span, text);
	buf->failed |= text->failed;
	otlp_faults_add(&batch->faults,
			otlp_put_text(buf, SPAN_NAME, slice_of(text->data, text->len)));
}

static void put_status(struct otlp_spans *batch, const struct otlp_span_type *type,
		       const struct otlp_span_view *view, struct buffer *buf)
{
	size_t mark = proto_begin(buf, SPAN_STATUS);

	if (span_status(view->span) == SPAN_STATUS_ERROR) {
		struct slice message = span_status_message(view->span);

		if (message.len && otlp_span_tells_message(type, view->selected))
			otlp_faults_add(&batch->faults,
					otlp_put_text(buf, STATUS_MESSAGE, message));
		proto_put_varint(buf, STATUS_CODE, STATUS_CODE_ERROR);
	}
	proto_end(buf, mark);
}

static void put_whole(struct otlp_spans *batch, const struct obi_span *span,
		      const struct identity *identity, const uint8_t id[8], struct buffer *buf)
{
	size_t number = otlp_span_type_of(span);
	const struct otlp_span_type *type = &otlp_span_types[number];
	const struct otlp_span_view view = {
		.span = span,
		.selected = batch->selected[number],
		.text = &batch->text,
	};
	size_t mark = proto_begin_guess(buf, SCOPE_SPANS_SPANS, PROTO_MIDDLE);
	uint64_t start = span->request_start_ns;

	put_head(buf, identity, id, kinds[span->kind],
		 in_order(start && start < span->start_ns ? start : span->start_ns, span->end_ns));
	put_name(batch, span, buf);
	(void)scratch(batch);
	otlp_faults_add(&batch->faults,
			otlp_span_put_attributes(type, &view, SPAN_ATTRIBUTES, buf));
	if (skips_metrics(batch, span->service))
		otlp_put_bool_attribute(buf, SPAN_ATTRIBUTES, SLICE_LIT(OTLP_SKIP_METRICS_KEY),
					true);
	put_status(batch, type, &view, buf);
	proto_end(buf, mark);
}

/* Returns how many spans it became. */
static size_t put_scope(struct otlp_spans *batch, const struct obi_span *span, struct buffer *buf)
{
	bool children = span->request_start_ns && span->request_start_ns < span->start_ns;
	struct identity identity = identify(span);
	uint8_t handed_on[8], whole_id[8];
	size_t mark;

	memcpy(handed_on, span->trace.span_id, sizeof(handed_on));
	if (bytes_are_zero(handed_on, sizeof(handed_on)))
		random_bytes(handed_on, sizeof(handed_on));
	mark = proto_begin_guess(buf, RESOURCE_SPANS_SCOPE_SPANS, PROTO_MIDDLE);
	proto_put_bytes(buf, SCOPE_SPANS_SCOPE, slice_of(NULL, 0));
	if (children) {
		random_bytes(whole_id, sizeof(whole_id));
		put_children(buf, span, &identity, whole_id, handed_on);
	}
	put_whole(batch, span, &identity, children ? whole_id : handed_on, buf);
	proto_end(buf, mark);
	return children ? 3 : 1;
}

int otlp_spans_put(struct otlp_spans *batch, const struct obi_span *span)
{
	struct group *group = find_group(batch, span->service);
	size_t before, spans;

	if (!group)
		return -ENOMEM;
	before = group->body.len;
	spans = put_scope(batch, span, &group->body);
	if (group->body.failed) {
		group->body.failed = false;
		group->body.len = before;
		return -ENOMEM;
	}
	if (!group->spans)
		batch->bytes += group->resource_len + GROUP_HEAD;
	batch->bytes += group->body.len - before;
	group->spans += spans;
	batch->encoded += spans;
	batch->count++;
	return 0;
}

/* ---- The request ---- */

size_t otlp_spans_count(const struct otlp_spans *batch)
{
	return batch->count;
}

size_t otlp_spans_encoded(const struct otlp_spans *batch)
{
	return batch->encoded;
}

size_t otlp_spans_bytes(const struct otlp_spans *batch)
{
	return batch->bytes;
}

size_t otlp_spans_services(const struct otlp_spans *batch)
{
	return batch->groups_count;
}

struct otlp_faults otlp_spans_faults(const struct otlp_spans *batch)
{
	return batch->faults;
}

/* Services that had spans will have more: they keep resource and memory, up to a bound. */
static void begin_anew(struct otlp_spans *batch)
{
	size_t max = (size_t)batch->settings->otlp.traces.reporters_cache_len, kept = 0, room = 0;

	for (size_t i = 0; i < batch->groups_count; i++) {
		struct group *group = batch->groups[i];

		if (!group->spans || kept == max || room + group->body.room > KEPT_ROOM) {
			free_group(group);
			continue;
		}
		room += group->body.room;
		group->spans = 0;
		group->body.len = group->resource_len;
		batch->groups[kept++] = group;
	}
	batch->groups_count = kept;
	fill_index(batch);
	batch->last = NULL;
	batch->count = batch->encoded = batch->bytes = 0;
}

int otlp_spans_take(struct otlp_spans *batch, struct buffer *buf)
{
	if (batch->bytes)
		(void)proto_reserve(buf, batch->bytes);
	for (size_t i = 0; i < batch->groups_count; i++) {
		const struct group *group = batch->groups[i];

		if (group->spans)
			proto_put_bytes(buf, REQUEST_RESOURCE_SPANS,
					slice_of(group->body.data, group->body.len));
	}
	begin_anew(batch);
	return buf->failed ? -ENOMEM : 0;
}

/* ---- Docs ---- */

void otlp_spans_put_markdown(struct buffer *buf)
{
	buffer_put_cstr(
		buf,
		"# Spans\n\n"
		"What `otel_traces_export` sends, by type. An attribute that a span has no "
		"value for is left out;\nvalues longer than 4096 bytes are cut, bytes that are "
		"no UTF-8 replaced. Where the last column says\n`yes`, `attributes.select` with "
		"the key `traces` takes the attribute in or out.\n\n"
		"A span's status is `ERROR` where there was no answer, from status 500 on for a "
		"server, from 400 on\nfor a client, else unset. Of RPC: where no status came, "
		"for a client where it is not `OK`, for a\nserver `UNKNOWN`, "
		"`DEADLINE_EXCEEDED`, `UNIMPLEMENTED`, `INTERNAL`, `UNAVAILABLE` and "
		"`DATA_LOSS`. Of a\ndatabase and of DNS: where the answer says so. Of a message: "
		"never. A request that waited before it\nwas handled has two child spans of kind "
		"`INTERNAL`: `in queue` and `processing`, and the latter\nhas the span id that "
		"was handed on.\n\n"
		"By which calls a request may be read or sent, and what becomes of others: "
		"[calls.md](calls.md).\n");
	otlp_span_put_markdown(buf);
	buffer_put_cstr(buf, "\n## Resource\n\n"
			     "`attributes.select` with the key `resource` takes attributes out, or "
			     "names those that stay.\n\n");
	otlp_resource_put_markdown(buf);
	buffer_put_cstr(buf, "| `" OTLP_SCOPE_NAME_KEY "` | `" SCOPE_NAME "` |\n"
			     "| `" OTLP_SKIP_METRICS_KEY "` | `true` where this program makes span "
			     "metrics; in each span too |\n");
}
