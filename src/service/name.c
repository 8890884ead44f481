// SPDX-License-Identifier: Apache-2.0
/*
 * A name is what the process says of itself, then what the operator said of it, then what its file
 * is called. Instance ids are host:PID.
 */
#include "service/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/pairs.h"

/* ---- What the process says of itself ----------------------------------------------------------
 */

/* Puts a text of the environment as it is meant. False where it says nothing. */
static bool put_said(const struct obi_identity *identity, struct slice text, bool encoded,
		     struct buffer *buf)
{
	buf->len = 0;
	return text.len && obi_placeholder_fill(text, encoded, &identity->variables, buf) &&
	       buf->len;
}

/* The same for a name: one that begins like a variable of a shell is none either. */
static bool put_name(const struct obi_identity *identity, struct slice text, bool encoded,
		     struct buffer *buf)
{
	struct slice rest = text, before, name;

	if (text.len && text.data[0] == '$' && !obi_placeholder_next(&rest, &before, &name))
		return false;
	return put_said(identity, text, encoded, buf);
}

/* The last value of a key that says anything. */
static bool put_attribute(const struct obi_identity *identity, struct slice wanted,
			  struct buffer *buf)
{
	struct slice list = identity->otel_resource_attributes, key, value, best = { 0 };

	while (pairs_next(&list, &key, &value))
		if (slice_equal(key, wanted) && put_name(identity, value, true, buf))
			best = value;
	return put_name(identity, best, true, buf);
}

/* As it would stand in the list: what is encoded again is read as it was. */
static void put_encoded(struct slice text, struct buffer *buf)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c > ' ' && c != '%' && c != ',' && c != 0x7f) {
			buffer_put_char(buf, (char)c);
			continue;
		}
		buffer_put_char(buf, '%');
		buffer_put_char(buf, hex[c >> 4]);
		buffer_put_char(buf, hex[c & 15]);
	}
}

/* The value as it is kept: as given, but for placeholders. buf is for the latter. */
static bool kept_value(const struct obi_identity *identity, struct slice given_value,
		       struct buffer *buf, struct slice *ret_value)
{
	struct slice rest = given_value, before, name;
	struct buffer filled = { 0 };
	bool said;

	*ret_value = given_value;
	if (!obi_placeholder_next(&rest, &before, &name))
		return true;
	buf->len = 0;
	said = put_said(identity, given_value, true, &filled);
	if (said)
		put_encoded(slice_of(filled.data, filled.len), buf);
	buffer_free(&filled);
	*ret_value = slice_of(buf->data, buf->len);
	return said && !buf->failed;
}

/* Whole pairs, as long as they fit; what has a field of its own is left out. */
static void copy_pairs(const struct obi_identity *identity, char *to, size_t size)
{
	struct slice list = identity->otel_resource_attributes, key, value;
	struct buffer buf = { 0 };
	size_t len = 0;

	while (pairs_next(&list, &key, &value)) {
		if (slice_equal(key, SLICE_LIT("service.name")) ||
		    slice_equal(key, SLICE_LIT("service.namespace")) ||
		    !kept_value(identity, value, &buf, &value) ||
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
	buffer_free(&buf);
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

static bool given(const char *text)
{
	return text && *text;
}

static bool filled(bool said, const struct buffer *buf, struct slice *ret_text)
{
	if (said)
		*ret_text = slice_of(buf->data, buf->len);
	return said;
}

static bool plain(const char *text, struct slice *ret_text)
{
	if (given(text))
		*ret_text = slice_cstr(text);
	return given(text);
}

bool obi_service_name_said(const struct obi_identity *identity, enum obi_name_source source,
			   struct buffer *buf, struct slice *ret_text)
{
	switch (source) {
	case OBI_NAME_FROM_ENVIRONMENT:
		return filled(put_name(identity, identity->otel_service_name, false, buf), buf,
			      ret_text);
	case OBI_NAME_FROM_ATTRIBUTES:
		return filled(put_attribute(identity, SLICE_LIT("service.name"), buf), buf,
			      ret_text);
	case OBI_NAME_FROM_CONFIGURATION:
		return plain(identity->forced_name, ret_text);
	case OBI_NAME_FROM_EXECUTABLE:
		*ret_text = slice_base_name(slice_cstr(identity->exe));
		return ret_text->len > 0;
	default:
		return false;
	}
}

bool obi_service_name_space_said(const struct obi_identity *identity, enum obi_name_source source,
				 struct buffer *buf, struct slice *ret_text)
{
	if (source == OBI_NAME_FROM_ATTRIBUTES)
		return filled(put_attribute(identity, SLICE_LIT("service.namespace"), buf), buf,
			      ret_text);
	return source == OBI_NAME_FROM_CONFIGURATION &&
	       plain(identity->forced_name_space, ret_text);
}

static enum obi_name_source find_name(const struct obi_identity *identity, struct buffer *buf,
				      struct slice *ret_name)
{
	enum obi_name_source source = OBI_NAME_FROM_ENVIRONMENT;

	while (source != OBI_NAME_FROM_NOTHING &&
	       !obi_service_name_said(identity, source, buf, ret_name))
		source++;
	return source;
}

static void copy_name_space(const struct obi_identity *identity, struct buffer *buf,
			    struct obi_service *service)
{
	struct slice text = { 0 };

	if (!obi_service_name_space_said(identity, OBI_NAME_FROM_ATTRIBUTES, buf, &text))
		(void)obi_service_name_space_said(identity, OBI_NAME_FROM_CONFIGURATION, buf,
						  &text);
	copy(service->name_space, sizeof(service->name_space), text);
}

enum obi_name_source obi_service_identify(const struct obi_identity *identity,
					  struct obi_service *ret_service)
{
	struct obi_service service = { .pid = identity->pid, .entries = identity->entries };
	struct buffer buf = { 0 };
	struct slice name = { 0 };
	enum obi_name_source source = find_name(identity, &buf, &name);

	copy(service.name, sizeof(service.name), name);
	if (source == OBI_NAME_FROM_NOTHING)
		(void)snprintf(service.name, sizeof(service.name), "pid-%u", identity->pid);
	copy_name_space(identity, &buf, &service);
	buffer_free(&buf);
	copy(service.language, sizeof(service.language),
	     slice_cstr(given(identity->language) ? identity->language : "generic"));
	copy(service.executable, sizeof(service.executable),
	     slice_base_name(slice_cstr(identity->exe)));
	copy_pairs(identity, service.resource_attributes, sizeof(service.resource_attributes));
	(void)snprintf(service.instance, sizeof(service.instance), "%.140s:%u",
		       identity->host ? identity->host : "", identity->pid);
	*ret_service = service;
	return source;
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

	if (gethostname(name, sizeof(name)))
		name[0] = '\0';
	name[sizeof(name) - 1] = '\0';
	if (given(override))
		host = override;
	else if (full && !obi_hosts_find("/etc/hosts", name, with_domain, sizeof(with_domain)))
		host = with_domain;
	(void)snprintf(ret_host, size, "%s", host);
}
