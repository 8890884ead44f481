/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_EXPORT_ACCEPT_H
#define OBI_EXPORT_ACCEPT_H

#include <stdbool.h>

#include "base/slice.h"
#include "metrics/render.h"

/* The format that an Accept field (RFC 9110 section 12.5.1) prefers; text where it says nothing. */
enum metrics_format accept_format(struct slice accept);

/* Does an Accept-Encoding field (RFC 9110 section 12.5.3) prefer gzip to what is not compressed?
 * Where both weigh the same it does, as nobody names gzip who does not want it. */
bool accept_gzip(struct slice encodings);

/* The Content-Type of a format. */
const char *accept_content_type(enum metrics_format format);

#endif
