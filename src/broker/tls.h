/* SPDX-License-Identifier: Apache-2.0 */
/* The programs at TLS libraries' calls: an object of its own, beside the application tracer's. */
#ifndef OBI_BROKER_TLS_H
#define OBI_BROKER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"

struct bpf_object;
struct obi_tls;

#define OBI_TLS_LINKS_MAX (2 * OBI_WIRE_SITES_MAX)

/* The probes on one file. */
struct obi_tls_links {
	int fds[OBI_TLS_LINKS_MAX];
	size_t count;
};

/* Loads them beside the maps of app. 0 or a negative errno. watch: processes that map a library are
 * among its process events, if the kernel has fentry. handshakes: are these asked for? */
int obi_tls_open(struct bpf_object *app, uint32_t pid_namespace, bool watch, bool handshakes,
		 struct obi_tls **ret_tls);
void obi_tls_close(struct obi_tls *tls);

bool obi_tls_watches(const struct obi_tls *tls);

/* "uprobe_multi" or "perf" */
const char *obi_tls_way(const struct obi_tls *tls);

/* Places probes into a file. What a site says is checked. 0 or a negative errno: then there is none
 * of them. */
int obi_tls_attach(struct obi_tls *tls, int file, const struct obi_wire_probe *probe,
		   struct obi_tls_links *ret_links);
void obi_tls_detach(struct obi_tls_links *links);

struct bpf_object *obi_tls_object(const struct obi_tls *tls);

#endif
