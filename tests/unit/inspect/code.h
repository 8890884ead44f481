/* SPDX-License-Identifier: Apache-2.0 */
/* Code for tests, that ends at a page nobody may touch. */
#ifndef OBI_TEST_CODE_H
#define OBI_TEST_CODE_H

#include <errno.h>
#include <stdio.h>

#include "guard.h"
#include "inspect/sites.h"

#define CODE_BASE UINT64_C(0x401000)
#define CODE_OFFSET UINT64_C(0x1000) /* in the file */

static inline size_t code_read(void *context, uint64_t address, void *buf, size_t len,
			       uint64_t *ret_offset)
{
	const struct slice *bytes = context;
	struct slice rest;

	if (address < CODE_BASE || address - CODE_BASE >= bytes->len)
		return 0;
	rest = slice_first(slice_from(*bytes, (size_t)(address - CODE_BASE)), len);
	memcpy(buf, rest.data, rest.len);
	*ret_offset = CODE_OFFSET + address - CODE_BASE;
	return rest.len;
}

struct function {
	const char *text;
	struct slice code;
	size_t start; /* of the function in code */
	unsigned int args;
	/* As said_of_site() says it; back NULL: the same as entry. */
	const char *entry, *back;
};

#define CODE(bytes)                                                                                \
	{                                                                                          \
		(const uint8_t *)(bytes), sizeof(bytes) - 1                                        \
	}

/* Where from the start of the code, class, bytes of stack, arguments, and what else is so. */
static inline const char *said_of_site(int err, const struct obi_site *site)
{
	static char said[128];
	int n;

	if (err)
		return err == -ENOENT ? "none" : strerror(-err);
	assert_int_equal(site->offset - CODE_OFFSET, site->address - CODE_BASE);
	n = snprintf(said, sizeof(said), "%d %s sp %d args %02x", (int)(site->address - CODE_BASE),
		     site->class == OBI_SITE_EMULATED ? "emulated" : "stepped", site->sp_delta,
		     site->args);
	if (site->narrowed)
		n += snprintf(said + n, sizeof(said) - (size_t)n, " narrowed %02x", site->narrowed);
	if (site->frame)
		n += snprintf(said + n, sizeof(said) - (size_t)n, " frame %02x", site->frame);
	(void)snprintf(said + n, sizeof(said) - (size_t)n, "%s%s%s",
		       site->may_return ? " return" : "", site->callee ? " callee" : "",
		       site->checked ? " checked" : "");
	return said;
}

static inline void check_functions(uint16_t machine, const struct function *function, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct slice bytes = guarded(function[i].code);
		struct obi_code code = { machine, code_read, &bytes };
		uint64_t address = CODE_BASE + function[i].start;
		size_t size = bytes.len - function[i].start;
		unsigned int args = function[i].args;
		struct obi_site site;
		int err;

		print_message("%s\n", function[i].text);
		err = obi_site_entry(&code, address, size, args, &site);
		assert_string_equal(said_of_site(err, &site), function[i].entry);
		err = obi_site_return(&code, address, size, args, &site);
		assert_string_equal(said_of_site(err, &site),
				    function[i].back ? function[i].back : function[i].entry);
	}
}

#endif
