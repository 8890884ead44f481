// SPDX-License-Identifier: Apache-2.0
/*
 * Words about a value: which option, what stood there, what may stand there, in
 * which line. Texts from the file are cut and stripped of control bytes.
 */
#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/utf8.h"
#include "config/field.h"
#include "config/value.h"

/* Most of a bad value that a message repeats. */
#define VALUE_SHOWN 60

/* Most of a key, which in an unknown one may be anything. */
#define NAME_SHOWN 100

static void put_site(struct buffer *buf, const struct obi_site *site)
{
	if (!site)
		return;
	put_site(buf, site->parent);
	if (!site->name) {
		buffer_printf(buf, "[%zu]", site->index);
		return;
	}
	if (site->parent)
		buffer_put_char(buf, '.');
	buffer_put(buf, site->name, strnlen(site->name, NAME_SHOWN));
}

/* The path as an operator writes it; for the environment the variable's name. */
static void put_option(struct buffer *buf, const struct obi_layer *layer,
		       const struct obi_site *site)
{
	if (!layer->env) {
		put_site(buf, site);
		return;
	}
	buffer_put_cstr(buf, layer->env);
	for (; site && site->parent; site = site->parent) {
		if (!site->name)
			buffer_printf(buf, "[%zu]", site->index);
	}
}

static void put_value(struct buffer *buf, const char *value)
{
	size_t len = strlen(value), shown = len;

	if (len > VALUE_SHOWN) {
		shown = VALUE_SHOWN;
		while (shown && ((unsigned char)value[shown] & 0xc0) == 0x80)
			shown--;
	}
	buffer_put_char(buf, '"');
	for (size_t i = 0; i < shown;) {
		struct slice rest = slice_of(value + i, shown - i);
		size_t character = utf8_length(rest), printable = utf8_printable(rest);

		buffer_put(buf, printable ? &value[i] : "?", printable ? printable : 1);
		i += character ? character : 1;
	}
	buffer_put_cstr(buf, shown < len ? "...\"" : "\"");
}

/* Puts the layer before the text and the line behind it, and hands it over. */
static int give_fault(const struct obi_layer *layer, struct buffer *text, unsigned line)
{
	const struct obi_load *load = layer->load;

	buffer_put_char(text, '\0');
	if (text->failed)
		(void)obi_load_out_of_memory(load);
	else if (layer->is_default)
		(void)obi_error_set(load->error, 0, "built-in default: %s", text->data);
	else if (layer->env)
		(void)obi_error_set(load->error, 0, "reading env vars: %s", text->data);
	else
		(void)obi_error_set(load->error, 0, "parsing YAML configuration: %s (%s:%u)",
				    text->data, load->name, line);
	buffer_free(text);
	return -EINVAL;
}

int obi_field_fault(const struct obi_layer *layer, const struct obi_site *site,
		    const struct obi_option *option, unsigned line, const char *value,
		    const char *why)
{
	struct buffer buf = { 0 };

	put_option(&buf, layer, site);
	buffer_put_cstr(&buf, ": ");
	put_value(&buf, option->flags & OBI_OPTION_SECRET ? "***" : value);
	buffer_put_cstr(&buf, " is not allowed: expected ");
	if (why)
		buffer_put_cstr(&buf, why);
	else
		obi_value_put_allowed(&buf, option);
	return give_fault(layer, &buf, line);
}

int obi_site_fault(const struct obi_layer *layer, const struct obi_site *site, unsigned line,
		   const char *what)
{
	struct buffer buf = { 0 };

	put_option(&buf, layer, site);
	buffer_put_cstr(&buf, ": ");
	buffer_put_cstr(&buf, what);
	return give_fault(layer, &buf, line);
}

int obi_site_warn(const struct obi_layer *layer, const struct obi_site *site, unsigned line,
		  const char *text)
{
	const struct obi_load *load = layer->load;
	struct buffer option = { 0 };
	char source[256];
	int r = -ENOMEM;

	if (layer->is_default)
		return 0;
	put_site(&option, site);
	buffer_put_char(&option, '\0');
	(void)snprintf(source, sizeof(source), "%s:%u", load->name, line);
	if (!option.failed)
		r = obi_warnings_add(load->warnings, load->arena, text, option.data,
				     layer->env ? layer->env : source);
	buffer_free(&option);
	return r < 0 ? obi_load_out_of_memory(load) : 0;
}

int obi_load_out_of_memory(const struct obi_load *load)
{
	return obi_error_set(load->error, -ENOMEM, "the configuration needs too much memory");
}
