/* SPDX-License-Identifier: Apache-2.0 */
/* What the sender does while it still may: files that targets name, and the spill directory. */
#ifndef OBI_SENDER_SETUP_H
#define OBI_SENDER_SETUP_H

#include "sender/lane.h"
#include "sender/spill_directory.h"

/* Reads the PEM files and the header lists of a target; what is wrong is logged. 0; -ENOMEM; other
 * errno where a file cannot be read: nothing must be sent without it. */
int sender_setup_target(struct sender_target *target, const struct obi_otlp_options *options,
			char *const *env);

/* Opens the spill directory; where that fails it is logged, and ret_directory is not open. */
void sender_setup_directory(const char *path, struct sender_directory *ret_directory);

/* The queues on disk of both lanes; what fails is logged, and the lanes go on without. */
void sender_setup_spill(struct sender_lane lanes[OTLP_SIGNALS], int directory,
			const struct obi_otlp_options *options);

#endif
