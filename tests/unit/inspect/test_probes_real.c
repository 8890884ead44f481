// SPDX-License-Identifier: Apache-2.0
/*
 * Symbols and sites of the libraries of this machine, and of damaged copies of one. What is
 * expected of a function holds for Debian 12, whatever the update; `objdump -d` shows why.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/sites.h"

#define LIBSSL "/usr/lib/x86_64-linux-gnu/libssl.so.3"
#define LIBGNUTLS "/usr/lib/x86_64-linux-gnu/libgnutls.so.30"
#define LIBNSPR "/usr/lib/x86_64-linux-gnu/libnspr4.so"
#define NODE "/usr/bin/node"

enum {
	EMULATED,
	CALLEE,
	STEPPED
};

static const struct function {
	const char *file, *name;
	unsigned int args;
	int back; /* where a return probe can stand */
	uint8_t frame;
} functions[] = {
	{ LIBSSL, "SSL_read", 3, CALLEE, 0x08 },
	{ LIBSSL, "SSL_read_ex", 4, CALLEE, 0 },
	{ LIBSSL, "SSL_write", 3, CALLEE, 0x08 },
	{ LIBSSL, "SSL_write_ex", 4, CALLEE, 0 },
	{ LIBSSL, "SSL_peek", 3, CALLEE, 0x08 },
	{ LIBSSL, "SSL_sendfile", 4, EMULATED, 0 },
	{ LIBSSL, "SSL_do_handshake", 1, EMULATED, 0 },
	{ LIBSSL, "SSL_shutdown", 1, EMULATED, 0 },
	{ LIBSSL, "SSL_free", 1, EMULATED, 0 },
	{ LIBSSL, "SSL_set_fd", 2, EMULATED, 0 },
	{ LIBSSL, "SSL_set_bio", 3, EMULATED, 0 },
	{ LIBGNUTLS, "gnutls_record_recv", 3, STEPPED, 0 },
	{ LIBGNUTLS, "gnutls_record_send", 3, EMULATED, 0 },
	{ LIBGNUTLS, "gnutls_record_send2", 5, EMULATED, 0 },
	{ LIBGNUTLS, "gnutls_handshake", 1, EMULATED, 0 },
	{ LIBGNUTLS, "gnutls_bye", 1, EMULATED, 0 },
	{ LIBGNUTLS, "gnutls_deinit", 1, EMULATED, 0 },
	{ LIBNSPR, "PR_Read", 3, STEPPED, 0 },
	{ LIBNSPR, "PR_Write", 3, STEPPED, 0 },
	{ LIBNSPR, "PR_Recv", 5, STEPPED, 0 },
	{ NODE, "SSL_read", 3, EMULATED, 0 },
	{ NODE, "SSL_write", 3, EMULATED, 0 },
	{ NODE, "SSL_free", 1, EMULATED, 0 },
};

static struct obi_image *opened(const char *path, int *ret_fd)
{
	struct obi_image *image = NULL;

	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return NULL;
	assert_int_equal(obi_image_open(*ret_fd, OBI_SYMBOLS_READ_MAX, &image), 0);
	return image;
}

static bool is_emulated(const uint8_t *bytes)
{
	if (bytes[0] == 0x41)
		return (bytes[1] & 0xf8) == 0x50;
	if (bytes[0] == 0x0f)
		return (bytes[1] & 0xf0) == 0x80;
	return (bytes[0] & 0xf8) == 0x50 || (bytes[0] & 0xf0) == 0x70 || bytes[0] == 0xe8 ||
	       bytes[0] == 0xe9 || bytes[0] == 0xeb || bytes[0] == 0x90;
}

static void assert_function(struct obi_image *image, const struct function *function,
			    const struct obi_symbol *symbol)
{
	const struct obi_code code = obi_code_of_image(image);
	uint8_t wanted = (uint8_t)((1u << function->args) - 1), bytes[2];
	struct obi_site site;

	assert_int_equal(
		obi_site_entry(&code, symbol->address, symbol->size, function->args, &site), 0);
	assert_int_equal(site.args & wanted, wanted);
	assert_true(site.offset - symbol->offset < symbol->size);
	assert_int_equal(obi_image_read(image, site.offset, bytes, 2), 2);
	assert_int_equal(site.class == OBI_SITE_EMULATED, is_emulated(bytes));

	assert_int_equal(
		obi_site_return(&code, symbol->address, symbol->size, function->args, &site), 0);
	assert_int_equal(site.args & wanted, wanted);
	assert_true(site.may_return);
	assert_int_equal(site.sp_delta, 0);
	assert_int_equal(site.frame, function->frame);
	assert_int_equal(site.callee, function->back == CALLEE);
	assert_int_equal(site.offset - symbol->offset >= symbol->size, site.callee);
	assert_int_equal(site.class,
			 function->back == STEPPED ? OBI_SITE_STEPPED : OBI_SITE_EMULATED);
	assert_int_equal(obi_image_read(image, site.offset, bytes, 2), 2);
	assert_int_equal(site.class == OBI_SITE_EMULATED, is_emulated(bytes));
}

static void libraries_of_this_machine_have_their_sites(void **state)
{
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct obi_symbol_wanted wanted = { functions[i].name, false };
		_cleanup_close_ int fd = -1;
		struct obi_image *image = opened(functions[i].file, &fd);
		struct obi_symbol found[4];
		bool cut;
		int n;

		if (!image)
			continue;
		print_message("%s of %s\n", functions[i].name, functions[i].file);
		n = obi_symbols_find(image, &wanted, 1, found, ARRAY_SIZE(found), &cut);
		if (n == 0 && !strcmp(functions[i].file, NODE)) {
			obi_image_free(image);
			continue; /* Debian's own has OpenSSL as a library */
		}
		assert_int_equal(n, 1);
		assert_function(image, &functions[i], &found[0]);
		obi_image_free(image);
		seen++;
	}
	if (!seen)
		skip();
}

/* ---- Damage ------------------------------------------------------------------------------------
 */

#define FLIPS 20000

static const struct obi_symbol_wanted names[] = {
	{ "SSL_read", false },     { "SSL_read_ex", false }, { "SSL_write", false },
	{ "SSL_write_ex", false }, { "SSL_free", false },    { "SSL_set_fd", false },
	{ "SSL_shutdown", false }, { "in_before", true },
};

/* All that is asked of a file. What is found lies in it. */
static int look_at(int fd, uint64_t size)
{
	struct obi_symbol found[32];
	struct obi_build_id id;
	struct obi_image *image;
	struct obi_code code;
	bool cut;
	int n, err = obi_image_open(fd, OBI_SYMBOLS_READ_MAX, &image);

	if (err)
		return err;
	obi_image_build_id(image, &id);
	assert_true(id.len > 0 && id.len <= OBI_BUILD_ID_MAX);
	n = obi_symbols_find(image, names, ARRAY_SIZE(names), found, ARRAY_SIZE(found), &cut);
	code = obi_code_of_image(image);
	for (int i = 0; i < n; i++) {
		uint64_t returns[8];
		struct obi_site site;

		assert_true(found[i].offset < size && found[i].size <= size - found[i].offset);
		if (i % 4) /* for the time that it takes */
			continue;
		if (!obi_site_entry(&code, found[i].address, found[i].size, 3, &site))
			assert_true(site.offset < size);
		if (!obi_site_return(&code, found[i].address, found[i].size, 3, &site))
			assert_true(site.offset < size && site.may_return);
		if (found[i].size)
			assert_true(obi_site_returns(&code, found[i].address, found[i].size,
						     returns, 8, &cut) >= 0);
	}
	obi_image_free(image);
	return n;
}

/* FLIPS bits, one after the other: OBI_FLIPS and OBI_FLIPS_FILE say how many, and of what. */
static void one_wrong_bit_does_no_harm(void **state)
{
	const char *path = getenv("OBI_FLIPS_FILE"), *wanted = getenv("OBI_FLIPS");
	_cleanup_close_ int real = open(path ? path : LIBSSL, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd = memfd_create("flips", MFD_CLOEXEC);
	unsigned long flips = wanted ? strtoul(wanted, NULL, 10) : FLIPS;
	unsigned int seed = (unsigned int)time(NULL);
	struct stat st;
	uint8_t *bytes;
	int whole;

	if (real < 0)
		skip();
	assert_int_equal(fstat(real, &st), 0);
	assert_int_equal(ftruncate(fd, st.st_size), 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	assert_int_equal(pread(real, bytes, (size_t)st.st_size, 0), st.st_size);
	whole = look_at(fd, (uint64_t)st.st_size);
	assert_true(path || whole >= 8);
	print_message("seed %u\n", seed);
	for (unsigned long i = 0; i < flips; i++) {
		/* Half of them where all else depends on it. */
		size_t range = i % 2 ? (size_t)st.st_size : 4096;
		size_t at = ((size_t)rand_r(&seed) << 15 ^ (size_t)rand_r(&seed)) % range;
		uint8_t bit = (uint8_t)(1u << rand_r(&seed) % 8);

		bytes[at] ^= bit;
		(void)look_at(fd, (uint64_t)st.st_size);
		bytes[at] ^= bit;
	}
	assert_int_equal(look_at(fd, (uint64_t)st.st_size), whole);
	(void)munmap(bytes, (size_t)st.st_size);
}

/* The file becomes shorter while it is read. */
static void file_that_is_cut_short_meanwhile_ends_early(void **state)
{
	_cleanup_close_ int real = open(LIBSSL, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int fd = memfd_create("cut", MFD_CLOEXEC);
	static char bytes[1 << 20];
	struct obi_symbol found[32];
	struct obi_image *image = NULL;
	struct obi_site site;
	struct obi_code code;
	ssize_t len;
	bool cut;
	int n;

	if (real < 0)
		skip();
	len = pread(real, bytes, sizeof(bytes), 0);
	assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
	assert_int_equal(obi_image_open(fd, OBI_SYMBOLS_READ_MAX, &image), 0);
	n = obi_symbols_find(image, names, ARRAY_SIZE(names), found, ARRAY_SIZE(found), &cut);
	assert_true(n >= 8);
	assert_int_equal(ftruncate(fd, 4096), 0);
	code = obi_code_of_image(image);
	assert_int_equal(obi_site_entry(&code, found[0].address, found[0].size, 3, &site), -ENOENT);
	assert_int_equal(
		obi_symbols_find(image, names, ARRAY_SIZE(names), found, ARRAY_SIZE(found), &cut),
		0);
	obi_image_free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries_of_this_machine_have_their_sites),
		cmocka_unit_test(one_wrong_bit_does_no_harm),
		cmocka_unit_test(file_that_is_cut_short_meanwhile_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
