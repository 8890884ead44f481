/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_WORKER_PROCESS_H
#define OBI_WORKER_PROCESS_H

#include "inspect/language.h"
#include "service/name.h"
#include "service/table.h"
#include "wire/wire.h"

/* For who asks why. */
struct obi_worker_reasons {
	struct obi_language_sign *sign; /* what told the language */
	/* What the name was found from, while it is there, and which of it won. */
	void (*take)(void *context, const struct obi_identity *identity,
		     enum obi_name_source source);
	void *context;
};

/* host: the host part of instance ids. Looks at a process through the descriptors that came with
 * its announcement, which stay the caller's. reasons may be NULL. */
void obi_worker_identify(const char *host, const struct obi_wire_process *message, const int *fds,
			 int fd_count, struct obi_service *ret_service,
			 const struct obi_worker_reasons *reasons);

/* The same, and puts what it is into the table. NULL where the table is full. */
const struct obi_service *obi_worker_inspect(const char *host, struct obi_services *services,
					     const struct obi_wire_process *message, const int *fds,
					     int fd_count);

/* Which of the descriptors is of that kind, OBI_WIRE_HAS_*, or -1: they come in the order of the
 * flags' bits. */
int obi_worker_descriptor(const struct obi_wire_process *message, int fd_count, uint32_t flag);

/* The language of a candidate. */
void obi_worker_language(const struct obi_wire_process *message, const int *fds, int fd_count,
			 struct obi_wire_language *ret_language);

#endif
