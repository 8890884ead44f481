/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporters: the last stage. One file and one line in exporters.def each.
 * An exporter never blocks the caller and counts what it could not take.
 */
#ifndef OBI_EXPORT_EXPORTER_H
#define OBI_EXPORT_EXPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/flow.h"
#include "obi/bpf.h"
#include "span/span.h"

struct obi_settings;

struct obi_exporter {
	const char *name;
	const char *help;
	/* Does this configuration ask for it? */
	bool (*wanted)(const struct obi_settings *settings);
	/* 0 and a state, or a negative errno with the reason in `why` ("listen on :9090: Address
	 * already in use"): the agent says it once and goes on without. */
	int (*open)(const struct obi_settings *settings, void **ret_state, char *why,
		    size_t why_size);
	void (*put_span)(void *state, const struct obi_span *span);          /* may be NULL */
	void (*put_flow)(void *state, const struct obi_flow_record *record); /* may be NULL */
	/* A process is (no longer) observed; may be NULL. */
	void (*service)(void *state, const struct obi_service *service, bool alive);
	/* What a BPF program or map has come to; may be NULL. */
	void (*put_program)(void *state, const struct obi_bpf_program *program);
	void (*put_map)(void *state, const struct obi_bpf_map *map);
	/* Descriptor to poll for reading, or -1; `ready` is called when it is readable. */
	int (*poll_fd)(void *state);
	void (*ready)(void *state);
	/* Called at least every OBI_WORKER_IDLE_NS, and not much later than due() says. */
	void (*tick)(void *state, uint64_t now_ns);
	/* When it has to be called next, though nothing happens meanwhile: monotonic time, 0: soon,
	 * UINT64_MAX: never. NULL: never. */
	uint64_t (*due)(void *state);
	/* Spans taken and not out yet: lost if the process dies now. NULL: always none. */
	uint64_t (*held)(void *state);
	/* Everything that was taken is out when it returns. Frees the state. */
	void (*close)(void *state);
};

#define OBI_EXPORTER(name_) extern const struct obi_exporter exporter_##name_;
#include "export/exporters.def"
#undef OBI_EXPORTER

extern const struct obi_exporter *const obi_exporters[]; /* NULL-terminated */

#endif
