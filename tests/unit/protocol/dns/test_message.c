// SPDX-License-Identifier: Apache-2.0
/* DNS messages: bytes in, question, answers and rcode out; and what is taken for DNS. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard.h"
#include "protocol/dns/message.h"

#define HEADER(flags, counts) "\x12\x34" flags counts
#define EXAMPLE "\7example\3com\0"
#define IN_A "\0\1\0\1"
#define QUERY HEADER("\1\0", "\0\1\0\0\0\0\0\0") EXAMPLE IN_A
#define POINTER "\xc0\x0c"
#define TTL "\0\0\0\x3c"
#define A_RECORD POINTER IN_A TTL "\0\4\xc0\0\2\1"

static struct dns_message parsed(struct slice in)
{
	struct dns_message message;

	memset(&message, 0x5a, sizeof(message));
	assert_int_equal(dns_parse(guarded(in), &message), 0);
	return message;
}

static void assert_name(const struct dns_message *message, const char *want)
{
	if (message->name_len != strlen(want) || memcmp(message->name, want, strlen(want)) != 0)
		fail_msg("got '%.*s', want '%s'", message->name_len, message->name, want);
}

static void assert_addresses(const struct dns_message *message, const char *want)
{
	if (message->addresses_len != strlen(want) ||
	    memcmp(message->addresses, want, strlen(want)) != 0)
		fail_msg("got '%.*s', want '%s'", message->addresses_len, message->addresses, want);
}

static void a_query(void **state)
{
	struct dns_message message = parsed(SLICE_LIT(QUERY));

	assert_int_equal(message.id, 0x1234);
	assert_false(message.response);
	assert_false(message.truncated);
	assert_true(message.complete);
	assert_int_equal(message.opcode, DNS_OPCODE_QUERY);
	assert_int_equal(message.rcode, 0);
	assert_int_equal(message.questions, 1);
	assert_int_equal(message.type, 1);
	assert_int_equal(message.class, 1);
	assert_name(&message, "example.com");
	assert_addresses(&message, "");
}

static void a_response_with_addresses(void **state)
{
	struct dns_message message = parsed(SLICE_LIT(
		HEADER("\x81\x80", "\0\1\0\3\0\0\0\1") EXAMPLE IN_A POINTER
		"\0\5\0\1" TTL "\0\6\3www" POINTER "\xc0\x29" IN_A TTL "\0\4\xc0\0\2\1" POINTER
		"\0\x1c\0\1" TTL "\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		"\0\0\x29\4\xd0\0\0\0\0\0\0"));

	assert_true(message.response);
	assert_true(message.complete);
	assert_int_equal(message.rcode, 0);
	assert_addresses(&message, "192.0.2.1,2001:db8::1");
	assert_int_equal(message.addresses_count, 2);
}

static void addresses_of_other_classes_and_sections_are_none(void **state)
{
	struct dns_message message = parsed(SLICE_LIT(
		HEADER("\x81\x80", "\0\1\0\2\0\1\0\1") EXAMPLE IN_A POINTER
		"\0\1\0\3" TTL "\0\4\xc0\0\2\1" POINTER IN_A TTL "\0\3\xc0\0\2" A_RECORD A_RECORD));

	assert_true(message.complete);
	assert_addresses(&message, "");
	/* The upper bit of a class: mDNS, cache flush. */
	message = parsed(
		SLICE_LIT("\0\0\x84\0\0\0\0\1\0\0\0\0" EXAMPLE "\0\1\x80\1" TTL "\0\4\xc0\0\2\1"));
	assert_addresses(&message, "192.0.2.1");
	assert_int_equal(message.name_len, 0);
	assert_int_equal(message.questions, 0);
}

static void addresses_have_a_bound(void **state)
{
	static const char record[] =
		POINTER "\0\x1c\0\1" TTL "\0\x10\x20\x01\x11\x11\x22\x22\x33\x33\x44\x44\x55\x55"
			"\x66\x66\x77\x77";
	static const char head[] = HEADER("\x81\x80", "\0\1\0\x14\0\0\0\0") EXAMPLE IN_A;
	char bytes[1024];
	struct dns_message message;
	size_t len = sizeof(head) - 1;

	memcpy(bytes, head, len);
	for (int i = 0; i < 20; i++, len += sizeof(record) - 1)
		memcpy(bytes + len, record, sizeof(record) - 1);
	message = parsed(slice_of(bytes, len));
	assert_true(message.complete);
	assert_int_equal(message.addresses_count, DNS_ADDRESSES_MAX);
	assert_int_equal(message.addresses_len, 16 * 40 - 1);
}

static void errors_by_rcode(void **state)
{
	static const struct {
		uint16_t rcode;
		const char *text;
	} cases[] = {
		{ 0, "NoError" },  { 1, "FormErr" },    { 2, "ServFail" },     { 3, "NXDomain" },
		{ 4, "NotImp" },   { 5, "Refused" },    { 9, "NotAuth" },      { 12, "RCODE12" },
		{ 16, "BADVERS" }, { 23, "BADCOOKIE" }, { 4095, "RCODE4095" },
	};
	char room[DNS_MNEMONIC_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(slice_equal(dns_rcode_text(cases[i].rcode, room),
					slice_cstr(cases[i].text)));
	assert_int_equal(
		parsed(SLICE_LIT(HEADER("\x81\x83", "\0\1\0\0\0\0\0\0") EXAMPLE IN_A)).rcode,
		DNS_RCODE_NXDOMAIN);
	/* BADVERS: 1 in the upper bits of OPT, 0 in the header. */
	assert_int_equal(parsed(SLICE_LIT(HEADER("\x81\x80", "\0\1\0\0\0\0\0\1") EXAMPLE IN_A
					  "\0\0\x29\4\xd0\1\0\0\0\0\0"))
				 .rcode,
			 16);
}

static void opt_counts_where_it_belongs(void **state)
{
	struct dns_message message = parsed(SLICE_LIT(
		HEADER("\x81\x83", "\0\1\0\0\0\1\0\0") EXAMPLE IN_A "\0\0\x29\4\xd0\1\0\0\0\0\0"));

	assert_true(message.complete);
	assert_int_equal(message.rcode, DNS_RCODE_NXDOMAIN);
}

static void types_as_text(void **state)
{
	static const struct {
		uint16_t type;
		const char *text;
	} cases[] = {
		{ 1, "A" },     { 28, "AAAA" },  { 5, "CNAME" },   { 15, "MX" },
		{ 16, "TXT" },  { 33, "SRV" },   { 12, "PTR" },    { 2, "NS" },
		{ 6, "SOA" },   { 65, "HTTPS" }, { 64, "SVCB" },   { 255, "ANY" },
		{ 257, "CAA" }, { 0, "TYPE0" },  { 66, "TYPE66" }, { 65535, "TYPE65535" },
	};
	char room[DNS_MNEMONIC_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(
			slice_equal(dns_type_text(cases[i].type, room), slice_cstr(cases[i].text)));
}

#define QUESTION(name) SLICE_LIT(HEADER("\1\0", "\0\1\0\0\0\0\0\0") name IN_A)

static void names_as_text(void **state)
{
	static const struct {
		struct slice query;
		const char *text;
	} cases[] = {
		{ QUESTION("\0"), "." },
		{ QUESTION("\1a\0"), "a" },
		{ QUESTION("\7eXaMpLe\3COM\0"), "eXaMpLe.COM" },
		{ QUESTION("\3a.b\1\\\1\"\0"), "a\\.b.\\\\.\\\"" },
		{ QUESTION("\4\0\x1f\x7f\xff\0"), "\\000\\031\\127\\255" },
		{ QUESTION("\3\t\r\n\0"), "\\t\\r\\n" },
		{ QUESTION("\3a b\0"), "a b" },
		{ QUESTION("\x0b_http-_*.$@\0"), "_http-_*\\.$@" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_message message = parsed(cases[i].query);

		assert_name(&message, cases[i].text);
	}
}

/* len octets of name with its last one, in labels of 63 and what is left. */
static size_t long_query(char *to, size_t len, char c)
{
	static const char head[] = HEADER("\1\0", "\0\1\0\0\0\0\0\0");
	size_t at = sizeof(head) - 1;

	memcpy(to, head, at);
	for (len--; len > 1;) {
		size_t label = len > 64 ? 63 : len - 1;

		to[at++] = (char)label;
		memset(to + at, c, label);
		at += label;
		len -= label + 1;
	}
	memcpy(to + at, "\0" IN_A, 5);
	return at + 5;
}

static void names_have_a_bound(void **state)
{
	char bytes[512];
	struct dns_message message;

	message = parsed(slice_of(bytes, long_query(bytes, 255, 'a')));
	assert_int_equal(message.name_len, 253);
	assert_int_equal(dns_parse(guarded(slice_of(bytes, long_query(bytes, 256, 'a'))), &message),
			 -EPROTO);
	/* An escape is written whole or not at all: 63 of four bytes, a dot, and no room. */
	message = parsed(slice_of(bytes, long_query(bytes, 255, '\1')));
	assert_int_equal(message.name_len, 63 * 4 + 1);
}

static void what_is_cut_is_read_as_far_as_it_goes(void **state)
{
	static const struct slice whole =
		SLICE_LIT(HEADER("\x83\x82", "\0\1\0\2\0\0\0\0") EXAMPLE IN_A A_RECORD A_RECORD);
	size_t question = 12 + 13 + 4;

	for (size_t len = 0; len <= whole.len; len++) {
		struct dns_message message = { 0 };
		int err = dns_parse(guarded(slice_first(whole, len)), &message);

		assert_int_equal(err, len < question ? -EAGAIN : 0);
		if (err) {
			assert_true(bytes_are_zero(&message, sizeof(message)));
			continue;
		}
		assert_name(&message, "example.com");
		assert_true(message.truncated);
		assert_int_equal(message.rcode, DNS_RCODE_SERVFAIL);
		assert_int_equal(message.addresses_count, (len - question) / 16);
		assert_int_equal(message.complete, len == whole.len);
	}
}

static void malformed_questions(void **state)
{
	static const struct slice cases[] = {
		QUESTION("\xc0\x0c"),                          /* to itself */
		QUESTION("\1a\xc0\x0c"), QUESTION("\xc0\x00"), /* into the header */
		QUESTION("\xc0\x20"),                          /* forwards */
		QUESTION("\x40"),        QUESTION("\x80"),
	};
	struct dns_message message;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dns_parse(guarded(cases[i]), &message), -EPROTO);
}

static void malformed_records_end_what_is_read(void **state)
{
	static const struct slice cases[] = {
		SLICE_LIT(HEADER("\x81\x80", "\0\1\0\2\0\0\0\0") EXAMPLE IN_A A_RECORD
			  "\xc0\x2d" IN_A TTL "\0\4\xc0\0\2\1"),
		SLICE_LIT(HEADER("\x81\x80", "\0\1\0\2\0\0\0\0") EXAMPLE IN_A A_RECORD
			  "\x80" IN_A TTL "\0\4\xc0\0\2\1"),
		SLICE_LIT(HEADER("\x81\x80", "\0\1\0\2\0\0\0\0")
				  EXAMPLE IN_A A_RECORD POINTER IN_A TTL "\xff\xff\xc0\0\2\1"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_message message = parsed(cases[i]);

		assert_false(message.complete);
		assert_addresses(&message, "192.0.2.1");
	}
}

static void what_is_dns(void **state)
{
	static const struct {
		struct slice message;
		size_t enough;
		enum obi_role role;
	} cases[] = {
		{ SLICE_LIT(QUERY), 29, OBI_ROLE_REQUEST },
		{ SLICE_LIT(HEADER("\1\x20", "\0\1\0\0\0\0\0\1") "\0\0\x1c\0\1\0\0\x29\4\xd0"), 17,
		  OBI_ROLE_REQUEST },
		{ SLICE_LIT(HEADER("\x81\x80", "\0\1\0\1\0\0\0\0") EXAMPLE IN_A A_RECORD), 29,
		  OBI_ROLE_RESPONSE },
		{ SLICE_LIT(HEADER("\x81\x83", "\0\1\0\0\0\1\0\0") EXAMPLE IN_A), 29,
		  OBI_ROLE_RESPONSE },
		/* mDNS: of a service with a blank, unicast answer wanted, and with known answers;
		 * and what is told unasked. */
		{ SLICE_LIT("\0\0\0\0\0\2\0\1\0\0\0\0\4_tcp\5local\0\0\x0c\x80\1"), 28,
		  OBI_ROLE_REQUEST },
		{ SLICE_LIT("\0\0\x84\0\0\0\0\1\0\0\0\0\7My \xc3\xa4"
			    "bc\5local\0\0\1\x80\1\0\0"),
		  31, OBI_ROLE_RESPONSE },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t len = 0; len <= cases[i].message.len; len++) {
			enum obi_role role = OBI_ROLE_UNKNOWN;
			enum obi_guess guess =
				dns_guess(guarded(slice_first(cases[i].message, len)), &role);

			if (guess != (len < cases[i].enough ? OBI_GUESS_MORE : OBI_GUESS_YES))
				fail_msg("case %zu, %zu bytes: %d", i, len, guess);
			if (guess == OBI_GUESS_YES)
				assert_int_equal(role, cases[i].role);
		}
}

static void what_is_not(void **state)
{
	static const struct slice cases[] = {
		/* QUIC, long and short headers */
		SLICE_LIT("\xc3\0\0\0\1\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0\0\x44\x9e"),
		SLICE_LIT("\x43\x9d\x3a\x77\x01\x55\x12\x99\x02\x41\x51\x57\x08"),
		/* NTP: a client, and a server */
		SLICE_LIT("\x23\0\6\xec\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		SLICE_LIT("\x1b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
		SLICE_LIT("\x24\2\6\xe9\0\0\0\x2f\0\0\0\x1b\xc0\0\2\1"),
		/* STUN */
		SLICE_LIT(
			"\0\1\0\0\x21\x12\xa4\x42\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0"),
		SLICE_LIT("\1\1\0\x0c\x21\x12\xa4\x42\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0"
			  "\xc0"),
		SLICE_LIT("requests.count:1|c|#env:prod"),
		SLICE_LIT("<34>1 2003-10-11T22:14:15.003Z host"),
		SLICE_LIT("GET / HTTP/1.1\r\n"),
		SLICE_LIT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
			  "abcdefghij"),
		SLICE_LIT("\0\0\0\0\0\0\0\0\0\0\0\0"),
		SLICE_LIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
		/* DHCP, SNMP, IKE */
		SLICE_LIT("\1\1\6\0\x39\3\xf3\x26\0\0\0\0\0\0\0\0"),
		SLICE_LIT("\x30\x26\2\1\1\4\6public\xa0\x19\2\1"),
		SLICE_LIT("\1\2\3\4\5\6\7\x08\0\0\0\0\0\0\0\0\x21\x20\x22\x08"),
		/* One thing wrong: opcode, Z, rcode in a query, RA, two questions, answers, type,
		 * class, a pointer, a label with controls. */
		SLICE_LIT(HEADER("\x11\0", "\0\1\0\0\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\1\x40", "\0\1\0\0\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\1\1", "\0\1\0\0\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\1\x80", "\0\1\0\0\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\1\0", "\0\2\0\0\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\1\0", "\0\1\0\1\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\x81\x80", "\0\1\xff\0\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\x81\x80", "\0\0\0\1\0\0\0\0") EXAMPLE IN_A),
		SLICE_LIT(HEADER("\1\0", "\0\1\0\0\0\0\0\0") EXAMPLE "\0\0\0\1"),
		SLICE_LIT(HEADER("\1\0", "\0\1\0\0\0\0\0\0") EXAMPLE "\xf0\0\0\1"),
		SLICE_LIT(HEADER("\1\0", "\0\1\0\0\0\0\0\0") EXAMPLE "\0\1\0\2"),
		SLICE_LIT(HEADER("\1\0", "\0\1\0\0\0\0\0\0") POINTER IN_A),
		SLICE_LIT(HEADER("\1\0", "\0\1\0\0\0\0\0\0") "\2a\1\0" IN_A),
	};
	enum obi_role role;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (dns_guess(guarded(cases[i]), &role) != OBI_GUESS_NO)
			fail_msg("case %zu", i);
}

/* Of what is random, hardly any: 64 bytes each, by a generator (xorshift) that is always the same.
 */
static void what_is_random_is_not(void **state)
{
	uint64_t x = 88172645463325252u;
	unsigned taken = 0;

	for (int i = 0; i < 100000; i++) {
		uint64_t words[8];
		enum obi_role role;

		for (size_t j = 0; j < 8; j++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			words[j] = x;
		}
		taken += dns_guess(slice_of(words, sizeof(words)), &role) != OBI_GUESS_NO;
	}
	assert_int_equal(taken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_query),
		cmocka_unit_test(a_response_with_addresses),
		cmocka_unit_test(addresses_of_other_classes_and_sections_are_none),
		cmocka_unit_test(addresses_have_a_bound),
		cmocka_unit_test(errors_by_rcode),
		cmocka_unit_test(opt_counts_where_it_belongs),
		cmocka_unit_test(types_as_text),
		cmocka_unit_test(names_as_text),
		cmocka_unit_test(names_have_a_bound),
		cmocka_unit_test(what_is_cut_is_read_as_far_as_it_goes),
		cmocka_unit_test(malformed_questions),
		cmocka_unit_test(malformed_records_end_what_is_read),
		cmocka_unit_test(what_is_dns),
		cmocka_unit_test(what_is_not),
		cmocka_unit_test(what_is_random_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
