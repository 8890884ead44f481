/* SPDX-License-Identifier: Apache-2.0 */
/* Room for a while in which much memory is needed and freed again. */
#ifndef OBI_BASE_HEAP_H
#define OBI_BASE_HEAP_H

#include <stddef.h>

/* Makes malloc keep, and serve even large blocks from, size bytes in huge pages where the kernel
 * has them for the asking: a page fault costs microseconds on a virtual machine, and ten megabytes
 * in small pages 2,500 of them. Best effort. Before the first thread. */
void heap_prepare(size_t size);

/* Gives large blocks back as they are freed, which takes longer: where memory is scarce. */
void heap_spare(void);

/* Back to normal; what is free goes back to the system. */
void heap_release(void);

#endif
