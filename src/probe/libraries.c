// SPDX-License-Identifier: Apache-2.0
#include "probe/libraries.h"

#include "base/cleanup.h"
#include "obi/tls.h"

enum {
	OPENSSL,
	GNUTLS,
	NSS,
	S2N,
	WOLFSSL,
	MBEDTLS,
	LIBCRYPTO,
	JAVA,
};

const struct obi_probe_library obi_probe_libraries[] = {
	[OPENSSL] = { .name = "OpenSSL",
		      .files = { "libssl.so", "libssl-", "libssl3.so" },
		      .random = "SSL_get_client_random" },
	[GNUTLS] = { .name = "GnuTLS", .files = { "libgnutls.so" } },
	[NSS] = { .name = "NSS", .files = { "libnspr4.so" } },
	[S2N] = { .name = "s2n", .files = { "libs2n.so" } },
	[WOLFSSL] = { .name = "wolfSSL",
		      .files = { "libwolfssl.so" },
		      .random = "wolfSSL_get_client_random" },
	[MBEDTLS] = { .name = "mbedTLS", .files = { "libmbedtls.so" } },
	[LIBCRYPTO] = { .name = "OpenSSL",
			.files = { "libcrypto.so", "libcrypto-", "libcrypto3.so" },
			.handshakes = true },
	[JAVA] = { .name = "Java", .files = { "libobi-java.so" }, .random = "obi_java_random" },
};

/* Calls of (session, memory, length, ...) and of (session). */
const struct obi_probe_function obi_probe_functions[] = {
	{ "SSL_read", OPENSSL, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "SSL_write", OPENSSL, OBI_TLS_WRITE, OBI_TLS_RETURNED },
	{ "SSL_read_ex", OPENSSL, OBI_TLS_READ, OBI_TLS_AT_ARG3 },
	{ "SSL_write_ex", OPENSSL, OBI_TLS_WRITE, OBI_TLS_AT_ARG3 },
	{ "SSL_write_ex2", OPENSSL, OBI_TLS_WRITE, OBI_TLS_AT_ARG4 },
	{ "SSL_do_handshake", OPENSSL, OBI_TLS_HANDSHAKE, 0 },
	{ "SSL_free", OPENSSL, OBI_TLS_FREE, 0 },
	{ "gnutls_record_recv", GNUTLS, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "gnutls_record_send", GNUTLS, OBI_TLS_WRITE, OBI_TLS_RETURNED },
	{ "gnutls_handshake", GNUTLS, OBI_TLS_HANDSHAKE, 0 },
	{ "gnutls_deinit", GNUTLS, OBI_TLS_FREE, 0 },
	{ "PR_Read", NSS, OBI_TLS_READ, OBI_TLS_OF_ANY },
	{ "PR_Write", NSS, OBI_TLS_WRITE, OBI_TLS_OF_ANY },
	{ "PR_Recv", NSS, OBI_TLS_READ, OBI_TLS_OF_ANY },
	{ "PR_Send", NSS, OBI_TLS_WRITE, OBI_TLS_OF_ANY },
	{ "PR_Close", NSS, OBI_TLS_FREE, 0 },
	{ "s2n_recv", S2N, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "s2n_send", S2N, OBI_TLS_WRITE, OBI_TLS_RETURNED },
	{ "s2n_negotiate", S2N, OBI_TLS_HANDSHAKE, 0 },
	{ "s2n_connection_free", S2N, OBI_TLS_FREE, 0 },
	{ "wolfSSL_recv", WOLFSSL, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "wolfSSL_read", WOLFSSL, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "wolfSSL_write", WOLFSSL, OBI_TLS_WRITE, OBI_TLS_RETURNED },
	{ "wolfSSL_accept", WOLFSSL, OBI_TLS_HANDSHAKE, 0 },
	{ "wolfSSL_connect", WOLFSSL, OBI_TLS_HANDSHAKE, 0 },
	{ "wolfSSL_free", WOLFSSL, OBI_TLS_FREE, 0 },
	{ "mbedtls_ssl_read", MBEDTLS, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "mbedtls_ssl_write", MBEDTLS, OBI_TLS_WRITE, OBI_TLS_RETURNED },
	{ "mbedtls_ssl_handshake", MBEDTLS, OBI_TLS_HANDSHAKE, 0 },
	{ "mbedtls_ssl_handshake_step", MBEDTLS, OBI_TLS_HANDSHAKE, 0 },
	{ "mbedtls_ssl_free", MBEDTLS, OBI_TLS_FREE, 0 },
	{ "d2i_X509", LIBCRYPTO, OBI_TLS_CERTIFICATE_READ, 0 },
	{ "i2d_X509", LIBCRYPTO, OBI_TLS_CERTIFICATE_WRITTEN, 0 },
	{ "obi_java_read", JAVA, OBI_TLS_READ, OBI_TLS_RETURNED },
	{ "obi_java_write", JAVA, OBI_TLS_WRITE, OBI_TLS_RETURNED },
	{ "obi_java_inside", JAVA, OBI_TLS_INSIDE, 0 },
	{ "obi_java_free", JAVA, OBI_TLS_FREE, 0 },
};

_Static_assert(ARRAY_SIZE(obi_probe_functions) == OBI_PROBE_FUNCTIONS,
	       "as many as the header says");
_Static_assert(ARRAY_SIZE(obi_probe_libraries) == OBI_PROBE_LIBRARIES,
	       "as many as the header says");

bool obi_probe_is_library(struct slice path, bool handshakes)
{
	struct slice file = slice_base_name(path);

	for (size_t i = 0; i < ARRAY_SIZE(obi_probe_libraries); i++) {
		if (obi_probe_libraries[i].handshakes && !handshakes)
			continue;
		for (size_t k = 0; k < OBI_PROBE_FILES; k++)
			if (obi_probe_libraries[i].files[k] &&
			    slice_has_prefix(file, slice_cstr(obi_probe_libraries[i].files[k])))
				return true;
	}
	return false;
}
