// SPDX-License-Identifier: Apache-2.0
/* What an observed process is: its language and name, from descriptors that the broker opened. */
#include "worker/process.h"

#include <stdio.h>

#include "inspect/environ.h"
#include "inspect/language.h"
#include "service/name.h"

struct variables {
	char service_name[256];
	char resource_attributes[4096];
	enum obi_language language;
};

static void copy_slice(char *to, size_t size, struct slice from)
{
	size_t len = from.len < size ? from.len : size - 1;

	memcpy(to, from.data, len);
	to[len] = '\0';
}

static void take_variable(void *context, struct slice name, struct slice value)
{
	struct variables *variables = context;
	enum obi_language language = obi_language_of_variable(name);

	if (slice_equal(name, SLICE_LIT("OTEL_SERVICE_NAME")))
		copy_slice(variables->service_name, sizeof(variables->service_name), value);
	else if (slice_equal(name, SLICE_LIT("OTEL_RESOURCE_ATTRIBUTES")))
		copy_slice(variables->resource_attributes, sizeof(variables->resource_attributes),
			   value);
	if (language != OBI_LANGUAGE_GENERIC)
		variables->language = language;
}

/* The descriptor of that kind, or -1: they come in the order of the flags' bits. */
static int descriptor(const struct obi_wire_process *message, const int *fds, int fd_count,
		      uint32_t flag)
{
	int at = __builtin_popcount(message->fds & (flag - 1));

	return (message->fds & flag) && at < fd_count ? fds[at] : -1;
}

struct findings {
	struct variables variables;
	const char *language;
};

static void look_at(const struct obi_wire_process *message, const int *fds, int fd_count,
		    struct findings *ret_findings)
{
	int environ_fd = descriptor(message, fds, fd_count, OBI_WIRE_HAS_ENVIRON);
	struct obi_program program = {
		.exe = message->exe,
		.exe_fd = descriptor(message, fds, fd_count, OBI_WIRE_HAS_EXE),
		.maps_fd = descriptor(message, fds, fd_count, OBI_WIRE_HAS_MAPS),
	};

	ret_findings->variables = (struct variables){ .language = OBI_LANGUAGE_GENERIC };
	if (environ_fd >= 0)
		(void)obi_environ_read(environ_fd, take_variable, &ret_findings->variables);
	program.environment = ret_findings->variables.language;
	ret_findings->language = obi_language_name(obi_language_inspect(&program));
}

const struct obi_service *obi_worker_inspect(const char *host, struct obi_services *services,
					     const struct obi_wire_process *message, const int *fds,
					     int fd_count)
{
	struct obi_identity identity = {
		.pid = message->pid,
		.entries = message->entries,
		.exe = message->exe,
		.forced_name = message->name,
		.forced_name_space = message->name_space,
		.host = host,
	};
	struct findings findings;
	struct obi_service service;

	look_at(message, fds, fd_count, &findings);
	identity.language = findings.language;
	identity.otel_service_name = slice_cstr(findings.variables.service_name);
	identity.otel_resource_attributes = slice_cstr(findings.variables.resource_attributes);
	(void)obi_service_identify(&identity, &service);
	if (obi_services_put(services, &service))
		return NULL;
	return obi_services_find(services, message->pid);
}

void obi_worker_language(const struct obi_wire_process *message, const int *fds, int fd_count,
			 struct obi_wire_language *ret_language)
{
	struct findings findings;

	look_at(message, fds, fd_count, &findings);
	*ret_language = (struct obi_wire_language){ .pid = message->pid };
	(void)snprintf(ret_language->name, sizeof(ret_language->name), "%s", findings.language);
}
