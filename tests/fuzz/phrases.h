/* SPDX-License-Identifier: Apache-2.0 */
/* What the ends of connections say, a chunk each. */
#ifndef OBI_TESTS_FUZZ_PHRASES_H
#define OBI_TESTS_FUZZ_PHRASES_H

#include "base/slice.h"

#define HTTP1_PHRASES                                                                              \
	SLICE_LIT("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"),                                           \
		SLICE_LIT("POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"),                   \
		SLICE_LIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),                    \
		SLICE_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),                \
		SLICE_LIT("5\r\nhello\r\n"), SLICE_LIT("0\r\n\r\n"),                               \
		SLICE_LIT("HTTP/1.1 100 Continue\r\n\r\n"),                                        \
		SLICE_LIT("GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\n"              \
			  "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),             \
		SLICE_LIT("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"            \
			  "Upgrade: h2c\r\n\r\n")

#define REDIS_PHRASES                                                                              \
	SLICE_LIT("*1\r\n$4\r\nPING\r\n"), SLICE_LIT("*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),            \
		SLICE_LIT("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$300\r\n"), SLICE_LIT("PING\r\n"),        \
		SLICE_LIT("*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"),                                    \
		SLICE_LIT("*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$1\r\nb\r\n"),                      \
		SLICE_LIT("*1\r\n$11\r\nUNSUBSCRIBE\r\n"), SLICE_LIT("*1\r\n$5\r\nRESET\r\n"),     \
		SLICE_LIT("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n"),                  \
		SLICE_LIT("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n"),                   \
		SLICE_LIT("*1\r\n$7\r\nMONITOR\r\n"), SLICE_LIT("*1\r\n$4\r\nSYNC\r\n"),           \
		SLICE_LIT("+OK\r\n"), SLICE_LIT("$-1\r\n"), SLICE_LIT("$5\r\nhello\r\n"),          \
		SLICE_LIT("-ERR no such thing\r\n"), SLICE_LIT(":1\r\n"), SLICE_LIT("+PONG\r\n"),  \
		SLICE_LIT("*2\r\n$1\r\na\r\n*1\r\n:1\r\n"),                                        \
		SLICE_LIT("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),                           \
		SLICE_LIT("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),                       \
		SLICE_LIT(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"),                       \
		SLICE_LIT("%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n")

/* In datagrams, and with the length before it: a question, its answer, and one that it is not
 * there. */
#define DNS_PHRASES                                                                                \
	SLICE_LIT("aa\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"),                                          \
		SLICE_LIT("aa\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"  \
			  "\xc0\0\2\1"),                                                           \
		SLICE_LIT("aa\x81\x83\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"),                              \
		SLICE_LIT("\0\x13"                                                                 \
			  "aa\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"),                                  \
		SLICE_LIT("\0\x13"                                                                 \
			  "aa\x81\x83\0\1\0\0\0\0\0\0\1a\0\0\1\0\1")

/* Frames: length, type, flags, stream; blocks by RFC 7541. */
#define HTTP2_PHRASES                                                                              \
	SLICE_LIT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),                           \
		SLICE_LIT("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"), SLICE_LIT("\0\0\0\4\1\0\0\0\0"),    \
		SLICE_LIT("\0\0\6\1\5\0\0\0\1\x82\x86\x44\2/a"),                                   \
		SLICE_LIT("\0\0\3\1\5\0\0\0\3\x82\x86\xbe"),                                       \
		SLICE_LIT("\0\0\6\1\4\0\0\0\5\x83\x86\4\2/b"),                                     \
		SLICE_LIT("\0\0\3\1\1\0\0\0\7\x82\x86\x84"),                                       \
		SLICE_LIT("\0\0\5\x9\4\0\0\0\7\x41\3h.x"),                                         \
		SLICE_LIT("\0\0\x1b\1\4\0\0\0\x9\x83\x86\4\4/S/M\x0f\x10\x10"                      \
			  "application/grpc"),                                                     \
		SLICE_LIT("\0\0\1\1\4\0\0\0\1\x88"), SLICE_LIT("\0\0\1\1\5\0\0\0\3\x8d"),          \
		SLICE_LIT("\0\0\1\1\5\0\0\0\5\x88"),                                               \
		SLICE_LIT("\0\0\xf\1\5\0\0\0\x9\x40\x0b"                                           \
			  "grpc-status\1\x37"),                                                    \
		SLICE_LIT("\0\0\1\1\5\0\0\0\x9\xbe"), SLICE_LIT("\0\0\5\0\1\0\0\0\1hello"),        \
		SLICE_LIT("\0\0\5\0\0\0\0\0\5hello"), SLICE_LIT("\0\0\6\0\x9\0\0\0\1\2abc\0\0"),   \
		SLICE_LIT("\0\1\0\0\1\0\0\0\1"), SLICE_LIT("\0\0\4\3\0\0\0\0\1\0\0\0\x8"),         \
		SLICE_LIT("\0\0\x8\6\0\0\0\0\0"                                                    \
			  "12345678"),                                                             \
		SLICE_LIT("\0\0\x8\7\0\0\0\0\0\0\0\0\1\0\0\0\0"),                                  \
		SLICE_LIT("\0\0\4\x8\0\0\0\0\0\0\1\0\0"),                                          \
		SLICE_LIT("\0\0\7\5\4\0\0\0\1\0\0\0\2\x82\x86\x84")

#endif
