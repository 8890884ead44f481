/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage: leaves a signal to a process that exports it itself, as soon as it is seen to: by a
 * request of its own that a collector took, or one by gRPC
 * (`discovery.exclude_otel_instrumented_services`). Else each of its requests would be counted
 * twice.
 */
#ifndef OBI_PIPELINE_AVOID_H
#define OBI_PIPELINE_AVOID_H

#include "discover/options.h"
#include "span/span.h"

#define AVOID_SLOTS 1024

struct avoided {
	uint32_t pid;    /* 0 = free */
	uint8_t signals; /* enum obi_signal_bit */
};

struct avoid_stage {
	const struct obi_discovery_options *options;
	struct avoided slots[AVOID_SLOTS]; /* by pid; the last one stays */
	unsigned count;
};

/* Sets OBI_SPAN_UNSAMPLED, OBI_SPAN_OWN_METRICS and OBI_SPAN_IGNORE_METRICS. Returns the signal
 * (enum obi_signal_bit) of which this span shows for the first time that its process exports it
 * itself, or 0. */
unsigned avoid_stage_apply(struct avoid_stage *stage, struct obi_span *span);

/* The process is gone: its number may be another's soon. */
void avoid_stage_gone(struct avoid_stage *stage, uint32_t pid);

#endif
