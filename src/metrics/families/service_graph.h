/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service graph: who calls whom. A server's span counts the call; a client's only where nobody
 * here observes the server, whose name is known. A call within one address is one of a service to
 * itself, and left out unless asked for.
 */
#ifndef OBI_METRICS_FAMILIES_SERVICE_GRAPH_H
#define OBI_METRICS_FAMILIES_SERVICE_GRAPH_H

#include "metrics/families/family.h"
#include "span/span.h"

struct service_graph;

extern const struct attribute_group service_graph_attributes;

/* Adds its tables to the registry; options and registry must outlive the result. 0, or -ENOMEM. */
int service_graph_new(const struct family_options *options, struct metrics *metrics,
		      struct service_graph **ret_graph);
void service_graph_free(struct service_graph *graph);

void service_graph_put(struct service_graph *graph, const struct obi_span *span, uint64_t now_ns);

#endif
