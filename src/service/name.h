/* SPDX-License-Identifier: Apache-2.0 */
/* Identity of a service: who the spans of a process are said to come from. */
#ifndef OBI_SERVICE_NAME_H
#define OBI_SERVICE_NAME_H

#include "base/slice.h"
#include "service/placeholder.h"
#include "service/service.h"

/* What is known of a process; NULL and "" mean not known. */
struct obi_identity {
	uint32_t pid;
	struct obi_entries entries;
	const char *exe;         /* full path */
	const char *forced_name; /* by the entry that selected it */
	const char *forced_name_space;
	const char *language;
	const char *host;                      /* host part of service.instance.id */
	struct slice otel_service_name;        /* OTEL_SERVICE_NAME of the process ... */
	struct slice otel_resource_attributes; /* ... and OTEL_RESOURCE_ATTRIBUTES */
	struct obi_variables variables;        /* those that placeholders in these may ask for */
};

/* Where a name came from, best first. */
enum obi_name_source {
	OBI_NAME_FROM_ENVIRONMENT,   /* OTEL_SERVICE_NAME of the process */
	OBI_NAME_FROM_ATTRIBUTES,    /* service.name in its OTEL_RESOURCE_ATTRIBUTES */
	OBI_NAME_FROM_CONFIGURATION, /* of the entry that selected it */
	OBI_NAME_FROM_EXECUTABLE,    /* base name */
	OBI_NAME_FROM_NOTHING,       /* pid-N: not even the executable is known */
};

/* What a source says to the name, or to the namespace, whether or not another one wins; false:
 * nothing. The text lies in buf or in identity. */
bool obi_service_name_said(const struct obi_identity *identity, enum obi_name_source source,
			   struct buffer *buf, struct slice *ret_text);
bool obi_service_name_space_said(const struct obi_identity *identity, enum obi_name_source source,
				 struct buffer *buf, struct slice *ret_text);

/* Fills in all of ret_service; too long names are cut at a whole UTF-8 character. Returns where the
 * name came from. */
enum obi_name_source obi_service_identify(const struct obi_identity *identity,
					  struct obi_service *ret_service);

/* Host part of instance ids: override where it is not "", else this host's name; where full says
 * so, its name with a domain, if /etc/hosts has one. DNS is not asked: the start would hang on the
 * network, and the name would change with the network's mood. */
void obi_service_host(const char *override, bool full, char *ret_host, size_t size);

/* The name with a domain that a hosts(5) file has for host. 0, or -ENOENT. */
int obi_hosts_find(const char *path, const char *host, char *ret_name, size_t size);

#endif
