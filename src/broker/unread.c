// SPDX-License-Identifier: Apache-2.0
#include "broker/unread.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define LINE_AGAIN_NS (60 * NSEC_PER_SEC)

/* What it does, and what would help. */
static const struct {
	const char *call;
	const char *remedy;
} reasons[] = {
	[OBI_UNREAD_COMPAT] = { "a 32-bit program's", "a 64-bit build of it" },
	[OBI_UNREAD_URING] = { "io_uring", "Linux 6.10, or one with fentry, and buffers that are "
					   "not registered" },
	[OBI_UNREAD_SEVERAL] = { "sendmmsg or recvmmsg, with several messages",
				 "a kernel with fentry" },
	[OBI_UNREAD_OTHER] = { "another system call", "a kernel with fentry" },
};

_Static_assert(ARRAY_SIZE(reasons) == OBI_UNREADS, "words for each reason");

static bool is_same(const struct obi_unread_line *line, const struct obi_process_event *event)
{
	return line->unread == event->unread &&
	       !memcmp(line->command, event->command, sizeof(line->command));
}

static bool rests(const struct obi_unread_line *line, uint64_t now_ns)
{
	return line->said_ns && now_ns - line->said_ns < LINE_AGAIN_NS;
}

/* A line's place for the event, or NULL: it was said, or as much as may be. */
static struct obi_unread_line *place_of(struct obi_unread_log *log,
					const struct obi_process_event *event, uint64_t now_ns)
{
	struct obi_unread_line *place = NULL;

	for (size_t i = 0; i < OBI_UNREAD_LINES; i++) {
		struct obi_unread_line *line = &log->lines[i];

		if (!rests(line, now_ns))
			place = line;
		else if (is_same(line, event))
			return NULL;
	}
	return place;
}

bool obi_unread_due(struct obi_unread_log *log, const struct obi_process_event *event,
		    uint64_t now_ns, uint32_t *ret_folded)
{
	struct obi_unread_line *place = place_of(log, event, now_ns);

	if (!place) {
		log->folded++;
		return false;
	}
	memcpy(place->command, event->command, sizeof(place->command));
	place->unread = event->unread;
	place->said_ns = now_ns;
	*ret_folded = log->folded;
	log->folded = 0;
	return true;
}

void obi_unread_warn(struct obi_unread_log *log, const struct obi_process_event *event)
{
	struct slice command =
		slice_of(event->command, strnlen(event->command, sizeof(event->command)));
	uint32_t folded;

	if (event->unread >= OBI_UNREADS || !reasons[event->unread].call ||
	    !obi_unread_due(log, event, clock_monotonic_ns(), &folded))
		return;
	log_warn("a process moves bytes by calls that cannot be read here: of its requests those "
		 "are "
		 "not seen",
		 F("pid", log_int(event->pid)), F("command", log_slice(command)),
		 F("call", log_str(reasons[event->unread].call)),
		 F("wouldHelp", log_str(reasons[event->unread].remedy)),
		 F("alikeBefore", log_int(folded)));
}
