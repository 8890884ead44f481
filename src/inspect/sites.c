// SPDX-License-Identifier: Apache-2.0
#include "inspect/sites.h"

#include <errno.h>

#include "base/cleanup.h"
#include "inspect/decode.h"

#define PIECE 4096 /* of code, bytes read at once */

struct step {
	struct obi_site site; /* as if a probe stood here */
	struct decode_instruction instruction;
	bool conditional; /* not every call comes here */
	bool repeated;    /* a call may come here again */
};

/* The straight line from an entry. */
struct line {
	struct step steps[OBI_SITE_INSTRUCTIONS_MAX];
	size_t count;
	struct decode_state end; /* before the last instruction */
};

const struct decoder *obi_code_decoder(const struct obi_code *code)
{
	return code->machine == EM_X86_64    ? &decoder_x86
	       : code->machine == EM_AARCH64 ? &decoder_arm64
					     : NULL;
}

static size_t read_image(void *context, uint64_t address, void *buf, size_t len,
			 uint64_t *ret_offset)
{
	struct obi_image *image = context;
	uint64_t rest;

	if (!obi_image_locate(image, address, true, ret_offset, &rest))
		return 0;
	return obi_image_read(image, *ret_offset, buf, obi_image_min(rest, len));
}

struct obi_code obi_code_of_image(struct obi_image *image)
{
	return (struct obi_code){
		.machine = image->header.e_machine,
		.read = read_image,
		.context = image,
	};
}

/* ---- The straight line -------------------------------------------------------------------------
 */

struct decode_state decode_state_at_entry(const struct decoder *decoder)
{
	struct decode_state state = { .sp_known = true, .may_return = true };

	for (unsigned int i = 0; i < decoder->args; i++)
		state.registers[decoder->registers[i]] =
			(struct decode_value){ .what = HOLDS_ARGUMENT, .argument = (uint8_t)i };
	state.registers[decoder->stack_register].what = HOLDS_FRAME;
	if (decoder->link_register >= 0)
		state.registers[decoder->link_register].what = HOLDS_RETURN;
	return state;
}

static void describe_arguments(const struct decoder *decoder, const struct decode_state *state,
			       struct obi_site *ret)
{
	for (unsigned int i = 0; i < decoder->args; i++) {
		const struct decode_value *value = &state->registers[decoder->registers[i]];
		uint8_t bit = (uint8_t)(1u << i);

		if (value->what == HOLDS_FRAME)
			ret->frame |= bit;
		if (value->what != HOLDS_ARGUMENT || value->argument != i)
			continue;
		ret->args |= bit;
		if (value->narrowed)
			ret->narrowed |= bit;
	}
}

/* Follows from address on, in a function of size bytes (0: unknown), until the line ends or the
 * stack pointer is lost. */
static void follow(const struct obi_code *code, const struct decoder *decoder, uint64_t address,
		   uint64_t size, struct decode_state state, struct line *ret)
{
	uint8_t bytes[OBI_SITE_INSTRUCTIONS_MAX * DECODE_LENGTH_MAX];
	bool conditional = false, checked = false;
	uint64_t offset;
	size_t at = 0, len;

	ret->count = 0;
	len = code->read(code->context, address, bytes,
			 size ? obi_image_min(size, sizeof(bytes)) : sizeof(bytes), &offset);
	while (ret->count < OBI_SITE_INSTRUCTIONS_MAX && at < len && state.sp_known) {
		struct step *step = &ret->steps[ret->count];

		ret->end = state;
		*step = (struct step){
			.site = {
				.address = address + at,
				.offset = offset + at,
				.may_return = state.may_return && state.sp_delta == 0,
				.sp_delta = state.sp_delta,
				.checked = checked,
			},
			.conditional = conditional,
		};
		describe_arguments(decoder, &state, &step->site);
		if (!decoder->decode(slice_of(bytes + at, len - at), address + at, &state,
				     &step->instruction))
			return;
		step->site.class =
			step->instruction.emulated ? OBI_SITE_EMULATED : OBI_SITE_STEPPED;
		ret->count++;
		at += step->instruction.len;
		if (step->instruction.flow == FLOW_CONDITION) {
			checked |= step->instruction.of_arguments;
			conditional |= !step->instruction.of_arguments;
		} else if (step->instruction.flow != FLOW_NEXT) {
			return;
		}
	}
}

/* ---- All of the function -----------------------------------------------------------------------
 */

/* Calls take with each instruction, until it says false. False: not all was code, or could be read.
 */
static bool sweep(const struct obi_code *code, const struct decoder *decoder, uint64_t address,
		  uint64_t size,
		  bool (*take)(void *context, uint64_t address, uint64_t offset,
			       const struct decode_instruction *instruction),
		  void *context)
{
	uint8_t bytes[PIECE];
	uint64_t done = 0;

	while (done < size) {
		uint64_t offset;
		size_t want = obi_image_min(size - done, sizeof(bytes)), at = 0;
		size_t len = code->read(code->context, address + done, bytes, want, &offset);

		/* An instruction that the piece may have cut begins the next. */
		while (at < len &&
		       (len - at >= DECODE_LENGTH_MAX || done + len >= size || len < want)) {
			struct decode_instruction instruction;

			if (!decoder->decode(slice_of(bytes + at, len - at), address + done + at,
					     NULL, &instruction))
				return false;
			if (!take(context, address + done + at, offset + at, &instruction))
				return true;
			at += instruction.len;
		}
		if (!at)
			return false;
		done += at;
	}
	return true;
}

struct marking {
	struct line *line;
	uint64_t address;
};

static bool mark_repeated(void *context, uint64_t address, uint64_t offset,
			  const struct decode_instruction *instruction)
{
	const struct marking *marking = context;
	struct line *line = marking->line;

	if ((instruction->flow != FLOW_CONDITION && instruction->flow != FLOW_JUMP) ||
	    instruction->target > address || instruction->target < marking->address)
		return true;
	for (size_t i = 0; i < line->count; i++)
		line->steps[i].repeated |= line->steps[i].site.address >= instruction->target &&
					   line->steps[i].site.address <= address;
	return true;
}

/* ---- Choice ------------------------------------------------------------------------------------
 */

static int look(const struct obi_code *code, const struct decoder *decoder, uint64_t address,
		uint64_t size, unsigned int args, struct line *ret)
{
	struct marking marking = { .line = ret, .address = address };

	if (!decoder)
		return -ENOTSUP;
	if (args > decoder->args)
		return -EINVAL;
	follow(code, decoder, address, size, decode_state_at_entry(decoder), ret);
	(void)sweep(code, decoder, address, obi_image_min(size, OBI_SITE_SWEEP_MAX), mark_repeated,
		    &marking);
	return 0;
}

static bool has_arguments(const struct obi_site *site, unsigned int args)
{
	uint8_t wanted = (uint8_t)((1u << args) - 1);

	return (site->args & wanted) == wanted;
}

/* What each call passes once, with its arguments: emulated, else merely steppable, else awkward. */
static const struct obi_site *choose(const struct line *line, unsigned int args, bool may_return,
				     bool emulated)
{
	const struct step *best = NULL;

	for (size_t i = 0; i < line->count; i++) {
		const struct step *step = &line->steps[i];

		if (step->conditional || step->site.checked || step->repeated ||
		    !step->instruction.probeable || !has_arguments(&step->site, args) ||
		    (may_return && !step->site.may_return))
			continue;
		if (step->instruction.emulated)
			return &step->site;
		if (!emulated &&
		    (!best || (best->instruction.awkward && !step->instruction.awkward)))
			best = step;
	}
	return best ? &best->site : NULL;
}

/* From behind a call on: is there no other before a return? */
static bool returns_soon(const struct obi_code *code, const struct decoder *decoder,
			 const struct step *call)
{
	uint64_t address = call->site.address + call->instruction.len;
	struct decode_state state = decode_state_at_entry(decoder);
	struct line line;

	follow(code, decoder, address, 0, state, &line);
	return line.count && line.steps[line.count - 1].instruction.flow == FLOW_RETURN;
}

/* Is the last of a line a call or a jump to another function? Of an unknown size, jumps may lead
 * into the same. */
static bool leaves(const struct line *line, uint64_t size)
{
	const struct step *first = &line->steps[0], *last = &line->steps[line->count - 1];

	return (last->instruction.flow == FLOW_CALL ||
		(last->instruction.flow == FLOW_JUMP && size != 0)) &&
	       (last->instruction.target < first->site.address ||
		last->instruction.target - first->site.address >= (size ? size : 1));
}

/* Where the line ends in a call that passes the arguments on, and does nothing behind it. */
static bool choose_in_callee(const struct obi_code *code, const struct decoder *decoder,
			     const struct line *line, uint64_t size, unsigned int args,
			     struct obi_site *ret)
{
	const struct step *last = line->count ? &line->steps[line->count - 1] : NULL;
	struct decode_state state = line->end;
	const struct obi_site *site;
	struct line inner;

	if (!last || last->conditional || last->repeated || !has_arguments(&last->site, args) ||
	    !leaves(line, size))
		return false;
	if (last->instruction.flow == FLOW_CALL && !returns_soon(code, decoder, last))
		return false;
	state.registers[decoder->stack_register].what = HOLDS_OTHER;
	state.sp_delta = 0;
	state.may_return = true;
	follow(code, decoder, last->instruction.target, 0, state, &inner);
	site = choose(&inner, args, true, true);
	if (!site)
		return false;
	*ret = *site;
	ret->callee = true;
	ret->checked = last->site.checked;
	return true;
}

int obi_site_entry(const struct obi_code *code, uint64_t address, uint64_t size, unsigned int args,
		   struct obi_site *ret)
{
	const struct obi_site *site;
	struct line line;
	int err = look(code, obi_code_decoder(code), address, size, args, &line);

	if (err)
		return err;
	site = choose(&line, args, false, false);
	if (!site)
		return -ENOENT;
	*ret = *site;
	return 0;
}

int obi_site_return(const struct obi_code *code, uint64_t address, uint64_t size, unsigned int args,
		    struct obi_site *ret)
{
	const struct decoder *decoder = obi_code_decoder(code);
	const struct obi_site *site;
	struct line line;
	int err = look(code, decoder, address, size, args, &line);

	if (err)
		return err;
	site = choose(&line, args, true, true);
	if (!site && !decoder->cheap_steps &&
	    choose_in_callee(code, decoder, &line, size, args, ret))
		return 0;
	if (!site)
		site = choose(&line, args, true, false);
	if (!site)
		return -ENOENT;
	*ret = *site;
	return 0;
}

/* ---- Returns -----------------------------------------------------------------------------------
 */

struct returns {
	uint64_t *offsets;
	size_t count, max;
	bool cut;
};

static bool take_return(void *context, uint64_t address, uint64_t offset,
			const struct decode_instruction *instruction)
{
	struct returns *returns = context;

	if (instruction->flow != FLOW_RETURN)
		return true;
	if (returns->count == returns->max) {
		returns->cut = true;
		return false;
	}
	returns->offsets[returns->count++] = offset;
	return true;
}

int obi_site_returns(const struct obi_code *code, uint64_t address, uint64_t size,
		     uint64_t *ret_offsets, size_t max, bool *ret_cut)
{
	const struct decoder *decoder = obi_code_decoder(code);
	struct returns returns = { .offsets = ret_offsets, .max = max };

	if (!decoder)
		return -ENOTSUP;
	if (!size)
		return -EINVAL;
	if (!sweep(code, decoder, address, obi_image_min(size, OBI_SITE_SWEEP_MAX), take_return,
		   &returns) ||
	    size > OBI_SITE_SWEEP_MAX)
		returns.cut = true;
	*ret_cut = returns.cut;
	return (int)returns.count;
}
