/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_EXPORT_ACCEPT_H
#define OBI_EXPORT_ACCEPT_H

#include "base/slice.h"
#include "export/metrics/render.h"

/* The format that an Accept field (RFC 9110 section 12.5.1) prefers; text where it says nothing. */
enum metrics_format accept_format(struct slice accept);

/* The Content-Type of a format. */
const char *accept_content_type(enum metrics_format format);

#endif
