/* SPDX-License-Identifier: Apache-2.0 */
/* One trial a rung: 0 where the kernel, as it runs and with our capabilities, does it; else a
 * negative errno. Nothing of a trial stays behind. */
#ifndef OBI_FEATURE_TRIAL_H
#define OBI_FEATURE_TRIAL_H

int obi_trial_fentry(void);
int obi_trial_tracepoint(void);
int obi_trial_kprobe(void);

/* Also proves on a loopback pair of its own that FIONREAD tells the truth about a socket in the
 * map: -EBADE where it does not. */
int obi_trial_sk_msg(void);
int obi_trial_sk_msg_verdict(void);

/* Silences libbpf unless OBI runs at log level DEBUG: a refused trial is not an error. */
void obi_trial_quiet(void);

#endif
