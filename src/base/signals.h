/* SPDX-License-Identifier: Apache-2.0 */
/* What signals do to a process of the agent. */
#ifndef OBI_BASE_SIGNALS_H
#define OBI_BASE_SIGNALS_H

/* Those that are nobody's business are ignored, as Go's runtime does
 * (runtime/sigtab_linux_generic.go): log tools, supervisors and timers that were set before exec
 * send them, and a pipe that nobody reads. Ignoring outlives fork and exec. Also undoes what
 * whoever started us did to SIGCHLD. Left alone: what ends (SIGHUP, SIGINT, SIGTERM, SIGQUIT),
 * stops and continues, and faults. */
void signals_ignore_strange(void);

/* Of a child, which ends when its parent wants it to: also what a terminal or a service manager
 * sends to all. */
void signals_ignore_all(void);

#endif
