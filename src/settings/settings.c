// SPDX-License-Identifier: Apache-2.0
/*
 * Puts the owners' rows together and runs the layers over one struct. Two arenas:
 * the settings' own, and one for the YAML tree that goes when everything is read.
 */
#include "settings/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/hidden.h"
#include "config/arena.h"
#include "config/environment.h"
#include "config/load.h"
#include "config/node.h"
#include "settings/derive.h"

#define LEAST_MEMORY_MIB 4

/* A usual configuration takes some 30 KiB; these bound hostile ones. */
#define ARENA_LIMIT (8u << 20)
#define SCRATCH_LIMIT (16u << 20)

const struct obi_group obi_settings_groups[] = {
	{ &obi_global_option_rows, offsetof(struct obi_settings, global) },
	{ &obi_discovery_option_rows, offsetof(struct obi_settings, discovery) },
	{ &obi_broker_option_rows, offsetof(struct obi_settings, broker) },
	{ &obi_network_option_rows, offsetof(struct obi_settings, network) },
	{ &obi_pipeline_option_rows, offsetof(struct obi_settings, pipeline) },
	{ &obi_printer_option_rows, offsetof(struct obi_settings, export) },
	{ &obi_metrics_option_rows, offsetof(struct obi_settings, metrics) },
	{ &obi_prometheus_option_rows, offsetof(struct obi_settings, export.prometheus) },
	{ &obi_internal_option_rows, offsetof(struct obi_settings, export.internal) },
	{ &obi_health_option_rows, offsetof(struct obi_settings, export.health) },
	{ &obi_otlp_option_rows, offsetof(struct obi_settings, otlp) },
	{ &obi_later_option_rows, offsetof(struct obi_settings, later) },
	{ NULL, 0 },
};

static void cleanup_arena(struct obi_arena **arena)
{
	obi_arena_free(*arena);
}

/* ---- Layers ---------------------------------------------------------------------- */

/* The text that is read: as it is in the file, or with its variables replaced already. */
struct source {
	struct slice text;
	bool replaced;
};

static int replace_variables(const struct obi_load *load, const struct source *source, char **env,
			     struct buffer *ret_text)
{
	int e = 0;

	if (source->replaced)
		buffer_put_slice(ret_text, source->text);
	else if (source->text.len <= OBI_YAML_MAX_BYTES)
		e = obi_environment_replace(env, source->text, OBI_YAML_MAX_BYTES, ret_text);
	if (e < 0 || source->text.len > OBI_YAML_MAX_BYTES)
		return obi_error_set(load->error, -EINVAL,
				     "parsing YAML configuration: %s is larger than 1 MiB",
				     load->name);
	return ret_text->failed ? obi_error_set(load->error, -ENOMEM, "out of memory") : 0;
}

static int read_file_layer(const struct obi_load *load, const struct source *source, char **env,
			   struct obi_settings *settings)
{
	struct obi_yaml yaml = {
		.name = load->name,
		.arena = load->scratch,
		.warnings = load->warnings,
		.warnings_arena = load->arena,
		.error = load->error,
	};
	struct obi_node *root = NULL;
	int e = replace_variables(load, source, env, &settings->text);

	if (e == 0)
		e = obi_yaml_read(&yaml, slice_of(settings->text.data, settings->text.len), &root);
	if (e == 0)
		e = obi_load_tree(load, obi_settings_groups, root, settings, settings->origins);
	return e;
}

static int read_layers(const struct obi_load *load, const struct source *source, char **env,
		       struct obi_settings *settings)
{
	int e = obi_load_defaults(load, obi_settings_groups, settings);

	if (e == 0)
		e = read_file_layer(load, source, env, settings);
	if (e == 0)
		e = obi_load_environment(load, obi_settings_groups, env, settings,
					 settings->origins);
	if (e == 0)
		e = obi_settings_derive(settings, load);
	return e;
}

static int load_source(const char *name, const struct source *source, char **env,
		       struct obi_settings *ret_settings, struct obi_error *ret_error)
{
	__attribute__((cleanup(cleanup_arena))) struct obi_arena *arena = NULL;
	__attribute__((cleanup(cleanup_arena))) struct obi_arena *scratch = NULL;
	struct obi_settings settings = { 0 };
	struct obi_load load = { .name = name, .error = ret_error };
	int e;

	arena = obi_arena_new(ARENA_LIMIT);
	scratch = obi_arena_new(SCRATCH_LIMIT);
	if (arena && scratch)
		settings.origins = obi_arena_array(arena, obi_groups_count(obi_settings_groups),
						   sizeof(*settings.origins));
	if (!settings.origins)
		return obi_error_set(ret_error, -ENOMEM, "out of memory");
	load.arena = arena;
	load.scratch = scratch;
	load.warnings = &settings.warnings;
	settings.arena = arena;
	settings.file = obi_arena_strdup(arena, name);
	e = read_layers(&load, source, env, &settings);
	if (e < 0) {
		buffer_free(&settings.text);
		return e;
	}
	arena = NULL; /* belongs to the result now */
	*ret_settings = settings;
	return 0;
}

int obi_settings_load_text(const char *name, struct slice text, char **env,
			   struct obi_settings *ret_settings, struct obi_error *ret_error)
{
	struct source source = { .text = text };

	return load_source(name, &source, env, ret_settings, ret_error);
}

/* ---- File ------------------------------------------------------------------------ */

static int read_all(int fd, struct buffer *buf)
{
	struct stat st;
	ssize_t n = 1;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		return -EISDIR;
	/* One byte more than is allowed shows that there is too much. */
	while (n > 0 && buf->len <= OBI_YAML_MAX_BYTES) {
		char *to = buffer_reserve(buf, 65536);

		if (!to)
			return -ENOMEM;
		n = read(fd, to, 65536);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			buf->len += (size_t)n;
		else if (n < 0)
			n = 1; /* interrupted: again */
	}
	return 0;
}

/* What somebody else may write is somebody else's configuration. */
static const char *doubt_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return NULL;
	if (st.st_mode & S_IWOTH)
		return "any user may write this file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "this file belongs to another user";
	return NULL;
}

static int read_path(const char *path, struct buffer *buf, const char **ret_doubt,
		     struct obi_error *error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int e = fd < 0 ? -errno : read_all(fd, buf);

	if (e < 0)
		return obi_error_set(error, e, "can't open %s: %s", path, strerror(-e));
	*ret_doubt = doubt_of(fd);
	return 0;
}

static int read_given(int fd, struct buffer *buf, struct obi_error *error)
{
	int e = lseek(fd, 0, SEEK_SET) < 0 ? -errno : read_all(fd, buf);

	return e < 0 ? obi_error_set(error, e, "can't read the configuration: %s", strerror(-e))
		     : 0;
}

/* Says in the settings which file was read, where the environment has not said it already. */
static void set_path(struct obi_settings *settings, const char *path)
{
	if (*settings->global.config_path)
		return;
	settings->global.config_path = obi_arena_strdup(settings->arena, path);
	if (!settings->global.config_path)
		settings->global.config_path = "";
	/* Its row is the first of all. */
	settings->origins[0].kind = OBI_ORIGIN_COMMAND_LINE;
}

/* fd: with the text, its variables replaced; -1: path is opened. */
static int load(const char *path, int fd, char **env, struct obi_settings *ret_settings,
		struct obi_error *ret_error)
{
	const char *from_env = obi_environment_get(env, SLICE_LIT("OTEL_EBPF_CONFIG_PATH"));
	struct source source = { .replaced = fd >= 0 };
	struct buffer text = { 0 };
	const char *doubt = NULL;
	int e = 0;

	if (from_env)
		path = from_env;
	if (fd >= 0)
		e = read_given(fd, &text, ret_error);
	else if (path)
		e = read_path(path, &text, &doubt, ret_error);
	source.text = slice_of(text.data, text.len);
	if (e == 0)
		e = load_source(path ? path : "", &source, env, ret_settings, ret_error);
	if (e == 0 && doubt &&
	    obi_warnings_add(&ret_settings->warnings, ret_settings->arena, doubt, "config_path",
			     path))
		e = obi_error_set(ret_error, -ENOMEM, "out of memory");
	if (e == 0 && path)
		set_path(ret_settings, path);
	buffer_free(&text);
	return e;
}

int obi_settings_load(const char *path, char **env, struct obi_settings *ret_settings,
		      struct obi_error *ret_error)
{
	return obi_settings_load_given(path, -1, env, ret_settings, ret_error);
}

int obi_settings_load_given(const char *path, int fd, char **env, struct obi_settings *ret_settings,
			    struct obi_error *ret_error)
{
	int e;

	hidden_begin();
	e = load(path, fd, env, ret_settings, ret_error);
	hidden_end();
	return e;
}

void obi_settings_wipe(const struct obi_settings *settings)
{
	obi_arena_wipe(settings->arena);
}

void obi_settings_free(struct obi_settings *settings)
{
	buffer_free(&settings->text);
	obi_arena_free(settings->arena);
	*settings = (struct obi_settings){ 0 };
}

bool obi_settings_fit_memory(struct obi_settings *settings, uint64_t permitted)
{
	int64_t *limit = &settings->otlp.common.memory_limit_mib;
	int64_t fits = (int64_t)(permitted / 4 >> 20);

	if (*limit <= fits)
		return false;
	*limit = fits > LEAST_MEMORY_MIB ? fits : LEAST_MEMORY_MIB;
	return true;
}
