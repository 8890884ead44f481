/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side: `ebpf.*`. */
#ifndef OBI_BROKER_OPTIONS_H
#define OBI_BROKER_OPTIONS_H

#include "config/option.h"

/* ebpf.context_propagation: bits. */
enum obi_propagation {
	OBI_PROPAGATE_HEADERS = 0x1, /* traceparent in HTTP headers */
	OBI_PROPAGATE_TCP = 0x2,     /* TCP option */
	OBI_PROPAGATE_ALL = 0x3,
	OBI_PROPAGATE_IP = 0x4, /* accepted and without effect; cleared after loading */
};

enum obi_tc_backend {
	OBI_TC_AUTO,
	OBI_TC_TC,
	OBI_TC_TCX,
};

struct obi_broker_options {
	struct obi_flags context_propagation; /* enum obi_propagation; 0 bits = disabled */
	bool enable_context_propagation;      /* deprecated: the same as `all` */
	bool track_request_headers;           /* nothing to switch: always done */
	int tc_backend;                       /* enum obi_tc_backend */
	bool tls_probes;                      /* what TLS libraries encrypt is seen */
	struct obi_list tls_probes_exclude;   /* globs over paths of files that are left alone */
	uint64_t http_request_timeout;        /* ns; 0 = never give a request up */
	uint64_t dns_request_timeout;         /* ns */
	bool redis_db_cache;                  /* nothing to switch: always done ... */
	int64_t redis_db_cache_size;          /* ... for all connections that are known */
};

extern const struct obi_options obi_broker_option_rows;

/* Is a file with that path, as its process has it, to have no probes? */
bool obi_broker_leaves_alone(const struct obi_broker_options *options, const char *path);

#endif
