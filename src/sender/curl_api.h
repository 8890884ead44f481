/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, loaded when the sender starts: the other processes of the same program neither map it
 * nor run what it and its libraries do at start.
 */
#ifndef OBI_SENDER_CURL_API_H
#define OBI_SENDER_CURL_API_H

#include <stdbool.h>
#include <stddef.h>

/* The header's macros check types of direct calls; these go through pointers. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* X(name): curl_NAME of the header. */
#define OBI_CURL_FUNCTIONS(X)                                                                      \
	X(global_init)                                                                             \
	X(version_info)                                                                            \
	X(easy_init)                                                                               \
	X(easy_setopt)                                                                             \
	X(easy_getinfo)                                                                            \
	X(easy_reset)                                                                              \
	X(easy_strerror)                                                                           \
	X(easy_cleanup)                                                                            \
	X(slist_append)                                                                            \
	X(slist_free_all)                                                                          \
	X(multi_init)                                                                              \
	X(multi_setopt)                                                                            \
	X(multi_add_handle)                                                                        \
	X(multi_remove_handle)                                                                     \
	X(multi_socket_action)                                                                     \
	X(multi_info_read)                                                                         \
	X(multi_cleanup)

struct obi_curl {
#define X(name_) __typeof__(&curl_##name_) name_;
	OBI_CURL_FUNCTIONS(X)
#undef X
	const char *version;
	bool reuses_h2c; /* a connection without TLS serves more than one HTTP/2 request */
};

/* Loads and initialises the library. 0; -ENOENT where it is missing or lacks something, with the
 * reason in why. */
int obi_curl_open(struct obi_curl *ret_curl, char *why, size_t why_size);

#endif
