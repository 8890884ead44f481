/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trials: does this kernel, as it runs, really ask for a capability, and does having it really
 * help? Each trial makes the system call that the capability is needed for. They run in a child
 * process of their own, so that capabilities can be taken away; nothing stays behind.
 */
#ifndef OBI_CAPS_TRIAL_H
#define OBI_CAPS_TRIAL_H

#include <stdint.h>

enum obi_trial {
	OBI_TRIAL_NONE,          /* cannot be tried */
	OBI_TRIAL_MAP,           /* create a BPF map */
	OBI_TRIAL_MEMLOCK,       /* raise the limit of locked memory */
	OBI_TRIAL_PACKET_SOCKET, /* open a packet socket */
	OBI_TRIAL_SCHED_CLS,     /* load a tc program */
	OBI_TRIAL_PACKET_ACCESS, /* load a tc program that reads packets directly */
	OBI_TRIAL_SK_MSG,        /* load a program on socket messages, create a socket map */
	OBI_TRIAL_TRACING,       /* load a tracing program */
	OBI_TRIAL_OTHERS_EXE,    /* follow /proc/PID/exe of another user's process */
	OBI_TRIAL_OTHERS_FILES,  /* open /proc/PID/environ of another user's process */
	OBI_TRIAL_MAP_FILES,     /* follow a link of /proc/PID/map_files */
	OBI_TRIALS,
};

/* What a trial does, in words. */
const char *obi_trial_name(enum obi_trial trial);

/* Makes the trial in a child that holds, of its present capabilities, only those in mask. 0 where
 * it works; the negative errno of the refused call; -ENOENT where there was nothing to try it on.
 * Another user's process is needed for two of them. */
int obi_trial_run(enum obi_trial trial, uint64_t mask);

/* Is bpf(2) refused altogether, by a seccomp filter say, so that no capability helps? effective:
 * capabilities held. 0 where it answers, else the negative errno. */
int obi_trial_bpf(uint64_t effective);

#endif
