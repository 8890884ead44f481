/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * sendmmsg(2) of several datagrams, as resolvers send the questions for A and AAAA: the hook fires
 * once for each, in their order. Which of them it is shows by counting those of the same call; that
 * its length is the one that was sent is looked at, too.
 */
#ifndef OBI_BPF_SEVERAL_H
#define OBI_BPF_SEVERAL_H

static __always_inline enum obi_unread user_data_of_several(struct conn_state *state,
							    struct scratch *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u64 at = REGS_ARG2(regs), count = REGS_ARG3(regs), n;

	if (!state->datagrams || REGS_NR(regs) != NR_SENDMMSG || IS_COMPAT(task, regs))
		return OBI_UNREAD_SEVERAL;
	if (state->several_at != at || state->several >= count)
		state->several = 0;
	n = state->several & 0xff;
	user_data_of_msghdr(at + n * sizeof(struct user_mmsghdr), &s->data);
	state->several_at = at;
	state->several++;
	if (s->data.vec || s->data.one.iov_len != s->bytes)
		return OBI_UNREAD_SEVERAL;
	return OBI_READ;
}

#endif
