/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small HTTP server for scrapes: some paths, each showing one or two registries.
 * It runs inside of the caller's loop and never waits.
 */
#ifndef OBI_EXPORT_SCRAPE_SERVER_H
#define OBI_EXPORT_SCRAPE_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "metrics/registry.h"

#define SCRAPE_PATHS_MAX 2
#define SCRAPE_REGISTRIES_MAX 2

struct scrape_path {
	const char *path;
	struct metrics *registries[SCRAPE_REGISTRIES_MAX]; /* NULL: fewer */
};

struct scrape_server;

/* Listens on that address, "": on all; port 0: any free one. before(context, path) is called before
 * a scrape is answered, and may be NULL. The paths' strings and registries must outlive the server.
 * 0, or a negative errno with the reason in why. */
int scrape_server_open(const char *address, uint16_t port, const struct scrape_path *paths,
		       size_t count, void (*before)(void *context, const char *path), void *context,
		       struct scrape_server **ret_server, char *why, size_t why_size);
void scrape_server_close(struct scrape_server *server);

uint16_t scrape_server_port(const struct scrape_server *server);

/* A descriptor that is readable when scrape_server_run() has something to do. */
int scrape_server_fd(const struct scrape_server *server);

/* When scrape_server_run() has to be called next, though that is not readable. UINT64_MAX: never.
 */
uint64_t scrape_server_due(const struct scrape_server *server);

/* Call then, and as scrape_server_due() says. */
void scrape_server_run(struct scrape_server *server);

#endif
