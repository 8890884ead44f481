// SPDX-License-Identifier: Apache-2.0
/*
 * The function is read from its first byte to its last. Where a branch comes in, a register holds
 * what it held on either way, the more telling of both. What is found need not be right, see struct
 * obi_tls_random.
 */
#include "inspect/random.h"

#include "base/cleanup.h"
#include "inspect/decode.h"

#define FUNCTION_MAX 512 /* bytes that are looked at */
#define BRANCHES_MAX 16
#define AT_MIN 16 /* before that there are kinds, counts and pointers */

/* What is known where a branch goes. */
struct branch {
	uint64_t target;
	struct decode_state state;
};

struct search {
	struct obi_tls_random found;
	uint16_t read; /* the first place that is read, where none has its address taken */
	struct branch branches[BRANCHES_MAX];
	size_t count;
};

/* value: what the base register holds. */
static void take(struct search *search, const struct decode_access *access,
		 const struct decode_value *value)
{
	uint16_t at = (uint16_t)access->at;

	if (access->at < AT_MIN || access->at > UINT16_MAX)
		return;
	if (value->what == HOLDS_ARGUMENT && value->argument == 0) {
		if (access->address && !search->found.at)
			search->found.at = at;
		else if (!search->read)
			search->read = at;
	} else if (value->what == HOLDS_LOADED && !search->found.via) {
		search->found.via = value->from;
		search->found.behind = at;
	}
}

static void load(const struct decode_access *access, const struct decode_value *value,
		 struct decode_state *state)
{
	if (access->to >= 0 && value->what == HOLDS_ARGUMENT && value->argument == 0 &&
	    access->at > 0 && access->at <= UINT16_MAX)
		state->registers[access->to] = (struct decode_value){
			.what = HOLDS_LOADED,
			.from = (uint16_t)access->at,
		};
}

static void branch_off(struct search *search, const struct decode_instruction *instruction,
		       const struct decode_state *state)
{
	if ((instruction->flow == FLOW_CONDITION || instruction->flow == FLOW_JUMP) &&
	    search->count < BRANCHES_MAX)
		search->branches[search->count++] = (struct branch){ instruction->target, *state };
}

static void come_in(const struct search *search, uint64_t address, struct decode_state *state)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct branch *branch = &search->branches[i];

		for (size_t k = 0; branch->target == address && k < DECODE_REGISTERS; k++)
			if (state->registers[k].what == HOLDS_OTHER)
				state->registers[k] = branch->state.registers[k];
	}
}

static void search_code(const struct decoder *decoder, struct slice code, uint64_t address,
			struct search *search)
{
	struct decode_state state = decode_state_at_entry(decoder);

	while (code.len) {
		struct decode_instruction instruction;
		struct decode_value value;
		struct decode_state before;

		come_in(search, address, &state);
		before = state;
		if (!decoder->decode(code, address, &state, &instruction))
			return;
		branch_off(search, &instruction, &state);
		if (instruction.access.known) {
			value = before.registers[instruction.access.base];
			take(search, &instruction.access, &value);
			load(&instruction.access, &value, &state);
		}
		address += instruction.len;
		code = slice_from(code, instruction.len);
	}
}

struct obi_tls_random obi_random_find(const struct obi_code *code, uint64_t address, uint64_t size)
{
	const struct decoder *decoder = obi_code_decoder(code);
	struct search search = { .count = 0 };
	uint8_t bytes[FUNCTION_MAX];
	uint64_t offset;
	size_t len;

	if (!decoder || !size)
		return search.found;
	len = code->read(code->context, address, bytes, obi_image_min(size, sizeof(bytes)),
			 &offset);
	search_code(decoder, slice_of(bytes, len), address, &search);
	if (!search.found.at)
		search.found.at = search.read;
	return search.found;
}
