// SPDX-License-Identifier: Apache-2.0
/*
 * Signs from the surest to the weakest: how the file was linked, the runtime that runs it, the
 * runtime it has loaded, its symbols, its environment, its name, its C++ library. Names and signs
 * are those of the existing agent, so that languages do not change with the move; besides, Bun is
 * told from Rust, BEAM from C++, and Rust is known where it was stripped.
 */
#include "inspect/language.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "inspect/elf.h"
#include "inspect/maps.h"

const char *obi_language_name(enum obi_language language)
{
	static const char *const names[OBI_LANGUAGES] = {
		[OBI_LANGUAGE_GENERIC] = "generic", [OBI_LANGUAGE_GO] = "go",
		[OBI_LANGUAGE_JAVA] = "java",       [OBI_LANGUAGE_DOTNET] = "dotnet",
		[OBI_LANGUAGE_PYTHON] = "python",   [OBI_LANGUAGE_RUBY] = "ruby",
		[OBI_LANGUAGE_NODEJS] = "nodejs",   [OBI_LANGUAGE_RUST] = "rust",
		[OBI_LANGUAGE_PHP] = "php",         [OBI_LANGUAGE_CPP] = "cpp",
		[OBI_LANGUAGE_ERLANG] = "erlang",
	};

	return names[language];
}

bool obi_language_settled(enum obi_language language)
{
	return language != OBI_LANGUAGE_GENERIC && language != OBI_LANGUAGE_CPP;
}

/* ---- Single signs -----------------------------------------------------------------------------
 */

static bool contains(struct slice text, struct slice part)
{
	return text.len >= part.len && memmem(text.data, text.len, part.data, part.len);
}

/* Length of the digits and dots that text begins with. */
static size_t version_length(struct slice text)
{
	size_t n = 0;

	while (n < text.len &&
	       ((text.data[n] >= '0' && text.data[n] <= '9') || text.data[n] == '.'))
		n++;
	return n;
}

/* `python`, `python3`, `python3.11` */
static bool is_versioned(struct slice base, struct slice name)
{
	if (!slice_has_prefix(base, name))
		return false;
	base = slice_from(base, name.len);
	return version_length(base) == base.len;
}

/* `libpython3.11.so`, whatever follows */
static bool is_versioned_library(struct slice base, struct slice name)
{
	size_t n;

	if (!slice_has_prefix(base, name))
		return false;
	base = slice_from(base, name.len);
	n = version_length(base);
	return n > 0 && base.data[n - 1] == '.' &&
	       slice_has_prefix(slice_from(base, n), SLICE_LIT("so"));
}

/* bun.exe: so it is called where npm installs it. */
static bool is_javascript(struct slice base)
{
	return slice_equal(base, SLICE_LIT("node")) || slice_equal(base, SLICE_LIT("deno")) ||
	       slice_equal(base, SLICE_LIT("bun")) || slice_equal(base, SLICE_LIT("bun.exe")) ||
	       slice_has_prefix(base, SLICE_LIT("libnode.so"));
}

enum obi_language obi_language_of_module(struct slice path)
{
	struct slice base = slice_base_name(path);

	if (contains(path, SLICE_LIT("libcoreclr.so")))
		return OBI_LANGUAGE_DOTNET;
	if (contains(path, SLICE_LIT("libjvm.so")))
		return OBI_LANGUAGE_JAVA;
	if (is_javascript(base))
		return OBI_LANGUAGE_NODEJS;
	if (is_versioned(base, SLICE_LIT("ruby")) ||
	    is_versioned_library(base, SLICE_LIT("libruby-")))
		return OBI_LANGUAGE_RUBY;
	if (is_versioned(base, SLICE_LIT("python")) ||
	    is_versioned_library(base, SLICE_LIT("libpython3")))
		return OBI_LANGUAGE_PYTHON;
	if (slice_equal(base, SLICE_LIT("beam.smp")))
		return OBI_LANGUAGE_ERLANG;
	return OBI_LANGUAGE_GENERIC;
}

enum obi_language obi_language_of_path(struct slice exe)
{
	/* Of the file alone: a directory is named after anything. */
	return contains(slice_base_name(exe), SLICE_LIT("php")) ? OBI_LANGUAGE_PHP
								: OBI_LANGUAGE_GENERIC;
}

enum obi_language obi_language_of_symbol(struct slice symbol)
{
	if (slice_has_prefix(symbol, SLICE_LIT("JVM_")) ||
	    slice_has_prefix(symbol, SLICE_LIT("graal_")))
		return OBI_LANGUAGE_JAVA; /* a native image of GraalVM */
	/* What is offered to addons: a runtime, with a program inside or under another name. */
	if (slice_equal(symbol, SLICE_LIT("napi_module_register")))
		return OBI_LANGUAGE_NODEJS;
	return contains(symbol, SLICE_LIT("rust_panic")) ? OBI_LANGUAGE_RUST : OBI_LANGUAGE_GENERIC;
}

enum obi_language obi_language_of_variable(struct slice name)
{
	if (slice_has_prefix(name, SLICE_LIT("ASPNET")) ||
	    slice_has_prefix(name, SLICE_LIT("DOTNET")))
		return OBI_LANGUAGE_DOTNET;
	return OBI_LANGUAGE_GENERIC;
}

enum obi_language obi_language_of_last_resort(struct slice path)
{
	if (contains(path, SLICE_LIT("libstdc++.so")) || contains(path, SLICE_LIT("libc++.so")))
		return OBI_LANGUAGE_CPP;
	return OBI_LANGUAGE_GENERIC;
}

/* ---- Mapped modules ---------------------------------------------------------------------------
 */

struct modules {
	enum obi_language runtime, last_resort;
	struct obi_language_sign *sign; /* of what was found last; or NULL */
};

static void keep_module(struct obi_language_sign *sign, enum obi_language_by by, struct slice path)
{
	size_t len;

	if (!sign)
		return;
	len = path.len < sizeof(sign->module) ? path.len : sizeof(sign->module) - 1;
	sign->by = by;
	memcpy(sign->module, path.data, len);
	sign->module[len] = '\0';
}

/* Code only: data files have any name. */
static bool take_mapped(void *context, const struct obi_mapped *mapped)
{
	struct modules *modules = context;

	modules->runtime = obi_language_of_module(mapped->path);
	if (modules->runtime) {
		keep_module(modules->sign, OBI_LANGUAGE_BY_MODULE, mapped->path);
	} else if (!modules->last_resort) {
		modules->last_resort = obi_language_of_last_resort(mapped->path);
		if (modules->last_resort)
			keep_module(modules->sign, OBI_LANGUAGE_BY_CPP_LIBRARY, mapped->path);
	}
	return !modules->runtime;
}

static struct modules read_modules(int fd, struct obi_language_sign *sign)
{
	struct modules modules = { .sign = sign };

	if (fd >= 0)
		(void)obi_maps_read(fd, take_mapped, &modules);
	return modules;
}

/* ---- Whole ------------------------------------------------------------------------------------
 */

static enum obi_language by(const struct obi_program *program, enum obi_language_by by_what,
			    enum obi_language language)
{
	if (language && program->sign)
		*program->sign = (struct obi_language_sign){ .by = by_what };
	return language;
}

enum obi_language obi_language_inspect(const struct obi_program *program)
{
	struct slice exe = slice_cstr(program->exe);
	enum obi_language language;
	struct modules modules;

	if (program->exe_fd >= 0 && obi_elf_is_go(program->exe_fd))
		return by(program, OBI_LANGUAGE_BY_LINKER, OBI_LANGUAGE_GO);
	language = by(program, OBI_LANGUAGE_BY_EXECUTABLE, obi_language_of_module(exe));
	if (language)
		return language;
	modules = read_modules(program->maps_fd, program->sign);
	if (modules.runtime)
		return modules.runtime;
	if (program->exe_fd >= 0)
		language = by(program, OBI_LANGUAGE_BY_SYMBOL,
			      obi_elf_symbol_language(program->exe_fd));
	if (!language)
		language = by(program, OBI_LANGUAGE_BY_VARIABLE, program->environment);
	if (!language)
		language = by(program, OBI_LANGUAGE_BY_FILE_NAME, obi_language_of_path(exe));
	return language ? language : modules.last_resort;
}
