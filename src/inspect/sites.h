/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a function a probe in user space costs least and sees the arguments. The kernel
 * executes what stands under a probe itself where it can (nop, push, call, jmp, jcc on x86:
 * arch/x86/kernel/uprobes.c), and steps over a copy where it cannot, which costs ten times as much
 * in a virtual machine. So the straight line from a function's entry is followed: what each
 * instruction does to the stack pointer and to the argument registers. It ends at the first call,
 * jump or return; conditional jumps are taken to fall through.
 *
 * Pure: code comes through a function. Any bytes are good enough to be looked at.
 *
 * x86-64: arguments 0 to 5 are rdi, rsi, rdx, rcx, r8, r9. aarch64: 0 to 7 are x0 to x7.
 */
#ifndef OBI_INSPECT_SITES_H
#define OBI_INSPECT_SITES_H

#include "inspect/symbols.h"

#define OBI_SITE_INSTRUCTIONS_MAX 64 /* followed from the entry */
#define OBI_SITE_SWEEP_MAX 65536     /* bytes of a function searched for jumps back and returns */

enum obi_site_class {
	OBI_SITE_EMULATED, /* by the kernel: some 0.7 us */
	OBI_SITE_STEPPED,  /* x86: 9 us and more in a virtual machine; aarch64: cheap */
};

struct obi_site {
	uint64_t address;
	uint64_t offset; /* in the file */
	enum obi_site_class class;
	/* The return address is where a return probe of the kernel looks for it: on top of the
	 * stack (x86), in an x30 that is neither signed nor saved yet (aarch64). The stack has not
	 * grown, either: the kernel tells a call that is still under way from one that a longjmp()
	 * left by its stack pointer (arch_uretprobe_is_alive()). */
	bool may_return;
	/* Bytes by which the stack has grown since the entry of the function that it is in. */
	int32_t sp_delta;
	/* A bit for each argument. */
	uint8_t args;     /* holds what it held when the named function was entered */
	uint8_t narrowed; /* of these: the lower 32 bits only, which is all of an int */
	uint8_t frame;    /* holds an address in the named function's stack frame instead */
	/* In the first function that the named one calls, passing these arguments on; that is also
	 * entered by others. What it returns goes to the named function. */
	bool callee;
	/* Not reached by calls that some check of the arguments alone turned away (say, a length
	 * below zero). */
	bool checked;
};

/* Code to look at. */
struct obi_code {
	uint16_t machine; /* EM_X86_64, EM_AARCH64 */
	/* Copies up to len bytes of executable code at address; returns how many there are, and
	 * where the first lies in the file. */
	size_t (*read)(void *context, uint64_t address, void *buf, size_t len,
		       uint64_t *ret_offset);
	void *context;
};

/* Of an image, which must live as long. */
struct obi_code obi_code_of_image(struct obi_image *image);

/*
 * Where to see a call with its first args arguments: the first instruction that each call passes
 * once, that the kernel emulates, and at which they are still there; else the first that it can
 * step. Size is the function's in bytes, 0 unknown.
 * -ENOENT: there is none. -ENOTSUP: another machine. -EINVAL: more arguments than registers.
 */
int obi_site_entry(const struct obi_code *code, uint64_t address, uint64_t size, unsigned int args,
		   struct obi_site *ret);

/*
 * Where to place a return probe that also sees the first args arguments, so that one site serves
 * entry and return: may_return holds. An emulated one of the function; else, where the function
 * does little more than call another with the same arguments (SSL_read() of OpenSSL 3), an emulated
 * one at the start of that (callee); else one that is stepped. Errors as above.
 */
int obi_site_return(const struct obi_code *code, uint64_t address, uint64_t size, unsigned int args,
		    struct obi_site *ret);

/*
 * File offsets of the function's return instructions, in order; for programs whose stacks bear no
 * return probes (Go). Returns how many, at most max; *ret_cut says that there may be more, or that
 * not all of it is code. -ENOTSUP, -EINVAL: size 0.
 */
int obi_site_returns(const struct obi_code *code, uint64_t address, uint64_t size,
		     uint64_t *ret_offsets, size_t max, bool *ret_cut);

#endif
