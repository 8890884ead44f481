// SPDX-License-Identifier: Apache-2.0
/* Where the random of a ClientHello is, from the code that copies it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/code.h"
#include "inspect/random.h"

struct copying {
	const char *text;
	uint16_t machine;
	struct slice code;
	struct obi_tls_random found;
};

static struct obi_tls_random find(uint16_t machine, struct slice bytes)
{
	struct obi_code code = { machine, code_read, &bytes };

	return obi_random_find(&code, CODE_BASE, bytes.len);
}

static void place_is_found(void **state)
{
	static const struct copying functions[] = {
		{ "address of it",
		  EM_X86_64,
		  CODE("\xb8\x20\x00\x00\x00"         /* mov eax, 32 */
		       "\x48\x8d\x8f\x60\x01\x00\x00" /* lea rcx, [rdi + 0x160] */
		       "\xc3"),
		  { .at = 0x160 } },
		{ "another register",
		  EM_X86_64,
		  CODE("\x48\x89\xfb"                 /* mov rbx, rdi */
		       "\x31\xff"                     /* xor edi, edi */
		       "\x48\x8d\xb3\x60\x01\x00\x00" /* lea rsi, [rbx + 0x160] */
		       "\xc3"),
		  { .at = 0x160 } },
		{ "read in place",
		  EM_X86_64,
		  CODE("\x48\x8b\x97\x60\x01\x00\x00" /* mov rdx, [rdi + 0x160] */
		       "\x48\x89\x16"                 /* mov [rsi], rdx */
		       "\xc3"),
		  { .at = 0x160 } },
		{ "behind a pointer",
		  EM_X86_64,
		  CODE("\x48\x8b\xbf\xa8\x00\x00\x00" /* mov rdi, [rdi + 0xa8] */
		       "\x48\x8d\x8f\xb8\x00\x00\x00" /* lea rcx, [rdi + 0xb8] */
		       "\xc3"),
		  { .at = 0xa8, .via = 0xa8, .behind = 0xb8 } },
		{ "behind a branch round a call",
		  EM_X86_64,
		  CODE("\x8b\x07"                     /* mov eax, [rdi] */
		       "\x85\xc0"                     /* test eax, eax */
		       "\x74\x08"                     /* je */
		       "\xe8\x00\x00\x00\x00"         /* call */
		       "\x48\x89\xc7"                 /* mov rdi, rax */
		       "\x48\x8d\x8f\x88\x01\x00\x00" /* lea rcx, [rdi + 0x188] */
		       "\xc3"),
		  { .at = 0x188 } },
		{ "Arm: address of it",
		  EM_AARCH64,
		  CODE("\xe3\x03\x00\xaa"   /* mov x3, x0 */
		       "\x61\x80\x05\x91"   /* add x1, x3, 0x160 */
		       "\xc0\x03\x5f\xd6"), /* ret */
		  { .at = 0x160 } },
		{ "Arm: behind a pointer",
		  EM_AARCH64,
		  CODE("\x00\x54\x40\xf9"   /* ldr x0, [x0, 0xa8] */
		       "\x01\xe0\x02\x91"   /* add x1, x0, 0xb8 */
		       "\xc0\x03\x5f\xd6"), /* ret */
		  { .at = 0xa8, .via = 0xa8, .behind = 0xb8 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		const struct obi_tls_random *right = &functions[i].found;
		struct obi_tls_random found =
			find(functions[i].machine, guarded(functions[i].code));

		print_message("%s\n", functions[i].text);
		assert_int_equal(found.at, right->at);
		assert_int_equal(found.via, right->via);
		assert_int_equal(found.behind, right->behind);
	}
}

static void what_shows_nothing_is_nothing(void **state)
{
	static const struct slice codes[] = {
		CODE("\xc3"),
		CODE("\x8b\x07\xc3"),                         /* mov eax, [rdi] */
		CODE("\x48\x8d\x8e\x60\x01\x00\x00\xc3"),     /* lea rcx, [rsi + 0x160] */
		CODE("\x48\x8d\x8f\x00\x00\x01\x00\xc3"),     /* lea rcx, [rdi + 0x10000] */
		CODE("\x31\xff\x48\x8d\x8f\x60\x01\x00\x00"), /* xor edi, edi */
		CODE("\x06\x48\x8d\x8f\x60\x01\x00\x00"),     /* no instruction */
		CODE("\x48\x8d\x8f\x60"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct obi_tls_random found = find(EM_X86_64, guarded(codes[i]));

		assert_int_equal(found.at | found.via | found.behind, 0);
	}
	assert_int_equal(find(EM_386, guarded(codes[0])).at, 0);
}

static void any_bytes_come_to_an_end(void **state)
{
	uint8_t bytes[600];
	unsigned int seed = 1;

	for (int i = 0; i < 20000; i++) {
		size_t len = 1 + (size_t)rand_r(&seed) % sizeof(bytes);

		for (size_t k = 0; k < len; k++)
			bytes[k] = (uint8_t)rand_r(&seed);
		(void)find(i % 2 ? EM_X86_64 : EM_AARCH64, guarded(slice_of(bytes, len)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_is_found),
		cmocka_unit_test(what_shows_nothing_is_nothing),
		cmocka_unit_test(any_bytes_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
