/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox (export/otlp/outbox.h) in the worker's life: bounds, own metrics, end. */
#ifndef OBI_WORKER_SENDING_H
#define OBI_WORKER_SENDING_H

#include "otlp/options.h"

/* Sets the bounds that the configuration asks for. */
void obi_worker_open_sending(const struct obi_otlp_options *options);

/* Into the program's own metrics. */
void obi_worker_publish_sending(void);

/* Sends out what exporters handed on, within a part of the time that stopping may take, and logs
 * what became of everything. */
void obi_worker_close_sending(const struct obi_otlp_options *options, uint64_t timeout_ns);

#endif
