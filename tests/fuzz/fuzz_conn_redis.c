// SPDX-License-Identifier: Apache-2.0
/* Connections that speak Redis, with holes, losses and both directions racing. */
#include "phrases.h"
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice phrases[] = { REDIS_PHRASES };

	return fuzz_records(data, size, phrases, sizeof(phrases) / sizeof(phrases[0]), true);
}
