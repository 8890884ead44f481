/* SPDX-License-Identifier: Apache-2.0 */
/* Network mode: `network.*`. */
#ifndef OBI_FLOW_OPTIONS_H
#define OBI_FLOW_OPTIONS_H

#include "config/option.h"

enum obi_network_source {
	OBI_SOURCE_SOCKET_FILTER,
	OBI_SOURCE_TC,
};

enum obi_ip_type {
	OBI_IP_ANY,
	OBI_IP_V4,
	OBI_IP_V6,
};

enum obi_deduper {
	OBI_DEDUPER_FIRST_COME,
	OBI_DEDUPER_NONE,
};

enum obi_network_direction {
	OBI_NETWORK_INGRESS = 0x1,
	OBI_NETWORK_EGRESS = 0x2,
	OBI_NETWORK_BOTH = 0x3,
};

enum obi_guess_ports {
	OBI_GUESS_PORTS_DISABLE,
	OBI_GUESS_PORTS_ORDINAL, /* the lower port is the server's */
};

struct obi_cidr {
	struct obi_prefix prefix;
	const char *name; /* "" = the prefix's text */
};

struct obi_cidr_list {
	struct obi_cidr *items; /* as given: the narrowest match wins, not the first */
	size_t count;
	bool set;
};

struct obi_network_options {
	bool enable;
	int source;                 /* enum obi_network_source */
	const char *agent_ip;       /* text of an address, "" = detect */
	const char *agent_ip_iface; /* "external", "local" or "name:X" */
	int agent_ip_type;          /* enum obi_ip_type */
	struct obi_list interfaces; /* names, or /POSIX extended regex/; empty = all */
	struct obi_list exclude_interfaces;
	struct obi_list protocols; /* names, known to obi_network_protocol_number() */
	struct obi_list exclude_protocols;
	int64_t cache_max_flows;
	uint64_t cache_active_timeout; /* ns */
	int deduper;                   /* enum obi_deduper */
	uint64_t deduper_fc_ttl;       /* ns; 0 was made 2 * cache_active_timeout */
	int direction;                 /* enum obi_network_direction, a bit set */
	int64_t sampling;              /* one of so many packets; 0 and 1 = all */
	bool count_segments;           /* else packets and bytes as the interface counts them */
	int guess_ports;               /* enum obi_guess_ports */
	bool print_flows;
	struct obi_cidr_list cidrs;
};

extern const struct obi_options obi_network_option_rows;

/* IANA number of a protocol by name, in any case; -ENOENT. */
int obi_network_protocol_number(const char *name);

/* Do `protocols` and `exclude_protocols` let this IANA number through? */
bool obi_network_protocol_wanted(const struct obi_network_options *options, uint8_t protocol);

#endif
