// SPDX-License-Identifier: Apache-2.0
/* Picks a verb; without one the agent runs, with the existing program's command line. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/standard.h"
#include "caps/check.h"
#include "settings/settings.h"
#include "verb/verb.h"

const struct obi_verb obi_verbs[] = {
#define OBI_VERB(name_, help_) { #name_, help_, verb_##name_ },
#include "verb/verbs.def"
#undef OBI_VERB
	{ 0 },
};

static int print_help(void)
{
	struct buffer out = { 0 };

	buffer_put_cstr(&out, "Usage: obi [VERB] [--config FILE] [...]\n\nVerbs:\n");
	for (const struct obi_verb *verb = obi_verbs; verb->name; verb++)
		if (verb->help)
			buffer_printf(&out, "  %-8s %s\n", verb->name, verb->help);
	buffer_put_cstr(&out, "\n  --config FILE   YAML file; OTEL_EBPF_CONFIG_PATH wins over it\n"
			      "  --version       the version\n"
			      "  --help          this text\n\n"
			      "Options, by environment variable or as a key of the YAML file:\n\n");
	obi_settings_print_help(&out);
	(void)fwrite(out.data, 1, out.len, stdout);
	buffer_free(&out);
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	standard_hold();
	if (obi_caps_lower()) {
		(void)fputs("obi: cannot lower its capabilities\n", stderr);
		return OBI_EXIT_CANNOT_START;
	}
	if (!strcmp(word, "--help") || !strcmp(word, "-help") || !strcmp(word, "-h") ||
	    !strcmp(word, "help"))
		return print_help();
	if (!strcmp(word, "--version") || !strcmp(word, "-version")) {
		(void)puts("obi " OBI_VERSION);
		return 0;
	}
	for (const struct obi_verb *verb = obi_verbs; verb->name; verb++)
		if (!strcmp(word, verb->name))
			return verb->run(argc - 1, argv + 1);
	if (word[0] && word[0] != '-') {
		(void)fprintf(stderr, "obi: unknown verb '%s'; see obi --help\n", word);
		return OBI_EXIT_USAGE;
	}
	return verb_agent(argc, argv);
}
