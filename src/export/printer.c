// SPDX-License-Identifier: Apache-2.0
/*
 * Exporter: spans on standard output (`trace_printer`). Text is a line a span; JSON an
 * array of up to 100 spans, and of no more bytes than a line may have, ended at the next tick;
 * counter one line at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/line_writer.h"
#include "export/exporter.h"
#include "export/text/span_text.h"
#include "metrics/internal_metrics.h"
#include "settings/settings.h"

#define BATCH_SPANS 100
#define BATCH_BYTES (LINE_WRITER_LINE_MAX - 16) /* and the end of the array */
/* How long the end of the program waits for a slow reader. */
#define CLOSE_MS 1000

static const struct obi_name printers[] = {
	{ "disabled", OBI_PRINTER_DISABLED }, { "text", OBI_PRINTER_TEXT },
	{ "json", OBI_PRINTER_JSON },         { "json_indent", OBI_PRINTER_JSON_INDENT },
	{ "counter", OBI_PRINTER_COUNTER },   { NULL, 0 },
};

#define ROW(member_, ...) OBI_ROW(struct obi_export_options, member_, __VA_ARGS__)

static const struct obi_option rows[] = {
	ROW(trace_printer, "trace_printer", "OTEL_EBPF_TRACE_PRINTER", CHOICE, "disabled",
	    "print spans on standard output", .names = printers),
};

const struct obi_options obi_printer_option_rows = {
	.title = "Export",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};

struct printer {
	enum obi_trace_printer mode;
	struct line_writer writer;
	struct local_second second;
	struct buffer batch; /* JSON: the array so far, without its end */
	uint64_t batched;
	uint64_t printed;
	uint64_t held; /* since all was written last */
};

static bool printer_wanted(const struct obi_settings *settings)
{
	return settings->export.trace_printer != OBI_PRINTER_DISABLED;
}

static int printer_open(const struct obi_settings *settings, void **ret_state, char *why,
			size_t why_size)
{
	struct printer *printer = calloc(1, sizeof(*printer));

	if (!printer)
		return -ENOMEM;
	printer->mode = (enum obi_trace_printer)settings->export.trace_printer;
	line_writer_open(&printer->writer, STDOUT_FILENO);
	printer->writer.patience_ms = LINE_WRITER_PATIENCE_MS;
	tzset(); /* reads /etc/localtime, which may be out of reach later */
	*ret_state = printer;
	return 0;
}

static void print_text(struct printer *printer, const struct obi_span *span)
{
	struct buffer *line = line_writer_begin(&printer->writer);

	if (!line)
		return;
	span_put_text(span, &printer->second, line);
	line_writer_end(&printer->writer);
}

static void end_batch(struct printer *printer)
{
	bool indent = printer->mode == OBI_PRINTER_JSON_INDENT;
	struct buffer *line;

	if (!printer->batched)
		return;
	line = line_writer_begin(&printer->writer);
	if (line) {
		buffer_put(line, printer->batch.data, printer->batch.len);
		line->failed |= printer->batch.failed;
		buffer_put_cstr(line, indent ? "\n]" : "]");
		line_writer_end(&printer->writer);
	}
	printer->batched = 0;
	printer->batch.len = 0;
	printer->batch.failed = false;
}

static void begin_item(struct printer *printer, bool indent)
{
	buffer_put_char(&printer->batch, printer->batched ? ',' : '[');
	if (indent)
		buffer_put_cstr(&printer->batch, "\n ");
}

/* An array that becomes too long ends before its last span. One that is too long alone is dropped:
 * no request's line is as long, but what is not text takes six bytes each. */
static void batch_json(struct printer *printer, const struct obi_span *span)
{
	bool indent = printer->mode == OBI_PRINTER_JSON_INDENT;
	struct buffer *batch = &printer->batch;
	size_t before = batch->len;

	begin_item(printer, indent);
	span_put_json(span, indent ? 1 : -1, batch);
	if (batch->len > BATCH_BYTES) {
		batch->len = before;
		end_batch(printer);
		begin_item(printer, indent);
		span_put_json(span, indent ? 1 : -1, batch);
	}
	if (batch->len > BATCH_BYTES) {
		batch->len = 0;
		printer->writer.dropped++;
	} else if (++printer->batched == BATCH_SPANS) {
		end_batch(printer);
	}
}

static void printer_put_span(void *state, const struct obi_span *span)
{
	struct printer *printer = state;

	if (span->flags & OBI_SPAN_IGNORE_TRACES)
		return;
	printer->printed++;
	printer->held += printer->mode != OBI_PRINTER_COUNTER;
	if (printer->mode == OBI_PRINTER_TEXT)
		print_text(printer, span);
	else if (printer->mode != OBI_PRINTER_COUNTER)
		batch_json(printer, span);
}

static void printer_tick(void *state, uint64_t now_ns)
{
	struct printer *printer = state;

	end_batch(printer);
	line_writer_flush(&printer->writer);
	if (!printer->writer.pending.len)
		printer->held = 0;
	if (printer->writer.dropped)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "printer_blocked" },
				 printer->writer.dropped);
}

static uint64_t printer_due(void *state)
{
	const struct printer *printer = state;

	return printer->held || line_writer_waits(&printer->writer) ? 0 : UINT64_MAX;
}

static uint64_t printer_held(void *state)
{
	return ((struct printer *)state)->held;
}

static void printer_close(void *state)
{
	struct printer *printer = state;
	struct buffer *line;

	end_batch(printer);
	line = printer->mode == OBI_PRINTER_COUNTER ? line_writer_begin(&printer->writer) : NULL;
	if (line) {
		buffer_put_cstr(line, "Processed ");
		buffer_put_u64(line, printer->printed);
		buffer_put_cstr(line, " requests");
		line_writer_end(&printer->writer);
	}
	line_writer_close(&printer->writer, CLOSE_MS);
	buffer_free(&printer->batch);
	free(printer);
}

const struct obi_exporter exporter_printer = {
	.name = "printer",
	.help = "spans on standard output: text, json, json_indent, counter",
	.wanted = printer_wanted,
	.open = printer_open,
	.put_span = printer_put_span,
	.tick = printer_tick,
	.due = printer_due,
	.held = printer_held,
	.close = printer_close,
};
