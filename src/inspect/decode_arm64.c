// SPDX-License-Identifier: Apache-2.0
/*
 * aarch64: four bytes each. What the kernel simulates, steps or refuses follows
 * arch/arm64/kernel/probes/decode-insn.c of Linux 5.10 to 6.18; encodings are those of the Arm
 * Architecture Reference Manual, C4.1. Where it matters little, more registers than an instruction
 * writes are taken to be written.
 */
#include "inspect/decode.h"

#define SP 31
#define LR 30
#define ZERO 31 /* the same number, where it is not the stack pointer */

static uint32_t bits(uint32_t word, unsigned int high, unsigned int low)
{
	return word >> low & ((1u << (high - low + 1)) - 1);
}

static int64_t signed_field(uint32_t field, unsigned int width)
{
	int64_t sign = INT64_C(1) << (width - 1);

	return ((int64_t)field ^ sign) - sign;
}

/* ---- Branches, and what the kernel does --------------------------------------------------------
 */

static bool is_immediate_branch(uint32_t word) /* b, bl */
{
	return bits(word, 30, 26) == 0x05;
}

static bool is_register_branch(uint32_t word) /* br, blr, ret, without authentication */
{
	return (word & 0xff9ffc1f) == 0xd61f0000 || (word & 0xfffffc1f) == 0xd65f0000;
}

static bool is_condition(uint32_t word) /* b.cond, cbz, cbnz, tbz, tbnz */
{
	return bits(word, 31, 24) == 0x54 || bits(word, 30, 26) == 0x0d;
}

static bool is_return(uint32_t word) /* ret, retaa, retab */
{
	return (word & 0xfffffc1f) == 0xd65f0000 || (word & 0xfffffbff) == 0xd65f0bff;
}

static bool is_adr(uint32_t word) /* adr, adrp */
{
	return bits(word, 28, 24) == 0x10;
}

static bool is_system_class(uint32_t word) /* branches, exceptions, system instructions */
{
	return bits(word, 28, 26) == 0x05;
}

static bool is_hint(uint32_t word)
{
	return (word & 0xfffff01f) == 0xd503201f;
}

/* paciaz, paciasp, pacibz, pacibsp, bti: aarch64_insn_is_steppable_hint(). */
static bool is_steppable_hint(uint32_t word)
{
	switch (bits(word, 11, 5)) {
	case 0x00: /* nop, simulated from 6.13 on */
	case 0x18 ... 0x1b:
	case 0x20:
	case 0x22:
	case 0x24:
	case 0x26:
		return true;
	default:
		return false;
	}
}

static bool is_simulated(uint32_t word)
{
	return is_immediate_branch(word) || is_condition(word) || is_register_branch(word) ||
	       is_adr(word);
}

static bool is_probeable(uint32_t word)
{
	if (is_simulated(word))
		return true;
	if (is_system_class(word))
		return is_hint(word) && is_steppable_hint(word);
	if (bits(word, 29, 27) == 0x03 && bits(word, 25, 24) == 0)
		return false; /* loads of a literal, which the kernel simulates for itself alone */
	if (bits(word, 29, 24) == 0x08)
		return false;           /* exclusive loads and stores */
	return bits(word, 28, 25) >= 4; /* below: not allocated, SVE, SME */
}

/* pacia..., bti: marks of where calls may go, like endbr64. */
static bool is_mark(uint32_t word)
{
	return is_hint(word) && bits(word, 11, 5) >= 0x18;
}

/* ---- What it does ------------------------------------------------------------------------------
 */

static void overwrite(struct decode_state *state, uint32_t number)
{
	state->registers[number] = (struct decode_value){ .what = HOLDS_OTHER };
}

static void write_to(struct decode_state *state, uint32_t number)
{
	if (number != ZERO)
		overwrite(state, number);
}

static void move_stack(struct decode_state *state, int64_t by)
{
	int32_t now;

	if (__builtin_add_overflow(state->sp_delta, by, &now))
		state->sp_known = false;
	else
		state->sp_delta = now;
}

/* add, sub with an immediate: the stack pointer, and addresses in the frame. */
static void apply_add_immediate(uint32_t word, struct decode_state *state)
{
	uint32_t to = bits(word, 4, 0), from = bits(word, 9, 5);
	int64_t by = (int64_t)bits(word, 21, 10) << (bits(word, 22, 22) ? 12 : 0);
	bool flags = bits(word, 29, 29);

	if (flags) {
		state->flags_of_arguments =
			to == ZERO && from != SP && state->registers[from].what == HOLDS_ARGUMENT;
		write_to(state, to);
	} else if (to == SP) {
		if (from != SP || !bits(word, 31, 31))
			state->sp_known = false;
		else
			move_stack(state, bits(word, 30, 30) ? by : -by);
	} else if (bits(word, 31, 31) && state->registers[from].what == HOLDS_FRAME) {
		state->registers[to] = state->registers[from];
	} else {
		overwrite(state, to);
	}
}

static void apply_immediate(uint32_t word, struct decode_state *state)
{
	uint32_t to = bits(word, 4, 0);

	if (bits(word, 28, 23) == 0x22) { /* add, sub */
		apply_add_immediate(word, state);
		return;
	}
	if (bits(word, 28, 23) == 0x24) { /* and, orr, eor, ands */
		if (bits(word, 30, 29) == 3)
			state->flags_of_arguments = false;
		else if (to == SP)
			state->sp_known = false;
	}
	if (bits(word, 28, 22) == 0x4d && bits(word, 31, 31) && bits(word, 30, 29) == 0 &&
	    bits(word, 21, 16) == 0 && bits(word, 15, 10) == 31) { /* sxtw */
		uint32_t from = bits(word, 9, 5);

		state->registers[to] = decode_moved(state->registers[from], true);
		return;
	}
	write_to(state, to);
}

static void apply_register(uint32_t word, struct decode_state *state)
{
	uint32_t to = bits(word, 4, 0), from = bits(word, 20, 16);

	if (bits(word, 28, 21) == 0x50 && bits(word, 30, 29) == 1 && bits(word, 15, 10) == 0 &&
	    bits(word, 9, 5) == ZERO && from != ZERO && to != ZERO) { /* mov: orr to, zr, from */
		state->registers[to] = decode_moved(state->registers[from], !bits(word, 31, 31));
		if (from == LR)
			state->may_return = false;
		return;
	}
	if (bits(word, 28, 24) == 0x0b && bits(word, 29, 29)) { /* adds, subs */
		uint32_t left = bits(word, 9, 5);

		state->flags_of_arguments = to == ZERO && left != ZERO && from != ZERO &&
					    state->registers[left].what == HOLDS_ARGUMENT &&
					    state->registers[from].what == HOLDS_ARGUMENT;
	} else if (bits(word, 28, 24) == 0x0b && bits(word, 21, 21) && to == SP) {
		state->sp_known = false; /* add, sub of an extended register */
		return;
	} else if (bits(word, 28, 24) == 0x0a && bits(word, 30, 29) == 3) { /* ands, tst */
		uint32_t left = bits(word, 9, 5);

		state->flags_of_arguments = to == ZERO && left == from && left != ZERO &&
					    state->registers[left].what == HOLDS_ARGUMENT;
	} else if (bits(word, 28, 24) == 0x1a) { /* adcs, ccmp, rmif and others */
		state->flags_of_arguments = false;
	}
	write_to(state, to);
}

/* A base register that changes by some bytes, before or after. */
static void write_back(uint32_t base, int64_t by, struct decode_state *state)
{
	if (base == SP)
		move_stack(state, -by);
	else
		overwrite(state, base);
}

static void apply_pair(uint32_t word, struct decode_state *state)
{
	uint32_t first = bits(word, 4, 0), second = bits(word, 14, 10);
	bool vector = bits(word, 26, 26);
	unsigned int shift = vector ? 2 + bits(word, 31, 30) : bits(word, 31, 31) ? 3 : 2;

	if (bits(word, 23, 23))
		write_back(bits(word, 9, 5),
			   signed_field(bits(word, 21, 15), 7) * (INT64_C(1) << shift), state);
	if (vector)
		return;
	if (first == LR || second == LR)
		state->may_return = false;
	if (bits(word, 22, 22)) {
		write_to(state, first);
		write_to(state, second);
	}
}

static void apply_single(uint32_t word, struct decode_state *state)
{
	uint32_t to = bits(word, 4, 0), mode = bits(word, 11, 10);
	bool vector = bits(word, 26, 26), loads = bits(word, 23, 22);

	if (!bits(word, 24, 24)) {               /* else at a distance that is not negative */
		bool other = bits(word, 21, 21); /* at a register, atomic, authenticated */

		if (other && mode != 2)
			loads = true;
		if (other ? mode == 3 : mode & 1)
			write_back(bits(word, 9, 5),
				   other ? INT64_C(1) << 32 : /* not known */
					   signed_field(bits(word, 20, 12), 9),
				   state);
	}
	if (vector)
		return;
	if (to == LR)
		state->may_return = false;
	if (loads)
		write_to(state, to);
}

static void apply_memory(uint32_t word, struct decode_state *state)
{
	uint32_t kind = bits(word, 29, 27), base = bits(word, 9, 5);
	bool vector = bits(word, 26, 26);

	if (kind == 5) {
		apply_pair(word, state);
	} else if (kind == 7) {
		apply_single(word, state);
	} else if (kind == 3 && !bits(word, 24, 24)) { /* a literal */
		if (!vector)
			write_to(state, bits(word, 4, 0));
	} else { /* exclusive, vectors, copies of memory, tags: any of their fields */
		write_to(state, bits(word, 4, 0));
		write_to(state, bits(word, 14, 10));
		write_to(state, bits(word, 20, 16));
		if (base != SP)
			overwrite(state, base);
		else if (kind != 1 || (vector && bits(word, 23, 23)))
			state->sp_known = false;
	}
}

static void apply(uint32_t word, struct decode_state *state)
{
	const struct decode_value stack = state->registers[SP];

	switch (bits(word, 28, 25)) {
	case 0x8:
	case 0x9:
		apply_immediate(word, state);
		break;
	case 0xa:
	case 0xb:
		if (is_hint(word) && bits(word, 11, 5) >= 0x18 && bits(word, 11, 5) <= 0x1f)
			state->may_return = false;          /* x30 is signed, or not any more */
		else if ((word & 0xfff00000) == 0xd5300000) /* mrs */
			overwrite(state, bits(word, 4, 0));
		break;
	case 0x4:
	case 0x6:
	case 0xc:
	case 0xe:
		apply_memory(word, state);
		break;
	case 0x5:
	case 0xd:
		apply_register(word, state);
		break;
	case 0x7:
	case 0xf:
		overwrite(state, bits(word, 4, 0)); /* some move to general registers */
		if (bits(word, 11, 10) == 0)        /* fcmp is one of these */
			state->flags_of_arguments = false;
		break;
	default:
		state->sp_known = false; /* not allocated, SVE, SME */
		break;
	}
	if (state->registers[LR].what != HOLDS_RETURN)
		state->may_return = false;
	state->registers[SP] = stack;
}

static struct decode_access access_of(uint32_t word)
{
	struct decode_access access = { .to = -1, .base = (uint8_t)bits(word, 9, 5) };
	uint32_t size = bits(word, 31, 30);

	if (bits(word, 28, 23) == 0x22 && bits(word, 31, 29) == 4) { /* add */
		access.known = access.address = true;
		access.at = (int64_t)bits(word, 21, 10) << (bits(word, 22, 22) ? 12 : 0);
	} else if (bits(word, 29, 24) == 0x39) { /* ldr, str */
		access.known = true;
		access.at = (int64_t)bits(word, 21, 10) << size;
		if (size == 3 && bits(word, 23, 22) == 1)
			access.to = (int8_t)bits(word, 4, 0);
	} else if (bits(word, 29, 27) == 5 && bits(word, 24, 23) == 2 && !bits(word, 26, 26)) {
		access.known = true; /* ldp, stp */
		access.at = signed_field(bits(word, 21, 15), 7) * (size == 2 ? 8 : 4);
	}
	if (access.base == SP || access.to == ZERO)
		access.known = false;
	return access;
}

static enum decode_flow flow_of(uint32_t word)
{
	if (is_immediate_branch(word))
		return bits(word, 31, 31) ? FLOW_CALL : FLOW_JUMP;
	if (is_condition(word))
		return FLOW_CONDITION;
	if (is_return(word))
		return FLOW_RETURN;
	if (is_system_class(word) && bits(word, 31, 22) != 0x354)
		return FLOW_END; /* other branches, exceptions */
	return FLOW_NEXT;
}

/* Instructions from this one on. */
static int64_t displacement_of(uint32_t word)
{
	if (is_immediate_branch(word))
		return signed_field(bits(word, 25, 0), 26);
	if (bits(word, 30, 25) == 0x1b) /* tbz, tbnz */
		return signed_field(bits(word, 18, 5), 14);
	return signed_field(bits(word, 23, 5), 19);
}

static bool is_of_arguments(uint32_t word, const struct decode_state *state)
{
	if (bits(word, 31, 24) == 0x54)
		return state->flags_of_arguments;
	return bits(word, 4, 0) != ZERO &&
	       state->registers[bits(word, 4, 0)].what == HOLDS_ARGUMENT;
}

static bool decode(struct slice code, uint64_t address, struct decode_state *state,
		   struct decode_instruction *ret)
{
	uint32_t word;

	if (code.len < 4 || address % 4)
		return false;
	word = (uint32_t)code.data[0] | (uint32_t)code.data[1] << 8 | (uint32_t)code.data[2] << 16 |
	       (uint32_t)code.data[3] << 24;
	*ret = (struct decode_instruction){
		.len = 4,
		.flow = flow_of(word),
		.target = address + (uint64_t)displacement_of(word) * 4,
		.probeable = is_probeable(word),
		.emulated = is_simulated(word),
		.awkward = is_mark(word),
		.of_arguments = state && is_condition(word) && is_of_arguments(word, state),
	};
	if (!state)
		return true;
	ret->access = access_of(word);
	apply(word, state);
	return true;
}

static const uint8_t argument_registers[] = { 0, 1, 2, 3, 4, 5, 6, 7 };

const struct decoder decoder_arm64 = {
	.args = sizeof(argument_registers),
	.registers = argument_registers,
	.stack_register = SP,
	.link_register = LR,
	.cheap_steps = true,
	.decode = decode,
};
