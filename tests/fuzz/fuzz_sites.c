// SPDX-License-Identifier: Apache-2.0
/*
 * Any bytes as code; the first says of which machine, how many arguments, and where in it the
 * function begins. No crash, no hang, and each site is one that was promised.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "inspect/sites.h"

#define BASE UINT64_C(0x1000)

static size_t read_code(void *context, uint64_t address, void *buf, size_t len,
			uint64_t *ret_offset)
{
	const struct slice *bytes = context;
	struct slice rest;

	if (address < BASE || address - BASE >= bytes->len)
		return 0;
	rest = slice_first(slice_from(*bytes, (size_t)(address - BASE)), len);
	memcpy(buf, rest.data, rest.len);
	*ret_offset = address - BASE;
	return rest.len;
}

static void check(const struct obi_site *site, struct slice bytes, unsigned int args)
{
	const uint8_t *at = bytes.data + site->offset;

	if (site->offset >= bytes.len || site->address != BASE + site->offset)
		abort();
	if ((site->args & ((1u << args) - 1)) != (1u << args) - 1 || site->args & site->frame ||
	    site->narrowed & ~site->args)
		abort();
	if (site->may_return && site->sp_delta)
		abort();
	if (bytes.len - site->offset >= 5 && !memcmp(at, "\x0f\x1f\x44\x00\x00", 5))
		abort(); /* the nop that is rewritten; on aarch64 it is none that may be probed */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_from(slice_of(data, size), 1);
	unsigned int how = size ? data[0] : 0, args = how & 7;
	struct obi_code code = { how & 8 ? EM_AARCH64 : EM_X86_64, read_code, &bytes };
	uint64_t start = UINT64_C(16) * (how >> 4 & 7), offsets[8];
	uint64_t rest = how & 0x80 || start >= bytes.len ? 0 : bytes.len - start;
	struct obi_site site;
	bool cut;
	int n;

	if (!obi_site_entry(&code, BASE + start, rest, args, &site)) {
		check(&site, bytes, args);
		if (site.callee || site.checked)
			abort();
	}
	if (!obi_site_return(&code, BASE + start, rest, args, &site)) {
		check(&site, bytes, args);
		if (!site.may_return)
			abort();
	}
	n = obi_site_returns(&code, BASE + start, rest, offsets, 8, &cut);
	for (int i = 0; i < n; i++)
		if (offsets[i] >= bytes.len || (i && offsets[i] <= offsets[i - 1]))
			abort();
	return 0;
}
