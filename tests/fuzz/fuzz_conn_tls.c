// SPDX-License-Identifier: Apache-2.0
/* Connections on which hands are shaken, and their plain text beside them. */
#include "../unit/protocol/tls/handshakes.h"
#include "phrases.h"
#include "records.h"

#define WHOLE(bytes)                                                                               \
	{                                                                                          \
		bytes, sizeof(bytes)                                                               \
	}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slice phrases[] = {
		WHOLE(client_12_1),
		WHOLE(server_12_1),
		WHOLE(client_12_2),
		WHOLE(server_12_2),
		WHOLE(client_13_1),
		WHOLE(server_13_1),
		WHOLE(client_13_2),
		WHOLE(server_13_2),
		HTTP1_PHRASES,
		SLICE_LIT("\x15\3\3\0\2\2\x28"),
		SLICE_LIT("\x16\3\3\x40\0\1\0\x3f\xff\3\3"),
		SLICE_LIT("\x14\3\3\0\1\1"),
		SLICE_LIT("\x17\3\3\0\x13"),
	};

	return fuzz_records(data, size, phrases, sizeof(phrases) / sizeof(phrases[0]), true);
}
