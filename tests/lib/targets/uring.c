// SPDX-License-Identifier: Apache-2.0
/*
 * An HTTP server that moves its bytes by io_uring, one connection after another. Without a library:
 * the kernel's header alone.
 *
 *     uring PORT WAY
 *
 * Each answer names the way. WAY:
 *   plain      RECV and SEND
 *   msg        RECVMSG and SENDMSG, of three pieces each
 *   rw, rwv    READ and WRITE; READV and WRITEV
 *   zc         SEND_ZC
 *   fixed      SEND_ZC out of a registered buffer
 *   files      of a registered file
 *   workers    IOSQE_ASYNC: workers of the kernel do it
 *   linked     a SEND linked with the next RECV
 *   halves     each answer by two SENDs submitted together
 *   multishot  one RECV for all, into provided buffers
 *   sqpoll     a thread of the kernel submits
 *   between    RECV, while the thread is in read(2) with a request that nobody sent
 *   rivals     two RECVs wait at once; what is in their buffers before nobody sent
 *   rivals_rw  the same of READ
 *   busy       as plain, after a RECV each with MSG_DONTWAIT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define ENTRIES 8
#define BUFFERS 4
#define BUFFER_SIZE 4096

static const char false_request[] = "GET /no HTTP/1.1\r\n\r\n";
static const char *way;

static void need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static bool is(const char *name)
{
	return !strcmp(way, name);
}

/* ---- The ring ---------------------------------------------------------------------------------
 */

static struct ring {
	int fd;
	struct io_uring_params params;
	_Atomic unsigned *sq_tail, *sq_flags, *cq_head, *cq_tail;
	unsigned *sq_array;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned queued;
} ring;

static char *map(size_t size, off_t offset)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd,
			offset);

	need(at != MAP_FAILED, "mmap");
	return at;
}

static void open_ring(void)
{
	struct io_uring_params *p = &ring.params;
	size_t size;
	char *rings;

	if (is("sqpoll")) {
		p->flags = IORING_SETUP_SQPOLL;
		p->sq_thread_idle = 50;
	}
	ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, p);
	need(ring.fd >= 0, "io_uring_setup");
	/* One mapping for both rings (5.4), and no byte more than the longer of them. */
	size = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	if (size < p->sq_off.array + p->sq_entries * sizeof(unsigned))
		size = p->sq_off.array + p->sq_entries * sizeof(unsigned);
	rings = map(size, IORING_OFF_SQ_RING);
	ring.sqes = (void *)map(p->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
	ring.sq_tail = (void *)(rings + p->sq_off.tail);
	ring.sq_flags = (void *)(rings + p->sq_off.flags);
	ring.sq_array = (void *)(rings + p->sq_off.array);
	ring.cq_head = (void *)(rings + p->cq_off.head);
	ring.cq_tail = (void *)(rings + p->cq_off.tail);
	ring.cqes = (void *)(rings + p->cq_off.cqes);
}

static struct io_uring_sqe *next_sqe(int op, int fd)
{
	unsigned at = (atomic_load(ring.sq_tail) + ring.queued++) & (ring.params.sq_entries - 1);
	struct io_uring_sqe *sqe = &ring.sqes[at];

	memset(sqe, 0, sizeof(*sqe));
	ring.sq_array[at] = at;
	sqe->opcode = (uint8_t)op;
	sqe->fd = is("files") ? 0 : fd;
	if (is("files"))
		sqe->flags = IOSQE_FIXED_FILE;
	if (is("workers"))
		sqe->flags = IOSQE_ASYNC;
	return sqe;
}

static void enter(unsigned wait)
{
	unsigned flags = wait ? IORING_ENTER_GETEVENTS : 0, n = ring.queued;

	atomic_store(ring.sq_tail, atomic_load(ring.sq_tail) + n);
	ring.queued = 0;
	if (is("sqpoll") && atomic_load(ring.sq_flags) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	while (syscall(SYS_io_uring_enter, ring.fd, n, wait, flags, NULL, 0) < 0)
		need(errno == EINTR, "io_uring_enter");
}

struct completion {
	uint64_t user_data;
	int res;
	unsigned flags;
};

/* The next completion, waiting for it; notifications of SEND_ZC are none. */
static struct completion take(void)
{
	for (;;) {
		unsigned head = atomic_load(ring.cq_head);
		const struct io_uring_cqe *cqe = &ring.cqes[head & (ring.params.cq_entries - 1)];
		struct completion done;

		if (head == atomic_load(ring.cq_tail)) {
			enter(1);
			continue;
		}
		done = (struct completion){ cqe->user_data, cqe->res, cqe->flags };
		atomic_store(ring.cq_head, head + 1);
		if (!(done.flags & IORING_CQE_F_NOTIF))
			return done;
	}
}

/* ---- Receiving --------------------------------------------------------------------------------
 */

static char buffer[BUFFER_SIZE];
static struct iovec pieces[3];
static struct msghdr msg = { .msg_iov = pieces, .msg_iovlen = 3 };

/* `size` bytes as pieces of 1, 9 and the rest. */
static void cut(char *at, size_t size)
{
	pieces[0] = (struct iovec){ at, 1 };
	pieces[1] = (struct iovec){ at + 1, 9 };
	pieces[2] = (struct iovec){ at + 10, size - 10 };
}

static void queue_recv(int fd)
{
	struct io_uring_sqe *sqe;

	cut(buffer, sizeof(buffer));
	sqe = next_sqe(is("msg")   ? IORING_OP_RECVMSG
		       : is("rw")  ? IORING_OP_READ
		       : is("rwv") ? IORING_OP_READV
				   : IORING_OP_RECV,
		       fd);
	sqe->addr = is("msg") ? (uint64_t)&msg : is("rwv") ? (uint64_t)pieces : (uint64_t)buffer;
	sqe->len = is("msg") ? 1 : is("rwv") ? 3 : sizeof(buffer);
}

static bool has_completion(void)
{
	return atomic_load(ring.cq_head) != atomic_load(ring.cq_tail);
}

static void *completion_wakes(void *pipe_fd)
{
	for (;;) {
		usleep(1000);
		if (has_completion())
			(void)!write((int)(intptr_t)pipe_fd, "x", 1);
	}
	return NULL;
}

/* While the thread is in read(2). */
static int recv_between(int fd)
{
	static int ends[2];
	static char trap[4096];
	pthread_t thread;

	if (!ends[1]) {
		need(!pipe(ends), "pipe");
		need(!pthread_create(&thread, NULL, completion_wakes, (void *)(intptr_t)ends[1]),
		     "thread");
	}
	queue_recv(fd);
	enter(0);
	while (!has_completion()) {
		memcpy(trap, false_request, sizeof(false_request));
		(void)!read(ends[0], trap, sizeof(trap));
	}
	return take().res;
}

static struct io_uring_buf_ring *provided;
static char *provided_memory;

static void provide(unsigned short id)
{
	struct io_uring_buf *buf = &provided->bufs[provided->tail & (BUFFERS - 1)];

	buf->addr = (uint64_t)(provided_memory + id * BUFFER_SIZE);
	buf->len = BUFFER_SIZE;
	buf->bid = id;
	atomic_thread_fence(memory_order_seq_cst);
	provided->tail++;
}

static void begin_multishot(int fd)
{
	struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };
	struct io_uring_sqe *sqe;

	if (!provided) {
		provided = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				0);
		provided_memory = calloc(BUFFERS, BUFFER_SIZE);
		reg.ring_addr = (uint64_t)provided;
		need(!syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &reg, 1),
		     "provided buffers");
		for (unsigned short i = 0; i < BUFFERS; i++)
			provide(i);
	}
	sqe = next_sqe(IORING_OP_RECV, fd);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	enter(0);
}

static int take_shot(void)
{
	struct completion done = take();
	unsigned id = done.flags >> IORING_CQE_BUFFER_SHIFT;

	if (done.res <= 0)
		return done.res;
	memcpy(buffer, provided_memory + id * BUFFER_SIZE, (size_t)done.res);
	provide((unsigned short)id);
	return done.res;
}

static char rival_buffers[2][BUFFER_SIZE];

static void queue_rival(int fd, uint64_t which)
{
	struct io_uring_sqe *sqe = next_sqe(is("rivals") ? IORING_OP_RECV : IORING_OP_READ, fd);

	memcpy(rival_buffers[which], false_request, sizeof(false_request));
	sqe->addr = (uint64_t)rival_buffers[which];
	sqe->len = BUFFER_SIZE;
	sqe->user_data = which;
}

/* Whichever got it waits again. */
static int receive_as_rivals(int fd, bool first)
{
	struct completion done;

	if (first) {
		queue_rival(fd, 0);
		queue_rival(fd, 1);
	}
	done = take();
	if (done.res > 0)
		queue_rival(fd, done.user_data);
	enter(0);
	return done.res;
}

static struct io_uring_sqe *last_sqe(void)
{
	return &ring.sqes[(atomic_load(ring.sq_tail) + ring.queued - 1) &
			  (ring.params.sq_entries - 1)];
}

static int receive(int fd, bool first)
{
	int n;

	if (is("between"))
		return recv_between(fd);
	if (is("multishot"))
		return take_shot();
	if (is("rivals") || is("rivals_rw"))
		return receive_as_rivals(fd, first);
	if (is("busy")) {
		queue_recv(fd);
		last_sqe()->msg_flags = MSG_DONTWAIT;
		n = take().res;
		if (n != -EAGAIN)
			return n;
	}
	if (!is("linked") || first)
		queue_recv(fd);
	return take().res;
}

/* ---- Sending ----------------------------------------------------------------------------------
 */

static struct io_uring_sqe *queue_send(int op, int fd, const void *at, size_t len)
{
	struct io_uring_sqe *sqe = next_sqe(op, fd);

	sqe->addr = (uint64_t)at;
	sqe->len = (uint32_t)len;
	return sqe;
}

static void answer(int fd)
{
	static char text[256];
	size_t len = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
				     strlen(way), way);
	struct iovec registered = { text, sizeof(text) };
	static bool is_registered;
	int sends = 1;

	cut(text, len);
	if (is("between") || is("rivals") || is("rivals_rw")) {
		(void)!send(fd, text, len, MSG_NOSIGNAL);
		return;
	}
	if (is("fixed") && !is_registered) {
		need(!syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &registered,
			      1),
		     "registered buffers");
		is_registered = true;
	}
	if (is("msg"))
		queue_send(IORING_OP_SENDMSG, fd, &msg, 1);
	else if (is("rw"))
		queue_send(IORING_OP_WRITE, fd, text, len);
	else if (is("rwv"))
		queue_send(IORING_OP_WRITEV, fd, pieces, 3);
	else if (is("zc"))
		queue_send(IORING_OP_SEND_ZC, fd, text, len);
	else if (is("fixed"))
		queue_send(IORING_OP_SEND_ZC, fd, text, len)->ioprio = IORING_RECVSEND_FIXED_BUF;
	else if (is("halves")) {
		queue_send(IORING_OP_SEND, fd, text, 10);
		queue_send(IORING_OP_SEND, fd, text + 10, len - 10);
		sends = 2;
	} else
		queue_send(IORING_OP_SEND, fd, text, len);
	if (is("linked")) {
		last_sqe()->flags |= IOSQE_IO_LINK;
		queue_recv(fd);
	}
	while (sends--)
		need(take().res > 0, "send");
}

/* ---- All --------------------------------------------------------------------------------------
 */

static void serve(int fd)
{
	bool first = true;

	if (is("files"))
		need(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1) >= 0,
		     "registered files");
	if (is("multishot"))
		begin_multishot(fd);
	while (receive(fd, first) > 0) {
		answer(fd);
		first = false;
	}
	if (is("files"))
		(void)syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_FILES, NULL, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (argc != 3)
		return 2;
	way = argv[2];
	open_ring();
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons((uint16_t)atoi(argv[1]));
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	need(!bind(listener, (struct sockaddr *)&at, sizeof(at)) && !listen(listener, 16), "bind");
	for (;;)
		serve(accept(listener, NULL, NULL));
}
