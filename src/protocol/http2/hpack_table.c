// SPDX-License-Identifier: Apache-2.0
/*
 * The dynamic table is two rings in one piece of memory: entries, and their text. The oldest entry
 * goes where either is full. Nothing here follows the size that the two ends agreed on: see
 * hpack.h.
 */
#include "base/cleanup.h"
#include "protocol/http2/hpack_table.h"

#define FIELD(name_, text_, value_)                                                                \
	{                                                                                          \
		.text = { (const uint8_t *)(text_), sizeof(text_) - 1 },                           \
		.value = { (const uint8_t *)(value_), sizeof(value_) - 1 }, .name = (name_)        \
	}
#define OTHER(text_) FIELD(HPACK_OTHER, text_, "")

const struct hpack_static hpack_statics[HPACK_STATIC_LAST + 1] = {
	OTHER(""), /* no index */
	FIELD(HPACK_AUTHORITY, ":authority", ""),
	FIELD(HPACK_METHOD, ":method", "GET"),
	FIELD(HPACK_METHOD, ":method", "POST"),
	FIELD(HPACK_PATH, ":path", "/"),
	FIELD(HPACK_PATH, ":path", "/index.html"),
	FIELD(HPACK_SCHEME, ":scheme", "http"),
	FIELD(HPACK_SCHEME, ":scheme", "https"),
	FIELD(HPACK_STATUS, ":status", "200"),
	FIELD(HPACK_STATUS, ":status", "204"),
	FIELD(HPACK_STATUS, ":status", "206"),
	FIELD(HPACK_STATUS, ":status", "304"),
	FIELD(HPACK_STATUS, ":status", "400"),
	FIELD(HPACK_STATUS, ":status", "404"),
	FIELD(HPACK_STATUS, ":status", "500"),
	OTHER("accept-charset"),
	FIELD(HPACK_OTHER, "accept-encoding", "gzip, deflate"),
	OTHER("accept-language"),
	OTHER("accept-ranges"),
	OTHER("accept"),
	OTHER("access-control-allow-origin"),
	OTHER("age"),
	OTHER("allow"),
	OTHER("authorization"),
	OTHER("cache-control"),
	OTHER("content-disposition"),
	OTHER("content-encoding"),
	OTHER("content-language"),
	FIELD(HPACK_CONTENT_LENGTH, "content-length", ""),
	OTHER("content-location"),
	OTHER("content-range"),
	FIELD(HPACK_CONTENT_TYPE, "content-type", ""),
	OTHER("cookie"),
	OTHER("date"),
	OTHER("etag"),
	OTHER("expect"),
	OTHER("expires"),
	OTHER("from"),
	FIELD(HPACK_HOST, "host", ""),
	OTHER("if-match"),
	OTHER("if-modified-since"),
	OTHER("if-none-match"),
	OTHER("if-range"),
	OTHER("if-unmodified-since"),
	OTHER("last-modified"),
	OTHER("link"),
	OTHER("location"),
	OTHER("max-forwards"),
	OTHER("proxy-authenticate"),
	OTHER("proxy-authorization"),
	OTHER("range"),
	OTHER("referer"),
	OTHER("refresh"),
	OTHER("retry-after"),
	OTHER("server"),
	OTHER("set-cookie"),
	OTHER("strict-transport-security"),
	OTHER("transfer-encoding"),
	OTHER("user-agent"),
	OTHER("vary"),
	OTHER("via"),
	OTHER("www-authenticate"),
};

/* A name as it is, and in Huffman code: that has one form, so that no name is decoded to be found.
 */
#define NAME(text_, coded_)                                                                        \
	{                                                                                          \
		{ (const uint8_t *)(text_), sizeof(text_) - 1 },                                   \
		{                                                                                  \
			(const uint8_t *)(coded_), sizeof(coded_) - 1                              \
		}                                                                                  \
	}

static const struct slice names[][2] = {
	[HPACK_OTHER] = NAME("", ""),
	[HPACK_UNKNOWN] = NAME("", ""),
	[HPACK_AUTHORITY] = NAME(":authority", "\xb8\x3b\x53\x39\xec\x32\x7d\x7f"),
	[HPACK_METHOD] = NAME(":method", "\xb9\x49\x53\x39\xe4"),
	[HPACK_PATH] = NAME(":path", "\xb9\x58\xd3\x3f"),
	[HPACK_SCHEME] = NAME(":scheme", "\xb8\x82\x4e\x5a\x4b"),
	[HPACK_STATUS] = NAME(":status", "\xb8\x84\x8d\x36\xa3"),
	[HPACK_CONTENT_LENGTH] = NAME("content-length", "\x21\xea\x49\x6a\x4a\xd4\x16\xa9\x93\x3f"),
	[HPACK_CONTENT_TYPE] = NAME("content-type", "\x21\xea\x49\x6a\x4a\xc9\xf5\x59\x7f"),
	[HPACK_GRPC_MESSAGE] = NAME("grpc-message", "\x9a\xca\xc8\xb5\x25\x42\x07\x31\x7f"),
	[HPACK_GRPC_STATUS] = NAME("grpc-status", "\x9a\xca\xc8\xb2\x12\x34\xda\x8f"),
	[HPACK_HOST] = NAME("host", "\x9c\xe8\x4f"),
	[HPACK_TRACEPARENT] = NAME("traceparent", "\x4d\x83\x21\x6b\x1d\x85\xa9\x3f"),
};

struct slice hpack_name_text(enum hpack_name name)
{
	return names[name][0];
}

enum hpack_name hpack_find_name(struct slice raw, bool huffman)
{
	for (size_t i = HPACK_UNKNOWN + 1; i < ARRAY_SIZE(names); i++) {
		if (slice_equal(raw, names[i][huffman]))
			return (enum hpack_name)i;
	}
	return HPACK_OTHER;
}

void hpack_init(struct hpack *hpack, void *memory, size_t room, unsigned flags)
{
	size_t slots;

	if (room > HPACK_ROOM_MAX)
		room = HPACK_ROOM_MAX;
	slots = room / (HPACK_ENTRY_LEAST + HPACK_ENTRY_SIZE);
	*hpack = (struct hpack){
		.entries = memory,
		.text = slots ? (uint8_t *)memory + slots * HPACK_ENTRY_SIZE : NULL,
		.slots = (uint32_t)slots,
		.text_room = (uint32_t)(slots ? room - slots * HPACK_ENTRY_SIZE : 0),
		.flags = (uint8_t)flags,
	};
}

void hpack_lose(struct hpack *hpack)
{
	hpack->held = 0;
	hpack->text_used = 0;
	hpack->flags &= (uint8_t)~HPACK_FIRST;
}

static struct hpack_entry *nth_newest(const struct hpack *hpack, uint32_t n)
{
	uint32_t back = n + 1;

	return hpack->entries + (hpack->next >= back ? 0 : hpack->slots) + hpack->next - back;
}

const struct hpack_entry *hpack_entry_of(const struct hpack *hpack, uint32_t n)
{
	return n < hpack->held ? nth_newest(hpack, n) : NULL;
}

void hpack_entry_read(const struct hpack *hpack, const struct hpack_entry *entry, size_t offset,
		      uint8_t *ret_bytes, size_t len)
{
	size_t at = entry->at + offset, first;

	if (at >= hpack->text_room)
		at -= hpack->text_room;
	first = hpack->text_room - at;
	if (first > len)
		first = len;
	if (first)
		memcpy(ret_bytes, hpack->text + at, first);
	if (len > first)
		memcpy(ret_bytes + first, hpack->text, len - first);
}

static void write_text(struct hpack *hpack, struct slice s)
{
	size_t first = hpack->text_room - hpack->text_next;

	if (s.len < first) {
		if (s.len)
			memcpy(hpack->text + hpack->text_next, s.data, s.len);
		hpack->text_next += (uint32_t)s.len;
		return;
	}
	memcpy(hpack->text + hpack->text_next, s.data, first);
	hpack->text_next = (uint32_t)(s.len - first);
	if (hpack->text_next)
		memcpy(hpack->text, s.data + first, hpack->text_next);
}

static void drop_oldest(struct hpack *hpack)
{
	const struct hpack_entry *oldest = nth_newest(hpack, hpack->held - 1);

	hpack->text_used -= oldest->text_len + (uint32_t)oldest->value_len;
	hpack->held--;
	hpack->flags &= (uint8_t)~HPACK_FIRST;
}

/* What of a field goes into memory. A value is cut if need be, a name is not. */
static struct hpack_entry entry_for(const struct hpack *hpack, const struct hpack_field *field,
				    size_t most)
{
	struct hpack_entry entry = {
		.at = hpack->text_next,
		.name = (uint8_t)field->name,
		.flags = (uint8_t)field->flags,
	};
	size_t text_len = 0, value_len = field->value.len;

	if (field->name == HPACK_OTHER && hpack->flags & HPACK_ALL)
		text_len = field->text.len;
	if (text_len > most) {
		entry.name = HPACK_UNKNOWN;
		return entry;
	}
	if (value_len > most - text_len) {
		value_len = most - text_len;
		entry.flags |= HPACK_CUT;
	}
	entry.text_len = (uint16_t)text_len;
	entry.value_len = (uint16_t)value_len;
	return entry;
}

void hpack_insert(struct hpack *hpack, const struct hpack_field *field)
{
	size_t most = hpack->text_room < UINT16_MAX ? hpack->text_room : UINT16_MAX;
	struct hpack_entry entry = entry_for(hpack, field, most);
	uint32_t len = entry.text_len + (uint32_t)entry.value_len;

	if (!hpack->slots) {
		hpack->flags &= (uint8_t)~HPACK_FIRST;
		return;
	}
	while (hpack->held == hpack->slots || hpack->text_used + len > hpack->text_room)
		drop_oldest(hpack);
	write_text(hpack, slice_first(field->text, entry.text_len));
	write_text(hpack, slice_first(field->value, entry.value_len));
	hpack->entries[hpack->next] = entry;
	hpack->next = hpack->next + 1 == hpack->slots ? 0 : hpack->next + 1;
	hpack->held++;
	hpack->text_used += len;
}
