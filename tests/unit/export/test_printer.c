// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "export/exporter.h"
#include "metrics/internal_metrics.h"
#include "sample.h"
#include "settings/settings.h"

/* Standard output goes to a file while the exporter has it; its content is in `printed`. */
static char printed[1 << 20];

struct capture {
	FILE *file;
	int saved;
};

static struct capture capture_begin(void)
{
	struct capture capture = { tmpfile(), fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0) };

	assert_non_null(capture.file);
	(void)fflush(stdout);
	assert_int_equal(dup2(fileno(capture.file), STDOUT_FILENO), STDOUT_FILENO);
	return capture;
}

static void capture_end(struct capture *capture)
{
	size_t len;

	(void)dup2(capture->saved, STDOUT_FILENO);
	(void)close(capture->saved);
	rewind(capture->file);
	len = fread(printed, 1, sizeof(printed) - 1, capture->file);
	printed[len] = '\0';
	(void)fclose(capture->file);
}

/* Prints count spans, a tick after every `ticks`, as the exporter does in this mode. */
static void print(enum obi_trace_printer mode, int count, int ticks, unsigned flags)
{
	struct obi_settings settings = { .export.trace_printer = mode };
	struct obi_span span = sample_server();
	struct capture capture = capture_begin();
	void *state = NULL;
	char why[64];

	assert_true(exporter_printer.wanted(&settings));
	assert_int_equal(exporter_printer.open(&settings, &state, why, sizeof(why)), 0);
	span.flags = flags;
	for (int i = 1; i <= count; i++) {
		exporter_printer.put_span(state, &span);
		if (i % ticks == 0)
			exporter_printer.tick(state, 0);
	}
	exporter_printer.close(state);
	capture_end(&capture);
}

static size_t count_lines(void)
{
	size_t lines = 0;

	for (const char *at = printed; (at = strchr(at, '\n')); at++)
		lines++;
	return lines;
}

static void text_is_a_line_a_span(void **state)
{
	print(OBI_PRINTER_TEXT, 3, 1000, 0);
	assert_int_equal(count_lines(), 3);
	assert_non_null(strstr(printed, "HTTP(subType=0) 200 GET /users/123(/users/) "));
}

static void json_is_a_line_a_batch(void **state)
{
	json_t *root;

	print(OBI_PRINTER_JSON, 250, 1000, 0);
	assert_int_equal(count_lines(), 3);
	root = json_loads(printed, JSON_DISABLE_EOF_CHECK, NULL);
	assert_int_equal(json_array_size(root), 100);
	json_decref(root);
	root = json_loads(strrchr(printed, '['), 0, NULL);
	assert_int_equal(json_array_size(root), 50);
	json_decref(root);
	print(OBI_PRINTER_JSON, 6, 2, 0); /* a tick ends a batch */
	assert_int_equal(count_lines(), 3);
}

static void json_indent_is_an_array_too(void **state)
{
	json_t *root;

	print(OBI_PRINTER_JSON_INDENT, 2, 1000, 0);
	root = json_loads(printed, 0, NULL);
	assert_int_equal(json_array_size(root), 2);
	json_decref(root);
	assert_memory_equal(printed, "[\n {\n  \"type\": \"HTTP\",", 22);
	assert_string_equal(printed + strlen(printed) - 6, "}\n }\n]\n" + 1);
}

static void counter_says_one_line_at_the_end(void **state)
{
	print(OBI_PRINTER_COUNTER, 3, 1, 0);
	assert_string_equal(printed, "Processed 3 requests\n");
}

static void spans_that_are_no_traces_are_left_out(void **state)
{
	print(OBI_PRINTER_TEXT, 3, 1, OBI_SPAN_IGNORE_TRACES);
	assert_string_equal(printed, "");
	print(OBI_PRINTER_TEXT, 3, 1, OBI_SPAN_IGNORE_METRICS);
	assert_int_equal(count_lines(), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_a_line_a_span),
		cmocka_unit_test(json_is_a_line_a_batch),
		cmocka_unit_test(json_indent_is_an_array_too),
		cmocka_unit_test(counter_says_one_line_at_the_end),
		cmocka_unit_test(spans_that_are_no_traces_are_left_out),
	};

	return cmocka_run_group_tests_name("printer", tests, NULL, NULL);
}
