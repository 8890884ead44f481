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
#include "config/arena.h"
#include "config/environment.h"
#include "config/load.h"
#include "config/node.h"
#include "settings/derive.h"

/* A usual configuration takes some 30 KiB; these bound hostile ones. */
#define ARENA_LIMIT (8u << 20)
#define SCRATCH_LIMIT (16u << 20)

const struct obi_group obi_settings_groups[] = {
	{ &obi_global_option_rows, offsetof(struct obi_settings, global) },
	{ &obi_discovery_option_rows, offsetof(struct obi_settings, discovery) },
	{ &obi_broker_option_rows, offsetof(struct obi_settings, broker) },
	{ &obi_network_option_rows, offsetof(struct obi_settings, network) },
	{ &obi_pipeline_option_rows, offsetof(struct obi_settings, pipeline) },
	{ &obi_export_option_rows, offsetof(struct obi_settings, export) },
	{ &obi_otlp_option_rows, offsetof(struct obi_settings, otlp) },
	{ &obi_later_option_rows, offsetof(struct obi_settings, later) },
	{ NULL, 0 },
};

static void cleanup_arena(struct obi_arena **arena)
{
	obi_arena_free(*arena);
}

/* ---- Layers ---------------------------------------------------------------------- */

static int read_file_layer(const struct obi_load *load, struct slice text, char **env,
			   struct obi_settings *settings)
{
	struct obi_yaml yaml = {
		.name = load->name,
		.arena = load->scratch,
		.warnings = load->warnings,
		.warnings_arena = load->arena,
		.error = load->error,
	};
	struct buffer replaced = { 0 };
	struct obi_node *root = NULL;
	int e;

	if (text.len > OBI_YAML_MAX_BYTES ||
	    obi_environment_replace(env, text, OBI_YAML_MAX_BYTES, &replaced) < 0)
		e = obi_error_set(load->error, -EINVAL,
				  "parsing YAML configuration: %s is larger than 1 MiB",
				  load->name);
	else if (replaced.failed)
		e = obi_error_set(load->error, -ENOMEM, "out of memory");
	else
		e = obi_yaml_read(&yaml, slice_of(replaced.data, replaced.len), &root);
	if (e == 0)
		e = obi_load_tree(load, obi_settings_groups, root, settings, settings->origins);
	buffer_free(&replaced);
	return e;
}

static int read_layers(const struct obi_load *load, struct slice text, char **env,
		       struct obi_settings *settings)
{
	int e = obi_load_defaults(load, obi_settings_groups, settings);

	if (e == 0)
		e = read_file_layer(load, text, env, settings);
	if (e == 0)
		e = obi_load_environment(load, obi_settings_groups, env, settings,
					 settings->origins);
	if (e == 0)
		e = obi_settings_derive(settings, load);
	return e;
}

int obi_settings_load_text(const char *name, struct slice text, char **env,
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
	e = read_layers(&load, text, env, &settings);
	if (e < 0)
		return e;
	arena = NULL; /* belongs to the result now */
	*ret_settings = settings;
	return 0;
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

static int read_path(const char *path, struct buffer *buf, struct obi_error *error)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int e = fd < 0 ? -errno : read_all(fd, buf);

	if (e < 0)
		return obi_error_set(error, e, "can't open %s: %s", path, strerror(-e));
	return 0;
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

int obi_settings_load(const char *path, char **env, struct obi_settings *ret_settings,
		      struct obi_error *ret_error)
{
	const char *from_env = obi_environment_get(env, SLICE_LIT("OTEL_EBPF_CONFIG_PATH"));
	struct buffer text = { 0 };
	int e = 0;

	if (from_env)
		path = from_env;
	if (path)
		e = read_path(path, &text, ret_error);
	if (e == 0)
		e = obi_settings_load_text(path ? path : "", slice_of(text.data, text.len), env,
					   ret_settings, ret_error);
	if (e == 0 && path)
		set_path(ret_settings, path);
	buffer_free(&text);
	return e;
}

void obi_settings_wipe(const struct obi_settings *settings)
{
	obi_arena_wipe(settings->arena);
}

void obi_settings_free(struct obi_settings *settings)
{
	obi_arena_free(settings->arena);
	*settings = (struct obi_settings){ 0 };
}
