/* SPDX-License-Identifier: Apache-2.0 */
/* All others than the one that is tested: who looks at files, who reads them, the kernel. */
#ifndef OBI_TEST_OTHERS_H
#define OBI_TEST_OTHERS_H

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "broker/probed.h"

/* Looker, worker and kernel. */
struct others {
	struct obi_probed *probed;
	int look_error, inspect_error, attach_error;
	bool leaves_alone;
	int looks, inspects, attaches; /* that were asked for */
	struct look_request look;      /* the last of each */
	struct obi_wire_file inspect;
	size_t sites;
	int link; /* of the last that was attached to */
	char log[4096];
	int descriptors; /* that were open before */
};

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

static int look(void *context, const struct look_request *request)
{
	struct others *o = context;

	o->looks++;
	o->look = *request;
	assert_int_equal(request->kind, LOOK_MAPPED);
	assert_int_equal(request->mapping.pid, request->pid);
	return o->look_error;
}

static bool leaves_alone(void *context, const char *path)
{
	const struct others *o = context;

	assert_int_equal(path[0], '/');
	return o->leaves_alone;
}

static int inspect(void *context, const struct obi_wire_file *file, int fd)
{
	struct others *o = context;

	assert_true(fcntl(fd, F_GETFD) >= 0);
	o->inspects++;
	o->inspect = *file;
	return o->inspect_error;
}

static int attach(void *context, int fd, const struct obi_wire_probe *probe,
		  struct obi_tls_links *ret_links)
{
	struct others *o = context;

	assert_true(fcntl(fd, F_GETFD) >= 0);
	o->attaches++;
	o->sites = probe->count;
	if (o->attach_error)
		return o->attach_error;
	o->link = ret_links->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ret_links->count = 1;
	return 0;
}

static bool put_line(void *context, struct slice line)
{
	struct others *o = context;

	(void)strncat(o->log, (const char *)line.data,
		      line.len < sizeof(o->log) - 1 - strlen(o->log)
			      ? line.len
			      : sizeof(o->log) - 1 - strlen(o->log));
	return true;
}

static int set_up(void **state)
{
	static struct others others;
	const struct obi_probed_actions actions = {
		.look = look,
		.leaves_alone = leaves_alone,
		.inspect = inspect,
		.attach = attach,
		.context = &others,
	};

	memset(&others, 0, sizeof(others));
	others.descriptors = open_descriptors();
	others.probed = obi_probed_new(&actions);
	log_set_writer(put_line, &others);
	*state = &others;
	return others.probed ? 0 : -1;
}

static int tear_down(void **state)
{
	struct others *o = *state;

	obi_probed_free(o->probed);
	log_set_writer(NULL, NULL);
	return open_descriptors() == o->descriptors ? 0 : -1;
}

/* ---- What happens ---- */

static void map(struct others *o, uint32_t pid, uint64_t inode)
{
	const struct obi_wire_mapping mapping = {
		.pid = pid,
		.major = 8,
		.minor = 1,
		.inode = inode,
		.start = 0x1000ULL * pid,
		.end = 0x1000ULL * pid + 0x800,
	};

	obi_probed_mapped(o->probed, &mapping);
}

/* To the last look that was asked for. */
static void looked(struct others *o, int error)
{
	const struct look_request request = o->look;
	const struct look_answer answer = { .error = error, .pid = request.pid };
	int fd = error ? -1 : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	obi_probed_answer(o->probed, &request, &answer, &fd, error ? 0 : 1);
}

static bool say(struct others *o, uint32_t number, uint32_t sites)
{
	struct obi_wire_probe probe = { .number = number, .count = sites };

	return obi_probed_probe(o->probed, &probe);
}

static void probe_file(struct others *o, uint32_t pid, uint64_t inode)
{
	map(o, pid, inode);
	looked(o, 0);
	assert_true(say(o, o->inspect.number, 3));
}

static struct obi_probed_counters counters(const struct others *o)
{
	struct obi_probed_counters c;

	obi_probed_counters(o->probed, &c);
	return c;
}

static bool link_is_open(const struct others *o)
{
	return fcntl(o->link, F_GETFD) >= 0;
}

#endif
