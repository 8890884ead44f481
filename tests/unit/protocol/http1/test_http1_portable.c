// SPDX-License-Identifier: Apache-2.0
/* The same tests over the reader that machines without SSE2 get. */
#define HTTP1_NO_SIMD
#include "../../../../src/protocol/http1/head.c" /* NOLINT(bugprone-suspicious-include) */
#include "test_http1.c"                          /* NOLINT(bugprone-suspicious-include) */
