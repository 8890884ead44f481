/* SPDX-License-Identifier: Apache-2.0 */
/* The network tracer: loaded, attached to interfaces, drained. */
#ifndef OBI_BROKER_NET_H
#define OBI_BROKER_NET_H

#include <stdint.h>

#include "obi/flow.h"
#include "broker/iface_watch.h"
#include "settings/settings.h"

struct bpf_object;
struct obi_net;

/* Loads the programs; attaches the socket filter, or waits for interfaces (tc). */
int obi_net_open(const struct obi_settings *settings, struct obi_net **ret_net, char *why,
		 size_t why_size);
void obi_net_close(struct obi_net *net);

/* An interface is there or gone. Attaches tc programs where the configuration wants it, and warns
 * where an XDP program is before them. 1 where it is observed, 0 where not, or a negative errno
 * with the reason in why. */
int obi_net_iface(struct obi_net *net, const struct obi_iface *iface, char *why, size_t why_size);

/* "socket filter", "TCX" or "clsact" */
const char *obi_net_hook(const struct obi_net *net);

/* Readable when flows should be drained before their time or single packets wait. */
int obi_net_events_fd(const struct obi_net *net);

/* Takes what waits in the ring; true where the flow map asks to be drained. */
bool obi_net_take_events(struct obi_net *net,
			 void (*take)(void *context, const struct obi_flow *flow), void *context);

/* Ends the current period: hands on and clears all its flows. 0 or a negative errno. */
int obi_net_drain(struct obi_net *net, void (*take)(void *context, const struct obi_flow *flow),
		  void *context);

/* Detaches: from here on nothing counts and nothing is added to what waits. */
void obi_net_stop(struct obi_net *net);

/* All that it loaded. */
struct bpf_object *obi_net_object(const struct obi_net *net);

void obi_net_counters(const struct obi_net *net, uint64_t ret_counters[OBI_NET_COUNTERS]);

#endif
