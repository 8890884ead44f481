// SPDX-License-Identifier: Apache-2.0
/*
 * execstorm DESCRIPTORS SECONDS: holds so many descriptors, or as many as it may, none of them a
 * socket, and executes itself again and again for so long. Says how often.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SPARE 20 /* descriptors, for the dynamic linker */

static void again(const char *name, long end, long count)
{
	char until[32], done[32];
	char *argv[] = { (char *)name, until, done, "again", NULL };

	snprintf(until, sizeof(until), "%ld", end);
	snprintf(done, sizeof(done), "%ld", count);
	execv("/proc/self/exe", argv);
	perror("execv");
	exit(1);
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		struct rlimit limit;
		int null = open("/dev/null", O_RDONLY);

		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		for (int i = atoi(argv[1]); i > 0 && dup(null) >= 0; i--)
			;
		closefrom((int)limit.rlim_max - SPARE);
		again(argv[0], time(NULL) + atol(argv[2]), 0);
	}
	if (argc == 4 && time(NULL) < atol(argv[1]))
		again(argv[0], atol(argv[1]), atol(argv[2]) + 1);
	printf("executed %s times\n", argc == 4 ? argv[2] : "no");
	return 0;
}
