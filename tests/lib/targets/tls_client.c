// SPDX-License-Identifier: Apache-2.0
/*
 * tls_client PORT PATH COUNT [CERT KEY]
 *
 * Waits for a line on its input, asks for PATH so many times on one connection, over TLS by the
 * library that it was compiled for (-DBY_OPENSSL, -DBY_WOLFSSL, -DBY_MBEDTLS), and says how many
 * were answered. With a certificate it is a server instead, for one connection after the other.
 *
 * WAY in the environment: connect, the handshake is not left to the first write; send, by those
 * calls; reuse, a connection for each request, with the same session. TLS12: that version, in which
 * a client may renegotiate.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static const char *cert, *key;

static void die(const char *what)
{
	(void)fprintf(stderr, "%s failed\n", what);
	exit(1);
}

static bool way_is(const char *name)
{
	const char *way = getenv("WAY");

	return way && !strcmp(way, name);
}

#if defined(BY_OPENSSL)
#include <openssl/ssl.h>

static SSL_CTX *context;
static SSL *session;

static void begin(int fd)
{
	if (!context) {
		context = SSL_CTX_new(TLS_method());
		if (getenv("TLS12")) {
			SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
			SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
		}
		if (cert && (SSL_CTX_use_certificate_file(context, cert, SSL_FILETYPE_PEM) != 1 ||
			     SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1))
			die("the certificate");
	}
	if (!session)
		session = SSL_new(context);
	else
		SSL_clear(session);
	SSL_set_fd(session, fd);
	if (cert)
		SSL_set_accept_state(session);
	else
		SSL_set_connect_state(session);
	if (way_is("connect") && SSL_do_handshake(session) != 1)
		die("the handshake");
}

static int put(const char *text, int len)
{
	return SSL_write(session, text, len);
}

static int get(char *text, int room)
{
	return SSL_read(session, text, room);
}

static void end(void)
{
	SSL_shutdown(session);
	if (way_is("reuse"))
		return;
	SSL_free(session);
	session = NULL;
}
#elif defined(BY_WOLFSSL)
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static WOLFSSL_CTX *context;
static WOLFSSL *session;

/* The handshake is left to the first write. */
static void begin(int fd)
{
	if (!context) {
		wolfSSL_Init();
		context = wolfSSL_CTX_new(getenv("TLS12") ? wolfTLSv1_2_client_method()
							  : wolfTLSv1_3_client_method());
		wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_NONE, NULL);
	}
	session = wolfSSL_new(context);
	wolfSSL_set_fd(session, fd);
	if (way_is("connect") && wolfSSL_connect(session) != WOLFSSL_SUCCESS)
		die("the handshake");
}

static int put(const char *text, int len)
{
	return way_is("send") ? wolfSSL_send(session, text, len, 0)
			      : wolfSSL_write(session, text, len);
}

static int get(char *text, int room)
{
	return way_is("send") ? wolfSSL_recv(session, text, room, 0)
			      : wolfSSL_read(session, text, room);
}

static void end(void)
{
	wolfSSL_shutdown(session);
	wolfSSL_free(session);
}
#elif defined(BY_MBEDTLS)
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

static mbedtls_ssl_config config;
static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_bytes;
static mbedtls_ssl_context session;
static mbedtls_net_context net;

/* The handshake is left to the first write. */
static void begin(int fd)
{
	static bool begun;

	if (!begun) {
		mbedtls_entropy_init(&entropy);
		mbedtls_ctr_drbg_init(&random_bytes);
		(void)mbedtls_ctr_drbg_seed(&random_bytes, mbedtls_entropy_func, &entropy, NULL, 0);
		mbedtls_ssl_config_init(&config);
		(void)mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
						  MBEDTLS_SSL_TRANSPORT_STREAM,
						  MBEDTLS_SSL_PRESET_DEFAULT);
		mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
		mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_bytes);
		begun = true;
	}
	net.fd = fd;
	mbedtls_ssl_init(&session);
	if (mbedtls_ssl_setup(&session, &config))
		die("the session");
	mbedtls_ssl_set_bio(&session, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (way_is("connect") && mbedtls_ssl_handshake(&session))
		die("the handshake");
}

static int put(const char *text, int len)
{
	return mbedtls_ssl_write(&session, (const unsigned char *)text, len);
}

static int get(char *text, int room)
{
	return mbedtls_ssl_read(&session, (unsigned char *)text, room);
}

static void end(void)
{
	mbedtls_ssl_close_notify(&session);
	mbedtls_ssl_free(&session);
}
#endif

/* Reads until the text ends so. */
static bool get_until(const char *last)
{
	char text[4096];
	size_t len = 0, end = strlen(last);

	while (len < end || memcmp(text + len - end, last, end)) {
		int n = get(text + len, (int)(sizeof(text) - len));

		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return true;
}

static int ask(const struct sockaddr_in *address, const char *path, int count)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), done = 0;
	char text[512];

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		die("connect");
	begin(fd);
	if (way_is("reuse"))
		count = 1;
	(void)snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
	while (done < count && put(text, (int)strlen(text)) > 0 && get_until("hello"))
		done++;
	end();
	close(fd);
	return done;
}

static void serve(const struct sockaddr_in *address)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	const int on = 1;

	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) ||
	    listen(listener, 16))
		die("listen");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		begin(fd);
		while (get_until("\r\n\r\n") && put(ANSWER, strlen(ANSWER)) > 0)
			;
		end();
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argc > 3 ? argv[1] : "0")),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int count, done = 0;
	char line[16];

	if (argc < 4)
		return 2;
	count = atoi(argv[3]);
	cert = argc > 5 ? argv[4] : NULL;
	key = argc > 5 ? argv[5] : NULL;
	if (cert)
		serve(&address);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	do
		done += ask(&address, argv[2], count);
	while (way_is("reuse") && done > 0 && done < count);
	printf("%d\n", done);
	return 0;
}
