// SPDX-License-Identifier: Apache-2.0
/* Texts of faults and warnings. Both are plain records: nothing here decides anything. */
#include "config/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "config/arena.h"
#include "config/warning.h"

int obi_error_set(struct obi_error *error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}

int obi_warnings_add(struct obi_warnings *warnings, struct obi_arena *arena, const char *text,
		     const char *option, const char *source)
{
	struct obi_warning *warning;

	if (warnings->count == OBI_WARNINGS_MAX) {
		warnings->dropped++;
		return 0;
	}
	warning = obi_arena_alloc(arena, sizeof(*warning));
	if (!warning)
		return -ENOMEM;
	warning->text = obi_arena_strdup(arena, text);
	warning->option = obi_arena_strdup(arena, option);
	warning->source = obi_arena_strdup(arena, source);
	if (!warning->text || !warning->option || !warning->source)
		return -ENOMEM;
	if (warnings->last)
		warnings->last->next = warning;
	else
		warnings->first = warning;
	warnings->last = warning;
	warnings->count++;
	return 0;
}
