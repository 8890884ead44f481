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

/* ---- Entry -------------------------------------------------------------------------------------
 */

static void emulated_instructions_are_preferred(void **state)
{
	static const struct function functions[] = {
		{ "push rbp; mov rbp, rsp; ret", CODE("\x55\x48\x89\xe5\xc3"), 0, 6,
		  "0 emulated sp 0 args 3f return", NULL },
		{ "push r15; ret", CODE("\x41\x57\xc3"), 0, 6, "0 emulated sp 0 args 3f return",
		  NULL },
		{ "endbr64; push rbx; ret", CODE("\xf3\x0f\x1e\xfa\x53\xc3"), 0, 6,
		  "4 emulated sp 0 args 3f return", NULL },
		{ "sub rsp, 24; test edx, edx; js; ret",
		  CODE("\x48\x83\xec\x18\x85\xd2\x78\x00\xc3"), 0, 3, "6 emulated sp 24 args 3f",
		  "0 stepped sp 0 args 3f return" },
		{ "test rdi, rdi; je (32 bits); ret",
		  CODE("\x48\x85\xff\x0f\x84\x00\x00\x00\x00\xc3"), 0, 1,
		  "3 emulated sp 0 args 3f return", NULL },
		{ "nop; ret", CODE("\x90\xc3"), 0, 0, "0 emulated sp 0 args 3f return", NULL },
		{ "xor ecx, ecx; jmp elsewhere", CODE("\x31\xc9\xe9\x00\x10\x00\x00"), 0, 3,
		  "2 emulated sp 0 args 37 return", NULL },
		{ "xor eax, eax; jmp ahead", CODE("\x31\xc0\xeb\x01\x90\xc3"), 0, 6,
		  "2 emulated sp 0 args 3f return", NULL },
		{ "mov rax, [rdi]; jmp [rax + 16]", CODE("\x48\x8b\x07\xff\x60\x10"), 0, 3,
		  "0 stepped sp 0 args 3f return", NULL },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

static void what_the_kernel_refuses_or_rewrites_is_never_chosen(void **state)
{
	static const struct function functions[] = {
		{ "nop of 5 bytes; push", CODE("\x0f\x1f\x44\x00\x00\x53\xc3"), 0, 6,
		  "5 emulated sp 0 args 3f return", NULL },
		{ "nop of 5 bytes, prefixed; ret", CODE("\x66\x0f\x1f\x40\x00\xc3"), 0, 6,
		  "5 stepped sp 0 args 3f return", NULL },
		{ "nop of 10 bytes; ret", CODE("\x66\x2e\x0f\x1f\x84\x00\x00\x00\x00\x00\xc3"), 0,
		  6, "10 stepped sp 0 args 3f return", NULL },
		{ "jmp 8 ahead", CODE("\xeb\x08\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xc3"), 0, 0, "none",
		  NULL },
		{ "nop of 2 bytes; ret", CODE("\x66\x90\xc3"), 0, 0,
		  "2 stepped sp 0 args 3f return", NULL },
		/* Some kernels take it for a nop. */
		{ "xchg r8, rax; ret", CODE("\x49\x90\xc3"), 0, 0, "2 stepped sp 0 args 2f return",
		  NULL },
		{ "pause; ret", CODE("\xf3\x90\xc3"), 0, 0, "2 stepped sp 0 args 3f return", NULL },
		{ "bnd jmp", CODE("\xf2\xe9\x00\x00\x00\x00"), 0, 0, "none", NULL },
		{ "lock inc [rdi]; ret", CODE("\xf0\x48\xff\x07\xc3"), 0, 1,
		  "4 stepped sp 0 args 3f return", NULL },
		{ "mov byte [rdi], 0; ret", CODE("\xc6\x07\x00\xc3"), 0, 1,
		  "0 stepped sp 0 args 3f return", NULL },
		{ "xabort 0; ret", CODE("\xc6\xf8\x00\xc3"), 0, 1, "none", NULL },
		{ "vzeroupper; ret", CODE("\xc5\xf8\x77\xc3"), 0, 1,
		  "3 stepped sp 0 args 3f return", NULL },
		{ "mov eax, cs:[rdi]; ret", CODE("\x2e\x8b\x07\xc3"), 0, 1,
		  "3 stepped sp 0 args 3f return", NULL },
		{ "jrcxz; ret", CODE("\xe3\x00\xc3"), 0, 0, "none", NULL },
		{ "syscall", CODE("\x0f\x05"), 0, 0, "none", NULL },
		{ "ud2", CODE("\x0f\x0b"), 0, 0, "none", NULL },
		{ "int3", CODE("\xcc"), 0, 0, "none", NULL },
		{ "no instruction", CODE("\x06"), 0, 0, "none", NULL },
		{ "half an instruction", CODE("\x48"), 0, 0, "none", NULL },
		{ "nothing", CODE(""), 0, 0, "none", NULL },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

/* Where all are stepped: a mark or one that is relative to rip only where there is no other. */
static void awkward_instructions_come_last(void **state)
{
	static const struct function functions[] = {
		{ "endbr64; mov rax, rdi; ret", CODE("\xf3\x0f\x1e\xfa\x48\x89\xf8\xc3"), 0, 1,
		  "4 stepped sp 0 args 3f return", NULL },
		{ "mov rax, [rip]; mov rax, rdi; ret",
		  CODE("\x48\x8b\x05\x00\x00\x00\x00\x48\x89\xf8\xc3"), 0, 1,
		  "7 stepped sp 0 args 3f return", NULL },
		{ "endbr64; lea rdi, [rip]; ret",
		  CODE("\xf3\x0f\x1e\xfa\x48\x8d\x3d\x00\x00\x00\x00\xc3"), 0, 1,
		  "0 stepped sp 0 args 3f return", NULL },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

/* ---- Arguments and stack -----------------------------------------------------------------------
 */

static void arguments_live_until_they_are_written(void **state)
{
	static const struct function functions[] = {
		{ "xor edi, edi; push rbx; ret", CODE("\x31\xff\x53\xc3"), 0, 1,
		  "0 stepped sp 0 args 3f return", NULL },
		{ "xor edi, edi; push rbx; ret", CODE("\x31\xff\x53\xc3"), 0, 0,
		  "2 emulated sp 0 args 3e return", NULL },
		{ "mov dil, 1; push rbx; ret", CODE("\x40\xb7\x01\x53\xc3"), 0, 0,
		  "3 emulated sp 0 args 3e return", NULL },
		{ "mov dh, 1; push rbx; ret", CODE("\xb6\x01\x53\xc3"), 0, 0,
		  "2 emulated sp 0 args 3b return", NULL },
		{ "movsxd rdx, edx; push rbx; ret", CODE("\x48\x63\xd2\x53\xc3"), 0, 3,
		  "3 emulated sp 0 args 3f narrowed 04 return", NULL },
		{ "mov esi, esi; push rbx; ret", CODE("\x89\xf6\x53\xc3"), 0, 3,
		  "2 emulated sp 0 args 3f narrowed 02 return", NULL },
		{ "xchg rdi, rsi; push rbx; ret", CODE("\x48\x87\xfe\x53\xc3"), 0, 0,
		  "3 emulated sp 0 args 3c return", NULL },
		{ "cmove rdi, rsi; push rbx; ret", CODE("\x48\x0f\x44\xfe\x53\xc3"), 0, 0,
		  "4 emulated sp 0 args 3e return", NULL },
		{ "mov rax, rdi; mov rdi, rsi; mov rdi, rax; push rbx; ret",
		  CODE("\x48\x89\xf8\x48\x89\xf7\x48\x89\xc7\x53\xc3"), 0, 6,
		  "9 emulated sp 0 args 3f return", NULL },
		{ "rep stosb; push rbx; ret", CODE("\xf3\xaa\x53\xc3"), 0, 0, /* rdi, rcx */
		  "2 emulated sp 0 args 36 return", NULL },
		{ "mul rsi; push rbx; ret", CODE("\x48\xf7\xe6\x53\xc3"), 0, 0, /* rdx */
		  "3 emulated sp 0 args 3b return", NULL },
		{ "lea rcx, [rsp + 8]; push rbx; ret", CODE("\x48\x8d\x4c\x24\x08\x53\xc3"), 0, 3,
		  "5 emulated sp 0 args 37 frame 08 return", NULL },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

/* A return probe only where the stack pointer is what it was. */
static void stack_pointer_is_followed(void **state)
{
	static const struct function functions[] = {
		{ "sub rsp, 1024; push rbx; ret", CODE("\x48\x81\xec\x00\x04\x00\x00\x53\xc3"), 0,
		  6, "7 emulated sp 1024 args 3f", "0 stepped sp 0 args 3f return" },
		{ "sub rsp, 8; add rsp, 8; push rbx; ret",
		  CODE("\x48\x83\xec\x08\x48\x83\xc4\x08\x53\xc3"), 0, 6,
		  "8 emulated sp 0 args 3f return", NULL },
		{ "sub rsp, 8; pop rax; push rbx; ret", CODE("\x48\x83\xec\x08\x58\x53\xc3"), 0, 6,
		  "5 emulated sp 0 args 3f return", NULL },
		{ "lea rsp, [rsp - 32]; push rbx; ret", CODE("\x48\x8d\x64\x24\xe0\x53\xc3"), 0, 6,
		  "5 emulated sp 32 args 3f", "0 stepped sp 0 args 3f return" },
		{ "and rsp, -32; push rbx; ret", CODE("\x48\x83\xe4\xe0\x53\xc3"), 0, 6,
		  "0 stepped sp 0 args 3f return", NULL },
		{ "mov rsp, rdi; push rbx; ret", CODE("\x48\x89\xfc\x53\xc3"), 0, 6,
		  "0 stepped sp 0 args 3f return", NULL },
		{ "pop rsp; push rbx; ret", CODE("\x5c\x53\xc3"), 0, 6,
		  "0 stepped sp 0 args 3f return", NULL },
		{ "leave; push rbx; ret", CODE("\xc9\x53\xc3"), 0, 6,
		  "0 stepped sp 0 args 3f return", NULL },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

static void each_call_passes_once(void **state)
{
	static const struct function functions[] = {
		{ "mov rax, [rdi]; test rax, rax; je; push rbx; ret",
		  CODE("\x48\x8b\x07\x48\x85\xc0\x74\x01\x53\xc3"), 0, 1,
		  "6 emulated sp 0 args 3f return", NULL },
		{ "mov rax, [rdi]; jrcxz; push rbx; ret", CODE("\x48\x8b\x07\xe3\x01\x53\xc3"), 0,
		  1, "0 stepped sp 0 args 3f return", NULL },
		/* The loop begins at je, which is passed as often as it goes. */
		{ "test rdi, rdi; je; dec rdi; jmp je; ret",
		  CODE("\x48\x85\xff\x74\x05\x48\xff\xcf\xeb\xf9\xc3"), 0, 1,
		  "0 stepped sp 0 args 3f return", NULL },
		{ "dec rdi; jne dec; ret", CODE("\x48\xff\xcf\x75\xfb\xc3"), 0, 1, "none", NULL },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

/* ---- Functions that pass the call on -----------------------------------------------------------
 */

/* 16 bytes before the function: what it calls. */
#define PUSHES "\x41\x55\x41\x54\x5d\x5b\x41\x5c\x41\x5d\xc3\xcc\xcc\xcc\xcc\xcc"
#define PUSHES_LATER "\xf3\x0f\x1e\xfa\x55\x5d\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"
#define SUBTRACTS "\x48\x83\xec\x08\x48\x83\xc4\x08\xc3\xcc\xcc\xcc\xcc\xcc\xcc\xcc"
#define JUMPS "\xff\x25\x00\x00\x00\x00\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc"

/* SSL_read() of OpenSSL 3.0, without its errors: sub rsp, 24; mov rax, fs:[40];
 * mov [rsp + 8], rax; xor eax, eax; test edx, edx; js; mov rcx, rsp; movsxd rdx, edx;
 * call; test eax, eax; jle; mov eax, [rsp]; add rsp, 24; ret */
#define READ                                                                                       \
	"\x48\x83\xec\x18\x64\x48\x8b\x04\x25\x28\x00\x00\x00\x48\x89\x44\x24\x08\x31\xc0\x85\xd2" \
	"\x78\x16\x48\x89\xe1\x48\x63\xd2\xe8\xcd\xff\xff\xff\x85\xc0\x7e\x03\x8b\x04\x24"         \
	"\x48\x83\xc4\x18\xc3"
/* SSL_read_ex(): sub rsp, 8; call; xor edx, edx; add rsp, 8; ret */
#define READ_EX "\x48\x83\xec\x08\xe8\xe7\xff\xff\xff\x31\xd2\x48\x83\xc4\x08\xc3"

static void wrapper_is_left_for_what_it_calls(void **state)
{
	static const struct function functions[] = {
		{ "SSL_read", CODE(PUSHES READ), 16, 3, "38 emulated sp 24 args 3f",
		  "0 emulated sp 0 args 37 narrowed 04 frame 08 return callee checked" },
		{ "SSL_read_ex", CODE(PUSHES READ_EX), 16, 4, "20 emulated sp 8 args 3f",
		  "0 emulated sp 0 args 3f return callee" },
		{ "endbr64 there", CODE(PUSHES_LATER READ_EX), 16, 4, "20 emulated sp 8 args 3f",
		  "4 emulated sp 0 args 3f return callee" },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

static void what_does_more_than_pass_on_is_not_left(void **state)
{
	static const struct function functions[] = {
		{ "SSL_read with its pointer in the frame", CODE(PUSHES READ), 16, 4,
		  "38 emulated sp 24 args 3f", "16 stepped sp 0 args 3f return" },
		{ "stepped there, too", CODE(SUBTRACTS READ_EX), 16, 4, "20 emulated sp 8 args 3f",
		  "16 stepped sp 0 args 3f return" },
		{ "a stub of the linker", CODE(JUMPS READ_EX), 16, 4, "20 emulated sp 8 args 3f",
		  "16 stepped sp 0 args 3f return" },
		{ "sub rsp, 8; mov rsi, rdi; call; add rsp, 8; ret",
		  CODE(PUSHES
		       "\x48\x83\xec\x08\x48\x89\xfe\xe8\xe4\xff\xff\xff\x48\x83\xc4\x08\xc3"),
		  16, 2, "16 stepped sp 0 args 3f return", NULL },
		{ "sub rsp, 8; call; call; add rsp, 8; ret",
		  CODE(PUSHES "\x48\x83\xec\x08\xe8\xe7\xff\xff\xff\xe8\xe2\xff\xff\xff\x48\x83\xc4"
			      "\x08\xc3"),
		  16, 2, "20 emulated sp 8 args 3f", "16 stepped sp 0 args 3f return" },
		{ "sub rsp, 8; cmp byte [rdi], 0; je; call; add rsp, 8; ret",
		  CODE(PUSHES "\x48\x83\xec\x08\x80\x3f\x00\x74\x05\xe8\xe2\xff\xff\xff\x48\x83\xc4"
			      "\x08\xc3"),
		  16, 2, "23 emulated sp 8 args 3f", "16 stepped sp 0 args 3f return" },
		{ "sub rsp, 8; call; jg call; add rsp, 8; ret",
		  CODE(PUSHES "\x48\x83\xec\x08\xe8\xe7\xff\xff\xff\x7f\xf9\x48\x83\xc4\x08\xc3"),
		  16, 2, "16 stepped sp 0 args 3f return", NULL },
		{ "sub rsp, 8; call what follows; push; pop; add rsp, 8; ret",
		  CODE("\x48\x83\xec\x08\xe8\x00\x00\x00\x00\x55\x5d\x48\x83\xc4\x08\xc3"), 0, 2,
		  "4 emulated sp 8 args 3f", "0 stepped sp 0 args 3f return" },
	};

	check_functions(EM_X86_64, functions, ARRAY_SIZE(functions));
}

/* ---- Returns, and the rest ---------------------------------------------------------------------
 */

static void returns_are_instructions_and_not_bytes(void **state)
{
	/* mov eax, 0xc3c3c3c3; ret; rep ret; ret 8; jmp; retf (not one) */
	static const struct slice text =
		SLICE_LIT("\xb8\xc3\xc3\xc3\xc3\xc3\xf3\xc3\xc2\x08\x00\xeb\x00\xcb");
	static const struct slice bad = SLICE_LIT("\xc3\x06\xc3");
	struct slice bytes = guarded(text);
	const struct obi_code code = { EM_X86_64, code_read, &bytes };
	uint64_t offsets[4];
	bool cut = true;

	assert_int_equal(obi_site_returns(&code, CODE_BASE, bytes.len, offsets, 4, &cut), 3);
	assert_int_equal(offsets[0], CODE_OFFSET + 5);
	assert_int_equal(offsets[1], CODE_OFFSET + 6);
	assert_int_equal(offsets[2], CODE_OFFSET + 8);
	assert_false(cut);
	assert_int_equal(obi_site_returns(&code, CODE_BASE, bytes.len, offsets, 2, &cut), 2);
	assert_true(cut);
	assert_int_equal(obi_site_returns(&code, CODE_BASE, 1 << 20, offsets, 4, &cut), 3);
	assert_true(cut);
	assert_int_equal(obi_site_returns(&code, CODE_BASE, 0, offsets, 4, &cut), -EINVAL);
	bytes = guarded(bad);
	assert_int_equal(obi_site_returns(&code, CODE_BASE, bytes.len, offsets, 4, &cut), 1);
	assert_true(cut);
}

/* Code is read in pieces of 4096 bytes; an instruction may lie across their border. */
static void instructions_are_read_wherever_a_piece_ends(void **state)
{
	static const struct slice last = SLICE_LIT("\x48\xb8\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3\xc3");
	static uint8_t text[3 * 4096];
	uint64_t offsets[4];
	bool cut;

	for (size_t before = 4080; before <= 4100; before++) {
		struct slice bytes;
		struct obi_code code = { EM_X86_64, code_read, &bytes };

		memset(text, 0x90, sizeof(text));
		memcpy(text + before, last.data, last.len);
		bytes = guarded(slice_of(text, sizeof(text)));
		assert_int_equal(obi_site_returns(&code, CODE_BASE, bytes.len, offsets, 4, &cut),
				 1);
		assert_int_equal(offsets[0], CODE_OFFSET + before + 10);
		assert_false(cut);
	}
}

static void what_is_wrong_is_said(void **state)
{
	struct slice bytes = guarded((struct slice)SLICE_LIT("\x55\xc3"));
	const struct obi_code code = { EM_X86_64, code_read, &bytes };
	const struct obi_code other = { EM_RISCV, code_read, &bytes };
	uint64_t offset;
	struct obi_site site;
	bool cut;

	assert_int_equal(obi_site_entry(&code, CODE_BASE, 2, 7, &site), -EINVAL);
	assert_int_equal(obi_site_return(&code, CODE_BASE, 2, 7, &site), -EINVAL);
	assert_int_equal(obi_site_entry(&other, CODE_BASE, 2, 0, &site), -ENOTSUP);
	assert_int_equal(obi_site_return(&other, CODE_BASE, 2, 0, &site), -ENOTSUP);
	assert_int_equal(obi_site_returns(&other, CODE_BASE, 2, &offset, 1, &cut), -ENOTSUP);
	assert_int_equal(obi_site_entry(&code, 0, 2, 0, &site), -ENOENT);
	assert_int_equal(obi_site_entry(&code, UINT64_MAX, UINT64_MAX, 0, &site), -ENOENT);
	assert_int_equal(obi_site_entry(&code, CODE_BASE, 0, 0, &site), 0); /* size unknown */
	assert_int_equal(site.address, CODE_BASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emulated_instructions_are_preferred),
		cmocka_unit_test(what_the_kernel_refuses_or_rewrites_is_never_chosen),
		cmocka_unit_test(awkward_instructions_come_last),
		cmocka_unit_test(arguments_live_until_they_are_written),
		cmocka_unit_test(stack_pointer_is_followed),
		cmocka_unit_test(each_call_passes_once),
		cmocka_unit_test(wrapper_is_left_for_what_it_calls),
		cmocka_unit_test(what_does_more_than_pass_on_is_not_left),
		cmocka_unit_test(returns_are_instructions_and_not_bytes),
		cmocka_unit_test(instructions_are_read_wherever_a_piece_ends),
		cmocka_unit_test(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
