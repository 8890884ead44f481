// SPDX-License-Identifier: Apache-2.0
/* Where probes belong: in the libraries of this machine (of Debian 12, whatever the update), in
 * files that have no such functions, and in damaged ones. */
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
#include "inspect/elf_file.h"
#include "inspect/tls.h"
#include "obi/tls.h"

#define LIBRARIES "/usr/lib/x86_64-linux-gnu/"
#define LIBSSL LIBRARIES "libssl.so.3"

static const struct expected {
	const char *file, *library;
	size_t stepped;
	size_t ops[OBI_TLS_OPS]; /* sites of each */
	uint32_t count;          /* of those that move plain text */
} expected[] = {
	/* SSL_read() and SSL_read_ex() call one function, which is probed. */
	{ LIBSSL, "OpenSSL", 0, { 0, 1, 1, 1, 1 }, OBI_TLS_AT_ARG3 },
	{ LIBRARIES "libgnutls.so.30", "GnuTLS", 1, { 0, 1, 1, 1, 1 }, OBI_TLS_RETURNED },
	{ LIBRARIES "libnspr4.so", "NSS", 5, { 0, 2, 2, 0, 1 }, OBI_TLS_OF_ANY },
	/* wolfSSL_negotiate() calls one of the two others. */
	{ LIBRARIES "libwolfssl.so.35", "wolfSSL", 0, { 0, 2, 1, 2, 1 }, OBI_TLS_RETURNED },
	{ LIBRARIES "libmbedtls.so.14", "mbedTLS", 0, { 0, 1, 1, 2, 1 }, OBI_TLS_RETURNED },
	{ LIBRARIES "libcrypto.so.3", "OpenSSL", 0, { 0, 0, 0, 0, 0, 1, 1 }, 0 },
};

static void assert_sane(const struct obi_tls_sites *sites, uint64_t size)
{
	assert_in_range(sites->count, 0, OBI_TLS_SITES_MAX);
	assert_in_range(sites->stepped, 0, sites->count);
	assert_int_equal(sites->library != NULL, sites->count > 0);
	for (size_t i = 0; i < sites->count; i++) {
		assert_in_range(sites->sites[i].op, OBI_TLS_NONE + 1, OBI_TLS_OPS - 1);
		assert_in_range(sites->sites[i].count, 0, OBI_TLS_COUNTS - 1);
		assert_true(sites->sites[i].offset < size);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(sites->sites[i].offset, sites->sites[k].offset);
	}
}

static void assert_expected(const struct expected *e, const struct obi_tls_sites *sites)
{
	size_t ops[OBI_TLS_OPS] = { 0 };

	assert_string_equal(sites->library, e->library);
	assert_int_equal(sites->stepped, e->stepped);
	assert_int_equal(sites->random.at != 0,
			 (!strcmp(e->library, "OpenSSL") || !strcmp(e->library, "wolfSSL")) &&
				 e->ops[OBI_TLS_READ]);
	for (size_t i = 0; i < sites->count; i++) {
		uint32_t op = sites->sites[i].op;

		ops[op]++;
		if (op == OBI_TLS_READ || op == OBI_TLS_WRITE)
			assert_int_equal(sites->sites[i].count, e->count);
	}
	assert_memory_equal(ops, e->ops, sizeof(ops));
}

static void libraries_of_this_machine_have_their_sites(void **state)
{
	size_t seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		_cleanup_close_ int fd = open(expected[i].file, O_RDONLY | O_CLOEXEC);
		struct obi_tls_sites sites;
		struct stat st;

		if (fd < 0)
			continue;
		print_message("%s\n", expected[i].file);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(obi_tls_inspect(fd, true, &sites), 0);
		assert_sane(&sites, (uint64_t)st.st_size);
		assert_expected(&expected[i], &sites);
		assert_in_range(sites.functions, sites.count, 100);
		seen++;
	}
	if (!seen)
		skip();
}

/* What takes a probe in vain has none. */
static void certificates_are_of_handshakes_alone(void **state)
{
	_cleanup_close_ int fd = open(LIBRARIES "libcrypto.so.3", O_RDONLY | O_CLOEXEC);
	struct obi_tls_sites sites;

	if (fd < 0)
		skip();
	assert_int_equal(obi_tls_inspect(fd, false, &sites), 0);
	assert_int_equal(sites.count, 0);
	assert_int_equal(sites.functions, 0);
}

static void assert_nothing(int fd, int error)
{
	struct obi_tls_sites sites;

	memset(&sites, 0xff, sizeof(sites));
	assert_int_equal(obi_tls_inspect(fd, true, &sites), error);
	assert_int_equal(sites.count, 0);
	assert_int_equal(sites.stepped, 0);
	assert_null(sites.library);
}

/* This program has the names as texts, but no such functions. */
static void file_without_such_functions_has_no_sites(void **state)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	struct obi_tls_sites sites;

	assert_true(fd >= 0);
	assert_nothing(fd, 0);
	assert_int_equal(obi_tls_inspect(fd, true, &sites), 0);
	assert_int_equal(sites.functions, 0);
	assert_false(sites.stripped);
}

static void file_without_symbols_has_no_sites(void **state)
{
	static const uint8_t code[] = { 0x55, 0xc3 };
	static struct elf_file file;
	_cleanup_close_ int fd = memfd_create("stripped", MFD_CLOEXEC);

	elf_file_begin(&file);
	file.header.e_machine = EM_X86_64;
	(void)elf_file_segment(&file, PT_LOAD, PF_R | PF_X, code, sizeof(code));
	elf_file_end(&file, 0);
	assert_int_equal(pwrite(fd, file.bytes, file.len, 0), file.len);
	assert_nothing(fd, 0);
}

static void what_is_no_program_is_said(void **state)
{
	_cleanup_close_ int text = memfd_create("text", MFD_CLOEXEC);
	_cleanup_close_ int empty = memfd_create("empty", MFD_CLOEXEC);
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(pwrite(text, "SSL_read SSL_write", 18, 0), 18);
	assert_nothing(text, -ENOEXEC);
	assert_nothing(empty, -ENOEXEC);
	assert_nothing(pipes[0], -EINVAL);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* ---- Damage ---- */

#define FLIPS 4000
#define CUTS 40

/* A copy of it, to be written to. NULL: there is none. */
static uint8_t *copy_of(const char *path, int *ret_fd, size_t *ret_size)
{
	_cleanup_close_ int real = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	if (real < 0)
		return NULL;
	*ret_fd = memfd_create("copy", MFD_CLOEXEC);
	assert_int_equal(fstat(real, &st), 0);
	*ret_size = (size_t)st.st_size;
	assert_int_equal(ftruncate(*ret_fd, st.st_size), 0);
	bytes = mmap(NULL, *ret_size, PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	assert_int_equal(pread(real, bytes, *ret_size, 0), *ret_size);
	return bytes;
}

static void one_wrong_bit_does_no_harm(void **state)
{
	_cleanup_close_ int fd = -1;
	unsigned int seed = (unsigned int)time(NULL);
	struct obi_tls_sites sites;
	size_t size;
	uint8_t *bytes = copy_of(LIBSSL, &fd, &size);

	if (!bytes)
		skip();
	print_message("seed %u\n", seed);
	for (int i = 0; i < FLIPS; i++) {
		/* Half of them where all else depends on it. */
		size_t range = i % 2 ? size : 4096;
		size_t at = ((size_t)rand_r(&seed) << 15 ^ (size_t)rand_r(&seed)) % range;
		uint8_t bit = (uint8_t)(1u << rand_r(&seed) % 8);

		bytes[at] ^= bit;
		(void)obi_tls_inspect(fd, true, &sites);
		assert_sane(&sites, size);
		bytes[at] ^= bit;
	}
	assert_int_equal(obi_tls_inspect(fd, true, &sites), 0);
	assert_expected(&expected[0], &sites);
	(void)munmap(bytes, size);
}

static void file_that_is_cut_does_no_harm(void **state)
{
	_cleanup_close_ int fd = -1;
	struct obi_tls_sites sites;
	size_t size;
	uint8_t *bytes = copy_of(LIBSSL, &fd, &size);

	if (!bytes)
		skip();
	(void)munmap(bytes, size);
	for (size_t i = CUTS; i-- > 0;) {
		size_t len = size / CUTS * i + i;

		assert_int_equal(ftruncate(fd, (off_t)len), 0);
		(void)obi_tls_inspect(fd, true, &sites);
		assert_sane(&sites, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(libraries_of_this_machine_have_their_sites),
		cmocka_unit_test(certificates_are_of_handshakes_alone),
		cmocka_unit_test(file_without_such_functions_has_no_sites),
		cmocka_unit_test(file_without_symbols_has_no_sites),
		cmocka_unit_test(what_is_no_program_is_said),
		cmocka_unit_test(one_wrong_bit_does_no_harm),
		cmocka_unit_test(file_that_is_cut_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
