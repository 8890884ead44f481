// SPDX-License-Identifier: Apache-2.0
#include "broker/worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define RESTART_WINDOW_NS (10 * NSEC_PER_SEC)
#define RESTARTS_IN_WINDOW 5
#define SILENT_NS (3 * OBI_WORKER_IDLE_NS)
#define WATCHED_NS (1 * NSEC_PER_SEC) /* between two looks at one that inspects files */
#define STARTING_NS (60 * NSEC_PER_SEC)
#define HELD_NS (5 * NSEC_PER_SEC)
#define STOOD_STILL_NS (OBI_WORKER_IDLE_NS + 3 * NSEC_PER_SEC)

int obi_worker_start(struct obi_worker_child *worker)
{
	int error = worker->child.pid ? 0 : obi_child_start(&worker->role, &worker->child);

	if (error)
		return error;
	worker->phase = OBI_PHASE_STARTING;
	worker->meter = (struct obi_request_meter){ 0 }; /* not the dead one's */
	worker->condemned = false;
	worker->heard_ns = worker->taken_ns = clock_monotonic_ns();
	return worker->introduce(worker->context);
}

/* ---- Restarts ------------------------------------------------------------------------------ */

/* Not more than a few times in a row: a worker that dies at once would eat the host. */
static bool may_restart(struct obi_worker_child *worker)
{
	uint64_t now = clock_monotonic_ns();

	if (now - worker->window_start > RESTART_WINDOW_NS) {
		worker->window_start = now;
		worker->restarts_in_window = 0;
	}
	return ++worker->restarts_in_window <= RESTARTS_IN_WINDOW;
}

static void restart(struct obi_worker_child *worker)
{
	int error;

	worker->restart_at = 0;
	worker->restarts++;
	error = obi_worker_start(worker);
	if (!error)
		return;
	log_error("cannot start the worker", F("error", log_str(obi_child_why(error))));
	worker->restart_at = clock_monotonic_ns() + NSEC_PER_SEC;
}

bool obi_worker_ended(struct obi_worker_child *worker, int status, uint64_t seen)
{
	uint64_t pending = worker->child.page ? worker->child.page->pending : 0;
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	/* The page is the worker's to write. */
	if (pending > seen - worker->spans_lost)
		pending = seen - worker->spans_lost;
	obi_child_release(&worker->child);
	if (worker->phase == OBI_PHASE_STOPPING ||
	    (worker->phase == OBI_PHASE_STARTING && WIFEXITED(status) && !clean &&
	     !worker->restarts))
		return false;
	worker->spans_lost += pending;
	log_warn("the worker died: starting it again, probes stay attached",
		 F(WIFSIGNALED(status) ? "signal" : "status",
		   log_int(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status))),
		 F("spansLost", log_int((int64_t)pending)),
		 F("restarts", log_int(worker->restarts + 1)));
	if (may_restart(worker))
		restart(worker);
	else
		worker->restart_at = clock_monotonic_ns() + NSEC_PER_SEC;
	return true;
}

/* ---- One that hangs ------------------------------------------------------------------------ */

static void condemn(struct obi_worker_child *worker)
{
	worker->condemned = true;
	(void)kill(worker->child.pid, SIGKILL);
}

bool obi_worker_was_held_by(const struct obi_worker_child *worker, uint32_t pid)
{
	for (size_t i = 0; i < OBI_WORKER_HOLDERS; i++)
		if (worker->held_by[i] == pid)
			return true;
	return false;
}

void obi_worker_let_go(struct obi_worker_child *worker, uint32_t pid)
{
	for (size_t i = 0; i < OBI_WORKER_HOLDERS; i++)
		if (worker->held_by[i] == pid)
			worker->held_by[i] = 0;
}

/* Whose files it has been reading for too long; 0 = nobody's. */
static uint32_t holder(struct obi_worker_child *worker, uint64_t now_ns)
{
	uint64_t inspecting = worker->child.page->inspecting;

	if (inspecting != worker->inspecting) {
		worker->inspecting = inspecting;
		worker->inspecting_ns = now_ns;
	}
	return now_ns - worker->inspecting_ns > HELD_NS ? (uint32_t)inspecting : 0;
}

static void end_held(struct obi_worker_child *worker, uint32_t pid)
{
	log_warn("a process holds the worker, which reads its files: ending that, and the next one "
		 "gets none of them",
		 F("pid", log_int(pid)));
	worker->held_by[worker->holders++ % OBI_WORKER_HOLDERS] = pid;
	condemn(worker);
}

/* A broker that stood still has heard nothing either: what waits for it is read first. */
static void judge(struct obi_worker_child *worker, uint64_t now_ns)
{
	bool starting = worker->phase == OBI_PHASE_STARTING;
	bool silent, takes_nothing;

	uint32_t held_by;

	if (now_ns - worker->ticked_ns > STOOD_STILL_NS)
		worker->heard_ns = worker->taken_ns = worker->inspecting_ns = now_ns;
	worker->ticked_ns = now_ns;
	if (!worker->child.pid || worker->condemned)
		return;
	held_by = holder(worker, now_ns);
	if (held_by) {
		end_held(worker, held_by);
		return;
	}
	silent = now_ns - worker->heard_ns > (starting ? STARTING_NS : SILENT_NS);
	takes_nothing = !starting && now_ns - worker->taken_ns > SILENT_NS;
	if (!silent && !takes_nothing)
		return;
	log_error("the worker hangs: ending it",
		  F("reason",
		    log_str(silent ? "it has asked for nothing" : "it has taken no message")),
		  F("seconds",
		    log_int((int64_t)((now_ns - (silent ? worker->heard_ns : worker->taken_ns)) /
				      NSEC_PER_SEC))));
	condemn(worker);
}

void obi_worker_inspects(struct obi_worker_child *worker)
{
	worker->given_ns = clock_monotonic_ns();
}

uint64_t obi_worker_next(const struct obi_worker_child *worker, uint64_t now_ns)
{
	bool watched = worker->phase == OBI_PHASE_STARTING ||
		       now_ns - worker->given_ns < 2 * HELD_NS ||
		       obi_queue_waits(&worker->child.queue);
	uint64_t next = now_ns + (watched ? WATCHED_NS : OBI_WORKER_IDLE_NS);

	return worker->restart_at && worker->restart_at < next ? worker->restart_at : next;
}

void obi_worker_tick(struct obi_worker_child *worker, uint64_t now_ns)
{
	if (worker->restart_at && now_ns >= worker->restart_at)
		restart(worker);
	if (worker->child.pid && (obi_queue_flush(&worker->child.queue, worker->child.sock) ||
				  !obi_queue_waits(&worker->child.queue)))
		worker->taken_ns = now_ns;
	judge(worker, now_ns);
}

/* ---- Requests ------------------------------------------------------------------------------ */

void obi_worker_offends(struct obi_worker_child *worker, uint32_t request, const char *why)
{
	log_error("the worker broke the rules: ending it", F("request", log_int(request)),
		  F("reason", log_str(why)));
	condemn(worker);
}

const struct obi_request *obi_worker_read(struct obi_worker_child *worker, void *body, size_t size,
					  bool *ret_gone)
{
	int fds[OBI_WIRE_FDS], fd_count = 0;
	const struct obi_request *request;
	const char *why = "malformed";
	uint32_t id = 0;
	ssize_t n;

	*ret_gone = worker->condemned;
	if (worker->condemned)
		return NULL;
	n = obi_wire_receive(worker->child.sock, &id, body, size, fds, &fd_count);
	*ret_gone = n < 0 && n != -EAGAIN && n != -EINTR && n != -EPROTO;
	if (n == -EAGAIN || n == -EINTR || *ret_gone)
		return NULL;
	for (int i = 0; n >= 0 && i < fd_count; i++)
		(void)close(fds[i]);
	request = n < 0 ? NULL : obi_request_check(id, (size_t)n, fd_count, worker->phase, &why);
	if (request && !obi_request_within_rate(&worker->meter, request, clock_monotonic_ns())) {
		why = "too many";
		request = NULL;
	}
	if (!request)
		obi_worker_offends(worker, id, why);
	worker->heard_ns = clock_monotonic_ns();
	return request;
}
