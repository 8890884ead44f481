/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of system calls, seccomp(2), that a sandbox ends with. */
#ifndef OBI_SANDBOX_SECCOMP_H
#define OBI_SANDBOX_SECCOMP_H

#include <stddef.h>

/* Loads a filter: these calls, memory that is not executed, signals to this process alone, what
 * descriptors need of fcntl(2) and ioctl(2), what extra() adds (NULL: nothing); an intruder's calls
 * end the process, all others fail with EPERM. 0 or a negative errno. */
int obi_seccomp_load(const int *allowed, size_t count, int (*extra)(void *filter));

#endif
