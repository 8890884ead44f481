// SPDX-License-Identifier: Apache-2.0
/*
 * network.print_flows: a line a flow, in the existing program's form, then what it counted.
 * A reader that is slow loses whole lines, which are counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "export/exporter.h"
#include "export/line_writer.h"
#include "settings/settings.h"

#define CLOSE_PATIENCE_MS 1000

static bool flow_printer_wanted(const struct obi_settings *settings)
{
	return settings->network.print_flows && obi_settings_network(settings);
}

static int flow_printer_open(const struct obi_settings *settings, void **ret_state, char *why,
			     size_t why_size)
{
	struct line_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	line_writer_open(writer, STDOUT_FILENO);
	*ret_state = writer;
	return 0;
}

static void flow_printer_put(void *state, const struct obi_flow_record *record)
{
	const struct obi_flow_key *key = &record->flow.key;
	const struct obi_flow_value *value = &record->flow.value;
	struct buffer *out = line_writer_begin(state);
	unsigned direction =
		key->direction == OBI_DIRECTION_UNSET ? value->first_direction : key->direction;

	if (!out)
		return;
	buffer_printf(out, "network_flow: transport=%u obi.ip=%s iface=%s iface_direction=%u",
		      key->transport, record->obi_ip, record->iface, direction);
	buffer_printf(out, " src.address=%s dst.address=%s", record->src_address,
		      record->dst_address);
	buffer_printf(out, " src.name=" SLICE_FMT " dst.name=" SLICE_FMT,
		      SLICE_ARG(record->src_name), SLICE_ARG(record->dst_name));
	buffer_printf(out, " src.port=%u dst.port=%u", key->src_port, key->dst_port);
	if (record->src_cidr)
		buffer_printf(out, " src.cidr=%s dst.cidr=%s", record->src_cidr, record->dst_cidr);
	buffer_printf(out, " bytes=%llu packets=%llu", (unsigned long long)value->bytes,
		      (unsigned long long)value->packets);
	line_writer_end(state);
}

static void flow_printer_tick(void *state, uint64_t now_ns)
{
	line_writer_flush(state);
}

static void flow_printer_close(void *state)
{
	line_writer_close(state, CLOSE_PATIENCE_MS);
	free(state);
}

const struct obi_exporter exporter_flow_printer = {
	.name = "flow_printer",
	.help = "network flows on standard output, a line each (network.print_flows)",
	.wanted = flow_printer_wanted,
	.open = flow_printer_open,
	.put_flow = flow_printer_put,
	.tick = flow_printer_tick,
	.close = flow_printer_close,
};
