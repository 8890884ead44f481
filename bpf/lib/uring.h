/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Requests of io_uring, for the plane of the socket tracepoints, which show a socket and a length
 * alone. Since 6.10 a request that sends or receives has the msghdr that it hands to the socket in
 * memory of its own (io_async_msghdr), so where it is known which request it was, its iov_iter
 * tells where the bytes are.
 *
 * Which it was is claimed only where it shows. A worker has the request it carries out at hand. Of
 * those that a task carries out itself, the ones that it submitted last are kept, and by socket the
 * one that waits to be ready. Any of them may be another than is carried out now, so its iov_iter
 * is compared with what it was when last seen: the one of the right socket and direction that moved
 * by the very bytes of this call is it. READ and WRITE hand on a copy of theirs, which does not
 * move before the tracepoint: these must be the one that was just submitted, or the only one that
 * waited and does no more. What is not proven so is counted as unreadable.
 */
#ifndef OBI_BPF_URING_H
#define OBI_BPF_URING_H

const volatile bool uring_hooks = false; /* the programs below are there */

#define URING_RECENT 4 /* a power of two */

/* include/linux/sched.h: workers, and the thread that polls a submission queue */
#define PF_IO_WORKER 0x10

/* UAPI, linux/io_uring.h: IOSQE_*_BIT are those of io_kiocb.flags, too. */
#define URING_DRAIN 0x02
#define URING_LINK 0x0c /* or hard link */
#define URING_ASYNC 0x10

enum {
	OP_READV = 1,
	OP_WRITEV = 2,
	OP_SENDMSG = 9,
	OP_RECVMSG = 10,
	OP_READ = 22,
	OP_WRITE = 23,
	OP_SEND = 26,
	OP_RECV = 27,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
};

/* A request, and where its iov_iter stood when last seen. */
struct uring_req {
	u64 req;
	u64 base;
	u64 offset;
	u64 count;
	u64 rivals; /* of those that wait: once, two did so for one socket and direction */
};

struct uring_thread {
	struct uring_req recent[URING_RECENT];
	u32 next;
	u32 linked; /* the last one is in a chain, which may go on */
	u64 fresh;  /* the last one, while nothing else can be carried out before it */
};

/* Thread -> what it submitted. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096); /* (set): 1 without uring_hooks */
	__type(key, u64);
	__type(value, struct uring_thread);
} uring_threads SEC(".maps");

/* Address of the sock, and the direction in its lowest bit -> the last request that waits. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384); /* (set): 1 without uring_hooks */
	__type(key, u64);
	__type(value, struct uring_req);
} uring_waiting SEC(".maps");

static __always_inline bool uring_is_rw(u8 op)
{
	return op == OP_READ || op == OP_WRITE || op == OP_READV || op == OP_WRITEV;
}

static __always_inline bool uring_is_recv(u8 op)
{
	return op == OP_RECV || op == OP_RECVMSG || op == OP_READ || op == OP_READV;
}

static __always_inline bool uring_is_send(u8 op)
{
	return op == OP_SEND || op == OP_SENDMSG || op == OP_WRITE || op == OP_WRITEV ||
	       op == OP_SEND_ZC || op == OP_SENDMSG_ZC;
}

/* The address of the iov_iter of a request with this opcode; 0 once the request is over, whose data
 * the kernel takes away (io_clean_op(), io_netmsg_recycle()). */
static __always_inline u64 uring_iter(u64 req, u8 op)
{
	void *data = BPF_CORE_READ((struct io_kiocb *)req, async_data);

	if (!data)
		return 0;
	if (uring_is_rw(op))
		return (u64)data + bpf_core_field_offset(struct io_async_rw, iter);
	return (u64)data + bpf_core_field_offset(struct io_async_msghdr, msg) +
	       bpf_core_field_offset(struct msghdr, msg_iter);
}

static __always_inline void uring_look(u64 at, struct uring_req *ret)
{
	struct iov_iter *iter = (struct iov_iter *)at;

	ret->base = (u64)BPF_CORE_READ(iter, ubuf);
	ret->offset = BPF_CORE_READ(iter, iov_offset);
	ret->count = BPF_CORE_READ(iter, count);
}

/* Did it move by so many bytes? Or is it that of a buffer chosen meanwhile, which they fill from
 * its beginning on? */
static __always_inline bool uring_moved(const struct uring_req *was, const struct uring_req *is,
					u64 bytes)
{
	if (was->count - is->count == bytes)
		return true;
	return is->offset == bytes &&
	       (is->base != was->base || is->offset != was->offset || is->count != was->count);
}

/* The address of the request's iov_iter, if it is one of the socket and direction; else 0. */
static __always_inline u64 uring_of_sock(u64 at, const struct scratch *s, u8 direction)
{
	struct io_kiocb *req = (struct io_kiocb *)at;
	u8 op = BPF_CORE_READ(req, opcode);

	if (direction == OBI_SEND ? !uring_is_send(op) : !uring_is_recv(op))
		return 0;
	if ((u64)BPF_CORE_READ(req, file, private_data) != s->socket)
		return 0;
	return uring_iter(at, op);
}

/* One of those seen before: is it the one that is carried out? */
static __always_inline bool uring_is_it(struct uring_req *was, const struct scratch *s,
					u8 direction, u64 *ret_iter)
{
	u64 req = was->req, iter = req ? uring_of_sock(req, s, direction) : 0;
	struct uring_req is = { .req = req };

	if (!iter || uring_is_rw(BPF_CORE_READ((struct io_kiocb *)req, opcode)))
		return false;
	uring_look(iter, &is);
	if (!uring_moved(was, &is, s->bytes))
		return false;
	*was = is;
	*ret_iter = iter;
	return true;
}

/* The request of a READ or WRITE that is carried out, or 0. */
static __always_inline u64 uring_rw(struct uring_thread *thread, struct uring_req *waiting,
				    const struct scratch *s, u8 direction)
{
	u64 fresh = thread ? thread->fresh : 0, waits = waiting ? waiting->req : 0;

	if (fresh && !uring_of_sock(fresh, s, direction))
		fresh = 0;
	if (waiting && waiting->rivals)
		return 0;
	if (waits && !uring_of_sock(waits, s, direction))
		waits = 0;
	if (fresh && waits && fresh != waits)
		return 0;
	if (!fresh && waits && BPF_CORE_READ((struct io_kiocb *)waits, apoll, poll.head))
		return 0; /* still */
	return fresh ? fresh : waits;
}

/* A worker's request, or 0. */
static __always_inline u64 uring_of_worker(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct io_worker *worker = task->worker_private;
	u64 work;

	if (!(task->flags & PF_IO_WORKER) || !worker)
		return 0;
	work = (u64)BPF_CORE_READ(worker, cur_work);
	return work ? work - bpf_core_field_offset(struct io_kiocb, work) : 0;
}

static __always_inline u64 uring_key(u64 sk, u8 direction)
{
	return sk | (direction & 1);
}

/* Finds the memory of the request that moved the chunk of a scratch: enum obi_unread. */
__noinline int scratch_uring(u32 slot)
{
	struct scratch *s = bpf_map_lookup_elem(&scratch, &slot);
	u8 direction = slot == SCRATCH_SEND ? OBI_SEND : OBI_RECV;
	u64 key = current_thread(), req, iter = 0;
	struct uring_thread *thread;
	struct uring_req *waiting;
	bool moved = true;

	if (!uring_hooks || !s)
		return OBI_UNREAD_URING;
	thread = bpf_map_lookup_elem(&uring_threads, &key);
	key = uring_key(s->sk, direction);
	waiting = bpf_map_lookup_elem(&uring_waiting, &key);
	req = uring_of_worker();
	if (req) {
		iter = uring_of_sock(req, s, direction);
		moved = !uring_is_rw(BPF_CORE_READ((struct io_kiocb *)req, opcode));
		if (waiting && waiting->req == req) /* gave up waiting */
			waiting->req = 0;
		goto found;
	}
	for (u32 i = 1; thread && !iter && i <= URING_RECENT; i++)
		(void)uring_is_it(&thread->recent[(thread->next - i) & (URING_RECENT - 1)], s,
				  direction, &iter);
	if (!iter && waiting)
		(void)uring_is_it(waiting, s, direction, &iter);
	if (!iter) {
		req = uring_rw(thread, waiting, s, direction);
		iter = req ? uring_of_sock(req, s, direction) : 0;
		moved = false;
	}
	if (thread)
		thread->fresh = 0;
found:
	if (!iter)
		return OBI_UNREAD_URING;
	s->iter = iter;
	return scratch_iter(slot, moved ? s->bytes : 0) == OBI_READ ? OBI_READ : OBI_UNREAD_URING;
}

/* Has this kernel what is read here? */
static __always_inline bool uring_is_known(void)
{
	struct io_async_msghdr *msg = NULL;

	return bpf_core_field_exists(msg->vec) || bpf_core_field_exists(msg->free_iov_nr);
}

static __always_inline void uring_remember(struct uring_thread *thread, u64 req, u8 op, u64 flags)
{
	struct uring_req *at = &thread->recent[thread->next & (URING_RECENT - 1)];
	bool alone = !thread->linked && !(flags & (URING_DRAIN | URING_LINK | URING_ASYNC));
	u64 iter = uring_iter(req, op);

	for (u32 i = 0; i < URING_RECENT; i++) {
		if (thread->recent[i].req == req) /* what it was before is over */
			thread->recent[i].req = 0;
	}
	at->req = req;
	if (iter)
		uring_look(iter, at);
	thread->next++;
	thread->linked = (flags & URING_LINK) != 0;
	thread->fresh = alone ? req : 0;
}

/* The task submits a request, and carries it out next unless it is linked to others. */
static __always_inline void uring_submitted(struct io_kiocb *req)
{
	u64 key = current_thread();
	struct uring_thread *thread;
	struct uring_thread blank = { 0 };
	u8 op = req->opcode;

	if (!process_selected(key >> 32))
		return;
	thread = bpf_map_lookup_elem(&uring_threads, &key);
	if (!uring_is_send(op) && !uring_is_recv(op)) {
		if (thread) {
			thread->linked = (req->flags & URING_LINK) != 0;
			thread->fresh = 0;
		}
		return;
	}
	if (!thread) {
		bpf_map_update_elem(&uring_threads, &key, &blank, BPF_NOEXIST);
		thread = bpf_map_lookup_elem(&uring_threads, &key);
	}
	if (thread)
		uring_remember(thread, (u64)req, op, req->flags);
}

/* Is what waited before, at this address, another request, and not over? */
static __always_inline bool uring_is_rival(u64 before, struct io_kiocb *req)
{
	struct io_kiocb *other = (struct io_kiocb *)before;

	return before && before != (u64)req && BPF_CORE_READ(other, async_data) &&
	       BPF_CORE_READ(other, file) == BPF_CORE_READ(req, file);
}

/* A request waits until its socket is ready. */
static __always_inline void uring_waits(struct io_kiocb *req)
{
	u64 thread_key = current_thread(), key, iter;
	struct uring_req waiting = { .req = (u64)req }, *before;
	struct uring_thread *thread;
	u8 op = req->opcode;

	if ((!uring_is_send(op) && !uring_is_recv(op)) || !process_selected(thread_key >> 32))
		return;
	thread = bpf_map_lookup_elem(&uring_threads, &thread_key);
	if (thread)
		thread->fresh = 0;
	iter = uring_iter((u64)req, op);
	if (!iter)
		return;
	uring_look(iter, &waiting);
	key = (u64)BPF_CORE_READ((struct socket *)req->file->private_data, sk);
	key = uring_key(key, uring_is_send(op) ? OBI_SEND : OBI_RECV);
	before = bpf_map_lookup_elem(&uring_waiting, &key);
	if (before)
		waiting.rivals = before->rivals || uring_is_rival(before->req, req);
	bpf_map_update_elem(&uring_waiting, &key, &waiting, BPF_ANY);
}

#endif
