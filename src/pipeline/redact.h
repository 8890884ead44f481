/* SPDX-License-Identifier: Apache-2.0 */
/* Stage: hides the values of parameters that hold secrets, in query and path. */
#ifndef OBI_PIPELINE_REDACT_H
#define OBI_PIPELINE_REDACT_H

#include "config/option.h"
#include "span/span.h"

struct redact_stage;

struct redact_options {
	const struct obi_list *add, *remove; /* of the built-in names */
	const struct obi_list *allow_only;   /* where it is set: all but these are hidden */
};

/* 0, or -ENOMEM. Nothing of the options is kept. */
int redact_stage_new(const struct redact_options *options, struct redact_stage **ret_stage);
void redact_stage_free(struct redact_stage *stage);

/* Where span->op.http.query or span->op.http.path holds such a parameter, replaces it by a copy
 * that does not, valid until the next call. When memory is short it is left out. */
void redact_stage_apply(struct redact_stage *stage, struct obi_span *span);

#endif
