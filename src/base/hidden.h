/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that no core file has: configuration and environment hold credentials. */
#ifndef OBI_BASE_HIDDEN_H
#define OBI_BASE_HIDDEN_H

#include <stddef.h>

/* Zeroed; its size is rounded up to whole pages in *size. NULL where there is none. */
void *hidden_alloc(size_t *size);
void hidden_free(void *memory, size_t size);

/* Moves the environment's variables there, and keeps this process from being dumped or traced by
 * others of its user. Before the first thread. */
void hide_environment(void);

/* While credentials pass through the heap: what is freed is overwritten. */
void hidden_begin(void);
void hidden_end(void);

#endif
