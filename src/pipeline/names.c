// SPDX-License-Identifier: Apache-2.0
#include "pipeline/names.h"

void names_stage_apply(struct names_stage *stage, struct obi_span *span)
{
	struct slice own = slice_cstr(span->service->name);
	bool server = span->type == OBI_SPAN_HTTP_SERVER;
	const uint8_t *other = server ? span->peer_addr : span->host_addr;
	struct slice address = slice_of(stage->address, address_format(other, stage->address));

	span->host_name = server ? own : address;
	span->peer_name = server ? address : own;
}
