/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that several owners' rows need: values of obi_option.check. Where the name ends in
 * _or_empty, "" is allowed too. */
#ifndef OBI_CONFIG_CHECK_H
#define OBI_CONFIG_CHECK_H

#include <stddef.h>

/* An IPv4 or IPv6 address; field is a const char **. */
int obi_check_ip_or_empty(const void *field, char *why, size_t why_size);

/* A path of a URL: begins with '/', without blanks, '?' and '#'. */
int obi_check_url_path(const void *field, char *why, size_t why_size);

/* An item of a list: a glob that compiles (base/glob.h). */
int obi_check_glob_item(const void *item, char *why, size_t why_size);

/* A regular expression (base/regex.h), or "" for none; field is a const char **. */
int obi_check_regex(const void *field, char *why, size_t why_size);

/* An item of a list: not empty, without control bytes. */
int obi_check_text_item(const void *item, char *why, size_t why_size);

#endif
