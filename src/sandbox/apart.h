/* SPDX-License-Identifier: Apache-2.0 */
/* A function in a process of its own, shut in as the worker is, for a limited time: for bytes that
 * a stranger has written, where there is no worker. */
#ifndef OBI_SANDBOX_APART_H
#define OBI_SANDBOX_APART_H

#include <stddef.h>

struct obi_apart {
	/* Fills result, which begins as zeros. Has no descriptor but these, by their numbers. */
	void (*call)(void *context, void *result);
	void *context;
	const int *fds;
	int fd_count;
	unsigned timeout_ms;
};

/* 0, and what it has filled in: to be trusted no more than the bytes that it has read. -ETIMEDOUT:
 * it took too long, and was ended; -ECHILD: it has ended some other way than by returning; or
 * another negative errno. */
int obi_apart_run(const struct obi_apart *apart, void *ret_result, size_t size);

#endif
