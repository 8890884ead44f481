/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the structs inside options whose feature does not exist yet; see later.h. */
#ifndef OBI_SETTINGS_LATER_ELEMENTS_H
#define OBI_SETTINGS_LATER_ELEMENTS_H

#include "config/option.h"

/* Of each: the groups and the size of one element, for OBI_TYPE_STRUCTS and OBI_TYPE_MAP. */
#define OBI_LATER_GATEWAY 3
#define OBI_LATER_RULE 15
#define OBI_LATER_LOG_SERVICE 1
#define OBI_LATER_CIDR 2

#define OBI_LATER_SIZE(rows_) ((rows_) * sizeof(union obi_slot))

extern const struct obi_group obi_later_gateway[];     /* genai.openai_compatible.gateways */
extern const struct obi_group obi_later_rule[];        /* enrichment.rules */
extern const struct obi_group obi_later_cidr[];        /* stats.cidrs */
extern const struct obi_group obi_later_log_service[]; /* log_enricher.services */

/* Inside of an element: the option around it has warned already. */
#define OBI_LATER_PART(...) OBI_LATER_FLAGS(0, __VA_ARGS__)

#endif
