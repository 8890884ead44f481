/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's processes: pid to service. Bounded. A process that is gone stays for a grace period,
 * since its last spans are still under way; where the table is full, those that are gone make room
 * first, and a process that still finds none is counted.
 */
#ifndef OBI_SERVICE_TABLE_H
#define OBI_SERVICE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "service/service.h"

struct obi_services;

/* max: processes, 1 to 65536. grace_ns: how long one that is gone is still found. NULL when out of
 * memory. Untouched room costs no memory; a process costs less than 1 KiB. */
struct obi_services *obi_services_new(size_t max, uint64_t grace_ns);
void obi_services_free(struct obi_services *services);

/* Copies service in, in the place of what was there under its pid. 0, or -ENOSPC. */
int obi_services_put(struct obi_services *services, const struct obi_service *service);

/* Borrowed until the next put or tick; NULL where it is unknown. */
const struct obi_service *obi_services_find(const struct obi_services *services, uint32_t pid);

/* The same, but for those that are gone. */
const struct obi_service *obi_services_alive(const struct obi_services *services, uint32_t pid);

/* The process has ended, at now_ns (any clock that goes on steadily). */
void obi_services_gone(struct obi_services *services, uint32_t pid, uint64_t now_ns);

/* Forgets those whose grace has ended. */
void obi_services_tick(struct obi_services *services, uint64_t now_ns);

size_t obi_services_count(const struct obi_services *services); /* also those in their grace */
uint64_t obi_services_refused(const struct obi_services *services);

#endif
