/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capability check at start, and giving up what is not needed any more. A set of capabilities
 * is a mask: bit n is capability number n of linux/capability.h.
 */
#ifndef OBI_CAPS_CHECK_H
#define OBI_CAPS_CHECK_H

#include "base/buffer.h"
#include "caps/tracers.h"

#define OBI_CAP(number) (UINT64_C(1) << (number))

/* A broker that runs as root needs these to start a worker that is another user again, and to end
 * it. They are no part of any tracer's set. */
#define OBI_CAPS_OF_ROOT_BROKER                                                                    \
	(OBI_CAP(5) /* KILL */ | OBI_CAP(6) /* SETGID */ | OBI_CAP(7) /* SETUID */ |               \
	 OBI_CAP(8) /* SETPCAP */)

/* Message of the warning; the error body goes into its `error` field. */
#define OBI_CAPS_WARNING "Required system capabilities not present, OBI may malfunction"

/* The effective set of the calling thread. 0 or a negative errno. */
int obi_caps_effective(uint64_t *ret_mask);

/* What it may make effective. 0 or a negative errno. */
int obi_caps_held(uint64_t *ret_mask);

/*
 * A file that carries capabilities is run by users who have none: what it opens for them they must
 * be able to open themselves. So the effective set is empty whenever something is opened that the
 * user names, and is raised only for what takes capabilities. Root's files are root's: nothing is
 * lowered there. 0 or a negative errno.
 */
int obi_caps_lower(void);
int obi_caps_raise(void);

/* All that this configuration needs on this kernel. Below 5.8 that is CAP_SYS_ADMIN alone. */
uint64_t obi_caps_required(const struct obi_settings *settings, const struct obi_host *host);

/* What every mode together would need. */
uint64_t obi_caps_of_all(const struct obi_settings *settings, const struct obi_host *host);

/* What is required and not in effective; CAP_SYS_ADMIN stands for all others. */
uint64_t obi_caps_missing(const struct obi_settings *settings, const struct obi_host *host,
			  uint64_t effective);

/* What the broker still needs after everything is attached. */
uint64_t obi_caps_keep(const struct obi_settings *settings, const struct obi_host *host);

/* What who looks at processes needs. Nothing on kernels where CAP_SYS_ADMIN is the only question.
 */
uint64_t obi_caps_look(const struct obi_settings *settings, const struct obi_host *host);

/* Makes mask, as far as it is permitted, the effective and the permitted set, and empties the
 * inheritable and the ambient one. 0 or a negative errno. */
int obi_caps_set(uint64_t mask);

/* Gives up every capability that is not in keep: as obi_caps_set(). CAP_SYS_ADMIN stays where it
 * stands for one that keep asks for and that is not held. 0 or a negative errno. */
int obi_caps_limit(uint64_t keep);

/* Names in the order of their numbers, joined with ", ": "CAP_NET_RAW, CAP_BPF". */
void obi_caps_print(struct buffer *buf, uint64_t mask);

/* "the following capabilities are required: CAP_NET_RAW, CAP_BPF" */
void obi_caps_print_error(struct buffer *buf, uint64_t missing);

/* "CAP_BPF"; "UNKNOWN" for a number without a name. */
const char *obi_cap_name(int number);

#endif
