// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a library to be probed: no crash, no hang, and what is found lies in the file. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "inspect/sites.h"

#define FOUND_MAX 8

static const struct obi_symbol_wanted wanted[] = {
	{ "SSL_read", false },
	{ "SSL_write", false },
	{ "read", false },
	{ "rustls", true },
};

static void look(struct obi_image *image, const struct obi_symbol *symbol, size_t size)
{
	const struct obi_code code = obi_code_of_image(image);
	uint64_t returns[4];
	struct obi_site site;
	bool cut;

	if (symbol->offset >= size || symbol->size > size - symbol->offset)
		abort();
	if (!obi_site_entry(&code, symbol->address, symbol->size, 3, &site) && site.offset >= size)
		abort();
	if (!obi_site_return(&code, symbol->address, symbol->size, 3, &site) &&
	    (site.offset >= size || !site.may_return))
		abort();
	(void)obi_site_returns(&code, symbol->address, symbol->size, returns, 4, &cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct obi_symbol found[FOUND_MAX];
	struct obi_build_id id;
	struct obi_image *image;
	bool cut;
	int n;

	if (fd < 0)
		fd = memfd_create("symbols", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	if (obi_image_open(fd, 1 << 20, &image))
		return 0;
	obi_image_build_id(image, &id);
	if (!id.len || id.len > OBI_BUILD_ID_MAX)
		abort();
	n = obi_symbols_find(image, wanted, ARRAY_SIZE(wanted), found, FOUND_MAX, &cut);
	if (n > FOUND_MAX)
		abort();
	for (int i = 0; i < n; i++)
		look(image, &found[i], size);
	obi_image_free(image);
	return 0;
}
