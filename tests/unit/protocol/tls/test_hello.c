// SPDX-License-Identifier: Apache-2.0
/* What hellos and certificates say, whole and cut anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../guard.h"
#include "handshakes.h"
#include "protocol/tls/hello.h"

#define HEADERS (TLS_RECORD_HEADER + TLS_MESSAGE_HEADER)

#define FLIGHT(bytes) slice_of(bytes, sizeof(bytes))

static struct slice body_of(struct slice flight)
{
	size_t len = (size_t)flight.data[7] << 8 | flight.data[8];

	return slice_first(slice_from(flight, HEADERS), len);
}

static void assert_text(const char *expected, struct slice text)
{
	assert_int_equal(strlen(expected), text.len);
	assert_memory_equal(expected, text.data, text.len);
}

static void client_hellos(void **state)
{
	const struct slice flights[] = { FLIGHT(client_12_1), FLIGHT(client_13_1) };

	for (size_t i = 0; i < 2; i++) {
		struct tls_client_hello hello;

		assert_int_equal(0, tls_parse_client_hello(guarded(body_of(flights[i])), &hello));
		assert_text("shop.example", hello.server_name);
		assert_false(hello.early_data);
	}
}

static void server_hellos(void **state)
{
	struct tls_server_hello hello;

	assert_int_equal(0, tls_parse_server_hello(guarded(body_of(FLIGHT(server_12_1))), &hello));
	assert_int_equal(TLS_VERSION_1_2, hello.version);
	assert_int_equal(0xc02c, hello.cipher);
	assert_text("http/1.1", hello.next_protocol);
	assert_false(hello.retry || hello.pre_shared_key);
	assert_int_equal(0, tls_parse_server_hello(guarded(body_of(FLIGHT(server_13_1))), &hello));
	assert_int_equal(TLS_VERSION_1_3, hello.version);
	assert_int_equal(0x1302, hello.cipher);
	assert_text("", hello.next_protocol);
	assert_false(hello.retry || hello.pre_shared_key);
}

/* Nothing else than the whole one says comes of a part. */
static void cut_anywhere(void **state)
{
	struct slice client = body_of(FLIGHT(client_13_1)), server = body_of(FLIGHT(server_13_1));

	for (size_t len = 0; len < client.len; len++) {
		struct tls_client_hello hello;

		if (!tls_parse_client_hello(guarded(slice_first(client, len)), &hello) &&
		    hello.server_name.len)
			assert_text("shop.example", hello.server_name);
	}
	for (size_t len = 0; len < server.len; len++) {
		struct tls_server_hello hello;

		if (!tls_parse_server_hello(guarded(slice_first(server, len)), &hello))
			assert_true(hello.version == TLS_VERSION_1_2 ||
				    hello.version == TLS_VERSION_1_3);
	}
}

static void no_hellos(void **state)
{
	struct tls_client_hello client;
	struct tls_server_hello server;

	assert_true(tls_parse_client_hello(SLICE_LIT(""), &client) < 0);
	assert_true(tls_parse_server_hello(SLICE_LIT("GET / HTTP/1.1\r\n"), &server) < 0);
	/* A server does not choose 1.3 by the old field. */
	uint8_t bytes[sizeof(server_13_1)];

	memcpy(bytes, server_13_1, sizeof(bytes));
	bytes[HEADERS + 1] = 4;
	assert_true(tls_parse_server_hello(body_of(FLIGHT(bytes)), &server) < 0);
}

/* What is no name of a host is none. */
static void odd_names(void **state)
{
	struct slice body = body_of(FLIGHT(client_13_1));
	struct tls_client_hello hello;
	uint8_t bytes[sizeof(client_13_1)];
	uint8_t *name;

	memcpy(bytes, body.data, body.len);
	name = memmem(bytes, body.len, "shop.example", 12);
	assert_non_null(name);
	name[4] = '\n';
	assert_int_equal(0, tls_parse_client_hello(slice_of(bytes, body.len), &hello));
	assert_text("", hello.server_name);
}

static struct slice certificate_message(void)
{
	struct slice flight = FLIGHT(server_12_1);

	flight = slice_from(flight,
			    TLS_RECORD_HEADER + ((size_t)flight.data[3] << 8) + flight.data[4]);
	assert_int_equal(TLS_CERTIFICATE, flight.data[TLS_RECORD_HEADER]);
	return body_of(flight);
}

static void certificates(void **state)
{
	struct slice body = certificate_message();

	assert_int_equal(NOT_AFTER, tls_certificate_not_after(guarded(body)));
	for (size_t len = 0; len < body.len; len++) {
		int64_t at = tls_certificate_not_after(guarded(slice_first(body, len)));

		assert_true(at == 0 || at == NOT_AFTER);
	}
}

/* SEQUENCE { SEQUENCE { serial, algorithm, issuer, { from, until } } } */
static int64_t until(const char *time, char type)
{
	char der[64];
	size_t len = strlen(time);
	int at = snprintf(der, sizeof(der), "%c%c%c%c\2%c\1", 0x30, (int)(len + 28), 0x30,
			  (int)(len + 26), 1);

	memcpy(der + at, "\x30\0\x30\0", 4);
	at += 4;
	at += snprintf(der + at, sizeof(der) - (size_t)at, "%c%c\x17\x0d%s%c%c%s", 0x30,
		       (int)(len + 17), "200101000000Z", type, (int)len, time);
	return tls_der_not_after(guarded(slice_of(der, (size_t)at)));
}

static void times(void **state)
{
	assert_int_equal(1709251199, until("240229235959Z", 0x17));
	assert_int_equal(0, until("700101000000Z", 0x17)); /* of 1970 */
	assert_int_equal(2524608000, until("20500101000000Z", 0x18));
	assert_int_equal(253402300799, until("99991231235959Z", 0x18));
	assert_int_equal(0, until("2402292359Z", 0x17));
	assert_int_equal(0, until("241329235959Z", 0x17));
	assert_int_equal(0, until("24022923595xZ", 0x17));
	assert_int_equal(0, until("240229235959Z", 0x16));
}

static void guesses(void **state)
{
	struct slice hello = FLIGHT(client_13_1);

	for (size_t len = 0; len < 10; len++)
		assert_int_equal(OBI_GUESS_MORE, tls_guess(guarded(slice_first(hello, len))));
	assert_int_equal(OBI_GUESS_YES, tls_guess(guarded(slice_first(hello, 10))));
	assert_int_equal(OBI_GUESS_NO, tls_guess(FLIGHT(server_13_1)));
	assert_int_equal(OBI_GUESS_NO, tls_guess(SLICE_LIT("GET / HTTP/1.1\r\n")));
}

static void names(void **state)
{
	char room[TLS_CIPHER_TEXT];

	assert_text("TLS_AES_256_GCM_SHA384", tls_cipher_text(0x1302, room));
	assert_text("0xC0FF", tls_cipher_text(0xc0ff, room));
	assert_text("unknown_ca", tls_alert_text(48, room));
	assert_text("alert_99", tls_alert_text(99, room));
	assert_string_equal("1.3", tls_version_text(TLS_VERSION_1_3));
	assert_string_equal("", tls_version_text(0x7f12));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_hellos), cmocka_unit_test(server_hellos),
		cmocka_unit_test(cut_anywhere),  cmocka_unit_test(no_hellos),
		cmocka_unit_test(odd_names),     cmocka_unit_test(certificates),
		cmocka_unit_test(times),         cmocka_unit_test(guesses),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
