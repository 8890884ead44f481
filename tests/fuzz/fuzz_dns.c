// SPDX-License-Identifier: Apache-2.0
/*
 * DNS messages. What must hold: a message that is cut has the same question, and of its addresses
 * the first ones; what is guessed can be read; and a guess is not taken back where more is there.
 */
#include <errno.h>
#include <stdlib.h>

#include "protocol/dns/message.h"

static int parse(struct slice in, struct dns_message *ret_message)
{
	/* A copy of its own, so that the sanitizer sees every read past the end. */
	uint8_t *copy = malloc(in.len ? in.len : 1);
	int err;

	if (!copy)
		abort();
	if (in.len)
		memcpy(copy, in.data, in.len);
	err = dns_parse(slice_of(copy, in.len), ret_message);
	free(copy);
	return err;
}

static void check_message(const struct dns_message *message)
{
	char room[DNS_MNEMONIC_MAX];

	if (message->name_len > DNS_NAME_MAX || (message->questions && !message->name_len) ||
	    message->addresses_count > DNS_ADDRESSES_MAX ||
	    message->addresses_len >= sizeof(message->addresses))
		abort();
	for (size_t i = 0; i < message->name_len; i++)
		if (message->name[i] < ' ' || message->name[i] > '~')
			abort();
	if (!dns_type_text(message->type, room).len || !dns_rcode_text(message->rcode, room).len)
		abort();
}

static void check_cut(const struct dns_message *whole, struct slice in)
{
	struct dns_message cut;
	int err = parse(in, &cut);

	if (err == -EAGAIN)
		return;
	if (err)
		abort();
	check_message(&cut);
	if (cut.name_len != whole->name_len || memcmp(cut.name, whole->name, cut.name_len) != 0 ||
	    cut.type != whole->type || cut.id != whole->id || cut.response != whole->response)
		abort();
	if (cut.addresses_count > whole->addresses_count ||
	    memcmp(cut.addresses, whole->addresses, cut.addresses_len) != 0)
		abort();
	if (cut.complete && !whole->complete)
		abort();
}

static void check_guess(struct slice in, struct slice cut, int err)
{
	enum obi_role role, cut_role;
	enum obi_guess guess = dns_guess(in, &role), cut_guess = dns_guess(cut, &cut_role);

	if (guess == OBI_GUESS_YES && err)
		abort();
	if (cut_guess != OBI_GUESS_MORE && cut_guess != guess)
		abort();
}

/* The first byte says where to cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message whole;
	struct slice in = slice_of(data, size), cut;
	int err;

	if (size < 1)
		return 0;
	in = slice_from(in, 1);
	cut = slice_first(in, data[0] * in.len / 256);
	err = parse(in, &whole);
	check_guess(in, cut, err);
	if (err)
		return 0;
	check_message(&whole);
	check_cut(&whole, cut);
	return 0;
}
