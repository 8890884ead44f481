// SPDX-License-Identifier: Apache-2.0
#include "discover/looker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "discover/keeper.h"
#include "wire/wire.h"

#define ALONE_NS (300 * NSEC_PER_SEC) /* who held a look */
#define CHANCE_NS (200 * NSEC_PER_MSEC)

int obi_looker_open(struct obi_looker *looker, uint64_t caps)
{
	void *page = mmap(NULL, sizeof(*looker->page), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	looker->page = page;
	return keeper_start(looker, caps, &looker->keeper, &looker->keeper_sock);
}

/* ---- Asking -------------------------------------------------------------------------------- */

static struct looker_asked *asked_at(struct obi_looker *looker, uint32_t i)
{
	return &looker->asked[(looker->first + i) % LOOK_ASKED_MAX];
}

static int send_request(const struct obi_looker *looker, const struct looker_asked *asked)
{
	return obi_wire_send(looker->sock, asked->number, &asked->request, sizeof(asked->request),
			     NULL, 0);
}

/* Its predecessor, if there is one, is ended by the keeper. What was asked is asked again. */
static int start_again(struct obi_looker *looker)
{
	int pair[2], error;

	if (looker->sock >= 0)
		(void)close(looker->sock);
	looker->sock = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	error = obi_wire_send(looker->keeper_sock, KEEPER_START, NULL, 0, &pair[1], 1);
	(void)close(pair[1]);
	if (!error && fcntl(pair[0], F_SETFL, O_NONBLOCK))
		error = -errno;
	if (!error)
		error = looker->watch(looker->context, pair[0]);
	if (error) {
		(void)close(pair[0]);
		return error;
	}
	looker->sock = pair[0];
	looker->since_ns = clock_monotonic_ns();
	looker->late = false;
	for (uint32_t i = 0; i < looker->count && !error; i++)
		error = send_request(looker, asked_at(looker, i));
	return error;
}

int obi_looker_start(struct obi_looker *looker)
{
	return start_again(looker);
}

static struct looker_held *held_of(struct obi_looker *looker, uint32_t pid)
{
	for (size_t i = 0; i < LOOK_HELD_MAX; i++)
		if (looker->held[i].pid == pid)
			return &looker->held[i];
	return NULL;
}

static void let_go(struct obi_looker *looker, struct looker_held *held)
{
	looker->page->held[held - looker->held] = 0;
	*held = (struct looker_held){ 0 };
}

int obi_looker_ask(struct obi_looker *looker, const struct look_request *request)
{
	struct looker_held *held = request->pid ? held_of(looker, request->pid) : NULL;
	struct looker_asked *asked;
	int error;

	if (held && !(request->flags & LOOK_ANEW))
		return -EBUSY;
	if (looker->sock < 0 || looker->count == LOOK_ASKED_MAX)
		return -EAGAIN;
	if (held)
		let_go(looker, held);
	asked = asked_at(looker, looker->count);
	*asked = (struct looker_asked){ .request = *request, .number = ++looker->number };
	error = send_request(looker, asked);
	if (error == -EAGAIN)
		return error;
	/* One that has died shows at its socket, and its successor is asked. */
	if (!looker->count++) {
		looker->since_ns = clock_monotonic_ns();
		looker->late = false;
	}
	return 0;
}

/* ---- Answers ------------------------------------------------------------------------------- */

static void pop(struct obi_looker *looker)
{
	looker->first = (looker->first + 1) % LOOK_ASKED_MAX;
	looker->count--;
}

static void close_all(int *fds, int count)
{
	while (count)
		(void)close(fds[--count]);
}

/* The answer at the begin of size bytes: its own size, 0 where it is none. */
static size_t whole_size(const struct look_answer *answer, size_t size)
{
	if (size < LOOK_HEAD || answer->text_len > LOOK_TEXT_MAX || answer->count > LOOK_WALK_MAX ||
	    (answer->text_len && answer->count) || size < look_answer_size(answer))
		return 0;
	if (answer->text_len &&
	    (answer->args_at >= answer->text_len || answer->text[answer->text_len - 1] != '\0'))
		return 0;
	return (look_answer_size(answer) + 7) & ~(size_t)7;
}

static void take_answer(struct obi_looker *looker, const struct look_answer *answer, int *fds,
			int fd_count)
{
	struct look_request request = asked_at(looker, 0)->request;

	looker->since_ns = clock_monotonic_ns();
	looker->late = false;
	if (!(answer->flags & LOOK_MORE))
		pop(looker);
	looker->take(looker->context, &request, answer, fds, fd_count);
}

/* It is not answered, and will not be. */
static void give_up_first(struct obi_looker *looker)
{
	struct look_answer answer = { .error = -ETIMEDOUT };
	struct look_request request;

	if (!looker->count)
		return;
	request = asked_at(looker, 0)->request;
	answer.pid = request.pid;
	pop(looker);
	looker->take(looker->context, &request, &answer, NULL, 0);
}

static void leave_alone(struct obi_looker *looker, uint32_t pid)
{
	struct looker_held *held = held_of(looker, pid);

	for (size_t i = 0; !held && i < LOOK_HELD_MAX; i++)
		if (!looker->held[i].pid)
			held = &looker->held[i];
	if (!held) { /* the one that has been alone the longest */
		held = &looker->held[0];
		for (size_t i = 1; i < LOOK_HELD_MAX; i++)
			if (looker->held[i].until_ns < held->until_ns)
				held = &looker->held[i];
	}
	*held = (struct looker_held){ .pid = pid, .until_ns = clock_monotonic_ns() + ALONE_NS };
	looker->page->held[held - looker->held] = pid;
}

/* The first that was asked for is given up: if it was what ended the looker, it would end the next
 * one too. */
static void replace(struct obi_looker *looker)
{
	int error;

	give_up_first(looker);
	error = start_again(looker);
	if (error)
		log_error("cannot look at processes", F("error", log_errno(error)));
}

struct message {
	uint32_t number;
	int fds[OBI_WIRE_FDS], fd_count;
	size_t len;
	uint8_t bytes[LOOK_MESSAGE_MAX] __attribute__((aligned(8)));
};

/* 1; 0 where there is none; a negative errno. */
static int receive(struct obi_looker *looker, struct message *message)
{
	ssize_t n;

	message->fd_count = 0;
	do
		n = obi_wire_receive(looker->sock, &message->number, message->bytes,
				     sizeof(message->bytes), message->fds, &message->fd_count);
	while (n == -EINTR);
	message->len = n < 0 ? 0 : (size_t)n;
	return n == -EAGAIN ? 0 : n < 0 ? (int)n : 1;
}

/* The descriptors are those of the last answer. false: it is not an answer to what was asked. */
static bool take_message(struct obi_looker *looker, struct message *message)
{
	size_t at = 0;

	while (at < message->len) {
		const struct look_answer *answer = (const void *)(message->bytes + at);
		size_t size = whole_size(answer, message->len - at);
		bool last = at + size >= message->len;

		if (!size || !looker->count || message->number != asked_at(looker, 0)->number) {
			close_all(message->fds, message->fd_count);
			return false;
		}
		take_answer(looker, answer, message->fds, last ? message->fd_count : 0);
		at += size;
	}
	return true;
}

void obi_looker_read(struct obi_looker *looker)
{
	static struct message message;
	int got;

	if (looker->sock < 0)
		return;
	/* Where nothing is asked there is nothing to read but its end. */
	do {
		got = receive(looker, &message);
		if (!got)
			return;
		if (got < 0 || !take_message(looker, &message)) {
			log_warn("who looks at processes has ended: another one goes on",
				 F("pid", log_int(looker->page->at)));
			replace(looker);
			return;
		}
	} while (looker->count);
}

/* ---- Time ---------------------------------------------------------------------------------- */

static uint64_t deadline_of(const struct obi_looker *looker)
{
	const struct looker_asked *first = &looker->asked[looker->first];

	return looker->since_ns + (looker->late ? CHANCE_NS : 0) +
	       first->request.patience_ms * NSEC_PER_MSEC;
}

static void end_held(struct obi_looker *looker)
{
	uint32_t pid = looker->page->at;

	log_warn("a process holds whoever looks at it: it is left alone until it executes another "
		 "program",
		 F("pid", log_int(pid)));
	if (pid)
		leave_alone(looker, pid);
	replace(looker);
}

static void release_due(struct obi_looker *looker, uint64_t now_ns)
{
	for (size_t i = 0; i < LOOK_HELD_MAX; i++) {
		struct looker_held *held = &looker->held[i];
		uint32_t pid = held->pid;

		if (!pid || now_ns < held->until_ns)
			continue;
		let_go(looker, held);
		looker->release(looker->context, pid);
	}
}

void obi_looker_tick(struct obi_looker *looker, uint64_t now_ns)
{
	release_due(looker, now_ns);
	if (!looker->count || now_ns < deadline_of(looker))
		return;
	/* We may have stood still ourselves, and the answer be there. */
	obi_looker_read(looker);
	if (!looker->count || now_ns < deadline_of(looker))
		return;
	if (looker->late) {
		end_held(looker);
	} else {
		looker->late = true;
		if (now_ns > deadline_of(looker)) /* so late that it may have stood still too */
			looker->since_ns =
				now_ns - asked_at(looker, 0)->request.patience_ms * NSEC_PER_MSEC;
	}
}

uint64_t obi_looker_next(const struct obi_looker *looker)
{
	uint64_t next = looker->count ? deadline_of(looker) : 0;

	for (size_t i = 0; i < LOOK_HELD_MAX; i++)
		if (looker->held[i].pid && (!next || looker->held[i].until_ns < next))
			next = looker->held[i].until_ns;
	return next;
}

void obi_looker_close(struct obi_looker *looker)
{
	if (looker->sock >= 0)
		(void)close(looker->sock);
	if (looker->keeper_sock >= 0)
		(void)close(looker->keeper_sock); /* it ends */
	if (looker->page)
		(void)munmap(looker->page, sizeof(*looker->page));
}
