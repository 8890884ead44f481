// SPDX-License-Identifier: Apache-2.0
#include "pipeline/names.h"

#include "base/authority.h"

/* The port that a Host field means where it names none (RFC 9110 sections 4.2.1 and 4.2.2). */
static uint16_t default_port(struct slice scheme)
{
	if (slice_equal(scheme, SLICE_LIT("http")))
		return 80;
	return slice_equal(scheme, SLICE_LIT("https")) ? 443 : 0;
}

/* Whom a client asks for is in its Host field; who answers may be a proxy's address. */
static bool take_asked(struct obi_span *span)
{
	uint16_t port;

	if (authority_split(span->host_header, &span->host_name, &port))
		return false;
	span->asked_port = port ? port : default_port(span->scheme);
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
	if (span->type == OBI_SPAN_HTTP_SERVER) {
		span->host_name = own;
		span->peer_name = text_of(stage, span->peer_addr);
		return;
	}
	span->peer_name = own;
	if (!take_asked(span))
		span->host_name = text_of(stage, span->host_addr);
}
