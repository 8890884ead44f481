// SPDX-License-Identifier: Apache-2.0
/*
 * obi replay: the spans of a capture, also a gzipped one, on standard output, by the same parsers
 * and pipeline as live traffic; needs no privilege.
 *   --format text|json|none   as trace_printer prints them; JSON: arrays of up to 100, a line each
 *   --metrics                 the metrics of all spans at the end, as Prometheus would scrape them
 *   --service NAME            the name of every service, instead of the address it listens on
 * Standard error gets what is wrong with the file, and one line that sums up. Exit status 0, or 1
 * when the file could not be read to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/random.h"
#include "export/text/span_text.h"
#include "metrics/families/families.h"
#include "pipeline/pipeline.h"
#include "replay/replay.h"
#include "verb/common.h"
#include "verb/verb.h"

#define EXIT_FAILED 1
#define CONNECTIONS_MAX 65536
#define FLUSH_BYTES ((size_t)64 * 1024)
#define BATCH_SPANS 100

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_NONE,
};

struct arguments {
	const char *file;
	const char *config;
	const char *service;
	enum format format;
	bool metrics;
};

struct run {
	const struct arguments *arguments;
	struct obi_settings settings;
	struct obi_pipeline *pipeline;
	struct families *families; /* NULL without --metrics */
	struct local_second second;
	struct buffer out;
	unsigned batched; /* spans in the JSON array under way */
	bool broken;      /* nobody reads on */
};

/* ---- Output -------------------------------------------------------------------------------- */

static void flush_out(struct run *run)
{
	if (run->out.len == 0 && !run->out.failed)
		return;
	if (run->broken || run->out.failed ||
	    fwrite(run->out.data, 1, run->out.len, stdout) != run->out.len || fflush(stdout))
		run->broken = true;
	run->out.len = 0;
}

static void end_batch(struct run *run)
{
	if (run->batched)
		buffer_put_cstr(&run->out, "]\n");
	run->batched = 0;
}

static void print_span(struct run *run, const struct obi_span *span)
{
	if (run->arguments->format == FORMAT_TEXT) {
		span_put_text(span, &run->second, &run->out);
		buffer_put_char(&run->out, '\n');
	} else {
		buffer_put_char(&run->out, run->batched ? ',' : '[');
		span_put_json(span, -1, &run->out);
		if (++run->batched == BATCH_SPANS)
			end_batch(run);
	}
	if (run->out.len >= FLUSH_BYTES)
		flush_out(run);
}

static void on_span(void *context, struct obi_span *span)
{
	struct run *run = context;

	if (run->arguments->format != FORMAT_NONE && !(span->flags & OBI_SPAN_IGNORE_TRACES))
		print_span(run, span);
	if (run->families)
		families_put_span(run->families, span, 0);
}

static void on_service(void *context, const struct obi_service *service)
{
	struct run *run = context;

	if (run->families)
		families_service(run->families, service, true, 0);
}

/* ---- The line that sums up ----------------------------------------------------------------- */

/* ", 3 name" for each count that is not zero; the first after what `before` says. */
static void put_count(struct buffer *buf, const char **before, uint64_t count, const char *name)
{
	if (!count)
		return;
	buffer_put_cstr(buf, *before);
	buffer_printf(buf, "%llu %s", (unsigned long long)count, name);
	*before = ", ";
}

static void put_drops(struct buffer *buf, const struct replay_stats *stats)
{
	const char *before = "; dropped: ";

	for (int i = 0; i < OBI_DROP_REASONS; i++)
		put_count(buf, &before, stats->conns.dropped[i],
			  obi_conn_drop_name((enum obi_conn_drop)i));
}

static void put_passed_over(struct buffer *buf, const struct replay_stats *stats)
{
	const char *before = "; passed over: ";

	for (int i = PACKET_TCP + 1; i < PACKET_KINDS; i++)
		put_count(buf, &before, stats->kinds[i], packet_kind_name((enum packet_kind)i));
	put_count(buf, &before, stats->unoriented_bytes, "bytes before the first head");
	before = "; missing in the capture: ";
	put_count(buf, &before, stats->tcp.hole_bytes, "bytes");
	before = "; given up: ";
	put_count(buf, &before, stats->tcp.evicted, "connections");
}

static void sum_up(const struct replay *replay)
{
	struct buffer line = { 0 };
	struct replay_stats stats;

	replay_stats(replay, &stats);
	buffer_printf(&line,
		      "obi replay: %llu packets, %llu connections, %llu messages, %llu spans",
		      (unsigned long long)stats.packets, (unsigned long long)stats.tcp.connections,
		      (unsigned long long)stats.messages, (unsigned long long)stats.conns.spans);
	put_drops(&line, &stats);
	put_passed_over(&line, &stats);
	buffer_put_char(&line, '\n');
	(void)fwrite(line.data, 1, line.len, stderr);
	buffer_free(&line);
}

/* ---- The run ------------------------------------------------------------------------------- */

static int out_of_memory(void)
{
	(void)fputs("obi replay: out of memory\n", stderr);
	return EXIT_FAILED;
}

static int run_capture(struct run *run, struct capture *capture)
{
	struct replay_options options = {
		.max_connections = CONNECTIONS_MAX,
		.service = run->arguments->service,
		.sink = { .put = obi_pipeline_put, .context = run->pipeline },
		.service_met = on_service,
		.context = run,
	};
	struct replay *replay;
	uint64_t offset;
	int err;

	random_bytes(&options.seed, sizeof(options.seed));
	replay = replay_new(&options);
	if (!replay)
		return out_of_memory();
	err = replay_capture(replay, capture);
	replay_flush(replay);
	end_batch(run);
	if (run->families)
		families_put_text(run->families, &run->out);
	flush_out(run);
	if (err) {
		const char *problem = capture_problem(capture, &offset);

		(void)fprintf(stderr, "obi replay: %s: offset %llu: %s\n", run->arguments->file,
			      (unsigned long long)offset, problem);
	}
	if (run->broken)
		(void)fputs("obi replay: cannot write to standard output\n", stderr);
	sum_up(replay);
	replay_free(replay);
	return err || run->broken ? EXIT_FAILED : 0;
}

/* The pipeline and the metrics that the configuration asks for. */
static int prepare(struct run *run)
{
	struct obi_span_sink next = { .put = on_span, .context = run };
	struct obi_error error = { "" };

	if (obi_settings_load(run->arguments->config, environ, &run->settings, &error) < 0) {
		(void)fprintf(stderr, "obi replay: wrong configuration: %s\n", error.text);
		return OBI_EXIT_CANNOT_START;
	}
	/* --metrics asks for these, whatever the configuration has for other exporters. */
	run->settings.metrics.features.bits |= OBI_FEATURE_APPLICATION;
	run->settings.export.prometheus.features.bits |= OBI_FEATURE_APPLICATION;
	run->pipeline = obi_pipeline_new(&run->settings, next);
	if (!run->pipeline ||
	    (run->arguments->metrics && families_new(&run->settings, &run->families)))
		return out_of_memory();
	return 0;
}

static int run_file(const struct arguments *arguments)
{
	bool standard_input = strcmp(arguments->file, "-") == 0;
	_cleanup_close_ int fd = -1;
	struct run run = { .arguments = arguments };
	struct capture *capture;
	int status;

	if (!standard_input) {
		fd = open(arguments->file, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			(void)fprintf(stderr, "obi replay: %s: %s\n", arguments->file,
				      strerror(errno));
			return EXIT_FAILED;
		}
	}
	status = prepare(&run);
	capture = capture_open(standard_input ? STDIN_FILENO : fd);
	if (!status)
		status = capture ? run_capture(&run, capture) : out_of_memory();
	capture_close(capture);
	families_free(run.families);
	obi_pipeline_free(run.pipeline);
	obi_settings_free(&run.settings);
	buffer_free(&run.out);
	return status;
}

/* ---- Arguments ----------------------------------------------------------------------------- */

static int usage(const char *problem, const char *word)
{
	if (problem)
		(void)fprintf(stderr, "obi replay: %s '%s'\n", problem, word);
	(void)fputs("Usage: obi replay FILE|- [--format text|json|none] [--metrics] "
		    "[--service NAME] [--config FILE]\n",
		    problem ? stderr : stdout);
	return problem ? OBI_EXIT_USAGE : 0;
}

static int parse_format(const char *word, enum format *ret_format)
{
	if (strcmp(word, "text") == 0)
		*ret_format = FORMAT_TEXT;
	else if (strcmp(word, "json") == 0)
		*ret_format = FORMAT_JSON;
	else if (strcmp(word, "none") == 0)
		*ret_format = FORMAT_NONE;
	else
		return -EINVAL;
	return 0;
}

/* The value of `--name value` or `--name=value`, or NULL where this is another option. */
static const char *value_of(const char *name, char **argv, int *i)
{
	size_t len = strlen(name);

	if (strncmp(argv[*i], name, len) != 0)
		return NULL;
	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	if (argv[*i][len] != '\0')
		return NULL;
	return argv[*i + 1] ? argv[++*i] : "";
}

int verb_replay(int argc, char **argv)
{
	struct arguments arguments = { .format = FORMAT_TEXT };

	for (int i = 1; i < argc; i++) {
		const char *value;

		if (strcmp(argv[i], "--help") == 0) {
			return usage(NULL, NULL);
		} else if (strcmp(argv[i], "--metrics") == 0) {
			arguments.metrics = true;
		} else if ((value = value_of("--format", argv, &i))) {
			if (parse_format(value, &arguments.format))
				return usage("--format is text, json or none, not", value);
		} else if ((value = value_of("--service", argv, &i))) {
			arguments.service = value;
		} else if ((value = value_of("--config", argv, &i))) {
			arguments.config = value;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return usage("unknown option", argv[i]);
		} else if (arguments.file) {
			return usage("one file at a time; what is", argv[i]);
		} else {
			arguments.file = argv[i];
		}
	}
	if (!arguments.file)
		return usage("which FILE? None was given to", argv[0]);
	return run_file(&arguments);
}
