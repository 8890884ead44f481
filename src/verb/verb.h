/* SPDX-License-Identifier: Apache-2.0 */
/* A verb is what `obi` is asked to do: one file and one line in verbs.def. */
#ifndef OBI_VERB_VERB_H
#define OBI_VERB_VERB_H

struct obi_verb {
	const char *name;
	const char *help;                  /* NULL: not for people */
	int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status */
};

/* Exit status where the agent cannot start: the existing program's -1. */
#define OBI_EXIT_CANNOT_START 255
#define OBI_EXIT_USAGE 2

/* OBI_VERB(name, help) */
#define OBI_VERB(name_, help_) int verb_##name_(int argc, char **argv);
#include "verb/verbs.def"
#undef OBI_VERB

extern const struct obi_verb obi_verbs[]; /* ends with a NULL name */

#endif
