// SPDX-License-Identifier: Apache-2.0
/*
 * Hellos and certificates of TLS. What must hold: texts lie in the message and have no odd bytes;
 * and a guess is not taken back where more is there.
 */
#include <stdlib.h>

#include "protocol/tls/hello.h"

static void check_text(struct slice text, struct slice body)
{
	if (text.len && (text.data < body.data || text.data + text.len > body.data + body.len))
		abort();
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x21 || text.data[i] > 0x7e)
			abort();
}

static void check_guess(struct slice in, struct slice cut)
{
	enum obi_guess guess = tls_guess(in), cut_guess = tls_guess(cut);

	if (cut_guess != OBI_GUESS_MORE && cut_guess != guess)
		abort();
}

/* The first byte says where to cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_client_hello client;
	struct tls_server_hello server;
	struct slice in = slice_of(data, size);
	uint8_t *copy;

	if (size < 1)
		return 0;
	in = slice_from(in, 1);
	check_guess(in, slice_first(in, data[0] * in.len / 256));
	/* A copy of its own, so that the sanitizer sees every read past the end. */
	copy = malloc(in.len ? in.len : 1);
	if (!copy)
		abort();
	if (in.len)
		memcpy(copy, in.data, in.len);
	in = slice_of(copy, in.len);
	if (!tls_parse_client_hello(in, &client))
		check_text(client.server_name, in);
	if (!tls_parse_server_hello(in, &server))
		check_text(server.next_protocol, in);
	if (tls_certificate_not_after(in) < 0 && in.len < 12)
		abort();
	free(copy);
	return 0;
}
