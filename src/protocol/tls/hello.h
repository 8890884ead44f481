/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS handshake says in clear text: the two hellos, alerts, and up to TLS 1.2 the server's
 * certificate. Pure: bytes in, values out.
 */
#ifndef OBI_PROTOCOL_TLS_HELLO_H
#define OBI_PROTOCOL_TLS_HELLO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "conn/guess.h"

/* Types of records (RFC 8446 section 5.1) ... */
enum {
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_ALERT = 21,
	TLS_HANDSHAKE = 22,
	TLS_APPLICATION_DATA = 23,
	TLS_HEARTBEAT = 24,
};

/* ... and of handshake messages (section 4). */
enum {
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
	TLS_CERTIFICATE = 11,
};

#define TLS_RECORD_HEADER 5
#define TLS_MESSAGE_HEADER 4
#define TLS_RECORD_MAX (16384 + 2048) /* RFC 5246 section 6.2.3 */

#define TLS_VERSION_1_2 0x0303
#define TLS_VERSION_1_3 0x0304

#define TLS_ALERT_FATAL 2
#define TLS_ALERT_CLOSE_NOTIFY 0

struct tls_client_hello {
	struct slice server_name; /* server_name, a host's; "" none */
	bool early_data;          /* data may follow before the server's hello (section 4.2.10) */
};

struct tls_server_hello {
	uint16_t version; /* that was chosen */
	uint16_t cipher;
	bool retry;                 /* a HelloRetryRequest: another client hello follows */
	bool pre_shared_key;        /* one was chosen: 1.3 resumes by it */
	struct slice next_protocol; /* of ALPN; "" none, and in 1.3 encrypted */
};

/* Bodies of messages, without their headers. One that is cut is read as far as it goes: what stands
 * behind the cut is not known. -EBADMSG: it is none. Slices lie in body. */
int tls_parse_client_hello(struct slice body, struct tls_client_hello *ret_hello);
int tls_parse_server_hello(struct slice body, struct tls_server_hello *ret_hello);

/* When the first certificate of such a message (RFC 5246 section 7.4.2) is no longer valid: seconds
 * of Unix time; 0: it does not say so, or is cut before. */
int64_t tls_certificate_not_after(struct slice body);

/* The same of a certificate by itself, DER (RFC 5280 section 4.1). */
int64_t tls_der_not_after(struct slice der);

/* Do the bytes begin a record with the beginning of a client hello? */
enum obi_guess tls_guess(struct slice bytes);

/* "1.2", "" of what is none. */
const char *tls_version_text(uint16_t version);

#define TLS_CIPHER_TEXT 48

/* The name by which IANA has it (https://www.iana.org/assignments/tls-parameters/), "0xC0FF" of one
 * that is not known here. Lies in room or is a constant. */
struct slice tls_cipher_text(uint16_t cipher, char room[TLS_CIPHER_TEXT]);

/* "handshake_failure" (RFC 8446 section 6), "alert_99" of one that is not known here. */
struct slice tls_alert_text(uint8_t alert, char room[TLS_CIPHER_TEXT]);

#endif
