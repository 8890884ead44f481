// SPDX-License-Identifier: Apache-2.0
#include "verb/explain_look.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/clock.h"
#include "caps/check.h"

static int watch(void *context, int fd)
{
	return 0;
}

static void close_files(struct explain_eyes *eyes)
{
	while (eyes->fd_count)
		(void)close(eyes->fds[--eyes->fd_count]);
}

static void take(void *context, const struct look_request *request,
		 const struct look_answer *answer, int *fds, int fd_count)
{
	struct explain_eyes *eyes = context;

	close_files(eyes);
	memcpy(&eyes->answer, answer, look_answer_size(answer));
	memcpy(eyes->fds, fds, (size_t)fd_count * sizeof(*fds));
	eyes->fd_count = fd_count;
	eyes->answered = true;
}

static void release(void *context, uint32_t pid)
{
}

static void wipe(void *context)
{
	obi_settings_wipe(((const struct explain_eyes *)context)->settings);
}

/* What a file of capabilities gives is for the agent: else everybody who may run it could read of
 * any process what that says of itself. What the caller has is used. */
static int take_own_rights(uint64_t *ret_held)
{
	const uint64_t look = OBI_CAP(CAP_DAC_READ_SEARCH) | OBI_CAP(CAP_SYS_PTRACE) |
			      OBI_CAP(CAP_CHECKPOINT_RESTORE) | OBI_CAPS_OF_ROOT_BROKER;
	int error = obi_caps_set(getauxval(AT_SECURE) ? 0 : look);

	return error ? error : obi_caps_effective(ret_held);
}

int explain_eyes_open(struct explain_eyes *eyes, const struct obi_settings *settings)
{
	int error;

	*eyes = (struct explain_eyes){
		.looker = { .sock = -1,
			    .keeper_sock = -1,
			    .watch = watch,
			    .take = take,
			    .release = release,
			    .wipe = wipe,
			    .context = eyes },
		.settings = settings,
	};
	error = take_own_rights(&eyes->held);
	if (!error)
		error = obi_looker_open(&eyes->looker, eyes->held & ~OBI_CAPS_OF_ROOT_BROKER);
	if (!error)
		error = obi_caps_set(OBI_CAPS_OF_ROOT_BROKER);
	if (!error)
		error = obi_looker_start(&eyes->looker);
	return error;
}

void explain_eyes_close(struct explain_eyes *eyes)
{
	close_files(eyes);
	obi_looker_close(&eyes->looker);
}

static void wait_for_answer(struct explain_eyes *eyes)
{
	uint64_t now = clock_monotonic_ns(), next = obi_looker_next(&eyes->looker);
	struct pollfd wait = { .fd = eyes->looker.sock, .events = POLLIN };
	uint64_t left = next > now ? next - now : 0;

	(void)poll(&wait, 1, (int)(left / NSEC_PER_MSEC) + 1);
	if (wait.revents)
		obi_looker_read(&eyes->looker);
	obi_looker_tick(&eyes->looker, clock_monotonic_ns());
}

int explain_ask(struct explain_eyes *eyes, const struct look_request *request)
{
	struct look_request patient = *request;
	int error;

	patient.patience_ms = 2000;
	eyes->answered = false;
	close_files(eyes);
	error = obi_looker_ask(&eyes->looker, &patient);
	if (error)
		return error == -EBUSY ? -ETIMEDOUT : error;
	while (!eyes->answered)
		wait_for_answer(eyes);
	return eyes->answer.error;
}
