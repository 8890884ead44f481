// SPDX-License-Identifier: Apache-2.0
#include "broker/sender.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/wire.h"

#define FIRST_WAIT_NS (100 * NSEC_PER_MSEC)
#define LONGEST_WAIT_NS (10 * NSEC_PER_SEC)
#define SETTLED_NS (30 * NSEC_PER_SEC)
#define STOP_STEP_US 10000

static void start(struct obi_sender_child *sender)
{
	int error = obi_child_spawn(&sender->role, &sender->pid, &sender->sock);

	sender->start_at = 0;
	if (!error) {
		sender->started = clock_monotonic_ns();
		return;
	}
	sender->pid = 0;
	log_error("cannot start the sender", F("error", log_str(obi_child_why(error))));
	sender->start_at = clock_monotonic_ns() + LONGEST_WAIT_NS;
}

void obi_sender_start(struct obi_sender_child *sender, const struct obi_settings *settings,
		      const struct obi_child_role *role)
{
	*sender = (struct obi_sender_child){ .role = *role, .sock = -1 };
	if (obi_otlp_sender_wanted(&settings->otlp))
		start(sender);
}

void obi_sender_join(const struct obi_sender_child *sender, struct obi_child *worker)
{
	int pair[2], error;

	if (!sender->pid || !worker->pid)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		log_error("cannot join worker and sender", F("error", log_errno(-errno)));
		return;
	}
	error = obi_wire_send(sender->sock, OBI_WIRE_PEER, NULL, 0, &pair[0], 1);
	if (!error)
		error = obi_child_send(worker, OBI_WIRE_PEER, NULL, 0, &pair[1], 1);
	if (error) /* one of them is dying: joined again when it is back */
		log_debug("cannot join worker and sender", F("error", log_errno(error)));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* At once after a long life, later and later after short ones. */
static uint64_t wait_of(struct obi_sender_child *sender, uint64_t now_ns)
{
	uint64_t wait = FIRST_WAIT_NS;

	if (now_ns - sender->started > SETTLED_NS)
		sender->restarts = 0;
	for (uint32_t i = 0; i < sender->restarts && wait < LONGEST_WAIT_NS; i++)
		wait *= 2;
	sender->restarts++;
	return wait < LONGEST_WAIT_NS ? wait : LONGEST_WAIT_NS;
}

bool obi_sender_reap(struct obi_sender_child *sender, pid_t pid, int status)
{
	bool exited = WIFEXITED(status);
	uint64_t now = clock_monotonic_ns();

	if (!pid || pid != sender->pid)
		return false;
	sender->pid = 0;
	(void)close(sender->sock);
	sender->sock = -1;
	if (exited && WEXITSTATUS(status) == OBI_SENDER_CANNOT_RUN) {
		log_error0("export by OTLP stays off until the agent is started again");
		return true;
	}
	sender->start_at = now + wait_of(sender, now);
	log_warn("the sender died: starting it again",
		 F(exited ? "status" : "signal",
		   log_int(exited ? WEXITSTATUS(status) : WTERMSIG(status))),
		 F("restarts", log_int(sender->restarts)));
	return true;
}

uint64_t obi_sender_tick(struct obi_sender_child *sender, struct obi_child *worker, uint64_t now_ns)
{
	if (sender->start_at && now_ns >= sender->start_at) {
		start(sender);
		obi_sender_join(sender, worker);
	}
	return sender->start_at;
}

void obi_sender_stop(struct obi_sender_child *sender, uint64_t timeout_ns)
{
	uint64_t deadline = clock_monotonic_ns() + timeout_ns;
	bool killed = false;

	if (!sender->pid)
		return;
	(void)close(sender->sock); /* it ends by itself */
	sender->sock = -1;
	while (waitpid(sender->pid, NULL, WNOHANG) == 0) {
		if (!killed && clock_monotonic_ns() > deadline) {
			log_error0("the sender did not end in time");
			(void)kill(sender->pid, SIGKILL);
			killed = true;
		}
		(void)usleep(STOP_STEP_US);
	}
	sender->pid = 0;
}
