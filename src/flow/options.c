// SPDX-License-Identifier: Apache-2.0
#include "flow/options.h"

#include <errno.h>
#include <net/if.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config/check.h"

#define ROW(member_, ...) OBI_ROW(struct obi_network_options, member_, __VA_ARGS__)
#define CIDR_ROW(member_, ...) OBI_ROW(struct obi_cidr, member_, __VA_ARGS__)

/* Longest interface pattern with its slashes. */
#define REGEX_MAX 128

static const struct obi_name sources[] = {
	{ "socket_filter", OBI_SOURCE_SOCKET_FILTER },
	{ "tc", OBI_SOURCE_TC },
	{ NULL, 0 },
};

static const struct obi_name ip_types[] = {
	{ "any", OBI_IP_ANY },
	{ "ipv4", OBI_IP_V4 },
	{ "ipv6", OBI_IP_V6 },
	{ NULL, 0 },
};

static const struct obi_name dedupers[] = {
	{ "first_come", OBI_DEDUPER_FIRST_COME },
	{ "none", OBI_DEDUPER_NONE },
	{ NULL, 0 },
};

static const struct obi_name directions[] = {
	{ "both", OBI_NETWORK_BOTH },
	{ "ingress", OBI_NETWORK_INGRESS },
	{ "egress", OBI_NETWORK_EGRESS },
	{ NULL, 0 },
};

static const struct obi_name guesses[] = {
	{ "disable", OBI_GUESS_PORTS_DISABLE },
	{ "ordinal", OBI_GUESS_PORTS_ORDINAL },
	{ NULL, 0 },
};

/* IANA "Assigned Internet Protocol Numbers"; IP and RAW as in Linux' netinet/in.h. */
static const struct obi_name protocols[] = {
	{ "IP", 0 },         { "ICMP", 1 },   { "IGMP", 2 },    { "IPIP", 4 },      { "TCP", 6 },
	{ "EGP", 8 },        { "PUP", 12 },   { "UDP", 17 },    { "IDP", 22 },      { "TP", 29 },
	{ "DCCP", 33 },      { "IPV6", 41 },  { "RSVP", 46 },   { "GRE", 47 },      { "ESP", 50 },
	{ "AH", 51 },        { "MTP", 92 },   { "BEETPH", 94 }, { "ENCAP", 98 },    { "PIM", 103 },
	{ "COMP", 108 },     { "L2TP", 115 }, { "SCTP", 132 },  { "UDPLITE", 136 }, { "MPLS", 137 },
	{ "ETHERNET", 143 }, { "RAW", 255 },
};

int obi_network_protocol_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		if (strcasecmp(name, protocols[i].name) == 0)
			return (int)protocols[i].value;
	}
	return -ENOENT;
}

static bool list_has_protocol(const struct obi_list *list, uint8_t protocol)
{
	for (size_t i = 0; i < list->count; i++) {
		if (obi_network_protocol_number(list->items[i]) == protocol)
			return true;
	}
	return false;
}

bool obi_network_protocol_wanted(const struct obi_network_options *options, uint8_t protocol)
{
	if (options->protocols.count)
		return list_has_protocol(&options->protocols, protocol);
	return !list_has_protocol(&options->exclude_protocols, protocol);
}

static int check_protocol(const void *item, char *why, size_t why_size)
{
	size_t used = 0;

	if (obi_network_protocol_number(item) >= 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(protocols) && used < why_size; i++)
		used += (size_t)snprintf(why + used, why_size - used, "%s%s", i ? " " : "any of ",
					 protocols[i].name);
	return -EINVAL;
}

static bool interface_name_ok(const char *name)
{
	return *name && strlen(name) < IFNAMSIZ && !strpbrk(name, "/ \t\n");
}

/* Counted repetition and back references make compiling or matching exponential; an interface
 * name needs neither. */
static bool regex_ok(const char *text, size_t len)
{
	char pattern[REGEX_MAX + 1];
	regex_t regex;

	if (len > REGEX_MAX || memchr(text, '{', len))
		return false;
	memcpy(pattern, text, len);
	pattern[len] = '\0';
	for (const char *c = pattern; (c = strchr(c, '\\')); c += 2) {
		if (c[1] == '\0' || (c[1] >= '1' && c[1] <= '9'))
			return false;
	}
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	regfree(&regex);
	return true;
}

static int check_interface(const void *item, char *why, size_t why_size)
{
	const char *text = item;
	size_t len = strlen(text);

	if (interface_name_ok(text))
		return 0;
	if (len > 2 && text[0] == '/' && text[len - 1] == '/' && regex_ok(text + 1, len - 2))
		return 0;
	(void)snprintf(why, why_size,
		       "an interface name of at most %d bytes, or a POSIX extended regular "
		       "expression between slashes, without {} and back references",
		       IFNAMSIZ - 1);
	return -EINVAL;
}

static int check_agent_iface(const void *field, char *why, size_t why_size)
{
	const char *text = *(const char *const *)field;

	if (strcmp(text, "external") == 0 || strcmp(text, "local") == 0 ||
	    (strncmp(text, "name:", 5) == 0 && interface_name_ok(text + 5)))
		return 0;
	(void)snprintf(why, why_size, "external, local or name:INTERFACE");
	return -EINVAL;
}

static const struct obi_option cidr_rows[] = {
	CIDR_ROW(prefix, "cidr", NULL, CIDR, NULL, "the network",
		 .flags = OBI_OPTION_REQUIRED | OBI_OPTION_SHORTHAND),
	CIDR_ROW(name, "name", NULL, STRING, NULL, "what to call it; else the network itself"),
};

static const struct obi_options cidr_options = {
	.title = "CIDRs",
	.rows = cidr_rows,
	.count = ARRAY_SIZE(cidr_rows),
};

static const struct obi_group cidr_groups[] = {
	{ &cidr_options, 0 },
	{ NULL, 0 },
};

static const struct obi_option rows[] = {
	ROW(enable, "network.enable", "OTEL_EBPF_NETWORK_METRICS", BOOL, "false",
	    "observe network flows; adds the network feature"),
	ROW(source, "network.source", "OTEL_EBPF_NETWORK_SOURCE", CHOICE, "socket_filter",
	    "where packets are seen", .names = sources),
	ROW(agent_ip, "network.agent_ip", "OTEL_EBPF_NETWORK_AGENT_IP", STRING, NULL,
	    "address to report as this agent's; else it is found out",
	    .check = obi_check_ip_or_empty),
	ROW(agent_ip_iface, "network.agent_ip_iface", "OTEL_EBPF_NETWORK_AGENT_IP_IFACE", STRING,
	    "external", "interface whose address that is: external, local or name:INTERFACE",
	    .check = check_agent_iface),
	ROW(agent_ip_type, "network.agent_ip_type", "OTEL_EBPF_NETWORK_AGENT_IP_TYPE", CHOICE,
	    "any", "family of that address", .names = ip_types,
	    /* Some documents name it without NETWORK. */
	    .aliases = "OTEL_EBPF_AGENT_IP_TYPE"),
	ROW(interfaces, "network.interfaces", "OTEL_EBPF_NETWORK_INTERFACES", LIST, NULL,
	    "interfaces to observe, names or /regex/; none: all", .check = check_interface),
	ROW(exclude_interfaces, "network.exclude_interfaces",
	    "OTEL_EBPF_NETWORK_EXCLUDE_INTERFACES", LIST, "lo",
	    "interfaces not to observe, names or /regex/", .check = check_interface),
	ROW(protocols, "network.protocols", "OTEL_EBPF_NETWORK_PROTOCOLS", LIST, NULL,
	    "transport protocols to observe, as TCP,UDP; none: all", .check = check_protocol),
	ROW(exclude_protocols, "network.exclude_protocols", "OTEL_EBPF_NETWORK_EXCLUDE_PROTOCOLS",
	    LIST, NULL, "transport protocols not to observe; network.protocols wins",
	    .check = check_protocol),
	ROW(cache_max_flows, "network.cache_max_flows", "OTEL_EBPF_NETWORK_CACHE_MAX_FLOWS", INT,
	    "5000", "flows that the kernel holds before they are read early", .max = 1 << 24),
	ROW(cache_active_timeout, "network.cache_active_timeout",
	    "OTEL_EBPF_NETWORK_CACHE_ACTIVE_TIMEOUT", DURATION, "5s",
	    "how often flows are read from the kernel", .min = 1, .max = OBI_UNBOUNDED,
	    .floor = 100e6),
	ROW(deduper, "network.deduper", "OTEL_EBPF_NETWORK_DEDUPER", CHOICE, "first_come",
	    "count a packet at the first interface that sees its flow, or at each",
	    .names = dedupers),
	ROW(deduper_fc_ttl, "network.deduper_fc_ttl", "OTEL_EBPF_NETWORK_DEDUPER_FC_TTL", DURATION,
	    "0s", "how long first_come remembers a flow; 0: twice network.cache_active_timeout"),
	ROW(direction, "network.direction", "OTEL_EBPF_NETWORK_DIRECTION", CHOICE, "both",
	    "direction at the interface; source tc only", .names = directions),
	ROW(sampling, "network.sampling", "OTEL_EBPF_NETWORK_SAMPLING", INT, "0",
	    "look at one of so many packets; 0: at each", .max = UINT32_MAX),
	ROW(count_segments, "network.count_segments", "OTEL_EBPF_NETWORK_COUNT_SEGMENTS", BOOL,
	    "false",
	    "count packets and bytes as on the wire, where segmentation offload has cut them up; "
	    "else as the interface's own counters do"),
	ROW(guess_ports, "network.guess_ports", "OTEL_EBPF_NETWORK_GUESS_PORTS", CHOICE, "disable",
	    "which end is the server where nobody saw the start; ordinal: the lower port",
	    .names = guesses),
	ROW(print_flows, "network.print_flows", "OTEL_EBPF_NETWORK_PRINT_FLOWS", BOOL, "false",
	    "print flows on standard output"),
	ROW(cidrs, "network.cidrs", "OTEL_EBPF_NETWORK_CIDRS", STRUCTS, NULL,
	    "networks to name ends by: 10.0.0.0/8, or {cidr, name}; the narrowest matches",
	    .element = cidr_groups, .element_size = sizeof(struct obi_cidr)),
};

const struct obi_options obi_network_option_rows = {
	.title = "Network",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};
