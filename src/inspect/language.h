/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quick inspection: in which language is a program written? From what a process shows without
 * being touched: its executable's name, the modules it has mapped, its environment, and a bounded
 * look at the ELF file. All of it is hostile.
 */
#ifndef OBI_INSPECT_LANGUAGE_H
#define OBI_INSPECT_LANGUAGE_H

#include <stdbool.h>

#include "base/slice.h"

enum obi_language {
	OBI_LANGUAGE_GENERIC, /* 0: none of the others, C for one */
	OBI_LANGUAGE_GO,
	OBI_LANGUAGE_JAVA,
	OBI_LANGUAGE_DOTNET,
	OBI_LANGUAGE_PYTHON,
	OBI_LANGUAGE_RUBY,
	OBI_LANGUAGE_NODEJS,
	OBI_LANGUAGE_RUST,
	OBI_LANGUAGE_PHP,
	OBI_LANGUAGE_CPP,
	OBI_LANGUAGE_ERLANG, /* and Elixir */
	OBI_LANGUAGES,
};

/* go, java, dotnet, python, ruby, nodejs, rust, php, cpp, erlang, generic */
const char *obi_language_name(enum obi_language language);

/* Is that more than what every program shows before its runtime is mapped? The C++ library is
 * mapped with many a runtime. */
bool obi_language_settled(enum obi_language language);

/* One sign each; OBI_LANGUAGE_GENERIC where it says nothing. */
enum obi_language obi_language_of_module(struct slice path);      /* mapped file */
enum obi_language obi_language_of_path(struct slice exe);         /* executable's path */
enum obi_language obi_language_of_symbol(struct slice symbol);    /* ELF symbol */
enum obi_language obi_language_of_variable(struct slice name);    /* environment variable */
enum obi_language obi_language_of_last_resort(struct slice path); /* mapped file: C++ runtime */

/* Which sign told a language, the surest first. */
enum obi_language_by {
	OBI_LANGUAGE_BY_NOTHING,
	OBI_LANGUAGE_BY_LINKER,
	OBI_LANGUAGE_BY_EXECUTABLE, /* a runtime's */
	OBI_LANGUAGE_BY_MODULE,     /* a runtime's, mapped */
	OBI_LANGUAGE_BY_SYMBOL,     /* or the compiler's comment */
	OBI_LANGUAGE_BY_VARIABLE,
	OBI_LANGUAGE_BY_FILE_NAME,
	OBI_LANGUAGE_BY_CPP_LIBRARY,
	OBI_LANGUAGE_SIGNS,
};

struct obi_language_sign {
	enum obi_language_by by;
	char module[256]; /* path of the mapped file; cut */
};

/* What is known of a process; -1 for a descriptor that is not there. */
struct obi_program {
	const char *exe;                /* path, NULL unknown */
	int exe_fd;                     /* /proc/PID/exe */
	int maps_fd;                    /* /proc/PID/maps, at its start */
	enum obi_language environment;  /* the best obi_language_of_variable() */
	struct obi_language_sign *sign; /* NULL, or is told what told it */
};

/* Reads at most some MiB in all. */
enum obi_language obi_language_inspect(const struct obi_program *program);

#endif
