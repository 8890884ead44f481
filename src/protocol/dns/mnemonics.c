// SPDX-License-Identifier: Apache-2.0
/* Texts of types and rcodes (https://www.iana.org/assignments/dns-parameters). */
#include <stdio.h>

#include "protocol/dns/message.h"

struct mnemonic {
	uint16_t value;
	struct slice text;
};

static const struct mnemonic types[] = {
	{ 1, SLICE_LIT("A") },       { 28, SLICE_LIT("AAAA") },    { 5, SLICE_LIT("CNAME") },
	{ 12, SLICE_LIT("PTR") },    { 65, SLICE_LIT("HTTPS") },   { 33, SLICE_LIT("SRV") },
	{ 16, SLICE_LIT("TXT") },    { 15, SLICE_LIT("MX") },      { 2, SLICE_LIT("NS") },
	{ 6, SLICE_LIT("SOA") },     { 64, SLICE_LIT("SVCB") },    { 255, SLICE_LIT("ANY") },
	{ 13, SLICE_LIT("HINFO") },  { 17, SLICE_LIT("RP") },      { 18, SLICE_LIT("AFSDB") },
	{ 24, SLICE_LIT("SIG") },    { 25, SLICE_LIT("KEY") },     { 29, SLICE_LIT("LOC") },
	{ 35, SLICE_LIT("NAPTR") },  { 36, SLICE_LIT("KX") },      { 37, SLICE_LIT("CERT") },
	{ 39, SLICE_LIT("DNAME") },  { 41, SLICE_LIT("OPT") },     { 42, SLICE_LIT("APL") },
	{ 43, SLICE_LIT("DS") },     { 44, SLICE_LIT("SSHFP") },   { 45, SLICE_LIT("IPSECKEY") },
	{ 46, SLICE_LIT("RRSIG") },  { 47, SLICE_LIT("NSEC") },    { 48, SLICE_LIT("DNSKEY") },
	{ 49, SLICE_LIT("DHCID") },  { 50, SLICE_LIT("NSEC3") },   { 51, SLICE_LIT("NSEC3PARAM") },
	{ 52, SLICE_LIT("TLSA") },   { 53, SLICE_LIT("SMIMEA") },  { 55, SLICE_LIT("HIP") },
	{ 59, SLICE_LIT("CDS") },    { 60, SLICE_LIT("CDNSKEY") }, { 61, SLICE_LIT("OPENPGPKEY") },
	{ 62, SLICE_LIT("CSYNC") },  { 63, SLICE_LIT("ZONEMD") },  { 99, SLICE_LIT("SPF") },
	{ 108, SLICE_LIT("EUI48") }, { 109, SLICE_LIT("EUI64") },  { 249, SLICE_LIT("TKEY") },
	{ 250, SLICE_LIT("TSIG") },  { 251, SLICE_LIT("IXFR") },   { 252, SLICE_LIT("AXFR") },
	{ 256, SLICE_LIT("URI") },   { 257, SLICE_LIT("CAA") },    { 32768, SLICE_LIT("TA") },
	{ 32769, SLICE_LIT("DLV") },
};

static const struct mnemonic rcodes[] = {
	{ 0, SLICE_LIT("NoError") },   { 1, SLICE_LIT("FormErr") },
	{ 2, SLICE_LIT("ServFail") },  { 3, SLICE_LIT("NXDomain") },
	{ 4, SLICE_LIT("NotImp") },    { 5, SLICE_LIT("Refused") },
	{ 6, SLICE_LIT("YXDomain") },  { 7, SLICE_LIT("YXRRSet") },
	{ 8, SLICE_LIT("NXRRSet") },   { 9, SLICE_LIT("NotAuth") },
	{ 10, SLICE_LIT("NotZone") },  { 11, SLICE_LIT("DSOTYPENI") },
	{ 16, SLICE_LIT("BADVERS") },  { 17, SLICE_LIT("BADKEY") },
	{ 18, SLICE_LIT("BADTIME") },  { 19, SLICE_LIT("BADMODE") },
	{ 20, SLICE_LIT("BADNAME") },  { 21, SLICE_LIT("BADALG") },
	{ 22, SLICE_LIT("BADTRUNC") }, { 23, SLICE_LIT("BADCOOKIE") },
};

static struct slice find(const struct mnemonic *rows, size_t count, uint16_t value,
			 const char *prefix, char room[DNS_MNEMONIC_MAX])
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].value == value)
			return rows[i].text;
	return slice_of(room, (size_t)snprintf(room, DNS_MNEMONIC_MAX, "%s%u", prefix, value));
}

struct slice dns_type_text(uint16_t type, char room[DNS_MNEMONIC_MAX])
{
	return find(types, sizeof(types) / sizeof(types[0]), type, "TYPE", room);
}

struct slice dns_rcode_text(uint16_t rcode, char room[DNS_MNEMONIC_MAX])
{
	return find(rcodes, sizeof(rcodes) / sizeof(rcodes[0]), rcode, "RCODE", room);
}
