/* SPDX-License-Identifier: Apache-2.0 */
/* Stage: hides the values of query parameters that hold secrets. */
#ifndef OBI_PIPELINE_REDACT_H
#define OBI_PIPELINE_REDACT_H

#include "config/option.h"
#include "span/span.h"

struct redact_stage;

/* The built-in names and those of add, without those of remove; the lists' strings must outlive
 * the stage. 0, or -ENOMEM. */
int redact_stage_new(const struct obi_list *add, const struct obi_list *remove,
		     struct redact_stage **ret_stage);
void redact_stage_free(struct redact_stage *stage);

/* Where span->query holds such a parameter, replaces it by a copy that does not, valid until the
 * next call. When memory is short the query is left out. */
void redact_stage_apply(struct redact_stage *stage, struct obi_span *span);

#endif
