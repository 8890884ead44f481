/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files with probes in them: libraries, and executables that have one linked in. Each inode is
 * looked at once, however many processes map it; its probes stay as long as a selected process
 * does, and a while longer, since programs that live short come again.
 *
 * A file goes this way: somebody names a mapping; the looker opens it; the worker reads it, and
 * says where probes belong; they are attached.
 */
#ifndef OBI_BROKER_PROBED_H
#define OBI_BROKER_PROBED_H

#include "discover/look.h"
#include "broker/tls.h"

#define OBI_PROBED_FILES_MAX 4096

struct obi_probed;

struct obi_probed_actions {
	int (*look)(void *context, const struct look_request *request);
	/* Is a file of that name to have no probes? */
	bool (*leaves_alone)(void *context, const char *path);
	/* Hands a file to the worker. */
	int (*inspect)(void *context, const struct obi_wire_file *file, int fd);
	int (*attach)(void *context, int fd, const struct obi_wire_probe *probe,
		      struct obi_tls_links *ret_links);
	void *context;
};

struct obi_probed_counters {
	uint64_t files;   /* that have probes now */
	uint64_t refused; /* to which none could be attached, in all */
	uint64_t missed;  /* mappings that could not be looked at, in all */
};

/* NULL when out of memory. */
struct obi_probed *obi_probed_new(const struct obi_probed_actions *actions);
/* Detaches all, and takes no more. */
void obi_probed_detach(struct obi_probed *probed);
void obi_probed_free(struct obi_probed *probed);

/* A selected process maps a file. */
void obi_probed_mapped(struct obi_probed *probed, const struct obi_wire_mapping *mapping);

/* What the looker says to LOOK_MAPPED. Takes the descriptors. */
void obi_probed_answer(struct obi_probed *probed, const struct look_request *request,
		       const struct look_answer *answer, int *fds, int fd_count);

/* What the worker says. false: it was not asked. */
bool obi_probed_probe(struct obi_probed *probed, const struct obi_wire_probe *probe);

/* A child maps what its parent does. */
void obi_probed_forked(struct obi_probed *probed, uint32_t parent, uint32_t child);

/* The process is gone, or another program. */
void obi_probed_gone(struct obi_probed *probed, uint32_t pid);

/* A new worker does not know of what the dead one was asked. */
void obi_probed_repeat(struct obi_probed *probed);

/* What waited is asked for; what nobody has mapped for long is let go. */
void obi_probed_tick(struct obi_probed *probed, uint64_t now_ns);

/* Monotonic time of the next tick that has something to do, 0 = none. */
uint64_t obi_probed_next(const struct obi_probed *probed);

void obi_probed_counters(const struct obi_probed *probed, struct obi_probed_counters *ret_counters);

#endif
