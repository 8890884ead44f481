// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "inspect/code.h"

#define WORDS(...)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(const uint32_t[]){ __VA_ARGS__ },                                \
			sizeof((const uint32_t[]){ __VA_ARGS__ })                                  \
	}

#define STP_X29_X30 0xa9bf7bfd /* stp x29, x30, [sp, #-16]! */
#define SUB_SP_32 0xd10083ff
#define PACIASP 0xd503233f
#define BTI_C 0xd503245f
#define CBZ_X0 0xb4000040 /* cbz x0, .+8 */
#define BL 0x97ffffff     /* bl .-4 */
#define B_FAR 0x14001000
#define RET 0xd65f03c0
#define MOV_X4_0 0xd2800004
#define ADRP_X3 0x90000003

/* ---- Choice ------------------------------------------------------------------------------------
 */

static const struct function choices[] = {
	{ "cbz x0; stp; bl", WORDS(CBZ_X0, STP_X29_X30, BL), 0, 8, "0 emulated sp 0 args ff return",
	  NULL },
	{ "stp; bl", WORDS(STP_X29_X30, BL, RET), 0, 8, "4 emulated sp 16 args ff",
	  "0 stepped sp 0 args ff return" },
	{ "paciasp; stp; bl", WORDS(PACIASP, STP_X29_X30, BL, RET), 0, 8,
	  "8 emulated sp 16 args ff", "0 stepped sp 0 args ff return" },
	{ "bti c; mov x4, 0; ret", WORDS(BTI_C, MOV_X4_0, RET), 0, 4,
	  "8 emulated sp 0 args ef return", NULL },
	{ "bti c; stp; ret", WORDS(BTI_C, STP_X29_X30, RET), 0, 8, "8 emulated sp 16 args ff",
	  "4 stepped sp 0 args ff return" },
	/* x30 is still whole there, but not the stack pointer. */
	{ "sub sp, 32; adrp x3; bl", WORDS(SUB_SP_32, ADRP_X3, BL), 0, 3,
	  "4 emulated sp 32 args ff", "0 stepped sp 0 args ff return" },
	{ "mov x4, 0; b", WORDS(MOV_X4_0, B_FAR), 0, 3, "4 emulated sp 0 args ef return", NULL },
	{ "mov x4, 0; b", WORDS(MOV_X4_0, B_FAR), 0, 5, "0 stepped sp 0 args ff return", NULL },
	{ "ret", WORDS(RET), 0, 8, "0 emulated sp 0 args ff return", NULL },
	{ "mov x9, x30; cbz x0; ret", WORDS(0xaa1e03e9, CBZ_X0, RET), 0, 8,
	  "4 emulated sp 0 args ff", "0 stepped sp 0 args ff return" },
	{ "str x30; cbz x0; ret", WORDS(0xf81f0ffe, CBZ_X0, RET), 0, 8, "4 emulated sp 16 args ff",
	  "0 stepped sp 0 args ff return" },
	{ "a call with a frame is not followed", WORDS(RET, STP_X29_X30, BL, RET), 4, 8,
	  "8 emulated sp 16 args ff", "4 stepped sp 0 args ff return" },
	{ "add sp, sp, x1; cbz x0", WORDS(0x8b2163ff, CBZ_X0), 0, 8,
	  "0 stepped sp 0 args ff return", NULL },
	{ "subs x0, x0, 1; b.ne back; ret", WORDS(0xf1000400, 0x54ffffe1, RET), 0, 1, "none",
	  NULL },
};

static void simulated_instructions_are_preferred(void **state)
{
	check_functions(EM_AARCH64, choices, ARRAY_SIZE(choices));
}

static const struct function refused[] = {
	{ "ldr x5, literal; ret", WORDS(0x58000205, RET), 0, 5, "4 emulated sp 0 args df return",
	  NULL },
	{ "ldxr x0, [x1]", WORDS(0xc85f7c20), 0, 0, "none", NULL },
	{ "cas x0, x1, [x2]", WORDS(0xc8a07c41), 0, 0, "none", NULL },
	{ "mrs x0, tpidr_el0", WORDS(0xd53bd040), 0, 0, "none", NULL },
	{ "msr tpidr_el0, x0", WORDS(0xd51bd040), 0, 0, "none", NULL },
	{ "autiasp", WORDS(0xd50323bf), 0, 0, "none", NULL },
	{ "yield", WORDS(0xd503203f), 0, 0, "none", NULL },
	{ "retaa", WORDS(0xd65f0bff), 0, 0, "none", NULL },
	{ "braa x1, x2", WORDS(0xd71f0822), 0, 0, "none", NULL },
	{ "svc", WORDS(0xd4000001), 0, 0, "none", NULL },
	{ "brk", WORDS(0xd4200020), 0, 0, "none", NULL },
	{ "udf", WORDS(0), 0, 0, "none", NULL },
	{ "ptrue p0.b", WORDS(0x2518e3e0), 0, 0, "none", NULL },
	{ "two bytes", { (const uint8_t *)"\xc0\x03", 2 }, 0, 0, "none", NULL },
};

static void what_the_kernel_refuses_is_never_chosen(void **state)
{
	check_functions(EM_AARCH64, refused, ARRAY_SIZE(refused));
}

/* ---- Arguments ---------------------------------------------------------------------------------
 */

static const struct function arguments[] = {
	{ "sxtw x2, w2", WORDS(0x93407c42, RET), 0, 3, "4 emulated sp 0 args ff narrowed 04 return",
	  NULL },
	{ "mov w1, w1", WORDS(0x2a0103e1, RET), 0, 3, "4 emulated sp 0 args ff narrowed 02 return",
	  NULL },
	{ "mov x3, sp", WORDS(0x910003e3, RET), 0, 3, "4 emulated sp 0 args f7 frame 08 return",
	  NULL },
	{ "add x3, sp, 8", WORDS(0x910023e3, RET), 0, 3, "4 emulated sp 0 args f7 frame 08 return",
	  NULL },
	{ "csel x0, x1, x2", WORDS(0x9a820020, RET), 0, 0, "4 emulated sp 0 args fe return", NULL },
	{ "movk x0, 1", WORDS(0xf2800020, RET), 0, 0, "4 emulated sp 0 args fe return", NULL },
	{ "ldr x0, [x1], 8", WORDS(0xf8408420, RET), 0, 0, "4 emulated sp 0 args fc return", NULL },
	{ "str x0, [x1, 8]!", WORDS(0xf8008c20, RET), 0, 0, "4 emulated sp 0 args fd return",
	  NULL },
	{ "str x0, [x1, x2]", WORDS(0xf8226820, RET), 0, 0, "4 emulated sp 0 args ff return",
	  NULL },
	{ "stur x1, [sp, -8]", WORDS(0xf81f83e1, RET), 0, 0, "4 emulated sp 0 args ff return",
	  NULL },
	{ "ldp x0, x1, [x2], 16", WORDS(0xa8c10440, RET), 0, 0, "4 emulated sp 0 args f8 return",
	  NULL },
	{ "swp x0, x1, [x2]", WORDS(0xf8208041, RET), 0, 0, "4 emulated sp 0 args fd return",
	  NULL },
	{ "fmov x0, d0", WORDS(0x9e660000, RET), 0, 0, "4 emulated sp 0 args fe return", NULL },
	{ "stp q0, q1, [sp, -64]!", WORDS(0xadbe07e0, RET), 0, 0, "4 emulated sp 64 args ff",
	  "0 stepped sp 0 args ff return" },
	{ "ldr q0, [x0], 16", WORDS(0x3cc10400, RET), 0, 0, "4 emulated sp 0 args fe return",
	  NULL },
};

static void arguments_live_until_they_are_written(void **state)
{
	check_functions(EM_AARCH64, arguments, ARRAY_SIZE(arguments));
}

/* ---- Returns -----------------------------------------------------------------------------------
 */

static void returns_are_found(void **state)
{
	static const uint32_t words[] = { RET, BL, 0xd65f0bff, 0xd61f0020, 0xd65f0020 };
	struct slice bytes = guarded(slice_of(words, sizeof(words)));
	const struct obi_code code = { EM_AARCH64, code_read, &bytes };
	uint64_t offsets[4];
	bool cut;

	assert_int_equal(obi_site_returns(&code, CODE_BASE, bytes.len, offsets, 4, &cut), 3);
	assert_int_equal(offsets[0], CODE_OFFSET);
	assert_int_equal(offsets[1], CODE_OFFSET + 8);
	assert_int_equal(offsets[2], CODE_OFFSET + 16);
	assert_false(cut);
}

static void addresses_between_instructions_hold_nothing(void **state)
{
	static const uint32_t words[] = { RET, RET };
	struct slice bytes = guarded(slice_of(words, sizeof(words)));
	const struct obi_code code = { EM_AARCH64, code_read, &bytes };
	struct obi_site site;

	assert_int_equal(obi_site_entry(&code, CODE_BASE + 2, 4, 0, &site), -ENOENT);
	assert_int_equal(obi_site_entry(&code, CODE_BASE, 4, 9, &site), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simulated_instructions_are_preferred),
		cmocka_unit_test(what_the_kernel_refuses_is_never_chosen),
		cmocka_unit_test(arguments_live_until_they_are_written),
		cmocka_unit_test(returns_are_found),
		cmocka_unit_test(addresses_between_instructions_hold_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
