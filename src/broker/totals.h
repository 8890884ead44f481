/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BROKER_TOTALS_H
#define OBI_BROKER_TOTALS_H

#include <stdbool.h>

#include "wire/wire.h"

/* The accounts of a run, one log line each for what ran: seen = counted + dropped, by reason. */
void obi_totals_log(const struct obi_wire_counters *counters, bool application, bool network);

#endif
