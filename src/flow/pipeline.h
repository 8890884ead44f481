/* SPDX-License-Identifier: Apache-2.0 */
/* From what the kernel counted to what is exported: texts, names, CIDRs, interface names. */
#ifndef OBI_FLOW_PIPELINE_H
#define OBI_FLOW_PIPELINE_H

#include "flow/flow.h"

struct obi_network_options;
struct obi_flow_pipeline;

/* agent_ip is copied; options live as long as the result. NULL when out of memory. */
struct obi_flow_pipeline *obi_flow_pipeline_new(const struct obi_network_options *options,
						const char *agent_ip, struct obi_flow_sink sink);
void obi_flow_pipeline_free(struct obi_flow_pipeline *pipeline);

/* An interface got this name; "" = it is gone. */
void obi_flow_pipeline_iface(struct obi_flow_pipeline *pipeline, uint32_t ifindex,
			     const char *name);

void obi_flow_pipeline_put(struct obi_flow_pipeline *pipeline, const struct obi_flow *flow);

#endif
