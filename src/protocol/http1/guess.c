// SPDX-License-Identifier: Apache-2.0
/* Is this HTTP/1, and which half of an exchange? By the first line alone. */
#include <errno.h>

#include "protocol/http1/http1.h"

/* Without its version a request line is told from text by a method in capitals and a target
 * that begins like one. */
static bool is_likely_request(const struct http1_head *head)
{
	for (size_t i = 0; i < head->method.len; i++) {
		uint8_t c = head->method.data[i];

		if (!(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
			return false;
	}
	if (head->target.len == 0)
		return false;
	return head->target.data[0] == '/' || head->target.data[0] == '*' || head->scheme.len ||
	       slice_equal(head->method, SLICE_LIT("CONNECT"));
}

static enum obi_guess guess_request(struct slice in)
{
	struct http1_head head;
	int err = http1_read_request_line(in, &head);

	/* The preface of HTTP/2 has this for a method (RFC 9113 section 3.4): its version tells. */
	if (err == -EAGAIN && slice_equal(head.method, SLICE_LIT("PRI")))
		return OBI_GUESS_MORE;
	if (err == -EAGAIN)
		return is_likely_request(&head) ? OBI_GUESS_YES : OBI_GUESS_MORE;
	return err ? OBI_GUESS_NO : OBI_GUESS_YES;
}

static enum obi_guess guess_response(struct slice in)
{
	struct http1_head head;
	int err = http1_read_status_line(in, &head);

	if (err == -EAGAIN)
		return OBI_GUESS_MORE;
	return err ? OBI_GUESS_NO : OBI_GUESS_YES;
}

enum obi_guess http1_guess(struct slice in, enum obi_role *ret_role)
{
	enum obi_guess guess = guess_response(in);

	if (guess == OBI_GUESS_YES) {
		*ret_role = OBI_ROLE_RESPONSE;
		return OBI_GUESS_YES;
	}
	if (guess == OBI_GUESS_MORE && in.len > 4) /* past "HTTP" a token ends in a blank */
		return OBI_GUESS_MORE;
	guess = guess_request(in);
	if (guess == OBI_GUESS_YES)
		*ret_role = OBI_ROLE_REQUEST;
	return guess;
}

/* The registry of methods (https://www.iana.org/assignments/http-methods), and those of caches,
 * UPnP and Microsoft that are not in it. */
static const struct slice methods[] = {
	SLICE_LIT("GET"),
	SLICE_LIT("POST"),
	SLICE_LIT("PUT"),
	SLICE_LIT("DELETE"),
	SLICE_LIT("HEAD"),
	SLICE_LIT("OPTIONS"),
	SLICE_LIT("PATCH"),
	SLICE_LIT("CONNECT"),
	SLICE_LIT("TRACE"),
	SLICE_LIT("ACL"),
	SLICE_LIT("BASELINE-CONTROL"),
	SLICE_LIT("BIND"),
	SLICE_LIT("CHECKIN"),
	SLICE_LIT("CHECKOUT"),
	SLICE_LIT("COPY"),
	SLICE_LIT("LABEL"),
	SLICE_LIT("LINK"),
	SLICE_LIT("LOCK"),
	SLICE_LIT("MERGE"),
	SLICE_LIT("MKACTIVITY"),
	SLICE_LIT("MKCALENDAR"),
	SLICE_LIT("MKCOL"),
	SLICE_LIT("MKREDIRECTREF"),
	SLICE_LIT("MKWORKSPACE"),
	SLICE_LIT("MOVE"),
	SLICE_LIT("ORDERPATCH"),
	SLICE_LIT("PROPFIND"),
	SLICE_LIT("PROPPATCH"),
	SLICE_LIT("QUERY"),
	SLICE_LIT("REBIND"),
	SLICE_LIT("REPORT"),
	SLICE_LIT("SEARCH"),
	SLICE_LIT("UNBIND"),
	SLICE_LIT("UNCHECKOUT"),
	SLICE_LIT("UNLINK"),
	SLICE_LIT("UNLOCK"),
	SLICE_LIT("UPDATE"),
	SLICE_LIT("UPDATEREDIRECTREF"),
	SLICE_LIT("VERSION-CONTROL"),
	SLICE_LIT("BAN"),
	SLICE_LIT("PURGE"),
	SLICE_LIT("M-SEARCH"),
	SLICE_LIT("NOTIFY"),
	SLICE_LIT("SUBSCRIBE"),
	SLICE_LIT("UNSUBSCRIBE"),
	SLICE_LIT("BITS_POST"),
	SLICE_LIT("RPC_IN_DATA"),
	SLICE_LIT("RPC_OUT_DATA"),
};

static bool is_known_method(struct slice method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (slice_equal(method, methods[i]))
			return true;
	return false;
}

/* The rest of a request line that was cut within its method is a request line, too: "NS / HTTP/1.1"
 * of OPTIONS. So only a method that is known counts, and the line must be there whole. */
bool http1_resume(struct slice in, enum obi_role *ret_role)
{
	struct http1_head head;

	if (http1_read_status_line(in, &head) == 0) {
		*ret_role = OBI_ROLE_RESPONSE;
		return true;
	}
	if (http1_read_request_line(in, &head) || !is_known_method(head.method) ||
	    !is_likely_request(&head))
		return false;
	*ret_role = OBI_ROLE_REQUEST;
	return true;
}
