// SPDX-License-Identifier: Apache-2.0
/* All that can be said on connections, in one input: messages and chunks of every protocol. */
#include "phrases.h"
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice phrases[] = { HTTP1_PHRASES, REDIS_PHRASES, HTTP2_PHRASES,
						DNS_PHRASES };

	return fuzz_records(data, size, phrases, sizeof(phrases) / sizeof(phrases[0]), false);
}
