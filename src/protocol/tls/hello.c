// SPDX-License-Identifier: Apache-2.0
#include "protocol/tls/hello.h"

#include <errno.h>

/* Types of extensions (RFC 8446 section 4.2, RFC 6066 section 3, RFC 7301). */
enum {
	SERVER_NAME = 0,
	ALPN = 16,
	PRE_SHARED_KEY = 41,
	EARLY_DATA = 42,
	SUPPORTED_VERSIONS = 43,
};

#define RANDOM 32
#define SESSION_ID_MAX 32
#define HOST_NAME 0
#define HOST_NAME_MAX 255

/* The random by which a server's hello asks for another one (RFC 8446 section 4.1.3). */
static const uint8_t retry_random[RANDOM] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* ---- Reading ------------------------------------------------------------------------------- */

/* What is left; false, and nothing taken, where that is too little. */
static bool take(struct slice *in, size_t len, struct slice *ret_bytes)
{
	if (in->len < len)
		return false;
	*ret_bytes = slice_first(*in, len);
	*in = slice_from(*in, len);
	return true;
}

static bool take_number(struct slice *in, size_t width, uint32_t *ret_number)
{
	struct slice bytes;
	uint32_t number = 0;

	if (!take(in, width, &bytes))
		return false;
	for (size_t i = 0; i < width; i++)
		number = number << 8 | bytes.data[i];
	*ret_number = number;
	return true;
}

/* A vector with its length in front; as much of it as there is. *ret_whole: all. */
static bool take_vector(struct slice *in, size_t width, struct slice *ret_bytes, bool *ret_whole)
{
	uint32_t len;

	if (!take_number(in, width, &len))
		return false;
	*ret_whole = len <= in->len;
	*ret_bytes = slice_first(*in, len);
	*in = slice_from(*in, len);
	return true;
}

static bool take_whole(struct slice *in, size_t width, struct slice *ret_bytes)
{
	bool whole;

	return take_vector(in, width, ret_bytes, &whole) && whole;
}

/* ---- Extensions ---------------------------------------------------------------------------- */

/* The next one that is whole. */
static bool take_extension(struct slice *in, uint32_t *ret_type, struct slice *ret_body)
{
	return take_number(in, 2, ret_type) && take_whole(in, 2, ret_body);
}

/* A name as DNS has them, without what would be odd in a label of a metric. */
static bool is_host_name(struct slice name)
{
	if (!name.len || name.len > HOST_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i], letter = c | 0x20;

		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '.' &&
		    c != '-' && c != '_')
			return false;
	}
	return true;
}

static struct slice host_name_of(struct slice body)
{
	struct slice list, name;
	uint32_t type;

	if (!take_whole(&body, 2, &list) || !take_number(&list, 1, &type) || type != HOST_NAME ||
	    !take_whole(&list, 2, &name) || !is_host_name(name))
		return SLICE_LIT("");
	return name;
}

/* Of a server's answer: the one that it chose. */
static struct slice protocol_of(struct slice body)
{
	struct slice list, name;

	if (!take_whole(&body, 2, &list) || !take_whole(&list, 1, &name) || list.len)
		return SLICE_LIT("");
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < 0x21 || name.data[i] > 0x7e)
			return SLICE_LIT("");
	return name;
}

/* ---- Hellos -------------------------------------------------------------------------------- */

static bool is_version(uint32_t version)
{
	return version >= 0x0300 && version <= TLS_VERSION_1_3;
}

/* legacy_version, random, legacy_session_id: what both begin with. */
static int take_beginning(struct slice *in, uint32_t *ret_version, struct slice *ret_random)
{
	struct slice session;

	if (!take_number(in, 2, ret_version) || !is_version(*ret_version) ||
	    !take(in, RANDOM, ret_random) || !take_whole(in, 1, &session) ||
	    session.len > SESSION_ID_MAX)
		return -EBADMSG;
	return 0;
}

int tls_parse_client_hello(struct slice body, struct tls_client_hello *ret_hello)
{
	struct slice random, ciphers, methods, extensions, extension;
	uint32_t version, type;
	bool whole;

	*ret_hello = (struct tls_client_hello){ .server_name = SLICE_LIT("") };
	if (take_beginning(&body, &version, &random))
		return -EBADMSG;
	if (!take_whole(&body, 2, &ciphers) || ciphers.len < 2 || ciphers.len % 2 ||
	    !take_whole(&body, 1, &methods) || !methods.len)
		return -EBADMSG;
	if (!take_vector(&body, 2, &extensions, &whole)) /* there need not be any */
		return 0;
	while (take_extension(&extensions, &type, &extension)) {
		if (type == SERVER_NAME)
			ret_hello->server_name = host_name_of(extension);
		else if (type == EARLY_DATA)
			ret_hello->early_data = true;
	}
	return 0;
}

static void take_answer(uint32_t type, struct slice body, struct tls_server_hello *hello)
{
	uint32_t version;

	if (type == SUPPORTED_VERSIONS && take_number(&body, 2, &version) && is_version(version))
		hello->version = (uint16_t)version;
	else if (type == PRE_SHARED_KEY)
		hello->pre_shared_key = true;
	else if (type == ALPN)
		hello->next_protocol = protocol_of(body);
}

int tls_parse_server_hello(struct slice body, struct tls_server_hello *ret_hello)
{
	struct slice random, extensions, extension;
	uint32_t version, cipher, method, type;
	bool whole;

	*ret_hello = (struct tls_server_hello){ .next_protocol = SLICE_LIT("") };
	if (take_beginning(&body, &version, &random) || version > TLS_VERSION_1_2 ||
	    !take_number(&body, 2, &cipher) || !take_number(&body, 1, &method))
		return -EBADMSG;
	ret_hello->version = (uint16_t)version;
	ret_hello->cipher = (uint16_t)cipher;
	ret_hello->retry = slice_equal(random, slice_of(retry_random, RANDOM));
	if (!take_vector(&body, 2, &extensions, &whole))
		return 0;
	while (take_extension(&extensions, &type, &extension))
		take_answer(type, extension, ret_hello);
	return 0;
}

enum obi_guess tls_guess(struct slice bytes)
{
	/* Type, version, length; type, length, version (RFC 8446 sections 4.1.2 and 5.1). */
	static const uint8_t at[] = { 0, 1, 5, 9 },
			     is[] = { TLS_HANDSHAKE, 3, TLS_CLIENT_HELLO, 3 };

	for (size_t i = 0; i < sizeof(at); i++) {
		if (bytes.len <= at[i])
			return OBI_GUESS_MORE;
		if (bytes.data[at[i]] != is[i])
			return OBI_GUESS_NO;
	}
	if (bytes.data[2] > 4 || bytes.data[6] || bytes.data[3] > 0x40)
		return OBI_GUESS_NO;
	return OBI_GUESS_YES;
}
