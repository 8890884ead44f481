// SPDX-License-Identifier: Apache-2.0
/*
 * Each need is tried with all that the configuration requires and that is held, once without the
 * capability and, where that is refused, once with it. Never with more: root's other capabilities
 * would hide what is missing to a user who has the documented set alone.
 */
#include "caps/verdict.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

/* The kernel takes CAP_SYS_ADMIN for these, and for no other of ours. */
static bool admin_stands_for(int capability)
{
	return capability == CAP_BPF || capability == CAP_PERFMON ||
	       capability == CAP_CHECKPOINT_RESTORE;
}

struct obi_finding obi_need_judge(const struct obi_need *need, uint64_t required,
				  uint64_t effective, const struct obi_trial *trial)
{
	uint64_t cap = OBI_CAP(need->capability), admin = effective & OBI_CAP(CAP_SYS_ADMIN);
	uint64_t granted = effective & required;
	struct obi_finding finding = { .held = effective & cap };
	bool complete = !(required & ~effective);
	int error;

	if (!finding.held && admin && admin_stands_for(need->capability)) {
		finding.held = finding.stand_in = true;
		cap = admin;
	}
	finding.verdict = finding.held ? OBI_VERDICT_HELD : OBI_VERDICT_UNKNOWN;
	error = trial->run(trial->context, need->try, granted & ~cap);
	if (error == -ENODATA)
		return finding;
	if (!error) {
		finding.verdict = OBI_VERDICT_NOT_NEEDED;
		return finding;
	}
	if (!finding.held) {
		finding.verdict = OBI_VERDICT_MISSING;
		finding.error = error;
		return finding;
	}
	error = trial->run(trial->context, need->try, granted | cap | (complete ? 0 : admin));
	if (!error) {
		finding.verdict = OBI_VERDICT_WORKS;
	} else if (complete) {
		finding.verdict = OBI_VERDICT_REFUSED;
		finding.error = error;
	}
	return finding; /* else what is missing may be the reason: it was not really tried */
}

void obi_finding_print(const struct obi_finding *finding, struct buffer *buf)
{
	const char *held = finding->stand_in ? "present by CAP_SYS_ADMIN"
			   : finding->held   ? "present"
					     : "missing";

	buffer_put_cstr(buf, held);
	switch (finding->verdict) {
	case OBI_VERDICT_WORKS:
		buffer_put_cstr(buf, "; tried: works");
		break;
	case OBI_VERDICT_HELD:
	case OBI_VERDICT_UNKNOWN:
		buffer_put_cstr(buf, "; could not be tried");
		break;
	case OBI_VERDICT_NOT_NEEDED:
		buffer_put_cstr(buf, "; not needed by this kernel");
		break;
	case OBI_VERDICT_REFUSED:
		buffer_printf(buf, "; tried, and refused all the same: %s",
			      strerror(-finding->error));
		break;
	case OBI_VERDICT_MISSING:
		buffer_printf(buf, "; tried: %s", strerror(-finding->error));
		break;
	}
}
