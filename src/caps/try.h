/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials: does this kernel, as it runs, really ask for a capability, and does having it really
 * help? Each makes the system call that the capability is needed for, in a child process of its
 * own, so that capabilities can be taken away; nothing stays behind.
 */
#ifndef OBI_CAPS_TRY_H
#define OBI_CAPS_TRY_H

#include <stdint.h>

enum obi_try {
	OBI_TRY_NONE,          /* cannot be tried */
	OBI_TRY_MAP,           /* create a BPF map */
	OBI_TRY_MEMLOCK,       /* raise the limit of locked memory */
	OBI_TRY_PACKET_SOCKET, /* open a packet socket */
	OBI_TRY_SCHED_CLS,     /* load a tc program */
	OBI_TRY_TC_TRACER,     /* load the tc tracer itself: not here, by the verb */
	OBI_TRY_SK_MSG,        /* create a socket map, load a program on socket messages */
	OBI_TRY_TRACING,       /* load a tracing program */
	OBI_TRY_OTHERS_EXE,    /* follow /proc/PID/exe of another user's process */
	OBI_TRY_OTHERS_FILES,  /* open /proc/PID/environ of another user's process */
	OBI_TRY_MAP_FILES,     /* follow a link of /proc/PID/map_files */
	OBI_TRY_UPROBE,        /* open the perf event of a probe in user space */
	OBI_TRY_RUN_TIMES,     /* have the run times of BPF programs measured */
	OBI_TRIES,
};

/* What is tried, in words. */
const char *obi_try_name(enum obi_try what);

/* Tries it in a child that holds, of our present capabilities, only those in mask. 0 where it
 * works; the negative errno of the refused call; -ENODATA where there was nothing to try it on (two
 * of them need a process of another user). */
int obi_try_run(enum obi_try what, uint64_t mask);

/* Makes a call in a child that holds, of our present capabilities, only those in mask. What it
 * returns, 0 or a negative errno. */
int obi_try_in_child(uint64_t mask, int (*call)(void *context), void *context);

/* Is bpf(2) refused altogether, by a seccomp filter say, so that no capability of ours helps?
 * unprivileged_disabled: the sysctl, as of obi_host. 0 where it answers or where that cannot be
 * told, else the negative errno. */
int obi_try_bpf(uint64_t effective, int unprivileged_disabled);

#endif
