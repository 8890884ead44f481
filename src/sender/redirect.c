// SPDX-License-Identifier: Apache-2.0
#include "sender/redirect.h"

#include <string.h>

#include "base/slice.h"

struct origin {
	struct slice scheme, authority;
};

/* RFC 3986 section 3. */
static bool read_origin(const char *url, struct origin *ret_origin)
{
	const char *end = strstr(url, "://");

	if (!end)
		return false;
	ret_origin->scheme = slice_of(url, (size_t)(end - url));
	end += 3;
	ret_origin->authority = slice_of(end, strcspn(end, "/?#\\"));
	return ret_origin->authority.len;
}

static bool is_scheme(const struct origin *origin, const char *name)
{
	return slice_equal_nocase(origin->scheme, slice_cstr(name));
}

/* What stands before an @ is sent to the host anyway. */
static struct slice host_and_port(const struct origin *origin)
{
	ptrdiff_t at = slice_find(origin->authority, '@');

	return slice_from(origin->authority, (size_t)(at + 1));
}

const char *sender_redirect_refused(const char *from, const char *to, bool *ret_same)
{
	struct origin a, b;

	*ret_same = false;
	if (!read_origin(from, &a) || !read_origin(to, &b))
		return "a redirect to what is no absolute URL is not followed";
	if (!is_scheme(&b, "http") && !is_scheme(&b, "https"))
		return "a redirect to another scheme than http and https is not followed";
	if (is_scheme(&a, "https") && !is_scheme(&b, "https"))
		return "a redirect from TLS to clear text is not followed";
	if (slice_find(b.authority, '@') >= 0)
		return "a redirect that brings a user's name is not followed";
	*ret_same = slice_equal_nocase(a.scheme, b.scheme) &&
		    slice_equal_nocase(host_and_port(&a), b.authority);
	return NULL;
}
