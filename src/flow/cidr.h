/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that the operator named (`network.cidrs`), made ready for look-ups. */
#ifndef OBI_FLOW_CIDR_H
#define OBI_FLOW_CIDR_H

#include "flow/options.h"

struct cidrs;

/* The list's strings must outlive the result. NULL when out of memory. */
struct cidrs *cidrs_new(const struct obi_cidr_list *list);
void cidrs_free(struct cidrs *cidrs);

/* Name of the narrowest network that holds the address (16 bytes, as in obi/record.h), its text
 * where it has no name; "" where none does. */
const char *cidrs_find(const struct cidrs *cidrs, const uint8_t address[16]);

#endif
