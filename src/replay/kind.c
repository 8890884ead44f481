// SPDX-License-Identifier: Apache-2.0
#include "replay/kind.h"

#include <stdbool.h>

#include "base/cleanup.h"

struct kind {
	struct slice magic;
	size_t offset;
	const char *words;
};

#define BY_EDITCAP "editcap -F pcap FILE NEW makes a pcap file of it"

/* The numbers are those of file(1)'s magic(5) and of Wireshark's wiretap. */
static const struct kind kinds[] = {
	{ SLICE_LIT("\x28\xb5\x2f\xfd"), 0,
	  "a zstd-compressed file: zstd -dc FILE | obi replay -" },
	{ SLICE_LIT("\xfd\x37zXZ\0"), 0, "an xz-compressed file: xz -dc FILE | obi replay -" },
	{ SLICE_LIT("BZh"), 0, "a bzip2-compressed file: bzip2 -dc FILE | obi replay -" },
	{ SLICE_LIT("\x04\x22\x4d\x18"), 0, "an lz4-compressed file: lz4 -dc FILE | obi replay -" },
	{ SLICE_LIT("LZIP"), 0, "an lzip-compressed file: lzip -dc FILE | obi replay -" },
	{ SLICE_LIT("\x1f\x9d"), 0,
	  "a file compressed by compress(1): gzip -dc FILE | obi replay -" },
	{ SLICE_LIT("\x1f\x8b"), 0, "a gzip-compressed file: gzip -dc FILE | obi replay -" },
	{ SLICE_LIT("PK\x03\x04"), 0, "a zip archive: unzip -p FILE | obi replay -" },
	{ SLICE_LIT("PK\x05\x06"), 0, "a zip archive with nothing in it" },
	{ SLICE_LIT("7z\xbc\xaf\x27\x1c"), 0, "a 7z archive: unpack it by 7z x FILE" },
	{ SLICE_LIT("ustar"), 257, "a tar archive: unpack it by tar -xf FILE" },
	{ SLICE_LIT("snoop\0\0\0"), 0, "a snoop capture: " BY_EDITCAP },
	{ SLICE_LIT("btsnoop\0"), 0, "a capture of Bluetooth, which has no TCP" },
	{ SLICE_LIT("GMBU"), 0, "a capture of Microsoft Network Monitor: " BY_EDITCAP },
	{ SLICE_LIT("RTSS"), 0, "a capture of Microsoft Network Monitor: " BY_EDITCAP },
	{ SLICE_LIT("XCP\0"), 0, "a capture of NetXray: " BY_EDITCAP },
	{ SLICE_LIT("TRSNIFF data    \x1a"), 0, "a capture of a Sniffer: " BY_EDITCAP },
	{ SLICE_LIT("iptrace "), 0, "a capture of AIX's iptrace: " BY_EDITCAP },
	{ SLICE_LIT("\x7f"
		    "ELF"),
	  0, "a program" },
};

static bool is_text(struct slice begin)
{
	for (size_t i = 0; i < begin.len; i++) {
		uint8_t c = begin.data[i];

		if (c == 0x7f || (c < ' ' && c != '\n' && c != '\t' && c != '\r'))
			return false;
	}
	return true;
}

const char *kind_of_file(struct slice begin)
{
	begin = slice_first(begin, KIND_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (slice_has_prefix(slice_from(begin, kinds[i].offset), kinds[i].magic))
			return kinds[i].words;
	if (is_text(begin))
		return "text, not a capture: tcpdump -w FILE writes one";
	return "not a pcap or pcapng file";
}
