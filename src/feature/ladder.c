// SPDX-License-Identifier: Apache-2.0
/* The tables of rungs, and how a rung is picked. The trials stand in trial.c. */
#include "feature/ladder.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "feature/trial.h"

static const struct obi_rung plane_rungs[] = {
	[OBI_PLANE_FENTRY] = { "fentry", "5.11 (x86-64), 6.0 (arm64)", obi_trial_fentry,
			       "cheapest: only calls on INET sockets" },
	[OBI_PLANE_TRACEPOINT] = { "socket tracepoints", "6.3", obi_trial_tracepoint,
				   "every socket call passes the hook" },
	[OBI_PLANE_KPROBE] = { "kprobe", "5.8", obi_trial_kprobe, "two hits a call" },
	[OBI_PLANE_NONE] = { 0 },
};

_Static_assert(ARRAY_SIZE(plane_rungs) == OBI_PLANE_NONE + 1, "a rung for each plane, and the end");

const struct obi_feature obi_feature_plane = {
	.need = "message hooks",
	.rungs = plane_rungs,
	.without = "application observability",
	.answer = &(struct obi_answer){ 0 },
};

static const struct obi_rung injection_rungs[] = {
	[OBI_INJECT_SK_MSG] = { "sk_msg", "5.10", obi_trial_sk_msg, "455 ns a send" },
	[OBI_INJECT_SK_MSG_VERDICT] = { "sk_msg with stream verdict", "5.10",
					obi_trial_sk_msg_verdict,
					"also a program on each receive" },
	[OBI_INJECT_NONE] = { 0 },
};

_Static_assert(ARRAY_SIZE(injection_rungs) == OBI_INJECT_NONE + 1,
	       "a rung for each way to inject, and the end");

const struct obi_feature obi_feature_injection = {
	.need = "header injection",
	.rungs = injection_rungs,
	.without = "traceparent in outgoing requests",
	.answer = &(struct obi_answer){ 0 },
};

static void climb(const struct obi_feature *feature, struct obi_answer *ret_answer)
{
	const struct obi_rung *rungs = feature->rungs;
	struct obi_answer answer = { .known = true };

	for (; rungs[answer.rung].name; answer.rung++) {
		int error = rungs[answer.rung].try();

		if (!error)
			break;
		answer.error = error;
	}
	*ret_answer = answer;
}

int obi_feature_pick(const struct obi_feature *feature, int *ret_error)
{
	struct obi_answer *answer = feature->answer;

	if (!answer->known)
		climb(feature, answer);
	if (ret_error)
		*ret_error = answer->error;
	return answer->rung;
}

void obi_feature_report(const struct obi_feature *feature, struct buffer *buf)
{
	bool served = false;

	buffer_printf(buf, "%s:\n", feature->need);
	for (const struct obi_rung *rung = feature->rungs; rung->name; rung++) {
		int error;

		if (served) {
			buffer_printf(buf, "  %-28s not needed (since %s)\n", rung->name,
				      rung->since);
			continue;
		}
		error = rung->try();
		served = !error;
		if (served)
			buffer_printf(buf, "  %-28s serves: %s\n", rung->name, rung->cost);
		else
			buffer_printf(buf, "  %-28s refused: %s (since %s)\n", rung->name,
				      strerror(-error), rung->since);
	}
	if (!served)
		buffer_printf(buf, "  none holds: no %s\n", feature->without);
}
