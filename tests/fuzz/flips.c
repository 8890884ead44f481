// SPDX-License-Identifier: Apache-2.0
/*
 * flips COUNT DIR...: looks for TLS functions in every ELF file there, COUNT times in all, each
 * time with some bits of one of them flipped, those of its headers and tables above all. No crash;
 * a site lies in the file.
 */
#include <elf.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspect/tls.h"

#define FILES_MAX 16384
#define SIZE_MAX_READ ((off_t)4 << 20)
#define FLIPS_EACH 16
#define HEAD 4096

static char *names[FILES_MAX];
static size_t count;

static int take(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char magic[SELFMAG];
	FILE *file;

	(void)ftw;
	if (type != FTW_F || count == FILES_MAX || st->st_size > SIZE_MAX_READ)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fread(magic, sizeof(magic), 1, file) == 1 && !memcmp(magic, ELFMAG, SELFMAG))
		names[count++] = strdup(path);
	(void)fclose(file);
	return 0;
}

/* The file's bytes, in memory that can be written to; 0: it cannot be read. */
static size_t copy(const char *path, int to)
{
	static uint8_t bytes[SIZE_MAX_READ];
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return 0;
	n = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	if (ftruncate(to, 0) || pwrite(to, bytes, n, 0) != (ssize_t)n)
		return 0;
	return n;
}

static void flip(int fd, size_t size)
{
	size_t within = random() % 2 && size > HEAD ? HEAD : size;
	off_t at = (off_t)((size_t)random() % within);
	uint8_t byte;

	if (random() % 4 == 0 && size > HEAD) /* sections are told of at the end */
		at = (off_t)(size - HEAD + (size_t)random() % HEAD);
	if (pread(fd, &byte, 1, at) != 1)
		abort();
	byte ^= (uint8_t)(1 << random() % 8);
	if (pwrite(fd, &byte, 1, at) != 1)
		abort();
}

static void look(int fd, size_t size, const char *name)
{
	struct obi_tls_sites sites;

	if (obi_tls_inspect(fd, true, &sites))
		return;
	for (size_t i = 0; i < sites.count; i++) {
		if (sites.sites[i].offset < size)
			continue;
		(void)fprintf(stderr, "%s: a site at %lu\n", name, sites.sites[i].offset);
		abort();
	}
}

int main(int argc, char **argv)
{
	long wanted = argc > 2 ? strtol(argv[1], NULL, 10) : 0, done = 0;
	int fd = memfd_create("flips", MFD_CLOEXEC);

	for (int i = 2; i < argc; i++)
		(void)nftw(argv[i], take, 32, FTW_PHYS);
	if (fd < 0 || !count)
		return 1;
	srandom((unsigned)wanted);
	while (done < wanted) {
		const char *name = names[(size_t)random() % count];
		size_t size = copy(name, fd);

		for (int i = 0; size && i < FLIPS_EACH; i++, done++) {
			flip(fd, size);
			look(fd, size, name);
		}
	}
	(void)printf("%ld flips over %zu files\n", done, count);
	return 0;
}
