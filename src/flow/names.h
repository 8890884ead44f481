/* SPDX-License-Identifier: Apache-2.0 */
/* Words for the numbers of a flow. */
#ifndef OBI_FLOW_NAMES_H
#define OBI_FLOW_NAMES_H

#include <stdint.h>

/* "TCP" for 6; "UNKNOWN" for a number that has none. */
const char *flow_transport_name(uint8_t transport);

/* "https" for 443; "undefined" for a port that none is known for. */
const char *flow_port_name(uint16_t port);

/* "ipv4", "ipv6", "arp", "unknown", from an EtherType. */
const char *flow_network_type(uint16_t eth_protocol);

#endif
