// SPDX-License-Identifier: Apache-2.0
/*
 * A name is what the process says of itself, then what the operator said of it, then what its file
 * is called. Instance ids are host:PID.
 */
#include "service/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/pairs.h"
#include "service/procfs.h"

/* ---- Resource attributes ----------------------------------------------------------------------
 */

/* The last value of a key, empty where there is none. */
static struct slice find_attribute(struct slice list, struct slice wanted)
{
	struct slice key, value, found = { 0 };

	while (pairs_next(&list, &key, &value))
		if (slice_equal(key, wanted))
			found = value;
	return found;
}

/* Whole pairs, as long as they fit; what has a field of its own is left out. */
static void copy_pairs(char *to, size_t size, struct slice list)
{
	struct slice key, value;
	size_t len = 0;

	while (pairs_next(&list, &key, &value)) {
		if (slice_equal(key, SLICE_LIT("service.name")) ||
		    slice_equal(key, SLICE_LIT("service.namespace")) ||
		    len + key.len + value.len + 3 > size)
			continue;
		if (len)
			to[len++] = ',';
		memcpy(to + len, key.data, key.len);
		len += key.len;
		to[len++] = '=';
		memcpy(to + len, value.data, value.len);
		len += value.len;
	}
	to[len] = '\0';
}

/* ---- Name -------------------------------------------------------------------------------------
 */

/* Copies text, cut where a UTF-8 character (RFC 3629) would not fit whole. */
static void copy(char *to, size_t size, struct slice text)
{
	size_t len = text.len < size ? text.len : size - 1;

	while (len < text.len && len > 0 && (text.data[len] & 0xC0) == 0x80)
		len--;
	if (len)
		memcpy(to, text.data, len);
	to[len] = '\0';
}

static struct slice base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slice_cstr(slash ? slash + 1 : path);
}

static bool given(const char *text)
{
	return text && *text;
}

static enum obi_name_source find_name(const struct obi_identity *identity, struct slice *ret_name)
{
	struct slice attribute =
		find_attribute(identity->otel_resource_attributes, SLICE_LIT("service.name"));
	struct slice base = base_name(identity->exe);

	if (identity->otel_service_name.len) {
		*ret_name = identity->otel_service_name;
		return OBI_NAME_FROM_ENVIRONMENT;
	}
	if (attribute.len) {
		*ret_name = attribute;
		return OBI_NAME_FROM_ATTRIBUTES;
	}
	if (given(identity->forced_name)) {
		*ret_name = slice_cstr(identity->forced_name);
		return OBI_NAME_FROM_CONFIGURATION;
	}
	if (base.len) {
		*ret_name = base;
		return OBI_NAME_FROM_EXECUTABLE;
	}
	return OBI_NAME_FROM_NOTHING;
}

enum obi_name_source obi_service_identify(const struct obi_identity *identity,
					  struct obi_service *ret_service)
{
	struct obi_service service = { .pid = identity->pid, .entries = identity->entries };
	struct slice name = { 0 };
	struct slice name_space =
		find_attribute(identity->otel_resource_attributes, SLICE_LIT("service.namespace"));
	enum obi_name_source source = find_name(identity, &name);

	copy(service.name, sizeof(service.name), name);
	if (source == OBI_NAME_FROM_NOTHING)
		(void)snprintf(service.name, sizeof(service.name), "pid-%u", identity->pid);
	if (!name_space.len)
		name_space = slice_cstr(identity->forced_name_space);
	copy(service.name_space, sizeof(service.name_space), name_space);
	copy(service.language, sizeof(service.language),
	     slice_cstr(given(identity->language) ? identity->language : "generic"));
	copy(service.executable, sizeof(service.executable), base_name(identity->exe));
	copy_pairs(service.resource_attributes, sizeof(service.resource_attributes),
		   identity->otel_resource_attributes);
	(void)snprintf(service.instance, sizeof(service.instance), "%.140s:%u",
		       identity->host ? identity->host : "", identity->pid);
	*ret_service = service;
	return source;
}

const char *obi_name_source_text(enum obi_name_source source)
{
	static const char *const texts[] = {
		[OBI_NAME_FROM_ENVIRONMENT] = "OTEL_SERVICE_NAME of the process",
		[OBI_NAME_FROM_ATTRIBUTES] = "OTEL_RESOURCE_ATTRIBUTES of the process",
		[OBI_NAME_FROM_CONFIGURATION] = "configuration",
		[OBI_NAME_FROM_EXECUTABLE] = "executable",
		[OBI_NAME_FROM_NOTHING] = "process id",
	};

	return texts[source];
}

/* ---- Host -------------------------------------------------------------------------------------
 */

/* hosts(5): address, canonical name, further names. The canonical name of a line that has host, if
 * it is one with a domain. */
static const char *match_line(char *line, const char *host)
{
	char *save = NULL;
	const char *canonical;

	line[strcspn(line, "#\n")] = '\0';
	if (!strtok_r(line, " \t", &save))
		return NULL;
	canonical = strtok_r(NULL, " \t", &save);
	if (!canonical || !strchr(canonical, '.') || !strncmp(canonical, "localhost", 9))
		return NULL;
	for (const char *name = canonical; name; name = strtok_r(NULL, " \t", &save))
		if (!strcmp(name, host))
			return canonical;
	return NULL;
}

int obi_hosts_find(const char *path, const char *host, char *ret_name, size_t size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char line[1024];

	if (!file)
		return -ENOENT;
	while (fgets(line, sizeof(line), file)) {
		const char *name = match_line(line, host);

		if (!name || strlen(name) >= size)
			continue;
		(void)snprintf(ret_name, size, "%s", name);
		return 0;
	}
	return -ENOENT;
}

void obi_service_host(const char *override, bool full, char *ret_host, size_t size)
{
	char name[256], with_domain[256];
	const char *host = name;

	obi_procfs_host_name(name, sizeof(name));
	if (given(override))
		host = override;
	else if (full && !obi_hosts_find("/etc/hosts", name, with_domain, sizeof(with_domain)))
		host = with_domain;
	(void)snprintf(ret_host, size, "%s", host);
}
