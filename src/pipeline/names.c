// SPDX-License-Identifier: Apache-2.0
#include "pipeline/names.h"

#include "base/authority.h"

/* Whom a client asks for is in its Host field; who answers may be a proxy's address. Other families
 * do not say whom they ask. */
static bool take_asked(struct obi_span *span)
{
	uint16_t port;

	if (span->system->family != OBI_FAMILY_HTTP ||
	    authority_split(span->op.http.host, &span->host_name, &port))
		return false;
	/* Without a port it says less than the connection: a proxy hands on a Host that is not the
	 * backend's origin. */
	span->asked_port = port;
	return true;
}

static struct slice text_of(struct names_stage *stage, const uint8_t address[16])
{
	return slice_of(stage->address, address_format(address, stage->address));
}

void names_stage_apply(struct names_stage *stage, struct obi_span *span)
{
	struct slice own = slice_cstr(span->service->name);

	span->asked_port = 0;
	if (span->kind == OBI_KIND_SERVER) {
		span->host_name = own;
		span->peer_name = text_of(stage, span->peer_addr);
		return;
	}
	span->peer_name = own;
	if (!take_asked(span))
		span->host_name = text_of(stage, span->host_addr);
}
