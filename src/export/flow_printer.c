// SPDX-License-Identifier: Apache-2.0
/* Exporter: network flows on standard output, a line each (`network.print_flows`). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/line_writer.h"
#include "export/exporter.h"
#include "export/text/flow_text.h"
#include "metrics/internal_metrics.h"
#include "settings/settings.h"

#define CLOSE_MS 1000

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
	writer->patience_ms = LINE_WRITER_PATIENCE_MS;
	*ret_state = writer;
	return 0;
}

static void flow_printer_put_flow(void *state, const struct obi_flow_record *record)
{
	struct line_writer *writer = state;
	struct buffer *line = line_writer_begin(writer);

	if (!line)
		return;
	flow_put_text(record, line);
	line_writer_end(writer);
}

static void flow_printer_tick(void *state, uint64_t now_ns)
{
	struct line_writer *writer = state;

	line_writer_flush(writer);
	if (writer->dropped)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "flow_printer_blocked" },
				 writer->dropped);
}

static uint64_t flow_printer_due(void *state)
{
	return line_writer_waits(state) ? 0 : UINT64_MAX;
}

static void flow_printer_close(void *state)
{
	struct line_writer *writer = state;

	line_writer_close(writer, CLOSE_MS);
	free(writer);
}

const struct obi_exporter exporter_flow_printer = {
	.name = "flow_printer",
	.help = "network flows on standard output",
	.wanted = flow_printer_wanted,
	.open = flow_printer_open,
	.put_flow = flow_printer_put_flow,
	.tick = flow_printer_tick,
	.due = flow_printer_due,
	.close = flow_printer_close,
};
