// SPDX-License-Identifier: Apache-2.0
/*
 * x86-64, decoded by Zydis. Which instructions a probe may stand on, and which of them the kernel
 * emulates, follows arch/x86/kernel/uprobes.c of Linux 5.10 to 6.18; where these differ, the
 * strictest of them.
 */
#include <Zydis/Zydis.h>

#include "inspect/decode.h"

#define RSP 4 /* the machine's numbers: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 ... */
#define REX_B 0x41

struct decoded {
	ZydisDecodedInstruction instruction;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

/* ---- What the kernel does ----------------------------------------------------------------------
 */

/* good_insns_64 has no bit for these, or should have none: they are not valid, trap, or depend on
 * where they are. */
static bool refused_one_byte(uint8_t opcode)
{
	switch (opcode) {
	case 0x06 ... 0x07:
	case 0x0e:
	case 0x16 ... 0x17:
	case 0x1e ... 0x1f:
	case 0x27:
	case 0x2f:
	case 0x37:
	case 0x3f:
	case 0x60 ... 0x62:
	case 0x6c ... 0x6f:
	case 0x82:
	case 0x8e: /* mov to ss masks exceptions */
	case 0x9a:
	case 0x9d:
	case 0xc4 ... 0xc5:
	case 0xca ... 0xcf:
	case 0xd4 ... 0xd6:
	case 0xe0 ... 0xe7:
	case 0xea:
	case 0xec ... 0xef:
	case 0xf0 ... 0xf1:
	case 0xf4:
	case 0xfa ... 0xfb:
		return true;
	default:
		return false;
	}
}

/* good_2byte_insns: what belongs to the system. */
static bool refused_two_bytes(uint8_t opcode)
{
	switch (opcode) {
	case 0x00 ... 0x01:
	case 0x05 ... 0x09:
	case 0x0b:
	case 0x30:
	case 0x34 ... 0x37:
	case 0x78 ... 0x79:
	case 0xae:
		return true;
	default:
		return false;
	}
}

/* is_prefix_bad() refuses segments but fs and gs, and lock. Branches and nops with 0x66 are refused
 * by some kernels, and nobody needs a probe on an instruction with any other prefix. */
static bool refused_prefix(const ZydisDecodedInstruction *instruction)
{
	for (size_t i = 0; i < instruction->raw.prefix_count; i++)
		switch (instruction->raw.prefixes[i].value) {
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0xf0:
		case 0x67:
			return true;
		default:
			break;
		}
	return false;
}

static bool is_branch(const ZydisDecodedInstruction *instruction)
{
	uint8_t opcode = instruction->opcode;

	if (instruction->opcode_map == ZYDIS_OPCODE_MAP_0F)
		return (opcode & 0xf0) == 0x80;
	return instruction->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       ((opcode & 0xf0) == 0x70 || opcode == 0xe8 || opcode == 0xe9 || opcode == 0xeb);
}

/* From 6.18 on the kernel writes calls over 5 bytes of a nop that long, and later kernels over 10;
 * these also over a jmp of 8 bytes ahead, which is what remains of such a nop. */
static bool is_rewritten(const ZydisDecodedInstruction *instruction, const uint8_t *bytes)
{
	if (instruction->mnemonic == ZYDIS_MNEMONIC_NOP)
		return instruction->length == 5 || instruction->length == 10;
	return instruction->length == 2 && bytes[0] == 0xeb && bytes[1] == 8;
}

static bool is_emulated(const ZydisDecodedInstruction *instruction, const uint8_t *bytes)
{
	if (is_branch(instruction))
		return instruction->raw.prefix_count == 0;
	if (instruction->length == 1)
		return bytes[0] == 0x90 || (bytes[0] & 0xf8) == 0x50;
	return instruction->length == 2 && bytes[0] == REX_B && (bytes[1] & 0xf8) == 0x50;
}

static bool is_probeable(const ZydisDecodedInstruction *instruction, const uint8_t *bytes)
{
	if (instruction->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
	    refused_prefix(instruction) || is_rewritten(instruction, bytes))
		return false;
	if (is_branch(instruction))
		return instruction->raw.prefix_count == 0;
	switch (instruction->opcode_map) {
	case ZYDIS_OPCODE_MAP_DEFAULT:
		return instruction->mnemonic != ZYDIS_MNEMONIC_XABORT &&
		       instruction->mnemonic != ZYDIS_MNEMONIC_XBEGIN &&
		       !refused_one_byte(instruction->opcode) &&
		       !(instruction->opcode == 0x90 && instruction->raw.prefix_count);
	case ZYDIS_OPCODE_MAP_0F:
		return !refused_two_bytes(instruction->opcode);
	default:
		return false;
	}
}

/* Of what is stepped: endbr64 marks where calls may go; what is relative to rip is rewritten. */
static bool is_awkward(const ZydisDecodedInstruction *instruction)
{
	return instruction->mnemonic == ZYDIS_MNEMONIC_ENDBR64 ||
	       instruction->mnemonic == ZYDIS_MNEMONIC_ENDBR32 ||
	       instruction->attributes & ZYDIS_ATTRIB_IS_RELATIVE;
}

/* ---- Where it goes -----------------------------------------------------------------------------
 */

static enum decode_flow flow_of(const ZydisDecodedInstruction *instruction)
{
	switch (instruction->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
		return FLOW_CONDITION;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return instruction->raw.imm[0].is_relative ? FLOW_JUMP : FLOW_END;
	case ZYDIS_CATEGORY_CALL:
		return instruction->raw.imm[0].is_relative ? FLOW_CALL : FLOW_END;
	case ZYDIS_CATEGORY_RET:
		return (instruction->opcode & 0xfe) == 0xc2 ? FLOW_RETURN : FLOW_END; /* near */
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_INTERRUPT:
		return FLOW_END;
	default:
		break;
	}
	switch (instruction->mnemonic) {
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_XBEGIN:
	case ZYDIS_MNEMONIC_XABORT:
		return FLOW_END;
	default:
		return FLOW_NEXT;
	}
}

/* ---- What it does ------------------------------------------------------------------------------
 */

/* The number of the general register that holds this one or a part of it, or -1. */
static int number_of(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	return ZydisRegisterGetClass(whole) == ZYDIS_REGCLASS_GPR64 ? ZydisRegisterGetId(whole)
								    : -1;
}

static int register_of(const ZydisDecodedOperand *operand)
{
	return operand->type == ZYDIS_OPERAND_TYPE_REGISTER ? number_of(operand->reg.value) : -1;
}

/* What the first operand gets, where that is a copy of what we know. */
static struct decode_value value_for_first(const struct decoded *one,
					   const struct decode_state *state)
{
	const ZydisDecodedOperand *to = &one->operands[0], *from = &one->operands[1];
	const struct decode_value other = { .what = HOLDS_OTHER };
	int source;

	if (one->instruction.operand_count_visible != 2 || to->size < 32)
		return other;
	switch (one->instruction.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVSXD:
		source = register_of(from);
		if (source < 0 || from->size < 32)
			return other;
		return decode_moved(state->registers[source], from->size == 32);
	case ZYDIS_MNEMONIC_LEA:
		source = number_of(from->mem.base);
		if (source < 0 || to->size != 64 || from->mem.index != ZYDIS_REGISTER_NONE ||
		    state->registers[source].what != HOLDS_FRAME)
			return other;
		return state->registers[source];
	default:
		return other;
	}
}

static void move_stack(struct decode_state *state, int64_t by)
{
	int32_t now;

	if (__builtin_add_overflow(state->sp_delta, by, &now))
		state->sp_known = false;
	else
		state->sp_delta = now;
}

static void apply_to_stack(const struct decoded *one, struct decode_state *state)
{
	const ZydisDecodedOperand *to = &one->operands[0], *by = &one->operands[1];

	switch (one->instruction.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_PUSHFQ:
		move_stack(state, one->instruction.operand_width / 8);
		return;
	case ZYDIS_MNEMONIC_POP:
	case ZYDIS_MNEMONIC_POPFQ:
		if (register_of(to) == RSP)
			break;
		move_stack(state, -(int64_t)(one->instruction.operand_width / 8));
		return;
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_ADD:
		if (by->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || to->size != 64 ||
		    by->imm.value.s > INT32_MAX || by->imm.value.s < -INT32_MAX)
			break;
		move_stack(state, one->instruction.mnemonic == ZYDIS_MNEMONIC_SUB
					  ? by->imm.value.s
					  : -by->imm.value.s);
		return;
	case ZYDIS_MNEMONIC_LEA:
		if (by->mem.base != ZYDIS_REGISTER_RSP || by->mem.index != ZYDIS_REGISTER_NONE ||
		    to->size != 64)
			break;
		move_stack(state, -by->mem.disp.value);
		return;
	default:
		break;
	}
	state->sp_known = false;
}

static void apply_to_flags(const struct decoded *one, struct decode_state *state)
{
	const ZydisAccessedFlags *flags = one->instruction.cpu_flags;

	if (!flags || !(flags->modified | flags->set_0 | flags->set_1 | flags->undefined))
		return;
	state->flags_of_arguments = one->instruction.mnemonic == ZYDIS_MNEMONIC_TEST ||
				    one->instruction.mnemonic == ZYDIS_MNEMONIC_CMP;
	for (size_t i = 0; i < one->instruction.operand_count_visible; i++) {
		int number = register_of(&one->operands[i]);

		if (one->operands[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			continue;
		if (number < 0 || state->registers[number].what != HOLDS_ARGUMENT)
			state->flags_of_arguments = false;
	}
}

static void apply(const struct decoded *one, struct decode_state *state)
{
	const struct decode_value first = value_for_first(one, state);
	bool stack = false;

	apply_to_flags(one, state);
	for (size_t i = 0; i < one->instruction.operand_count; i++) {
		int number = register_of(&one->operands[i]);

		if (number < 0 || !(one->operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (number == RSP)
			stack = true;
		else
			state->registers[number] =
				i == 0 ? first : (struct decode_value){ .what = HOLDS_OTHER };
	}
	if (stack)
		apply_to_stack(one, state);
}

static struct decode_access access_of(const struct decoded *one)
{
	struct decode_access access = { .to = -1 };

	for (size_t i = 0; i < one->instruction.operand_count_visible; i++) {
		const ZydisDecodedOperand *operand = &one->operands[i];
		int base;

		if (operand->type != ZYDIS_OPERAND_TYPE_MEMORY ||
		    operand->mem.index != ZYDIS_REGISTER_NONE)
			continue;
		base = number_of(operand->mem.base);
		if (base < 0)
			continue;
		access.known = true;
		access.base = (uint8_t)base;
		access.at = operand->mem.disp.value;
		access.address = one->instruction.mnemonic == ZYDIS_MNEMONIC_LEA;
		if (i == 1 && one->instruction.mnemonic == ZYDIS_MNEMONIC_MOV &&
		    operand->size == 64)
			access.to = (int8_t)register_of(&one->operands[0]);
	}
	return access;
}

static bool decode(struct slice code, uint64_t address, struct decode_state *state,
		   struct decode_instruction *ret)
{
	const ZydisDecodedInstruction *instruction;
	ZydisDecoderContext context;
	ZydisDecoder decoder;
	struct decoded one;

	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, &context, code.data, code.len,
						      &one.instruction)))
		return false;
	instruction = &one.instruction;
	*ret = (struct decode_instruction){
		.len = instruction->length,
		.flow = flow_of(instruction),
		.probeable = is_probeable(instruction, code.data),
		.emulated = is_emulated(instruction, code.data),
		.awkward = is_awkward(instruction),
		.target = address + instruction->length + instruction->raw.imm[0].value.u,
		.of_arguments = state && state->flags_of_arguments && is_branch(instruction),
	};
	if (!state)
		return true;
	if (ZYAN_FAILED(ZydisDecoderDecodeOperands(&decoder, &context, instruction, one.operands,
						   instruction->operand_count)))
		return false;
	ret->access = access_of(&one);
	apply(&one, state);
	return true;
}

static const uint8_t argument_registers[] = { 7, 6, 2, 1, 8, 9 };

const struct decoder decoder_x86 = {
	.args = sizeof(argument_registers),
	.registers = argument_registers,
	.stack_register = RSP,
	.link_register = -1,
	.decode = decode,
};
