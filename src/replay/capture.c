// SPDX-License-Identifier: Apache-2.0
/*
 * A window of the file, inflated if it is a gzip file, is kept in a buffer: need(n) makes its next
 * n bytes readable, so the formats read plain memory and the same code serves files, pipes and
 * bytes. What the file says of its own lengths is believed only up to BLOCK_MAX, and what need not
 * be understood is passed over without being kept.
 */
#include "replay/capture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay/gunzip.h"
#include "replay/kind.h"

#define WINDOW ((size_t)128 * 1024)
#define BLOCK_MAX (1024 * 1024) /* with a packet; libpcap's largest snapshot is 256 KiB */
#define INTERFACES_MAX 1024
#define NSEC 1000000000ULL

#define PCAP_MAGIC_USEC 0xa1b2c3d4u
#define PCAP_MAGIC_NSEC 0xa1b23c4du
#define PCAP_MAGIC_EXTENDED 0xa1b2cd34u /* longer packet headers, of old Linux libpcaps */
#define PCAP_HEADER 24
#define PCAP_PACKET 16
#define PCAP_PACKET_EXTENDED 24

#define NG_SECTION 0x0a0d0d0au
#define NG_INTERFACE 1u
#define NG_PACKET 2u /* obsolete */
#define NG_SIMPLE 3u
#define NG_ENHANCED 6u
#define NG_BYTE_ORDER 0x1a2b3c4du
#define NG_OVERHEAD 12u /* type, length, length again */
#define NG_OPTION_TSRESOL 9
#define NG_OPTION_TSOFFSET 14

struct interface {
	uint32_t link;
	uint32_t snaplen;    /* 0 = unlimited */
	uint8_t resolution;  /* if_tsresol */
	uint64_t offset_sec; /* if_tsoffset */
};

struct capture {
	int fd; /* -1: all bytes are in the window */
	const uint8_t *at;
	size_t rest; /* bytes from `at` on */
	uint8_t *window;
	size_t room;
	bool end;              /* of the descriptor */
	struct gunzip *gunzip; /* what inflates the file; NULL: it is read as it is */

	bool started;
	bool swapped;
	bool ng;
	uint64_t offset;  /* of `at` in the file */
	uint64_t time_ns; /* of the last packet */

	/* pcap */
	uint32_t link;
	uint32_t packet_header;
	uint32_t units; /* nanoseconds of a fraction */

	/* pcapng */
	struct interface *interfaces;
	uint32_t interface_count;

	char problem[128];
	uint64_t problem_offset;
};

static struct capture *capture_new(int fd, struct slice bytes)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (!capture)
		return NULL;
	capture->fd = fd;
	capture->at = bytes.data;
	capture->rest = bytes.len;
	capture->end = fd < 0;
	return capture;
}

struct capture *capture_open(int fd)
{
	return capture_new(fd, slice_of(NULL, 0));
}

struct capture *capture_open_bytes(struct slice bytes)
{
	return capture_new(-1, bytes);
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	gunzip_free(capture->gunzip);
	free(capture->interfaces);
	free(capture->window);
	free(capture);
}

const char *capture_problem(const struct capture *capture, uint64_t *ret_offset)
{
	*ret_offset = capture->problem_offset;
	return capture->problem;
}

__attribute__((format(printf, 3, 4))) static int problem(struct capture *capture, int error,
							 const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(capture->problem, sizeof(capture->problem), format, args);
	va_end(args);
	capture->problem_offset = capture->offset;
	return error;
}

/* ---- The window ---------------------------------------------------------------------------- */

/* Moves what is left to the front of a window of at least n bytes. */
static int window_make(struct capture *capture, size_t n)
{
	size_t room = n > WINDOW ? n : WINDOW;
	uint8_t *window = capture->window;

	if (capture->room < room) {
		window = malloc(room);
		if (!window)
			return problem(capture, -ENOMEM, "out of memory");
	}
	if (capture->rest)
		memmove(window, capture->at, capture->rest);
	if (window != capture->window) {
		free(capture->window);
		capture->window = window;
		capture->room = room;
	}
	capture->at = window;
	return 0;
}

static int read_problem(struct capture *capture, int error)
{
	if (capture->gunzip && error == -EPROTO)
		return problem(capture, error, "its gzip data are broken");
	if (capture->gunzip && error == -ENODATA)
		return problem(capture, error, "the gzip file ends too early");
	return problem(capture, error, "cannot be read: %s", strerror(-error));
}

/* Up to room bytes more, 0 at the end. */
static ssize_t read_some(struct capture *capture, uint8_t *to, size_t room)
{
	ssize_t got;

	if (capture->gunzip)
		return gunzip_read(capture->gunzip, to, room);
	do
		got = read(capture->fd, to, room);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

/* Makes n bytes readable at capture->at: 1 if there are, 0 if the file ends before. */
static int need(struct capture *capture, size_t n)
{
	int err;

	if (capture->rest >= n)
		return 1;
	if (capture->end)
		return 0;
	err = window_make(capture, n);
	while (!err && capture->rest < n) {
		ssize_t got = read_some(capture, capture->window + capture->rest,
					capture->room - capture->rest);

		if (got < 0)
			return read_problem(capture, (int)got);
		if (got == 0) {
			capture->end = true;
			return 0;
		}
		capture->rest += (size_t)got;
	}
	return err ? err : 1;
}

/* The same where the file must not end. */
static int need_all(struct capture *capture, size_t n, const char *what)
{
	int have = need(capture, n);

	if (have == 0)
		return problem(capture, -ENODATA, "the file ends within %s", what);
	return have < 0 ? have : 0;
}

static void advance(struct capture *capture, size_t n)
{
	capture->at += n;
	capture->rest -= n;
	capture->offset += n;
}

/* Passes n bytes without keeping them. */
static int pass(struct capture *capture, uint64_t n, const char *what)
{
	while (n) {
		size_t step = n < WINDOW ? (size_t)n : WINDOW;
		int err = need_all(capture, step, what);

		if (err)
			return err;
		advance(capture, step);
		n -= step;
	}
	return 0;
}

static uint16_t get16(const struct capture *capture, const uint8_t *p)
{
	uint16_t value;

	memcpy(&value, p, sizeof(value));
	return capture->swapped ? __builtin_bswap16(value) : value;
}

static uint32_t get32(const struct capture *capture, const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return capture->swapped ? __builtin_bswap32(value) : value;
}

static uint64_t get64(const struct capture *capture, const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return capture->swapped ? __builtin_bswap64(value) : value;
}

/* ---- pcap ---------------------------------------------------------------------------------- */

static int pcap_begin(struct capture *capture, uint32_t magic)
{
	int err = need_all(capture, PCAP_HEADER, "its header");

	if (err)
		return err;
	/* Some writers have the version in the order that is not the magic number's. */
	if (get16(capture, capture->at + 4) != 2 && get16(capture, capture->at + 4) != 2 << 8)
		return problem(capture, -EPROTO, "pcap version %u is not known",
			       get16(capture, capture->at + 4));
	capture->units = magic == PCAP_MAGIC_NSEC ? 1 : 1000;
	capture->packet_header = magic == PCAP_MAGIC_EXTENDED ? PCAP_PACKET_EXTENDED : PCAP_PACKET;
	/* The upper bits tell of frame check sequences, which the IP lengths leave out anyway. */
	capture->link = get32(capture, capture->at + 20) & 0xffff;
	advance(capture, PCAP_HEADER);
	return 0;
}

static int pcap_next(struct capture *capture, struct capture_packet *ret_packet)
{
	uint32_t header = capture->packet_header, captured;
	int err;

	if (capture->rest < header) {
		err = need(capture, header);
		if (err <= 0 && (err < 0 || capture->rest == 0))
			return err;
		err = need_all(capture, header, "a packet's header");
		if (err)
			return err;
	}
	captured = get32(capture, capture->at + 8);
	if (captured > BLOCK_MAX)
		return problem(capture, -EPROTO, "a packet of %u bytes", captured);
	err = need_all(capture, header + captured, "a packet");
	if (err)
		return err;
	ret_packet->time_ns = get32(capture, capture->at) * NSEC +
			      (uint64_t)get32(capture, capture->at + 4) * capture->units;
	ret_packet->link = capture->link;
	ret_packet->length = get32(capture, capture->at + 12);
	ret_packet->bytes = slice_of(capture->at + header, captured);
	advance(capture, header + captured);
	return 1;
}

/* ---- pcapng -------------------------------------------------------------------------------- */

static const uint64_t powers_of_ten[] = {
	1ULL,
	10ULL,
	100ULL,
	1000ULL,
	10000ULL,
	100000ULL,
	1000000ULL,
	10000000ULL,
	100000000ULL,
	1000000000ULL,
	10000000000ULL,
	100000000000ULL,
	1000000000000ULL,
	10000000000000ULL,
	100000000000000ULL,
	1000000000000000ULL,
	10000000000000000ULL,
	100000000000000000ULL,
	1000000000000000000ULL,
	10000000000000000000ULL,
};

/* Units of the interface to nanoseconds. Times beyond the year 2554 wrap. */
static uint64_t ng_time(const struct interface *interface, uint64_t units)
{
	unsigned exponent = interface->resolution & 0x7f;
	unsigned __int128 ns = units;

	if (interface->resolution & 0x80)
		ns = ns * NSEC >> exponent;
	else if (exponent <= 9)
		ns *= powers_of_ten[9 - exponent];
	else
		ns = exponent - 9 <= 19 ? ns / powers_of_ten[exponent - 9] : 0;
	return (uint64_t)ns + interface->offset_sec * NSEC;
}

static int ng_section(struct capture *capture)
{
	uint32_t length;
	int err = need_all(capture, 16, "a section header");

	if (err)
		return err;
	capture->swapped = false;
	if (get32(capture, capture->at + 8) == __builtin_bswap32(NG_BYTE_ORDER))
		capture->swapped = true;
	else if (get32(capture, capture->at + 8) != NG_BYTE_ORDER)
		return problem(capture, -EPROTO, "a section without byte order");
	length = get32(capture, capture->at + 4);
	if (length < 28 || length % 4)
		return problem(capture, -EPROTO, "a section header of %u bytes", length);
	if (get16(capture, capture->at + 12) != 1)
		return problem(capture, -EPROTO, "pcapng version %u is not known",
			       get16(capture, capture->at + 12));
	capture->interface_count = 0;
	return pass(capture, length, "a section header");
}

/* Reads the options of an interface that matter. */
static void ng_interface_options(const struct capture *capture, struct slice options,
				 struct interface *interface)
{
	while (options.len >= 4) {
		uint16_t code = get16(capture, options.data);
		uint16_t len = get16(capture, options.data + 2);

		options = slice_from(options, 4);
		if (code == 0 || len > options.len)
			return;
		if (code == NG_OPTION_TSRESOL && len >= 1)
			interface->resolution = options.data[0];
		if (code == NG_OPTION_TSOFFSET && len >= 8)
			interface->offset_sec = get64(capture, options.data);
		options = slice_from(options, (len + 3u) & ~3u);
	}
}

static int ng_interface(struct capture *capture, struct slice body)
{
	struct interface *interface;

	if (body.len < 8)
		return problem(capture, -EPROTO, "a short interface description");
	if (capture->interface_count == INTERFACES_MAX)
		return problem(capture, -EPROTO, "more than %u interfaces", INTERFACES_MAX);
	if (!capture->interfaces) {
		capture->interfaces = calloc(INTERFACES_MAX, sizeof(*capture->interfaces));
		if (!capture->interfaces)
			return problem(capture, -ENOMEM, "out of memory");
	}
	interface = &capture->interfaces[capture->interface_count++];
	*interface = (struct interface){
		.link = get16(capture, body.data),
		.snaplen = get32(capture, body.data + 4),
		.resolution = 6,
	};
	ng_interface_options(capture, slice_from(body, 8), interface);
	return 0;
}

static int ng_packet_of(struct capture *capture, uint32_t number, struct slice data,
			uint32_t captured, uint32_t length, struct capture_packet *ret_packet)
{
	if (number >= capture->interface_count)
		return problem(capture, -EPROTO, "a packet of interface %u, which is not described",
			       number);
	if (captured > data.len)
		return problem(capture, -EPROTO, "a packet that is longer than its block");
	ret_packet->link = capture->interfaces[number].link;
	ret_packet->length = length;
	ret_packet->bytes = slice_first(data, captured);
	return 1;
}

/* Enhanced (numbers of 32 bits) and obsolete (16 bits) packets share the rest of their layout. */
static int ng_packet(struct capture *capture, struct slice body, bool obsolete,
		     struct capture_packet *ret_packet)
{
	const uint8_t *p = body.data;
	uint32_t number;
	int got;

	if (body.len < 20)
		return problem(capture, -EPROTO, "a short packet block");
	number = obsolete ? get16(capture, p) : get32(capture, p);
	got = ng_packet_of(capture, number, slice_from(body, 20), get32(capture, p + 12),
			   get32(capture, p + 16), ret_packet);
	if (got == 1)
		ret_packet->time_ns =
			ng_time(&capture->interfaces[number],
				(uint64_t)get32(capture, p + 4) << 32 | get32(capture, p + 8));
	return got;
}

/* Has neither time nor captured length: the snapshot length decides, padding included. */
static int ng_simple(struct capture *capture, struct slice body, struct capture_packet *ret_packet)
{
	uint32_t length, captured;

	if (body.len < 4)
		return problem(capture, -EPROTO, "a short packet block");
	length = captured = get32(capture, body.data);
	if (capture->interface_count && capture->interfaces[0].snaplen &&
	    captured > capture->interfaces[0].snaplen)
		captured = capture->interfaces[0].snaplen;
	ret_packet->time_ns = capture->time_ns;
	return ng_packet_of(capture, 0, slice_from(body, 4), captured, length, ret_packet);
}

static int ng_block(struct capture *capture, uint32_t type, struct slice body,
		    struct capture_packet *ret_packet)
{
	switch (type) {
	case NG_INTERFACE:
		return ng_interface(capture, body);
	case NG_ENHANCED:
		return ng_packet(capture, body, false, ret_packet);
	case NG_PACKET:
		return ng_packet(capture, body, true, ret_packet);
	default:
		return ng_simple(capture, body, ret_packet);
	}
}

static bool ng_is_known(uint32_t type)
{
	return type == NG_INTERFACE || type == NG_ENHANCED || type == NG_PACKET ||
	       type == NG_SIMPLE;
}

/* Reads the block that begins here: 1 if it is a packet, 0 if it is not. */
static int ng_take_block(struct capture *capture, struct capture_packet *ret_packet)
{
	uint32_t type = get32(capture, capture->at), length;
	int got;

	if (type == NG_SECTION)
		return ng_section(capture);
	length = get32(capture, capture->at + 4);
	if (length < NG_OVERHEAD || length % 4)
		return problem(capture, -EPROTO, "a block of %u bytes", length);
	if (!ng_is_known(type))
		return pass(capture, length, "a block");
	if (length > BLOCK_MAX)
		return problem(capture, -EPROTO, "a packet block of %u bytes", length);
	got = need_all(capture, length, "a block");
	if (got)
		return got;
	if (get32(capture, capture->at + length - 4) != length)
		return problem(capture, -EPROTO, "a block whose two lengths differ");
	got = ng_block(capture, type, slice_of(capture->at + 8, length - NG_OVERHEAD), ret_packet);
	if (got >= 0)
		advance(capture, length);
	return got;
}

static int ng_next(struct capture *capture, struct capture_packet *ret_packet)
{
	int got = 0;

	while (got == 0) {
		int have = need(capture, NG_OVERHEAD);

		if (have == 0 && capture->rest == 0)
			return 0;
		got = have < 0 ? have : need_all(capture, NG_OVERHEAD, "a block");
		if (got == 0)
			got = ng_take_block(capture, ret_packet);
	}
	return got;
}

/* ---- Both ---------------------------------------------------------------------------------- */

static bool is_pcap_magic(uint32_t magic)
{
	return magic == PCAP_MAGIC_USEC || magic == PCAP_MAGIC_NSEC || magic == PCAP_MAGIC_EXTENDED;
}

/* The window, with what is in it, becomes that of the compressed file. */
static int begin_inflated(struct capture *capture)
{
	capture->gunzip =
		gunzip_new(slice_of(capture->at, capture->rest), capture->end ? -1 : capture->fd,
			   capture->window, capture->room);
	if (!capture->gunzip)
		return problem(capture, -ENOMEM, "out of memory");
	capture->window = NULL;
	capture->at = NULL;
	capture->room = capture->rest = 0;
	capture->end = false;
	return need(capture, 4);
}

static int unknown_kind(struct capture *capture)
{
	int have = need(capture, KIND_BYTES);

	if (have < 0)
		return have;
	if (capture->rest == 0)
		return problem(capture, -EPROTO, "the %s is empty",
			       capture->gunzip ? "gzip file" : "file");
	return problem(capture, -EPROTO, "%s%s",
		       capture->gunzip ? "what is in the gzip file: " : "",
		       kind_of_file(slice_of(capture->at, capture->rest)));
}

static int begin(struct capture *capture)
{
	int have = need(capture, 4);
	uint32_t magic;

	if (have >= 0 && !capture->gunzip && gunzip_is_gzip(slice_of(capture->at, capture->rest)))
		have = begin_inflated(capture);
	if (have < 0)
		return have;
	if (have == 0)
		return unknown_kind(capture);
	capture->started = true;
	magic = get32(capture, capture->at);
	if (magic == NG_SECTION) {
		capture->ng = true;
		return 0;
	}
	if (is_pcap_magic(__builtin_bswap32(magic))) {
		capture->swapped = true;
		magic = __builtin_bswap32(magic);
	}
	if (!is_pcap_magic(magic))
		return unknown_kind(capture);
	return pcap_begin(capture, magic);
}

int capture_next(struct capture *capture, struct capture_packet *ret_packet)
{
	int got = capture->started ? 0 : begin(capture);

	if (got < 0)
		return got;
	got = capture->ng ? ng_next(capture, ret_packet) : pcap_next(capture, ret_packet);
	if (got != 1)
		return got;
	/* A wire is never shorter than what was captured from it. */
	if (ret_packet->length < ret_packet->bytes.len)
		ret_packet->length = (uint32_t)ret_packet->bytes.len;
	capture->time_ns = ret_packet->time_ns;
	return 1;
}
