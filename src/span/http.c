// SPDX-License-Identifier: Apache-2.0
#include "span/span.h"

const struct obi_system obi_system_http = {
	.family = OBI_FAMILY_HTTP,
	.name = "",
	.instrumentation = "http",
	.fallback = "HTTP",
};
