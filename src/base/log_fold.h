/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the log: which lines are left out, so that a log is bounded whatever happens how often.
 * Lines are alike where they say the same, whatever their fields: each message has an allowance,
 * enough for what a host has at once (the processes that are there when the agent starts), and
 * afterwards little. What is beyond it is counted, and told of as one line when its period ends.
 */
#ifndef OBI_BASE_LOG_FOLD_H
#define OBI_BASE_LOG_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"

#define LOG_FOLD_PERIOD_NS (10 * NSEC_PER_SEC)
#define LOG_FOLD_BURST 100 /* lines of one message, at most, in one period */
#define LOG_FOLD_SHARE 20  /* of these that each period gives back */

/* Messages of a process in one period: there are fewer in the whole source. Further ones share the
 * last place. */
#define LOG_FOLD_MESSAGES 64
#define LOG_FOLD_TEXT 160 /* bytes of a message that are shown */

struct log_fold_entry {
	uint64_t hash;     /* of the whole text and the level; 0: free */
	uint64_t until_ns; /* when its period ends */
	uint64_t folded;   /* lines that were left out, and that nobody was told of yet */
	uint32_t allowed;
	enum log_level level;
	char text[LOG_FOLD_TEXT]; /* cut where it is longer */
};

/* All zero: nothing was said yet. */
struct log_fold {
	struct log_fold_entry entries[LOG_FOLD_MESSAGES];
};

/* May it be written? Else it is counted. Times are monotonic. */
bool log_fold_take(struct log_fold *fold, enum log_level level, const char *msg, uint64_t now_ns);

/* One of which lines were left out in a period that has ended by now_ns (UINT64_MAX: any), or NULL.
 * Until log_fold_told() it goes on counting. */
struct log_fold_entry *log_fold_due(struct log_fold *fold, uint64_t now_ns);
void log_fold_told(struct log_fold_entry *entry);

/* When the next one is due, 0 = none. */
uint64_t log_fold_next(const struct log_fold *fold);

#endif
