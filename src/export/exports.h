/* SPDX-License-Identifier: Apache-2.0 */
/* All exporters that a configuration asks for, as one. */
#ifndef OBI_EXPORT_EXPORTS_H
#define OBI_EXPORT_EXPORTS_H

#include "export/exporter.h"

struct obi_exports;

/* Opens every wanted exporter. One that fails is told to failed() and left out. NULL when out of
 * memory. */
struct obi_exports *
obi_exports_open(const struct obi_settings *settings,
		 void (*failed)(void *context, const char *name, const char *why), void *context);

/* Everything taken is out when it returns. */
void obi_exports_close(struct obi_exports *exports);

/* Valid until close. */
struct obi_span_sink obi_exports_span_sink(struct obi_exports *exports);
struct obi_flow_sink obi_exports_flow_sink(struct obi_exports *exports);

void obi_exports_service(struct obi_exports *exports, const struct obi_service *service,
			 bool alive);

void obi_exports_program(struct obi_exports *exports, const struct obi_bpf_program *program);
void obi_exports_map(struct obi_exports *exports, const struct obi_bpf_map *map);

/* Hands each descriptor to poll to watch(); its first error is returned. */
int obi_exports_watch(struct obi_exports *exports, int (*watch)(void *context, int fd),
		      void *context);

/* One of them is readable. */
void obi_exports_ready(struct obi_exports *exports, int fd);

void obi_exports_tick(struct obi_exports *exports, uint64_t now_ns);

/* When it has to be called next, though nothing happens meanwhile. 0: soon, UINT64_MAX: never. */
uint64_t obi_exports_due(const struct obi_exports *exports);

/* Spans that some exporter took and has not put out yet; the most of any. */
uint64_t obi_exports_held(const struct obi_exports *exports);

#endif
