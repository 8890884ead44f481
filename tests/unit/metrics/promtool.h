/* SPDX-License-Identifier: Apache-2.0 */
/* Runs `promtool check metrics` over an exposition, where promtool is installed. */
#ifndef OBI_TESTS_PROMTOOL_H
#define OBI_TESTS_PROMTOOL_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

static inline bool promtool_is_there(void)
{
	return system("command -v promtool >/dev/null 2>&1") == 0;
}

/* Does promtool find neither errors nor anything to complain about? */
static inline bool promtool_accepts(struct slice exposition)
{
	FILE *promtool = popen("promtool check metrics", "w");

	if (!promtool)
		return false;
	(void)fwrite(exposition.data, 1, exposition.len, promtool);
	return pclose(promtool) == 0;
}

#endif
