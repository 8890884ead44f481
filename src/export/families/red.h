/* SPDX-License-Identifier: Apache-2.0 */
/* Application metrics from spans: durations and body sizes of requests by side. */
#ifndef OBI_EXPORT_FAMILIES_RED_H
#define OBI_EXPORT_FAMILIES_RED_H

#include "export/families/family.h"
#include "span/span.h"

struct red;

extern const struct attribute_group red_server_attributes;
extern const struct attribute_group red_client_attributes;

/* Adds its tables to the registry; options and registry must outlive the result. 0, or -ENOMEM. */
int red_new(const struct family_options *options, struct metrics *metrics, struct red **ret_red);
void red_free(struct red *red);

void red_put_span(struct red *red, const struct obi_span *span, uint64_t now_ns);

#endif
