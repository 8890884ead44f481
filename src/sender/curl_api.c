// SPDX-License-Identifier: Apache-2.0
#include "sender/curl_api.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Its soname has not changed since 2006; Debian's package is libcurl4 (libcurl4t64 from trixie). */
#define LIBRARY "libcurl.so.4"
#define PACKAGE "libcurl4"
#define UNWINDER "libgcc_s.so.1"

static bool find(void *library, const char *name, void *ret_function)
{
	void *function = dlsym(library, name);

	/* POSIX has functions and objects share one pointer type here. */
	memcpy(ret_function, &function, sizeof(function));
	return function != NULL;
}

static int check_features(struct obi_curl *curl, char *why, size_t why_size)
{
	const curl_version_info_data *info = curl->version_info(CURLVERSION_NOW);

	curl->version = info->version;
	curl->reuses_h2c = info->version_num >= 0x080000;
	if ((info->features & CURL_VERSION_HTTP2) && (info->features & CURL_VERSION_SSL))
		return 0;
	(void)snprintf(why, why_size, "%s %s was built without HTTP/2 or TLS", LIBRARY,
		       info->version);
	return -ENOENT;
}

int obi_curl_open(struct obi_curl *ret_curl, char *why, size_t why_size)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	struct obi_curl curl;
	bool found = library != NULL;

	if (!found) {
		(void)snprintf(why, why_size, "%s (package %s: apt-get install %s)", dlerror(),
			       PACKAGE, PACKAGE);
		return -ENOENT;
	}
#define X(name_) found = found && find(library, "curl_" #name_, &curl.name_);
	OBI_CURL_FUNCTIONS(X)
#undef X
	if (!found) {
		(void)snprintf(why, why_size, "%s is too old", LIBRARY);
		return -ENOENT;
	}
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		(void)snprintf(why, why_size, "%s does not start", LIBRARY);
		return -ENOENT;
	}
	/* The C library loads it when a thread is cancelled, as libcurl 8.16.0 does with one that
	 * resolves a name for too long, and ends the process where it cannot: as in the sandbox. */
	(void)dlopen(UNWINDER, RTLD_NOW);
	*ret_curl = curl;
	return check_features(ret_curl, why, why_size);
}
