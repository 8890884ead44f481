// SPDX-License-Identifier: Apache-2.0
/* obi worker: what the broker starts; of no use to a person. */
#include "worker/worker.h"

#include "verb/common.h"
#include "verb/verb.h"

int verb_worker(int argc, char **argv)
{
	struct obi_settings settings;
	int status = verb_begin_child(argc, argv, OBI_ROLE_WORKER, &settings);

	return status ? status : obi_worker_run(&settings);
}
