/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc, as the broker reads it: text that the kernel made, in bounded buffers. Contents of files
 * and of memory are not looked at here; descriptors of them are opened to be passed on.
 *
 * A process that is gone, or vanishes while it is read, is -ESRCH everywhere.
 */
#ifndef OBI_DISCOVER_PROCFS_H
#define OBI_DISCOVER_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define OBI_PATH_MAX 4096
#define OBI_PORTS_MAX 64

/* TCP ports that a process listens on, each once: not all of them, but those of one look, or those
 * that decide (obi_select_add_port()). */
struct obi_ports {
	uint16_t count;
	uint16_t items[OBI_PORTS_MAX]; /* host order */
};

/* Unless it is there already, or there are too many. */
void obi_ports_add(struct obi_ports *ports, uint16_t port);

struct obi_procfs_stat {
	uint32_t parent;
	uint64_t start_ns; /* since boot, in steps of a clock tick (10 ms) */
	char comm[64];     /* name of its first thread */
	bool exiting;      /* zombie: its files are closed */
};

/* Calls take with each process id, ascending, from *cursor on (0: all). Ends early where take
 * returns nonzero, returns that and sets *cursor to go on behind; else 0 with *cursor 0, or a
 * negative errno. */
int obi_procfs_each(uint32_t *cursor, int (*take)(void *context, uint32_t pid), void *context);

/* Full path of the executable, without the " (deleted)" of a file that is no longer there.
 * -ENOENT: there is none (a kernel thread, or ending); -EACCES; -ENAMETOOLONG. */
int obi_procfs_exe(uint32_t pid, char *ret_path, size_t size);

/* Command line after its first blank, arguments joined by blanks; "" where there are none. Cut
 * where it is too long. */
int obi_procfs_args(uint32_t pid, char *ret_args, size_t size);

int obi_procfs_stat(uint32_t pid, struct obi_procfs_stat *ret_stat);

/* Those that its first thread has forked, as far as there is room. Their count; -ENOENT where the
 * kernel was built without that list. */
int obi_procfs_children(uint32_t pid, uint32_t *ret_pids, size_t room);

/* Whose it is: the effective user, or root where it may not be traced. */
int obi_procfs_owner(uint32_t pid, uint32_t *ret_uid);

/* Inode of the network namespace: as in listen events. */
int obi_procfs_netns(uint32_t pid, uint64_t *ret_inode);

/* Descriptor of one file of the process, for reading: "environ", "maps" or "exe". -EACCES, -EPERM,
 * -ENOENT as the kernel says. */
int obi_procfs_open(uint32_t pid, const char *file);

/* The number by which /proc shows this process; 0 where it does not. */
uint32_t obi_procfs_self(void);

/* Resident bytes of a process; 0 where it is gone. */
uint64_t obi_procfs_memory(uint32_t pid);

/* ---- Listening ports ----
 *
 * The listening sockets of a network namespace are read once and kept, so that one pass over all
 * processes reads each namespace's tables once. A process that was not there when the tables were
 * read needs a new obi_listeners.
 */

struct obi_listeners;

/* NULL when out of memory. */
struct obi_listeners *obi_listeners_new(void);
void obi_listeners_free(struct obi_listeners *listeners);

/* Looks at up to limit descriptors, and not beyond OBI_PORTS_MAX ports, from number *from on, which
 * becomes the number to go on from, 0 = there are no more. 0 (also where it listens on nothing),
 * -EACCES, -ESRCH, -ENOMEM. */
int obi_listeners_ports(struct obi_listeners *listeners, uint32_t pid, uint32_t *from, size_t limit,
			struct obi_ports *ret_ports);

/* 1 where a descriptor of it is of what begins so, as readlink(2) says, or it has more than so
 * many; 0, or a negative errno. */
int obi_procfs_holds(uint32_t pid, struct slice kind, size_t among);

/* false: no descriptor of it is a socket, and it has no more than so many. What the answer saves is
 * reading the tables: that takes the kernel a millisecond, however few sockets there are. */
bool obi_procfs_may_hold_sockets(uint32_t pid, size_t among);

#endif
