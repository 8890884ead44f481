/* SPDX-License-Identifier: Apache-2.0 */
/* obi check: the preflight report. */
#ifndef OBI_VERB_CHECK_H
#define OBI_VERB_CHECK_H

/* argv[0] is the verb. Returns the exit status: 0 where all that the configuration needs is there,
 * 1 where something is missing, 2 where the command line is wrong, 255 where the configuration
 * cannot be read. */
int verb_check(int argc, char **argv);

#endif
