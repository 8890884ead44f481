/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BROKER_AGENT_IP_H
#define OBI_BROKER_AGENT_IP_H

#include "flow/options.h"

/* The address that flows name as obi.ip, by network.agent_ip, _iface and _type. "" where the host
 * has none that fits: never an error, a host without a network is still observed. No packet is
 * sent. */
void obi_agent_ip(const struct obi_network_options *options, char ret_text[48]);

#endif
