// SPDX-License-Identifier: Apache-2.0
#include "settings/role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "config/environment.h"
#include "config/option.h"

#define WORKER (1u << OBI_ROLE_WORKER)
#define SENDER (1u << OBI_ROLE_SENDER)

/* What libraries read: no option has them. */
static const struct {
	const char *name;
	unsigned roles;
} of_libraries[] = {
	{ "TZ", WORKER | SENDER },
	/* The broker has these only where its file carries no capabilities: ld.so(8). */
	{ "LD_LIBRARY_PATH", WORKER | SENDER },
	{ "LD_PRELOAD", WORKER | SENDER },
	{ "OTEL_RESOURCE_ATTRIBUTES", WORKER },
	{ "http_proxy", SENDER },
	{ "https_proxy", SENDER },
	{ "HTTPS_PROXY", SENDER },
	{ "all_proxy", SENDER },
	{ "ALL_PROXY", SENDER },
	{ "no_proxy", SENDER },
	{ "NO_PROXY", SENDER },
	{ "SSL_CERT_FILE", SENDER },
	{ "SSL_CERT_DIR", SENDER },
	{ "RES_OPTIONS", SENDER },
	{ "LOCALDOMAIN", SENDER },
};

static bool is_one_of(struct slice name, const char *names)
{
	struct slice rest = slice_cstr(names);

	while (rest.len) {
		ptrdiff_t comma = slice_find(rest, ',');
		struct slice word = comma < 0 ? rest : slice_first(rest, (size_t)comma);

		if (slice_equal(word, name))
			return true;
		rest = slice_from(rest, word.len + (comma >= 0));
	}
	return false;
}

static bool is_for(enum obi_role role, const struct obi_options *options,
		   const struct obi_option *row)
{
	if (role == OBI_ROLE_WORKER)
		return !(row->flags & OBI_OPTION_SENDER);
	return options == &obi_otlp_option_rows || options == &obi_global_option_rows;
}

static bool is_an_option(enum obi_role role, struct slice name)
{
	for (const struct obi_group *group = obi_settings_groups; group->options; group++) {
		for (size_t i = 0; i < group->options->count; i++) {
			const struct obi_option *row = &group->options->rows[i];

			if (is_for(role, group->options, row) &&
			    (is_one_of(name, row->env) || is_one_of(name, row->aliases)))
				return true;
		}
	}
	return false;
}

static bool is_of_a_library(enum obi_role role, struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_libraries); i++)
		if ((of_libraries[i].roles & 1u << role) &&
		    slice_equal(name, slice_cstr(of_libraries[i].name)))
			return true;
	return false;
}

/* A header may have the text of another variable in it: Authorization=Bearer ${TOKEN}. */
static bool is_in_a_header(struct slice name, char *const *env)
{
	for (size_t i = 0; i < obi_otlp_option_rows.count; i++) {
		const struct obi_option *row = &obi_otlp_option_rows.rows[i];
		const char *value;

		if (row->type != OBI_TYPE_LIST || !(row->flags & OBI_OPTION_SENDER))
			continue;
		value = obi_environment_get(env, slice_cstr(row->env));
		if (value && obi_environment_refers(slice_cstr(value), name))
			return true;
	}
	return false;
}

char **obi_role_environment(enum obi_role role, char *const *env)
{
	size_t count = 0, kept = 0;
	char **chosen;

	while (env && env[count])
		count++;
	chosen = calloc(count + 1, sizeof(*chosen));
	for (size_t i = 0; chosen && i < count; i++) {
		struct slice variable = slice_cstr(env[i]);
		ptrdiff_t end = slice_find(variable, '=');
		struct slice name = slice_first(variable, end < 0 ? 0 : (size_t)end);

		if (is_an_option(role, name) || is_of_a_library(role, name) ||
		    (role == OBI_ROLE_SENDER && is_in_a_header(name, env)))
			chosen[kept++] = env[i];
	}
	return chosen;
}

int obi_role_text(struct obi_settings *settings)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	struct buffer *text = &settings->text;
	_cleanup_close_ int fd = -1;

	if (!text->len)
		return -1;
	fd = memfd_create("obi-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (write(fd, text->data, text->len) != (ssize_t)text->len || fcntl(fd, F_ADD_SEALS, seals))
		return -EIO;
	explicit_bzero(text->data, text->len);
	buffer_free(text);
	return take_fd(fd);
}

/* http://user:password@host becomes http://host. */
static void scrub_url(const char *field)
{
	char *url = (char *)field; /* in the settings' own memory */
	char *host = strstr(url, "://"), *at;
	size_t len;

	if (!host)
		return;
	host += 3;
	at = memrchr(host, '@', strcspn(host, "/?#"));
	if (!at)
		return;
	len = strlen(at + 1);
	memmove(host, at + 1, len + 1);
	explicit_bzero(host + len + 1, (size_t)(at - host));
}

void obi_role_scrub(enum obi_role role, struct obi_settings *settings)
{
	if (settings->text.len)
		explicit_bzero(settings->text.data, settings->text.len);
	buffer_free(&settings->text);
	if (role != OBI_ROLE_WORKER)
		return;
	if (*settings->otlp.common.endpoint)
		scrub_url(settings->otlp.common.endpoint);
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		const char *endpoint =
			obi_otlp_target(&settings->otlp, (enum otlp_signal)i)->endpoint;

		if (*endpoint)
			scrub_url(endpoint);
	}
}
