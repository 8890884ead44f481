/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was wrong with the configuration, in words for the operator. The code
 * that finds the fault fills it in; whoever asked for the configuration logs it.
 */
#ifndef OBI_CONFIG_ERROR_H
#define OBI_CONFIG_ERROR_H

struct obi_error {
	char text[1024]; /* one line, no full stop; cut where too long */
};

/* Replaces the text. Returns code, so that `return obi_error_set(e, -EINVAL, ...)` reads well. */
int obi_error_set(struct obi_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
