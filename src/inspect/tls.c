// SPDX-License-Identifier: Apache-2.0
#include "inspect/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "inspect/random.h"
#include "inspect/sites.h"
#include "inspect/symbols.h"
#include "obi/tls.h"
#include "probe/libraries.h"

#define WANTED (OBI_PROBE_FUNCTIONS + OBI_PROBE_LIBRARIES)
#define COPIES_MAX 4 /* of one function in a file: a library can be linked into it twice */

/* How many arguments does a program look at? */
static unsigned arguments_of(const struct obi_probe_function *function)
{
	if (function->op == OBI_TLS_CERTIFICATE_READ)
		return 3;
	if (function->op == OBI_TLS_CERTIFICATE_WRITTEN)
		return 2;
	if (function->op != OBI_TLS_READ && function->op != OBI_TLS_WRITE)
		return 1;
	switch (function->count) {
	case OBI_TLS_AT_ARG3:
		return 4;
	case OBI_TLS_AT_ARG4:
		return 5;
	default:
		return 2;
	}
}

/* Where the program finds the count: the function that the wanted one calls may put it into memory
 * of that one, and return no more than whether it could. */
static uint32_t count_at(const struct obi_probe_function *function, const struct obi_site *site)
{
	if (!site->callee)
		return function->count;
	if (site->frame & 1 << 3)
		return OBI_TLS_AT_ARG3;
	if (site->frame & 1 << 4)
		return OBI_TLS_AT_ARG4;
	return function->count;
}

static void add(struct obi_tls_sites *sites, const struct obi_probe_function *function,
		const struct obi_site *site)
{
	for (size_t i = 0; i < sites->count; i++)
		if (sites->sites[i].offset == site->offset)
			return;
	if (sites->count == OBI_TLS_SITES_MAX)
		return;
	sites->library = obi_probe_libraries[function->library].name;
	sites->stepped += site->class == OBI_SITE_STEPPED;
	sites->sites[sites->count++] = (struct obi_tls_site){
		.offset = site->offset,
		.op = function->op,
		.count = count_at(function, site),
	};
}

static void place(const struct obi_code *code, const struct obi_symbol *symbol,
		  struct obi_tls_sites *sites)
{
	const struct obi_probe_function *function = &obi_probe_functions[symbol->wanted];
	struct obi_site site;
	int error;

	if (obi_tls_op_returns(function->op))
		error = obi_site_return(code, symbol->address, symbol->size, arguments_of(function),
					&site);
	else
		error = obi_site_entry(code, symbol->address, symbol->size, arguments_of(function),
				       &site);
	if (!error)
		add(sites, function, &site);
}

/* Functions with probes, and behind them those that show where the random is. */
static size_t name_wanted(struct obi_symbol_wanted *wanted)
{
	size_t count = OBI_PROBE_FUNCTIONS;

	for (size_t i = 0; i < OBI_PROBE_FUNCTIONS; i++)
		wanted[i] = (struct obi_symbol_wanted){ .name = obi_probe_functions[i].name };
	for (size_t i = 0; i < OBI_PROBE_LIBRARIES; i++)
		if (obi_probe_libraries[i].random)
			wanted[count++] = (struct obi_symbol_wanted){
				.name = obi_probe_libraries[i].random,
			};
	return count;
}

static bool is_stripped(const struct obi_image *image)
{
	for (size_t i = 0; i < image->section_count; i++)
		if (image->sections[i].sh_type == SHT_SYMTAB)
			return false;
	return true;
}

static bool is_of_handshakes(size_t function)
{
	return obi_probe_libraries[obi_probe_functions[function].library].handshakes;
}

int obi_tls_inspect(int fd, bool handshakes, struct obi_tls_sites *ret_sites)
{
	struct obi_symbol_wanted wanted[WANTED];
	struct obi_symbol found[WANTED * COPIES_MAX];
	struct obi_image *image;
	struct obi_code code;
	int n = obi_image_open(fd, OBI_SYMBOLS_READ_MAX, &image);

	memset(ret_sites, 0, sizeof(*ret_sites));
	if (n)
		return n;
	n = obi_symbols_find(image, wanted, name_wanted(wanted), found, ARRAY_SIZE(found),
			     &ret_sites->cut);
	ret_sites->stripped = is_stripped(image);
	code = obi_code_of_image(image);
	for (int i = 0; i < n; i++) {
		bool probed = found[i].wanted < OBI_PROBE_FUNCTIONS;

		if (probed && !handshakes && is_of_handshakes(found[i].wanted))
			continue;
		ret_sites->functions += probed;
		if (probed)
			place(&code, &found[i], ret_sites);
		else if (!ret_sites->random.at)
			ret_sites->random = obi_random_find(&code, found[i].address, found[i].size);
	}
	obi_image_free(image);
	return n < 0 && n != -ENODATA ? n : 0;
}
