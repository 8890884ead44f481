/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that stands for the root of a file system. Include after cmocka.h. */
#ifndef OBI_TESTS_UNIT_FAKE_ROOT_H
#define OBI_TESTS_UNIT_FAKE_ROOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

/* With the directories that it needs. text NULL: a directory itself. */
static void put_file(const char *path, const char *text)
{
	char full[512];
	FILE *file;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(full, 0755);
		*slash = '/';
	}
	if (!text) {
		assert_int_equal(mkdir(full, 0755), 0);
		return;
	}
	file = fopen(full, "we");
	assert_non_null(file);
	(void)fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int make_root(void **state)
{
	(void)snprintf(root, sizeof(root), "/tmp/obi-root-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

#endif
