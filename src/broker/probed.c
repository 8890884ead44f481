// SPDX-License-Identifier: Apache-2.0
#include "broker/probed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/uprobe.h"

#define PATIENCE_MS 1000
#define IDLE_NS (60 * NSEC_PER_SEC)
#define AGAIN_NS (5 * NSEC_PER_MSEC)
#define USES_MAX 65536 /* of a file */

enum state {
	WAITING, /* to be looked at */
	LOOKED,  /* the looker is at it */
	OPENED,  /* the worker has no room for the question yet */
	ASKED,   /* the worker */
	EMPTY,   /* there is nothing in it, or it was refused */
	PROBED,
};

/* A process that maps it, and where. */
struct use {
	uint32_t pid;
	uint64_t start, end;
};

struct file {
	uint32_t number;
	enum state state;
	/* As a line of /proc/PID/maps shows it: other than what stat(2) says on some file systems.
	 */
	uint32_t major, minor;
	uint64_t inode;
	int fd; /* until it has probes; -1 none */
	struct use *uses;
	size_t use_count, use_room;
	uint64_t idle_ns; /* since when nobody maps it; 0 = somebody does */
	struct obi_tls_links links;
};

struct obi_probed {
	struct obi_probed_actions actions;
	struct file *files[OBI_PROBED_FILES_MAX];
	size_t count;
	uint32_t number;
	size_t waiting, idle;
	struct obi_probed_counters counters;
	bool said_full;
	bool stopped;
};

struct obi_probed *obi_probed_new(const struct obi_probed_actions *actions)
{
	struct obi_probed *probed = calloc(1, sizeof(*probed));

	if (probed)
		probed->actions = *actions;
	return probed;
}

static bool waits(enum state state)
{
	return state == WAITING || state == OPENED;
}

static void set_state(struct obi_probed *probed, struct file *file, enum state state)
{
	probed->waiting -= waits(file->state);
	probed->counters.files -= file->state == PROBED;
	file->state = state;
	probed->waiting += waits(state);
	probed->counters.files += state == PROBED;
}

static void close_file(struct file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
}

static void remove_at(struct obi_probed *probed, size_t at)
{
	struct file *file = probed->files[at];

	set_state(probed, file, EMPTY);
	probed->idle -= file->idle_ns != 0;
	obi_tls_detach(&file->links);
	close_file(file);
	free(file->uses);
	free(file);
	probed->files[at] = probed->files[--probed->count];
}

/* All at once; where there is no memory for that, one after the other. */
static void detach_links(struct obi_probed *probed)
{
	int *fds = malloc(probed->count * sizeof(probed->files[0]->links.fds) + 1);
	size_t count = 0;

	for (size_t i = 0; fds && i < probed->count; i++) {
		struct obi_tls_links *links = &probed->files[i]->links;

		memcpy(fds + count, links->fds, links->count * sizeof(*fds));
		count += links->count;
		links->count = 0;
	}
	obi_uprobe_detach(fds, count);
	free(fds);
}

void obi_probed_detach(struct obi_probed *probed)
{
	detach_links(probed);
	while (probed->count)
		remove_at(probed, probed->count - 1);
	probed->stopped = true;
}

void obi_probed_free(struct obi_probed *probed)
{
	if (!probed)
		return;
	obi_probed_detach(probed);
	free(probed);
}

static struct file *find(const struct obi_probed *probed, const struct obi_wire_mapping *mapping)
{
	for (size_t i = 0; i < probed->count; i++) {
		struct file *file = probed->files[i];

		if (file->inode == mapping->inode && file->major == mapping->major &&
		    file->minor == mapping->minor)
			return file;
	}
	return NULL;
}

/* ---- Uses ---- */

static void add_use(struct obi_probed *probed, struct file *file, const struct use *use)
{
	for (size_t i = 0; i < file->use_count; i++)
		if (file->uses[i].pid == use->pid)
			return;
	if (file->use_count == file->use_room) {
		size_t room = file->use_room ? 2 * file->use_room : 4;
		struct use *uses =
			room > USES_MAX ? NULL : realloc(file->uses, room * sizeof(*uses));

		if (!uses) { /* it may be let go while this one lives */
			probed->counters.missed++;
			return;
		}
		file->uses = uses;
		file->use_room = room;
	}
	file->uses[file->use_count++] = *use;
	probed->idle -= file->idle_ns != 0;
	file->idle_ns = 0;
}

static void drop_use(struct obi_probed *probed, struct file *file, uint32_t pid)
{
	for (size_t i = 0; i < file->use_count; i++) {
		if (file->uses[i].pid != pid)
			continue;
		file->uses[i] = file->uses[--file->use_count];
		if (!file->use_count && !file->idle_ns) {
			file->idle_ns = clock_monotonic_ns();
			probed->idle++;
		}
		return;
	}
}

void obi_probed_forked(struct obi_probed *probed, uint32_t parent, uint32_t child)
{
	for (size_t i = 0; i < probed->count; i++) {
		struct file *file = probed->files[i];

		for (size_t k = 0; k < file->use_count; k++) {
			struct use use = file->uses[k];

			if (use.pid != parent)
				continue;
			use.pid = child;
			add_use(probed, file, &use);
			break;
		}
	}
}

void obi_probed_gone(struct obi_probed *probed, uint32_t pid)
{
	for (size_t i = 0; i < probed->count; i++)
		drop_use(probed, probed->files[i], pid);
}

/* ---- Looking ---- */

/* Any of the processes that map it will do. */
static void look(struct obi_probed *probed, struct file *file)
{
	struct look_request request = { .kind = LOOK_MAPPED, .patience_ms = PATIENCE_MS };

	while (file->use_count) {
		const struct use *use = &file->uses[0];
		int error;

		request.pid = use->pid;
		request.mapping = (struct obi_wire_mapping){
			.pid = use->pid,
			.major = file->major,
			.minor = file->minor,
			.inode = file->inode,
			.start = use->start,
			.end = use->end,
		};
		error = probed->actions.look(probed->actions.context, &request);
		if (error == -EAGAIN)
			return;
		if (!error) {
			set_state(probed, file, LOOKED);
			return;
		}
		probed->counters.missed++;
		drop_use(probed, file, use->pid);
	}
}

void obi_probed_mapped(struct obi_probed *probed, const struct obi_wire_mapping *mapping)
{
	const struct use use = { mapping->pid, mapping->start, mapping->end };
	struct file *file = find(probed, mapping);

	if (probed->stopped)
		return;
	if (!file) {
		file = probed->count < OBI_PROBED_FILES_MAX ? calloc(1, sizeof(*file)) : NULL;
		if (!file) {
			probed->counters.missed++;
			if (!probed->said_full)
				log_warn("too many files with libraries: some are not looked at",
					 F("files", log_int((int64_t)probed->count)));
			probed->said_full = true;
			return;
		}
		*file = (struct file){
			.number = ++probed->number,
			.state = EMPTY,
			.major = mapping->major,
			.minor = mapping->minor,
			.inode = mapping->inode,
			.fd = -1,
		};
		probed->files[probed->count++] = file;
		set_state(probed, file, WAITING);
	}
	add_use(probed, file, &use);
	if (file->state == WAITING)
		look(probed, file);
}

/* A worker that is dead is followed by one for which all is repeated. */
static void ask_worker(struct obi_probed *probed, struct file *file)
{
	struct obi_wire_file message = {
		.number = file->number,
		.pid = file->use_count ? file->uses[0].pid : 0,
	};
	int error = probed->actions.inspect(probed->actions.context, &message, file->fd);

	set_state(probed, file, error == -EAGAIN ? OPENED : ASKED);
}

static void name_of(const struct file *file, char path[PATH_MAX])
{
	char link[32];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file->fd);
	len = readlink(link, path, PATH_MAX - 1);
	path[len < 0 ? 0 : len] = '\0';
}

static void take_file(struct obi_probed *probed, struct file *file)
{
	char path[PATH_MAX];

	name_of(file, path);
	if (!probed->actions.leaves_alone(probed->actions.context, path)) {
		ask_worker(probed, file);
		return;
	}
	log_info("left alone", F("file", log_str(path)),
		 F("by", log_str("ebpf.tls_probes_exclude")));
	set_state(probed, file, EMPTY);
	close_file(file);
}

void obi_probed_answer(struct obi_probed *probed, const struct look_request *request,
		       const struct look_answer *answer, int *fds, int fd_count)
{
	struct file *file = find(probed, &request->mapping);

	if (file && file->state == LOOKED && !answer->error && fd_count == 1) {
		file->fd = fds[0];
		fd_count = 0;
		take_file(probed, file);
	} else if (file && file->state == LOOKED) {
		/* Gone, or mapped elsewhere meanwhile: another one may still map it. */
		probed->counters.missed++;
		drop_use(probed, file, request->pid);
		set_state(probed, file, WAITING);
		look(probed, file);
	}
	while (fd_count)
		(void)close(fds[--fd_count]);
}

/* ---- Probing ---- */

static void say(const struct file *file, int error)
{
	char path[PATH_MAX];

	name_of(file, path);
	if (error)
		log_warn("probes are refused: what this library encrypts is not seen",
			 F("file", log_str(path)), F("error", log_errno(error)),
			 F("remedy", log_str(error == -EPERM || error == -EACCES
						     ? "CAP_SYS_ADMIN, or a kernel from 6.6 on"
						     : "none: please report it")));
	else
		log_info("library probed", F("file", log_str(path)));
}

bool obi_probed_probe(struct obi_probed *probed, const struct obi_wire_probe *probe)
{
	struct file *file = NULL;
	int error = 0;

	for (size_t i = 0; i < probed->count && !file; i++)
		if (probed->files[i]->number == probe->number)
			file = probed->files[i];
	if (!file) /* let go meanwhile, or never there */
		return probe->number && probe->number <= probed->number;
	if (file->state != ASKED)
		return false;
	if (probe->count)
		error = probed->actions.attach(probed->actions.context, file->fd, probe,
					       &file->links);
	probed->counters.refused += error != 0;
	if (probe->count)
		say(file, error);
	set_state(probed, file, probe->count && !error ? PROBED : EMPTY);
	close_file(file);
	return true;
}

void obi_probed_repeat(struct obi_probed *probed)
{
	for (size_t i = 0; i < probed->count; i++)
		if (probed->files[i]->state == ASKED)
			ask_worker(probed, probed->files[i]);
}

/* ---- Time ---- */

/* May it be let go? What nobody maps is not waited for; of what is asked an answer will come. */
static bool is_over(const struct file *file, uint64_t now_ns)
{
	if (!file->idle_ns || file->state == LOOKED || file->state == ASKED)
		return false;
	return waits(file->state) || now_ns >= file->idle_ns + IDLE_NS;
}

void obi_probed_tick(struct obi_probed *probed, uint64_t now_ns)
{
	size_t i = 0;

	if (!probed->waiting && !probed->idle)
		return;
	while (i < probed->count) {
		struct file *file = probed->files[i];

		if (file->state == WAITING)
			look(probed, file);
		else if (file->state == OPENED)
			ask_worker(probed, file);
		if (is_over(file, now_ns))
			remove_at(probed, i);
		else
			i++;
	}
}

uint64_t obi_probed_next(const struct obi_probed *probed)
{
	uint64_t next = probed->waiting ? clock_monotonic_ns() + AGAIN_NS : 0;

	for (size_t i = 0; i < probed->count && probed->idle; i++) {
		const struct file *file = probed->files[i];

		if (file->idle_ns && file->state != LOOKED && file->state != ASKED &&
		    (!next || file->idle_ns + IDLE_NS < next))
			next = file->idle_ns + IDLE_NS;
	}
	return next;
}

void obi_probed_counters(const struct obi_probed *probed, struct obi_probed_counters *ret_counters)
{
	*ret_counters = probed->counters;
}
