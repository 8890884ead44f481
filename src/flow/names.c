// SPDX-License-Identifier: Apache-2.0
#include "flow/names.h"

#include <linux/if_ether.h>
#include <stddef.h>

#include "base/cleanup.h"

struct word {
	uint16_t number;
	const char *word;
};

/* IANA "Assigned Internet Protocol Numbers". */
static const struct word transports[] = {
	{ 0, "IP" },     { 1, "ICMP" },      { 2, "IGMP" },   { 4, "IPIP" },       { 6, "TCP" },
	{ 8, "EGP" },    { 12, "PUP" },      { 17, "UDP" },   { 22, "IDP" },       { 29, "TP" },
	{ 33, "DCCP" },  { 41, "IPV6" },     { 46, "RSVP" },  { 47, "GRE" },       { 50, "ESP" },
	{ 51, "AH" },    { 58, "ICMPV6" },   { 89, "OSPF" },  { 92, "MTP" },       { 94, "BEETPH" },
	{ 98, "ENCAP" }, { 103, "PIM" },     { 108, "COMP" }, { 112, "VRRP" },     { 115, "L2TP" },
	{ 132, "SCTP" }, { 136, "UDPLITE" }, { 137, "MPLS" }, { 143, "ETHERNET" }, { 255, "RAW" },
};

/* The names that services(5) traditionally has, of ports that servers listen on; by number. */
static const struct word ports[] = {
	{ 7, "echo" },
	{ 9, "discard" },
	{ 13, "daytime" },
	{ 19, "chargen" },
	{ 20, "ftp-data" },
	{ 21, "ftp" },
	{ 22, "ssh" },
	{ 23, "telnet" },
	{ 25, "smtp" },
	{ 37, "time" },
	{ 43, "whois" },
	{ 49, "tacacs" },
	{ 53, "domain" },
	{ 67, "bootps" },
	{ 68, "bootpc" },
	{ 69, "tftp" },
	{ 70, "gopher" },
	{ 79, "finger" },
	{ 80, "www" },
	{ 88, "kerberos" },
	{ 110, "pop3" },
	{ 111, "sunrpc" },
	{ 113, "auth" },
	{ 119, "nntp" },
	{ 123, "ntp" },
	{ 137, "netbios-ns" },
	{ 138, "netbios-dgm" },
	{ 139, "netbios-ssn" },
	{ 143, "imap2" },
	{ 161, "snmp" },
	{ 162, "snmp-trap" },
	{ 177, "xdmcp" },
	{ 179, "bgp" },
	{ 194, "irc" },
	{ 319, "ptp-event" },
	{ 320, "ptp-general" },
	{ 389, "ldap" },
	{ 427, "svrloc" },
	{ 443, "https" },
	{ 445, "microsoft-ds" },
	{ 464, "kpasswd" },
	{ 465, "submissions" },
	{ 500, "isakmp" },
	{ 514, "syslog" },
	{ 515, "printer" },
	{ 520, "route" },
	{ 546, "dhcpv6-client" },
	{ 547, "dhcpv6-server" },
	{ 554, "rtsp" },
	{ 587, "submission" },
	{ 631, "ipp" },
	{ 636, "ldaps" },
	{ 646, "ldp" },
	{ 853, "domain-s" },
	{ 873, "rsync" },
	{ 989, "ftps-data" },
	{ 990, "ftps" },
	{ 993, "imaps" },
	{ 995, "pop3s" },
	{ 1080, "socks" },
	{ 1194, "openvpn" },
	{ 1433, "ms-sql-s" },
	{ 1434, "ms-sql-m" },
	{ 1521, "oracle" },
	{ 1812, "radius" },
	{ 1813, "radius-acct" },
	{ 1883, "mqtt" },
	{ 2049, "nfsd" },
	{ 2181, "zookeeper" },
	{ 2379, "etcd-client" },
	{ 2380, "etcd-server" },
	{ 2883, "secure-mqtt" },
	{ 3128, "squid" },
	{ 3260, "iscsi-target" },
	{ 3306, "mysql" },
	{ 3389, "ms-wbt-server" },
	{ 3478, "stun" },
	{ 3690, "svn" },
	{ 4222, "nats" },
	{ 4317, "otlp-grpc" },
	{ 4318, "otlp-http" },
	{ 4369, "epmd" },
	{ 4500, "ipsec-nat-t" },
	{ 4789, "vxlan" },
	{ 5060, "sip" },
	{ 5061, "sip-tls" },
	{ 5222, "xmpp-client" },
	{ 5269, "xmpp-server" },
	{ 5353, "mdns" },
	{ 5432, "postgresql" },
	{ 5671, "amqps" },
	{ 5672, "amqp" },
	{ 5900, "vnc" },
	{ 6081, "geneve" },
	{ 6379, "redis" },
	{ 6443, "kubernetes-api" },
	{ 6667, "ircd" },
	{ 8883, "secure-mqtt" },
	{ 9042, "cassandra" },
	{ 9092, "kafka" },
	{ 9200, "elasticsearch" },
	{ 9418, "git" },
	{ 10250, "kubelet" },
	{ 11211, "memcached" },
	{ 11371, "hkp" },
	{ 27017, "mongodb" },
	{ 51820, "wireguard" },
};

static const char *find(const struct word *words, size_t count, uint16_t number,
			const char *otherwise)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (words[middle].number == number)
			return words[middle].word;
		if (words[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return otherwise;
}

const char *flow_transport_name(uint8_t transport)
{
	return find(transports, ARRAY_SIZE(transports), transport, "UNKNOWN");
}

const char *flow_port_name(uint16_t port)
{
	return find(ports, ARRAY_SIZE(ports), port, "undefined");
}

const char *flow_network_type(uint16_t eth_protocol)
{
	switch (eth_protocol) {
	case ETH_P_IP:
		return "ipv4";
	case ETH_P_IPV6:
		return "ipv6";
	case ETH_P_ARP:
		return "arp";
	default:
		return "unknown";
	}
}
