/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the bytes of a system call lie in user memory. On system call hooks' behalf:
 * bpf_task_pt_regs() gives the call's own number and arguments, so no hook on system
 * call entry is needed. What the kernel does for a process elsewhere than in such a call must not
 * be taken for one: see call_is_under_way().
 */
#ifndef OBI_BPF_USER_DATA_H
#define OBI_BPF_USER_DATA_H

#ifdef __TARGET_ARCH_x86
/* arch/x86/entry/syscalls/syscall_64.tbl */
enum {
	NR_READ = 0,
	NR_WRITE = 1,
	NR_READV = 19,
	NR_WRITEV = 20,
	NR_SENDFILE = 40,
	NR_SENDTO = 44,
	NR_RECVFROM = 45,
	NR_SENDMSG = 46,
	NR_RECVMSG = 47,
	NR_SPLICE = 275,
	NR_RECVMMSG = 299,
	NR_SENDMMSG = 307,
	NR_PREADV2 = 327,
	NR_PWRITEV2 = 328,
	NR_IO_URING_ENTER = 426,
};
#define REGS_NR(regs) ((regs)->orig_ax)
#define REGS_ARG2(regs) ((regs)->si)
#define REGS_ARG3(regs) ((regs)->dx)
#define REGS_ARG5(regs) ((regs)->r8)
/* A 64-bit program, too, may call by int 0x80: then neither the numbers nor the registers are those
 * of its code segment. */
#define TS_COMPAT 0x0002
#define IS_COMPAT(task, regs) (((task)->thread_info.status & TS_COMPAT) != 0)
#endif

#ifdef __TARGET_ARCH_arm64
/* include/uapi/asm-generic/unistd.h */
enum {
	NR_READ = 63,
	NR_WRITE = 64,
	NR_READV = 65,
	NR_WRITEV = 66,
	NR_SENDFILE = 71,
	NR_SENDTO = 206,
	NR_RECVFROM = 207,
	NR_SENDMSG = 211,
	NR_RECVMSG = 212,
	NR_SPLICE = 76,
	NR_RECVMMSG = 243,
	NR_SENDMMSG = 269,
	NR_PREADV2 = 286,
	NR_PWRITEV2 = 287,
	NR_IO_URING_ENTER = 426,
};
#define REGS_NR(regs) ((regs)->syscallno)
#define REGS_ARG2(regs) ((regs)->regs[1])
#define REGS_ARG3(regs) ((regs)->regs[2])
#define REGS_ARG5(regs) ((regs)->regs[4])
#define IS_COMPAT(task, regs) (((regs)->pstate & 0x10) != 0) /* PSR_MODE32_BIT */
#endif

/*
 * Is the system call of the registers being carried out? On its way out its result is in them
 * already, and the task's other work is done there, io_uring's requests among it: with the
 * arguments of a call that has nothing to do with it. A worker of io_uring has, for all its life,
 * the registers of the call in which it was made, with a result.
 */
static __always_inline bool call_is_under_way(const struct pt_regs *regs)
{
#ifdef __TARGET_ARCH_x86
	return regs->ax == (unsigned long)-ENOSYS; /* set on entry */
#else
	return regs->regs[0] ==
	       regs->orig_x0; /* the first argument, a descriptor, until there is one */
#endif
}

static __always_inline bool syscall_is_splice(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	return call_is_under_way(regs) && !IS_COMPAT(task, regs) && REGS_NR(regs) == NR_SPLICE;
}

static __always_inline void user_data_of_buffer(u64 base, u64 len, struct user_data *ret_data)
{
	ret_data->vec = NULL;
	ret_data->one.iov_base = (void *)base;
	ret_data->one.iov_len = len;
}

/* A vector of one piece, as most are, is that piece. */
static __always_inline void user_data_of_vector(u64 vec, u64 count, u64 kind,
						struct user_data *ret_data)
{
	ret_data->vec = (void *)vec;
	ret_data->count = count;
	ret_data->kind = kind;
	ret_data->skip = 0;
	if (count == 1 && !piece_read(ret_data, 0, &ret_data->one))
		ret_data->vec = NULL;
}

/* The chunk begins so many bytes behind the beginning of the first piece. */
static __always_inline void user_data_skip(struct user_data *data, u64 skip)
{
	if (data->vec) {
		data->skip = skip;
		return;
	}
	data->one.iov_base += skip;
	data->one.iov_len -= skip;
}

/* A msghdr that cannot be read has no pieces. */
static __always_inline void user_data_of_msghdr(u64 at, struct user_data *ret_data)
{
	struct user_msghdr_head msg = { 0 };

	(void)bpf_probe_read_user(&msg, sizeof(msg), (void *)at);
	ret_data->peer = (u64)msg.msg_name;
	user_data_of_vector((u64)msg.msg_iov, msg.msg_iovlen, VEC_USER, ret_data);
}

#ifdef __TARGET_ARCH_x86
/* arch/x86/entry/syscalls/syscall_32.tbl */
enum {
	NR32_READ = 3,
	NR32_WRITE = 4,
	NR32_SOCKETCALL = 102,
	NR32_READV = 145,
	NR32_WRITEV = 146,
	NR32_SENDFILE = 187,
	NR32_SENDFILE64 = 239,
	NR32_SPLICE = 313,
	NR32_RECVMMSG = 337,
	NR32_SENDMMSG = 345,
	NR32_SENDTO = 369,
	NR32_SENDMSG = 370,
	NR32_RECVFROM = 371,
	NR32_RECVMSG = 372,
	NR32_PREADV2 = 378,
	NR32_PWRITEV2 = 379,
	NR32_RECVMMSG_TIME64 = 417,
};

/* include/uapi/linux/net.h: what socketcall(2) does, as the numbers of calls of their own */
static __always_inline u32 nr_of_socketcall(u32 call)
{
	switch (call) {
	case 9: /* SYS_SEND */
	case 11:
		return NR32_SENDTO;
	case 10: /* SYS_RECV */
	case 12:
		return NR32_RECVFROM;
	case 16:
		return NR32_SENDMSG;
	case 17:
		return NR32_RECVMSG;
	case 19:
	case 20:
		return NR32_SENDMMSG;
	default:
		return NR32_SOCKETCALL;
	}
}

static __always_inline void user_data_of_compat_msghdr(u32 at, struct user_data *ret_data)
{
	struct compat_msghdr_head msg = { 0 };

	(void)bpf_probe_read_user(&msg, sizeof(msg), (void *)(u64)at);
	user_data_of_vector(msg.msg_iov, msg.msg_iovlen, VEC_COMPAT, ret_data);
}

/* The same for the call of a 32-bit program. enum obi_unread. */
__noinline int scratch_compat(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	u32 nr = regs->orig_ax, arg1 = regs->bx, arg2 = regs->cx, arg3 = regs->dx, args[3] = { 0 };

	if (!s)
		return OBI_UNREAD_COMPAT;
	if (nr == NR32_SOCKETCALL) {
		nr = nr_of_socketcall(arg1);
		(void)bpf_probe_read_user(args, sizeof(args), (void *)(u64)arg2);
		arg2 = args[1];
		arg3 = args[2];
	}
	switch (nr) {
	case NR32_READ:
	case NR32_WRITE:
	case NR32_SENDTO:
	case NR32_RECVFROM:
		user_data_of_buffer(arg2, arg3, &s->data);
		return OBI_READ;
	case NR32_READV:
	case NR32_WRITEV:
	case NR32_PREADV2:
	case NR32_PWRITEV2:
		user_data_of_vector(arg2, arg3, VEC_COMPAT, &s->data);
		return OBI_READ;
	case NR32_SENDMMSG:
	case NR32_RECVMMSG:
	case NR32_RECVMMSG_TIME64:
		if (arg3 != 1)
			return OBI_UNREAD_SEVERAL;
		/* fallthrough: a msghdr, and behind it its length */
	case NR32_SENDMSG:
	case NR32_RECVMSG:
		user_data_of_compat_msghdr(arg2, &s->data);
		return OBI_READ;
	case NR32_SPLICE:
	case NR32_SENDFILE:
	case NR32_SENDFILE64:
		return OBI_UNREAD_MOVED;
	case NR_IO_URING_ENTER: /* the same everywhere */
		return OBI_UNREAD_URING;
	default:
		return OBI_UNREAD_COMPAT;
	}
}
#else
/* Which numbers 32-bit Arm has is not known here. */
static __always_inline int scratch_compat(u32 slot)
{
	return OBI_UNREAD_COMPAT;
}
#endif

/* Finds the memory of the current system call, for the scratch s of that slot. The registers are a
 * typed pointer: read directly, without a helper call each. */
static __always_inline enum obi_unread user_data_of_syscall(struct scratch *s, u32 slot)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u64 nr = REGS_NR(regs), arg2 = REGS_ARG2(regs), arg3 = REGS_ARG3(regs);

	/* Loaded here and once: moved into the cases below, the loads would be merged in ways that
	 * the verifier refuses. */
	barrier_var(arg2);
	barrier_var(arg3);
	s->data.peer = 0;
	if (!call_is_under_way(regs))
		return OBI_UNREAD_URING;
	if (IS_COMPAT(task, regs))
		return scratch_compat(slot);
	switch (nr) {
	case NR_SENDTO:
		s->data.peer = REGS_ARG5(regs);
		/* fallthrough */
	case NR_READ:
	case NR_WRITE:
	case NR_RECVFROM:
		user_data_of_buffer(arg2, arg3, &s->data);
		return OBI_READ;
	case NR_READV:
	case NR_WRITEV:
	case NR_PREADV2:
	case NR_PWRITEV2:
		user_data_of_vector(arg2, arg3, VEC_USER, &s->data);
		return OBI_READ;
	case NR_SENDMMSG:
	case NR_RECVMMSG:
		if (arg3 != 1)
			return OBI_UNREAD_SEVERAL;
		/* fallthrough: a msghdr, and behind it its length */
	case NR_SENDMSG:
	case NR_RECVMSG:
		user_data_of_msghdr(arg2, &s->data);
		return OBI_READ;
	case NR_SENDFILE:
	case NR_SPLICE:
		return OBI_UNREAD_MOVED;
	case NR_IO_URING_ENTER:
		return OBI_UNREAD_URING;
	default:
		return OBI_UNREAD_OTHER;
	}
}

#endif
