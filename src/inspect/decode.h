/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One instruction: whether the kernel lets a probe stand on it and how it gets past it, and what it
 * does to the stack pointer and to registers that hold arguments. A file per machine; sites.c asks.
 */
#ifndef OBI_INSPECT_DECODE_H
#define OBI_INSPECT_DECODE_H

#include "inspect/sites.h"

#define DECODE_REGISTERS 32
#define DECODE_LENGTH_MAX 15 /* bytes of an instruction */

/* What a register holds. */
struct decode_value {
	enum {
		HOLDS_OTHER,
		HOLDS_ARGUMENT,
		HOLDS_FRAME,  /* an address in it */
		HOLDS_RETURN, /* where to return to */
		HOLDS_LOADED, /* what stands at a distance of the first argument, see random.c */
	} what;
	uint8_t argument;
	bool narrowed; /* the lower 32 bits of it */
	uint16_t from; /* LOADED: the distance */
};

/* Memory at a register and a number that an instruction reads, writes or takes the address of. */
struct decode_access {
	bool known;
	bool address; /* it takes the address */
	uint8_t base; /* register */
	int8_t to;    /* the register that gets all 64 bits of it; -1 */
	int64_t at;
};

/* What is known on the straight line from a function's entry. */
struct decode_state {
	struct decode_value registers[DECODE_REGISTERS]; /* by the machine's numbers */
	int32_t sp_delta;
	bool sp_known;
	bool may_return;         /* but for the stack pointer, see struct obi_site */
	bool flags_of_arguments; /* the condition flags come of a look at arguments alone */
};

enum decode_flow {
	FLOW_NEXT,
	FLOW_CONDITION, /* jumps to target, or not */
	FLOW_JUMP,      /* to target */
	FLOW_CALL,      /* of target */
	FLOW_RETURN,
	FLOW_END, /* elsewhere; or what it is is not known */
};

struct decode_instruction {
	uint8_t len; /* bytes */
	enum decode_flow flow;
	uint64_t target;
	bool probeable; /* by the kernels that we know */
	bool emulated;
	bool awkward; /* steppable, but best left alone: marks of branch targets, relative data */
	bool of_arguments;           /* FLOW_CONDITION, on arguments alone */
	struct decode_access access; /* only where there is a state */
};

struct decoder {
	unsigned int args;           /* that come in registers */
	const uint8_t *registers;    /* their numbers */
	unsigned int stack_register; /* number */
	int link_register;           /* that holds the return address at the entry; -1 */
	bool cheap_steps;            /* is what is not emulated hardly dearer? */
	/* Decodes what code begins with. What it does is applied to state, where there is one.
	 * False: it is no instruction, or cut short. */
	bool (*decode)(struct slice code, uint64_t address, struct decode_state *state,
		       struct decode_instruction *ret);
};

extern const struct decoder decoder_x86, decoder_arm64;

/* NULL: of another machine. */
const struct decoder *obi_code_decoder(const struct obi_code *code);

struct decode_state decode_state_at_entry(const struct decoder *decoder);

/* The value that a register gets by a move of another, or of its lower 32 bits. */
static inline struct decode_value decode_moved(struct decode_value value, bool narrow)
{
	if (narrow && value.what == HOLDS_FRAME)
		return (struct decode_value){ .what = HOLDS_OTHER };
	value.narrowed |= narrow && value.what == HOLDS_ARGUMENT;
	return value;
}

#endif
