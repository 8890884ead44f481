// SPDX-License-Identifier: Apache-2.0
#include "worker/probing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "inspect/maps.h"
#include "inspect/tls.h"
#include "probe/libraries.h"

_Static_assert(OBI_TLS_SITES_MAX <= OBI_WIRE_SITES_MAX, "room for what is found");

struct process {
	uint32_t pid;
	struct slice exe;
	bool handshakes;
	uint64_t last; /* inode: several mappings of a file stand together */
	void (*take)(void *context, const struct obi_wire_mapping *mapping, struct slice path);
	void *context;
};

static bool take_mapped(void *context, const struct obi_mapped *mapped)
{
	struct process *process = context;
	struct obi_wire_mapping mapping = {
		.pid = process->pid,
		.major = mapped->major,
		.minor = mapped->minor,
		.inode = mapped->inode,
		.start = mapped->start,
		.end = mapped->end,
	};

	if (mapped->inode == process->last ||
	    (!slice_equal(mapped->path, process->exe) &&
	     !obi_probe_is_library(mapped->path, process->handshakes)))
		return true;
	process->last = mapped->inode;
	process->take(process->context, &mapping, mapped->path);
	return true;
}

int obi_probing_each(uint32_t pid, const char *exe, int maps_fd, bool handshakes,
		     void (*take)(void *context, const struct obi_wire_mapping *mapping,
				  struct slice path),
		     void *context)
{
	struct process process = {
		.pid = pid,
		.exe = slice_cstr(exe),
		.handshakes = handshakes,
		.take = take,
		.context = context,
	};

	if (lseek(maps_fd, 0, SEEK_SET) < 0)
		return -errno;
	return obi_maps_read(maps_fd, take_mapped, &process);
}

static void name_mapping(void *context, const struct obi_wire_mapping *mapping, struct slice path)
{
	(void)obi_wire_send(OBI_WIRE_FD, OBI_REQUEST_MAPPING, mapping, sizeof(*mapping), NULL, 0);
}

void obi_probing_process(uint32_t pid, const char *exe, int maps_fd, bool handshakes)
{
	(void)obi_probing_each(pid, exe, maps_fd, handshakes, name_mapping, NULL);
}

void obi_probing_file(const struct obi_wire_file *file, int fd, bool handshakes)
{
	struct obi_wire_probe probe = { .number = file->number };
	struct obi_tls_sites found;
	int error = obi_tls_inspect(fd, handshakes, &found);

	if (error)
		log_debug("a file has no code to be probed", F("pid", log_int(file->pid)),
			  F("error", log_errno(error)));
	probe.random = found.random;
	for (size_t i = 0; i < found.count; i++)
		probe.sites[probe.count++] = (struct obi_wire_site){
			.offset = found.sites[i].offset,
			.op = found.sites[i].op,
			.count = found.sites[i].count,
		};
	if (found.count)
		log_info("TLS library found", F("library", log_str(found.library)),
			 F("sites", log_int((int64_t)found.count)),
			 F("singleStepped", log_int((int64_t)found.stepped)),
			 F("pid", log_int(file->pid)));
	(void)obi_wire_send(OBI_WIRE_FD, OBI_REQUEST_PROBE, &probe, sizeof(probe), NULL, 0);
}
