/* SPDX-License-Identifier: Apache-2.0 */
/* This room is the worker's, without privilege: it reads what processes say of themselves. Which of
 * them are instrumented is the broker's to say: discover/. */
#ifndef OBI_SERVICE_SERVICE_H
#define OBI_SERVICE_SERVICE_H

#include <stdint.h>

#include "obi/process.h"

/* Who the observed process is. Owned by the service room (or by the replay verb). */
struct obi_service {
	uint32_t pid;
	struct obi_entries entries;
	char name[128];       /* service.name */
	char name_space[128]; /* service.namespace, "" if none */
	char language[16];    /* telemetry.sdk.language: go, java, ..., generic */
	char executable[24];  /* base name */
	char instance[152];   /* service.instance.id: host:PID */
	/* Of its OTEL_RESOURCE_ATTRIBUTES: key=value,key=value, each one whole, values as given:
	 * percent-encoded (base/percent.h). */
	char resource_attributes[512];
};

#endif
