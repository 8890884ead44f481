/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_FLOW_CIDR_H
#define OBI_FLOW_CIDR_H

#include "flow/options.h"

/* Name of the narrowest prefix that holds the address (16 bytes, as in obi/record.h), its text
 * where it has no name; "" where none does. Borrowed from the list. */
const char *obi_cidr_find(const struct obi_cidr_list *cidrs, const uint8_t address[16]);

#endif
