/* SPDX-License-Identifier: Apache-2.0 */
/* What trials say of one need: is the capability held, does it help, would it do without? */
#ifndef OBI_CAPS_VERDICT_H
#define OBI_CAPS_VERDICT_H

#include "caps/check.h"

enum obi_verdict {
	OBI_VERDICT_WORKS,      /* held, refused without it, works with it */
	OBI_VERDICT_HELD,       /* held; could not be tried */
	OBI_VERDICT_REFUSED,    /* held, and refused all the same */
	OBI_VERDICT_NOT_NEEDED, /* works without it, held or not */
	OBI_VERDICT_MISSING,    /* not held, and refused */
	OBI_VERDICT_UNKNOWN,    /* not held; could not be tried */
};

struct obi_finding {
	enum obi_verdict verdict;
	bool held;     /* itself, or by CAP_SYS_ADMIN where the kernel takes that for it */
	bool stand_in; /* by CAP_SYS_ADMIN */
	int error;     /* of the refused call, else 0 */
};

/* Makes a trial; as obi_try_run(), which serves for all but OBI_TRY_TC_TRACER. */
struct obi_trial {
	int (*run)(void *context, enum obi_try what, uint64_t mask);
	void *context;
};

/* required: the whole set of the configuration, so that a trial runs with what the agent would
 * have. */
struct obi_finding obi_need_judge(const struct obi_need *need, uint64_t required,
				  uint64_t effective, const struct obi_trial *trial);

/* One line on a finding, without line end: "present; works", "missing: Operation not permitted". */
void obi_finding_print(const struct obi_finding *finding, struct buffer *buf);

#endif
