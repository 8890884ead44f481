/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings of processes whose calls cannot be read. The kernel side tells once a process and
 * reason; here those of one name are folded, and no more than a few lines come out in a minute,
 * whatever processes do.
 */
#ifndef OBI_BROKER_UNREAD_H
#define OBI_BROKER_UNREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "obi/process.h"

#define OBI_UNREAD_LINES 8 /* a minute */

/* All zero at first. */
struct obi_unread_log {
	struct obi_unread_line {
		char command[16];
		uint32_t unread;
		uint64_t said_ns; /* 0: none */
	} lines[OBI_UNREAD_LINES];
	uint32_t folded; /* events since the last line that made none */
};

/* Is a line due for this event, of type UNREAD? If so *ret_folded events before it had none. */
bool obi_unread_due(struct obi_unread_log *log, const struct obi_process_event *event,
		    uint64_t now_ns, uint32_t *ret_folded);

/* Writes it, if it is due. */
void obi_unread_warn(struct obi_unread_log *log, const struct obi_process_event *event);

#endif
