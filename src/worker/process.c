// SPDX-License-Identifier: Apache-2.0
/* What an observed process is: its language and name, from descriptors that the broker opened. */
#include "worker/process.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "inspect/environ.h"
#include "inspect/language.h"
#include "service/name.h"

#define WANTED_MAX 32         /* variables that placeholders may ask for */
#define WANTED_VALUE_MAX 1024 /* bytes of one: names of pods, hosts, regions */

/* What its environment says. */
struct variables {
	struct buffer service_name;
	struct buffer resource_attributes;
	enum obi_language language;
};

static void keep_text(struct buffer *buf, struct slice text)
{
	buf->len = 0;
	buffer_put_slice(buf, text);
}

static struct slice text_of(const struct buffer *buf)
{
	return slice_of(buf->data, buf->failed ? 0 : buf->len);
}

static void take_variable(void *context, struct slice name, struct slice value)
{
	struct variables *variables = context;
	enum obi_language language = obi_language_of_variable(name);

	if (slice_equal(name, SLICE_LIT("OTEL_SERVICE_NAME")))
		keep_text(&variables->service_name, value);
	else if (slice_equal(name, SLICE_LIT("OTEL_RESOURCE_ATTRIBUTES")))
		keep_text(&variables->resource_attributes, value);
	if (language != OBI_LANGUAGE_GENERIC)
		variables->language = language;
}

/* Those that placeholders ask for: their names lie in the texts, their values here. */
struct wanted {
	struct obi_variable items[WANTED_MAX];
	uint8_t values[WANTED_MAX][WANTED_VALUE_MAX];
	size_t count;
};

static void want(struct wanted *wanted, struct slice text)
{
	struct slice before, name;

	while (wanted->count < WANTED_MAX && obi_placeholder_next(&text, &before, &name)) {
		size_t i = 0;

		while (i < wanted->count && !slice_equal(wanted->items[i].name, name))
			i++;
		if (i == wanted->count)
			wanted->items[wanted->count++].name = name;
	}
}

static void take_wanted(void *context, struct slice name, struct slice value)
{
	struct wanted *wanted = context;

	for (size_t i = 0; i < wanted->count; i++) {
		if (!slice_equal(wanted->items[i].name, name) || value.len > WANTED_VALUE_MAX)
			continue;
		memcpy(wanted->values[i], value.data, value.len);
		wanted->items[i].value = slice_of(wanted->values[i], value.len);
	}
}

/* Those that are there, in front. */
static void drop_missing(struct wanted *wanted)
{
	size_t found = 0;

	for (size_t i = 0; i < wanted->count; i++)
		if (wanted->items[i].value.len)
			wanted->items[found++] = wanted->items[i];
	wanted->count = found;
}

/* The environment is read once more only where something in it points to something else in it. */
static void find_wanted(int environ_fd, const struct variables *variables, struct wanted *wanted)
{
	want(wanted, text_of(&variables->service_name));
	want(wanted, text_of(&variables->resource_attributes));
	if (!wanted->count)
		return;
	if (lseek(environ_fd, 0, SEEK_SET) == 0)
		(void)obi_environ_read(environ_fd, take_wanted, wanted);
	drop_missing(wanted);
}

int obi_worker_descriptor(const struct obi_wire_process *message, int fd_count, uint32_t flag)
{
	int at = __builtin_popcount(message->fds & (flag - 1));

	return (message->fds & flag) && at < fd_count ? at : -1;
}

static int descriptor(const struct obi_wire_process *message, const int *fds, int fd_count,
		      uint32_t flag)
{
	int at = obi_worker_descriptor(message, fd_count, flag);

	return at < 0 ? -1 : fds[at];
}

static int environ_of(const struct obi_wire_process *message, const int *fds, int fd_count)
{
	return descriptor(message, fds, fd_count, OBI_WIRE_HAS_ENVIRON);
}

/* Reads its environment; what is kept of it is freed by the caller. */
static const char *look_at(const struct obi_wire_process *message, const int *fds, int fd_count,
			   struct obi_language_sign *sign, struct variables *ret_variables)
{
	int environ_fd = environ_of(message, fds, fd_count);
	struct obi_program program = {
		.exe = message->exe,
		.exe_fd = descriptor(message, fds, fd_count, OBI_WIRE_HAS_EXE),
		.maps_fd = descriptor(message, fds, fd_count, OBI_WIRE_HAS_MAPS),
		.sign = sign,
	};

	*ret_variables = (struct variables){ .language = OBI_LANGUAGE_GENERIC };
	if (environ_fd >= 0)
		(void)obi_environ_read(environ_fd, take_variable, ret_variables);
	program.environment = ret_variables->language;
	return obi_language_name(obi_language_inspect(&program));
}

static void free_variables(struct variables *variables)
{
	buffer_free(&variables->service_name);
	buffer_free(&variables->resource_attributes);
}

void obi_worker_identify(const char *host, const struct obi_wire_process *message, const int *fds,
			 int fd_count, struct obi_service *ret_service,
			 const struct obi_worker_reasons *reasons)
{
	struct obi_identity identity = {
		.pid = message->pid,
		.entries = message->entries,
		.exe = message->exe,
		.forced_name = message->name,
		.forced_name_space = message->name_space,
		.host = host,
	};
	struct wanted wanted = { 0 };
	struct variables variables;
	enum obi_name_source source;

	identity.language =
		look_at(message, fds, fd_count, reasons ? reasons->sign : NULL, &variables);
	find_wanted(environ_of(message, fds, fd_count), &variables, &wanted);
	identity.otel_service_name = text_of(&variables.service_name);
	identity.otel_resource_attributes = text_of(&variables.resource_attributes);
	identity.variables = (struct obi_variables){ wanted.items, wanted.count };
	source = obi_service_identify(&identity, ret_service);
	if (reasons)
		reasons->take(reasons->context, &identity, source);
	free_variables(&variables);
}

const struct obi_service *obi_worker_inspect(const char *host, struct obi_services *services,
					     const struct obi_wire_process *message, const int *fds,
					     int fd_count)
{
	struct obi_service service;

	obi_worker_identify(host, message, fds, fd_count, &service, NULL);
	if (obi_services_put(services, &service))
		return NULL;
	return obi_services_find(services, message->pid);
}

void obi_worker_language(const struct obi_wire_process *message, const int *fds, int fd_count,
			 struct obi_wire_language *ret_language)
{
	struct variables variables;
	const char *name = look_at(message, fds, fd_count, NULL, &variables);

	free_variables(&variables);
	*ret_language = (struct obi_wire_language){ .pid = message->pid };
	(void)snprintf(ret_language->name, sizeof(ret_language->name), "%s", name);
}
