// SPDX-License-Identifier: Apache-2.0
/* A row of open exporters; what one of them does not take is its own to count. */
#include "export/exports.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define OBI_EXPORTER(name_) &exporter_##name_,
const struct obi_exporter *const obi_exporters[] = {
#include "export/exporters.def"
	NULL,
};
#undef OBI_EXPORTER

struct open_exporter {
	const struct obi_exporter *exporter;
	void *state;
};

struct obi_exports {
	struct open_exporter open[ARRAY_SIZE(obi_exporters)];
	size_t count;
};

struct obi_exports *
obi_exports_open(const struct obi_settings *settings,
		 void (*failed)(void *context, const char *name, const char *why), void *context)
{
	struct obi_exports *exports = calloc(1, sizeof(*exports));

	for (size_t i = 0; exports && obi_exporters[i]; i++) {
		struct open_exporter *open = &exports->open[exports->count];
		char why[256] = "";

		open->exporter = obi_exporters[i];
		if (!open->exporter->wanted(settings))
			continue;
		if (open->exporter->open(settings, &open->state, why, sizeof(why)))
			failed(context, open->exporter->name, why);
		else
			exports->count++;
	}
	return exports;
}

void obi_exports_close(struct obi_exports *exports)
{
	if (!exports)
		return;
	for (size_t i = 0; i < exports->count; i++)
		exports->open[i].exporter->close(exports->open[i].state);
	free(exports);
}

static void put_span(void *context, struct obi_span *span)
{
	struct obi_exports *exports = context;

	for (size_t i = 0; i < exports->count; i++)
		if (exports->open[i].exporter->put_span)
			exports->open[i].exporter->put_span(exports->open[i].state, span);
}

static void put_flow(void *context, struct obi_flow_record *record)
{
	struct obi_exports *exports = context;

	for (size_t i = 0; i < exports->count; i++)
		if (exports->open[i].exporter->put_flow)
			exports->open[i].exporter->put_flow(exports->open[i].state, record);
}

struct obi_span_sink obi_exports_span_sink(struct obi_exports *exports)
{
	return (struct obi_span_sink){ .put = put_span, .context = exports };
}

struct obi_flow_sink obi_exports_flow_sink(struct obi_exports *exports)
{
	return (struct obi_flow_sink){ .put = put_flow, .context = exports };
}

void obi_exports_service(struct obi_exports *exports, const struct obi_service *service, bool alive)
{
	for (size_t i = 0; i < exports->count; i++)
		if (exports->open[i].exporter->service)
			exports->open[i].exporter->service(exports->open[i].state, service, alive);
}

void obi_exports_program(struct obi_exports *exports, const struct obi_bpf_program *program)
{
	for (size_t i = 0; i < exports->count; i++)
		if (exports->open[i].exporter->put_program)
			exports->open[i].exporter->put_program(exports->open[i].state, program);
}

void obi_exports_map(struct obi_exports *exports, const struct obi_bpf_map *map)
{
	for (size_t i = 0; i < exports->count; i++)
		if (exports->open[i].exporter->put_map)
			exports->open[i].exporter->put_map(exports->open[i].state, map);
}

static int poll_fd(const struct open_exporter *open)
{
	return open->exporter->poll_fd ? open->exporter->poll_fd(open->state) : -1;
}

int obi_exports_watch(struct obi_exports *exports, int (*watch)(void *context, int fd),
		      void *context)
{
	for (size_t i = 0; i < exports->count; i++) {
		int fd = poll_fd(&exports->open[i]);
		int error = fd >= 0 ? watch(context, fd) : 0;

		if (error)
			return error;
	}
	return 0;
}

void obi_exports_ready(struct obi_exports *exports, int fd)
{
	for (size_t i = 0; i < exports->count; i++)
		if (poll_fd(&exports->open[i]) == fd)
			exports->open[i].exporter->ready(exports->open[i].state);
}

void obi_exports_tick(struct obi_exports *exports, uint64_t now_ns)
{
	for (size_t i = 0; i < exports->count; i++)
		if (exports->open[i].exporter->tick)
			exports->open[i].exporter->tick(exports->open[i].state, now_ns);
}

uint64_t obi_exports_due(const struct obi_exports *exports)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < exports->count; i++) {
		const struct open_exporter *open = &exports->open[i];
		uint64_t due = open->exporter->due ? open->exporter->due(open->state) : UINT64_MAX;

		first = due < first ? due : first;
	}
	return first;
}

uint64_t obi_exports_held(const struct obi_exports *exports)
{
	uint64_t most = 0;

	for (size_t i = 0; i < exports->count; i++) {
		const struct open_exporter *open = &exports->open[i];
		uint64_t held = open->exporter->held ? open->exporter->held(open->state) : 0;

		most = held > most ? held : most;
	}
	return most;
}
