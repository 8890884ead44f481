// SPDX-License-Identifier: Apache-2.0
/* The closed set of what a worker may ask of the broker. */
#include "wire/wire.h"

#include "base/clock.h"

#define BODY(member_) sizeof(((union obi_request_body *)NULL)->member_)

/* What a worker has under way when it is told to stop, or was asked before, is no offence. */
const struct obi_request obi_requests[] = {
	{ OBI_REQUEST_READY, "ready", OBI_PHASE_STARTING | OBI_PHASE_STOPPING, 0, 1, 1 },
	{ OBI_REQUEST_LANGUAGE, "language",
	  OBI_PHASE_STARTING | OBI_PHASE_RUNNING | OBI_PHASE_STOPPING, BODY(language), 100000,
	  100000 },
	{ OBI_REQUEST_MAPPING, "mapping",
	  OBI_PHASE_STARTING | OBI_PHASE_RUNNING | OBI_PHASE_STOPPING, BODY(mapping), 10000,
	  100000 },
	{ OBI_REQUEST_PROBE, "probe", OBI_PHASE_STARTING | OBI_PHASE_RUNNING | OBI_PHASE_STOPPING,
	  BODY(probe), 1000, 10000 },
	{ OBI_REQUEST_COUNTERS, "counters", OBI_PHASE_RUNNING | OBI_PHASE_STOPPING, 0, 50, 2000 },
};

const size_t obi_request_count = sizeof(obi_requests) / sizeof(obi_requests[0]);

const struct obi_request *obi_request_check(uint32_t id, size_t size, int fd_count,
					    enum obi_phase phase, const char **ret_why)
{
	for (size_t i = 0; i < obi_request_count; i++) {
		const struct obi_request *request = &obi_requests[i];

		if (request->id != id)
			continue;
		if (fd_count)
			*ret_why = "descriptors are not expected";
		else if (request->size != size)
			*ret_why = "wrong size";
		else if (!(request->phases & phase))
			*ret_why = "not permitted now";
		else
			return request;
		return NULL;
	}
	*ret_why = "unknown request";
	return NULL;
}

_Static_assert(sizeof(obi_requests) / sizeof(obi_requests[0]) <= OBI_REQUESTS_MAX,
	       "room in the meter");

bool obi_request_within_rate(struct obi_request_meter *meter, const struct obi_request *request,
			     uint64_t now_ns)
{
	uint64_t each = NSEC_PER_SEC / request->rate, passed = now_ns - meter->last_ns;
	uint64_t *ahead;

	for (size_t i = 0; i < OBI_REQUESTS_MAX; i++)
		meter->ahead_ns[i] -= meter->ahead_ns[i] < passed ? meter->ahead_ns[i] : passed;
	meter->last_ns = now_ns;
	ahead = &meter->ahead_ns[request - obi_requests];
	*ahead += each;
	return *ahead <= each * request->burst;
}
