/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the bytes of a system call lie in user memory. On system call hooks' behalf:
 * bpf_task_pt_regs() gives the call's own number and arguments, so no hook on system
 * call entry is needed. Where the kernel moves pages itself (sendfile, splice, io_uring)
 * there is no such memory, and the chunk counts without bytes.
 */
#ifndef OBI_BPF_USER_DATA_H
#define OBI_BPF_USER_DATA_H

#define USER_DATA_SEGMENTS 8

#ifdef __TARGET_ARCH_x86
/* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_SPLICE = 275,
};
#define REGS_NR(regs) ((regs)->orig_ax)
#define REGS_ARG2(regs) ((regs)->si)
#define REGS_ARG3(regs) ((regs)->dx)
/* 32 bit programs enter with other numbers; their code segment tells (__USER32_CS). */
#define REGS_COMPAT(regs) (((regs)->cs & 0xffff) == 0x23)
#endif

#ifdef __TARGET_ARCH_arm64
/* include/uapi/asm-generic/unistd.h */
enum {
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_SPLICE = 76,
};
#define REGS_NR(regs) ((regs)->syscallno)
#define REGS_ARG2(regs) ((regs)->regs[1])
#define REGS_ARG3(regs) ((regs)->regs[2])
#define REGS_COMPAT(regs) (((regs)->pstate & 0x10) != 0) /* PSR_MODE32_BIT */
#endif

static __always_inline bool syscall_is_splice(void)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());

	return !REGS_COMPAT(regs) && REGS_NR(regs) == NR_SPLICE;
}

/* Finds the memory of the current system call; false where there is none to read. The registers are
 * a typed pointer: read directly, without a helper call each. */
static __always_inline bool user_data_of_syscall(struct user_data *ret_data)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct user_msghdr_head msg;
	u64 nr = REGS_NR(regs), arg2 = REGS_ARG2(regs), arg3 = REGS_ARG3(regs);

	/* Loaded here and once: moved into the cases below, the loads would be merged in ways that
	 * the verifier refuses. */
	barrier_var(arg2);
	barrier_var(arg3);
	if (REGS_COMPAT(regs))
		return false;
	switch (nr) {
	case NR_READ:
	case NR_WRITE:
	case NR_SENDTO:
	case NR_RECVFROM:
		ret_data->vec = NULL;
		ret_data->count = 1;
		ret_data->one.iov_base = (void *)arg2;
		ret_data->one.iov_len = arg3;
		return true;
	case NR_READV:
	case NR_WRITEV:
		ret_data->vec = (void *)arg2;
		ret_data->count = arg3;
		break;
	case NR_SENDMSG:
	case NR_RECVMSG:
		if (bpf_probe_read_user(&msg, sizeof(msg), (void *)arg2))
			return false;
		ret_data->vec = msg.msg_iov;
		ret_data->count = msg.msg_iovlen;
		break;
	default:
		return false;
	}
	if (ret_data->count == 0)
		return false;
	if (bpf_probe_read_user(&ret_data->one, sizeof(ret_data->one), ret_data->vec))
		return false;
	if (ret_data->count == 1)
		ret_data->vec = NULL;
	return true;
}

/*
 * Copies the first bytes of the piece to head of a scratch, at most OBI_HEAD_MAX, and zeroes the
 * guess's bytes behind them. Returns how many were copied.
 *
 * A global function, as all that loops: the verifier looks at it once and not for each state
 * that its callers may be in. These take no pointers, which kernels before 5.12 refuse.
 */
__noinline int scratch_read(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct user_iovec iov;
	u32 want, have = 0;
	u64 skip;

	if (!s)
		return 0;
	((u64 *)s->head)[0] = 0;
	((u64 *)s->head)[1] = 0;
	want = s->bytes < OBI_HEAD_MAX ? s->bytes : OBI_HEAD_MAX;
	iov = s->data.one;
	skip = s->skip;
	for (u32 i = 0; i < USER_DATA_SEGMENTS; i++) {
		u32 n = want - have;
		u64 over = skip < iov.iov_len ? skip : iov.iov_len;

		skip -= over;
		if (n > iov.iov_len - over)
			n = iov.iov_len - over;
		if (n > OBI_HEAD_MAX || have > OBI_HEAD_MAX)
			break;
		if (n && bpf_probe_read_user(s->head + have, n, iov.iov_base + over))
			break;
		have += n;
		if (have >= want || !s->data.vec || i + 1 >= s->data.count)
			break;
		if (bpf_probe_read_user(&iov, sizeof(iov), s->data.vec + i + 1))
			break;
	}
	return have;
}

/* The last 8 bytes of the chunk into tail of a scratch, the very last in the highest byte; zero
 * where there are none, or they cannot be had cheaply. */
__noinline int scratch_tail(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct user_iovec iov;
	u64 bytes;

	if (!s)
		return 0;
	s->tail = 0;
	bytes = s->skip + s->bytes;
	iov = s->data.one;
	for (u32 i = 0; i < USER_DATA_SEGMENTS; i++) {
		if (bytes <= iov.iov_len) {
			u32 few = bytes & 7;

			if (bytes >= sizeof(s->tail))
				(void)bpf_probe_read_user(&s->tail, sizeof(s->tail),
							  iov.iov_base + bytes - sizeof(s->tail));
			else if (few) /* the last chunk of a chunked body, or a piece of it */
				(void)bpf_probe_read_user((u8 *)&s->tail + (8 - few), few,
							  iov.iov_base);
			break;
		}
		bytes -= iov.iov_len;
		if (!s->data.vec || i + 1 >= s->data.count)
			break;
		if (bpf_probe_read_user(&iov, sizeof(iov), s->data.vec + i + 1))
			break;
	}
	return 0;
}

#endif
