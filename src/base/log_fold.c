// SPDX-License-Identifier: Apache-2.0
#include "base/log_fold.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"

#define LAST (LOG_FOLD_MESSAGES - 1)

/* Nothing is lost with it: its allowance is whole again, and nothing waits to be told. */
static bool is_free(const struct log_fold_entry *entry, uint64_t now_ns)
{
	return !entry->hash ||
	       (!entry->folded &&
		now_ns >= entry->until_ns + LOG_FOLD_BURST / LOG_FOLD_SHARE * LOG_FOLD_PERIOD_NS);
}

static void begin(struct log_fold_entry *entry, uint64_t hash, enum log_level level,
		  const char *msg)
{
	*entry = (struct log_fold_entry){
		.hash = hash,
		.level = level,
		.allowed = LOG_FOLD_BURST,
	};
	(void)snprintf(entry->text, sizeof(entry->text), "%s", msg);
}

static struct log_fold_entry *find(struct log_fold *fold, enum log_level level, const char *msg,
				   uint64_t now_ns)
{
	uint64_t hash = hash_bytes(msg, strlen(msg), (uint64_t)level + 1);
	struct log_fold_entry *place = NULL, *last = &fold->entries[LAST];

	hash += !hash;
	for (size_t i = 0; i < LAST; i++) {
		struct log_fold_entry *entry = &fold->entries[i];

		if (entry->hash == hash && entry->level == level)
			return entry;
		if (!place && is_free(entry, now_ns))
			place = entry;
	}
	if (place)
		begin(place, hash, level, msg);
	else if (is_free(last, now_ns))
		begin(last, 1, level, "other messages");
	return place ? place : last;
}

/* Of each period that began since. */
static void give_back(struct log_fold_entry *entry, uint64_t now_ns)
{
	uint64_t periods = (now_ns - entry->until_ns) / LOG_FOLD_PERIOD_NS + 1;
	uint64_t allowed = entry->allowed + periods * LOG_FOLD_SHARE;

	if (entry->until_ns)
		entry->allowed = allowed < LOG_FOLD_BURST ? (uint32_t)allowed : LOG_FOLD_BURST;
	entry->until_ns = now_ns + LOG_FOLD_PERIOD_NS;
}

bool log_fold_take(struct log_fold *fold, enum log_level level, const char *msg, uint64_t now_ns)
{
	struct log_fold_entry *entry = find(fold, level, msg, now_ns);

	if (now_ns >= entry->until_ns && !entry->folded)
		give_back(entry, now_ns);
	if (entry->allowed && !entry->folded) {
		entry->allowed--;
		return true;
	}
	entry->folded++;
	return false;
}

struct log_fold_entry *log_fold_due(struct log_fold *fold, uint64_t now_ns)
{
	for (size_t i = 0; i < ARRAY_SIZE(fold->entries); i++)
		if (fold->entries[i].folded && now_ns >= fold->entries[i].until_ns)
			return &fold->entries[i];
	return NULL;
}

void log_fold_told(struct log_fold_entry *entry)
{
	entry->folded = 0;
}

uint64_t log_fold_next(const struct log_fold *fold)
{
	uint64_t next = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fold->entries); i++) {
		const struct log_fold_entry *entry = &fold->entries[i];

		if (entry->folded && (!next || entry->until_ns < next))
			next = entry->until_ns;
	}
	return next;
}
