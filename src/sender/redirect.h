/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a collector's answer 307 or 308 (RFC 9110 section 15.4) sends a batch: the method and the
 * body stay as they are. Other redirections would turn them into a GET, and are not followed.
 */
#ifndef OBI_SENDER_REDIRECT_H
#define OBI_SENDER_REDIRECT_H

#include <stdbool.h>

/* In a row, for one batch. */
#define SENDER_REDIRECTS_MAX 5

/* May what was meant for the URL `from` go to the URL `to`, both absolute? NULL, or why not.
 * ret_same: it is the same scheme, host and port as written: credentials go with it; else none do.
 */
const char *sender_redirect_refused(const char *from, const char *to, bool *ret_same);

static inline bool sender_redirect_is(int http)
{
	return http == 307 || http == 308;
}

#endif
