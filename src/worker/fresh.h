/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that have just become another program, and look like any: exec(2) is announced before
 * anything but the program itself is mapped, be it a Java launcher. Their list of mappings is read
 * again: as their first span is made, and some times after exec(2).
 */
#ifndef OBI_WORKER_FRESH_H
#define OBI_WORKER_FRESH_H

#include <stddef.h>
#include <stdint.h>

#include "inspect/language.h"

#define OBI_FRESH_MAX 64 /* at a time, each with a descriptor; the oldest makes room */

struct obi_fresh {
	struct obi_fresh_process {
		uint64_t since_ns;
		uint32_t pid;
		int maps_fd;
		uint8_t looks;
		bool spoke; /* looked at for its first span */
	} items[OBI_FRESH_MAX];
	size_t count;
};

/* Watches one that looked like any. Takes maps_fd. */
void obi_fresh_put(struct obi_fresh *fresh, uint32_t pid, int maps_fd, uint64_t now_ns);

/* It is gone, or has become yet another program. */
void obi_fresh_forget(struct obi_fresh *fresh, uint32_t pid);

/* Its language as its first span is made, or OBI_LANGUAGE_GENERIC where that is not new: then it
 * stays watched. */
enum obi_language obi_fresh_first(struct obi_fresh *fresh, uint32_t pid);

/* The same for those whose time has come. Calls take with each whose language is known now. */
void obi_fresh_tick(struct obi_fresh *fresh, uint64_t now_ns,
		    void (*take)(void *context, uint32_t pid, enum obi_language language),
		    void *context);

/* When the next one's time comes; UINT64_MAX: never. */
uint64_t obi_fresh_next(const struct obi_fresh *fresh);

void obi_fresh_close(struct obi_fresh *fresh);

#endif
