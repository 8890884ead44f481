/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of pairs as OpenTelemetry's variables have them: key=value,key=value. */
#ifndef OBI_BASE_PAIRS_H
#define OBI_BASE_PAIRS_H

#include "base/slice.h"

/* Takes the next pair off the list; blanks around either part do not count, and what lacks a key or
 * a value is skipped. False at the end. */
bool pairs_next(struct slice *list, struct slice *ret_key, struct slice *ret_value);

#endif
