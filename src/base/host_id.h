/* SPDX-License-Identifier: Apache-2.0 */
/* host.id (https://opentelemetry.io/docs/specs/semconv/resource/host/). */
#ifndef OBI_BASE_HOST_ID_H
#define OBI_BASE_HOST_ID_H

#include <stddef.h>

/* What is given (the configuration's, "" or NULL: nothing), else the machine id, from files; ret_id
 * is "" where neither says anything. */
void host_id(const char *given, char *ret_id, size_t size);

/* Reads the first of the files that has one, machine-id(5): 32 digits. ret_id is "" where none
 * has. */
void host_id_read(const char *const *paths, size_t count, char *ret_id, size_t size);

#endif
