/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The families of each service, bounded in number (`otel_metrics_export.reporters_cache_len`). A
 * service is known by name, namespace and instance.
 */
#ifndef OBI_EXPORT_REPORTERS_H
#define OBI_EXPORT_REPORTERS_H

#include "metrics/families/families.h"
#include "otlp/resource.h"

struct reporter;
struct reporters;

/* max is at least 1. options and resource must outlive the result. 0, or -ENOMEM. */
int reporters_new(const struct family_options *options, const struct otlp_resource *resource,
		  size_t max, struct reporters **ret_reporters);
void reporters_free(struct reporters *reporters);

/* That of the service, which is then the last used one; NULL where there is none. */
struct reporter *reporters_find(struct reporters *reporters, const struct obi_service *service,
				uint64_t now_ns);

/* Makes one for a service that has none; NULL when there are too many, or memory is short. */
struct reporter *reporters_make(struct reporters *reporters, const struct obi_service *service,
				uint64_t now_ns);

/* The one that was silent longest, where there is no room for another: evict it to make some. */
struct reporter *reporters_to_evict(const struct reporters *reporters);
void reporters_evict(struct reporters *reporters, struct reporter *reporter);

/* Its process lives: it stays however silent it is. */
void reporter_set_alive(struct reporter *reporter, bool alive);

/* Drops those that are not alive and were silent for ttl. */
void reporters_expire(struct reporters *reporters, uint64_t ttl_ns, uint64_t now_ns);

/* For going through them, each once: NULL past the last. In between others may be made, which then
 * have their turn too, and any may be evicted, also the one that was given last. */
void reporters_rewind(struct reporters *reporters);
struct reporter *reporters_next(struct reporters *reporters);

struct families *reporter_families(const struct reporter *reporter);

/* The content of its Resource. */
const struct buffer *reporter_resource(const struct reporter *reporter);

#endif
