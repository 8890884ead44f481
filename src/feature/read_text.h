/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_FEATURE_READ_TEXT_H
#define OBI_FEATURE_READ_TEXT_H

#include <stddef.h>
#include <sys/types.h>

/* Reads the start of a file below root ("": of this host), terminated. Its length or a negative
 * errno. */
ssize_t feature_read_text(const char *root, const char *path, char *ret_text, size_t size);

#endif
