/* SPDX-License-Identifier: Apache-2.0 */
/* The application tracer's programs and maps: loaded, attached, read. */
#ifndef OBI_BROKER_APP_H
#define OBI_BROKER_APP_H

#include <stdint.h>

#include "obi/process.h"
#include "obi/record.h"
#include "settings/settings.h"
#include "wire/wire.h"

struct bpf_object;
struct obi_app;

/* Loads and attaches by the best plane that this kernel offers. pid_namespace: whose numbers
 * processes have, in and out, as of struct obi_pid_namespace. On failure a negative errno, and in
 * why what was refused. */
int obi_app_open(const struct obi_settings *settings, uint32_t pid_namespace,
		 struct obi_app **ret_app, char *why, size_t why_size);

/* Before closing, where closing would take away bytes that an application has not read yet (a
 * verdict program is in use): sockets begin to leave, each with its next acknowledgement at which
 * nothing waits. true: give them a moment. */
bool obi_app_release(struct obi_app *app);

/* Detaches: from here on there are no new records. */
void obi_app_stop(struct obi_app *app);

/* Detaches, and unloads. */
void obi_app_close(struct obi_app *app);

/* For the log: the plane in use, and how headers are injected ("" = not at all, with the reason).
 */
const char *obi_app_plane(const struct obi_app *app);
const char *obi_app_injection(const struct obi_app *app, const char **ret_why_not);

/* Are sockets joined with the sessions of TLS libraries? */
bool obi_app_joins_sessions(const struct obi_app *app);

/* Descriptors for the worker, still the tracer's own. */
int obi_app_ring_fd(const struct obi_app *app);
size_t obi_app_ring_size(const struct obi_app *app);
int obi_app_board_fd(const struct obi_app *app);
int obi_app_orders_fd(const struct obi_app *app);
int obi_app_sleep_fd(const struct obi_app *app); /* OBI_START_SLEEP */

/* Poll for reading, then obi_app_process_events(). */
int obi_app_events_fd(const struct obi_app *app);
void obi_app_process_events(struct obi_app *app,
			    void (*take)(void *context, const struct obi_process_event *event),
			    void *context);

/* So many found no room, in all. */
uint64_t obi_app_events_lost(const struct obi_app *app);

/* flags: OBI_PROCESS_*, 0 removes the process. 0 or a negative errno (-E2BIG: table full). */
int obi_app_set_process(struct obi_app *app, uint32_t pid, uint32_t flags);

/* All that it loaded. */
struct bpf_object *obi_app_object(const struct obi_app *app);

/* What could not be attached is added to errors (enum obi_attach_error). */
void obi_app_attach_errors(const struct obi_app *app, uint64_t errors[OBI_ATTACH_ERRORS]);

void obi_app_counters(const struct obi_app *app, uint64_t ret_counters[OBI_APP_COUNTERS]);

#endif
