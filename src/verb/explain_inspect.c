// SPDX-License-Identifier: Apache-2.0
#include "verb/explain_inspect.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "inspect/maps.h"
#include "inspect/tls.h"
#include "sandbox/apart.h"
#include "worker/probing.h"
#include "worker/process.h"

#define TIMEOUT_MS 5000

extern char **environ;

struct task {
	const struct obi_settings *settings;
	struct obi_wire_process process;
	const int *fds;
	int fd_count;
	char host[128];
};

/* Credentials of collectors stand there. */
static void forget_secrets(const struct task *task)
{
	obi_settings_wipe(task->settings);
	for (char **variable = environ; variable && *variable; variable++)
		explicit_bzero(*variable, strlen(*variable));
}

#define COPY(to, text) copy(to, sizeof(to), text)

static void copy(char *to, size_t size, struct slice text)
{
	size_t len = text.len < size ? text.len : size - 1;

	if (len)
		memcpy(to, text.data, len);
	to[len] = '\0';
}

/* ---- Who it is ---- */

static void keep_said(struct explain_said *to, bool said, struct slice given, struct slice text)
{
	to->said = said;
	to->given = said || given.len;
	COPY(to->text, said ? text : given);
}

static void take_reasons(void *context, const struct obi_identity *identity,
			 enum obi_name_source source)
{
	struct explain_identity *to = context;
	struct buffer buf = { 0 };

	to->source = source;
	for (int i = 0; i < OBI_NAME_FROM_NOTHING; i++) {
		struct slice given = { 0 }, text = { 0 };
		bool said = obi_service_name_said(identity, (enum obi_name_source)i, &buf, &text);

		if (i == OBI_NAME_FROM_ENVIRONMENT)
			given = identity->otel_service_name;
		else if (i == OBI_NAME_FROM_ATTRIBUTES)
			given = identity->otel_resource_attributes;
		keep_said(&to->names[i], said, given, text);
		said = obi_service_name_space_said(identity, (enum obi_name_source)i, &buf, &text);
		keep_said(&to->spaces[i], said, (struct slice){ 0 }, text);
	}
	buffer_free(&buf);
}

struct listing {
	struct explain_identity *to;
	const char *exe;
};

static void take_file(void *context, const struct obi_wire_mapping *mapping, struct slice path)
{
	struct listing *listing = context;
	struct explain_identity *to = listing->to;
	struct explain_file *file;

	for (uint32_t i = 0; i < to->file_count; i++)
		if (to->files[i].mapping.inode == mapping->inode &&
		    to->files[i].mapping.major == mapping->major &&
		    to->files[i].mapping.minor == mapping->minor)
			return;
	if (to->file_count == EXPLAIN_FILES_MAX) {
		to->more_files = true;
		return;
	}
	file = &to->files[to->file_count++];
	file->mapping = *mapping;
	file->executable = slice_equal(path, slice_cstr(listing->exe));
	COPY(file->path, path);
}

/* Event loops of Python that keep TLS in memory. */
static bool take_module(void *context, const struct obi_mapped *mapped)
{
	bool *asyncio = context;

	*asyncio |= slice_has_prefix(slice_base_name(mapped->path), SLICE_LIT("_asyncio."));
	return !*asyncio;
}

static void identify(void *context, void *result)
{
	const struct task *task = context;
	struct explain_identity *to = result;
	bool handshakes = obi_settings_handshakes(task->settings);
	struct listing listing = { to, task->process.exe };
	const struct obi_worker_reasons reasons = {
		.sign = &to->sign,
		.take = take_reasons,
		.context = to,
	};
	int at = obi_worker_descriptor(&task->process, task->fd_count, OBI_WIRE_HAS_MAPS);

	forget_secrets(task);
	obi_worker_identify(task->host, &task->process, task->fds, task->fd_count, &to->service,
			    &reasons);
	if (at < 0)
		return;
	(void)obi_probing_each(task->process.pid, task->process.exe, task->fds[at], handshakes,
			       take_file, &listing);
	if (lseek(task->fds[at], 0, SEEK_SET) == 0)
		(void)obi_maps_read(task->fds[at], take_module, &to->asyncio);
}

#define END(text) ((text)[sizeof(text) - 1] = '\0')

static void make_sane(struct explain_identity *identity)
{
	struct obi_service *service = &identity->service;

	END(service->name);
	END(service->name_space);
	END(service->language);
	END(service->instance);
	END(identity->sign.module);
	if (identity->sign.by >= OBI_LANGUAGE_SIGNS)
		identity->sign.by = OBI_LANGUAGE_BY_NOTHING;
	for (size_t i = 0; i < OBI_NAME_FROM_NOTHING; i++) {
		END(identity->names[i].text);
		END(identity->spaces[i].text);
	}
	if (identity->source > OBI_NAME_FROM_NOTHING)
		identity->source = OBI_NAME_FROM_NOTHING;
	if (identity->file_count > EXPLAIN_FILES_MAX)
		identity->file_count = EXPLAIN_FILES_MAX;
	for (size_t i = 0; i < EXPLAIN_FILES_MAX; i++)
		END(identity->files[i].path);
}

int explain_identify(const struct obi_settings *settings, const struct obi_wire_process *process,
		     const int *fds, int fd_count, struct explain_identity *ret_identity)
{
	struct task task = {
		.settings = settings,
		.process = *process,
		.fds = fds,
		.fd_count = fd_count,
	};
	const struct obi_apart apart = {
		.call = identify,
		.context = &task,
		.fds = fds,
		.fd_count = fd_count,
		.timeout_ms = TIMEOUT_MS,
	};
	int error;

	for (int i = 0; i < fd_count; i++) /* read once more */
		(void)lseek(fds[i], 0, SEEK_SET);
	obi_service_host(settings->pipeline.attributes.override_hostname,
			 settings->pipeline.attributes.instance_dns, task.host, sizeof(task.host));
	error = obi_apart_run(&apart, ret_identity, sizeof(*ret_identity));
	make_sane(ret_identity);
	return error;
}

/* ---- What is in a file ---- */

static void inspect_file(void *context, void *result)
{
	const struct task *task = context;
	struct explain_library *to = result;
	bool handshakes = obi_settings_handshakes(task->settings);
	struct obi_tls_sites found;

	forget_secrets(task);
	to->error = obi_tls_inspect(task->fds[0], handshakes, &found);
	to->functions = (uint32_t)found.functions;
	to->sites = (uint32_t)found.count;
	to->stepped = (uint32_t)found.stepped;
	to->stripped = found.stripped;
	to->cut = found.cut;
	to->random = found.random.at != 0;
	COPY(to->name, slice_cstr(found.library ? found.library : ""));
}

int explain_inspect_file(const struct obi_settings *settings, int fd,
			 struct explain_library *ret_library)
{
	struct task task = { .settings = settings, .fds = &fd, .fd_count = 1 };
	const struct obi_apart apart = {
		.call = inspect_file,
		.context = &task,
		.fds = &fd,
		.fd_count = 1,
		.timeout_ms = TIMEOUT_MS,
	};
	int error = obi_apart_run(&apart, ret_library, sizeof(*ret_library));

	END(ret_library->name);
	return error;
}
