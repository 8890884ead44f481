// SPDX-License-Identifier: Apache-2.0
#include "sender/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define FILE_MAX (1u << 20)
#define COMMON_HEADERS "OTEL_EXPORTER_OTLP_HEADERS"

static const char *const spill_names[OTLP_SIGNALS] = {
	[OTLP_TRACES] = "traces",
	[OTLP_METRICS] = "metrics",
};

/* ---- Files ----------------------------------------------------------------------- */

static int read_all(int fd, struct buffer *buf)
{
	ssize_t n = 1;

	while (n > 0) {
		char *to = buf->len < FILE_MAX ? buffer_reserve(buf, 16384) : NULL;

		if (!to)
			return buf->failed ? -ENOMEM : -EFBIG;
		n = read(fd, to, 16384);
		if (n < 0)
			return -errno;
		buf->len += (size_t)n;
	}
	return buf->len ? 0 : -ENODATA;
}

static int read_file(const char *path, const char *what, struct buffer *ret_file)
{
	_cleanup_close_ int fd = -1;
	int error;

	if (!*path)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	error = fd < 0 ? -errno : read_all(fd, ret_file);
	if (error)
		log_error("cannot read a file for TLS: nothing is sent", F("file", log_str(path)),
			  F("what", log_str(what)), F("error", log_errno(error)));
	return error;
}

/* Common items are read for each signal, and complained of once. */
static void say_bad_header(void *context, size_t index, const char *why)
{
	static bool said[SENDER_HEADERS_MAX];

	if (!strcmp(context, COMMON_HEADERS) && index < SENDER_HEADERS_MAX) {
		if (said[index])
			return;
		said[index] = true;
	}
	log_warn("a header is left out", F("variable", log_str(context)),
		 F("item", log_int((int64_t)index + 1)), F("reason", log_str(why)));
}

int sender_setup_target(struct sender_target *target, const struct obi_otlp_options *options,
			char *const *env)
{
	static const char *const variables[OTLP_SIGNALS] = {
		[OTLP_TRACES] = "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
		[OTLP_METRICS] = "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
	};
	int error = sender_headers_add(&target->headers, &options->common.headers, env,
				       say_bad_header, COMMON_HEADERS);

	if (!error)
		error = sender_headers_add(&target->headers, &target->options->headers, env,
					   say_bad_header, (void *)variables[target->signal]);
	if (!error)
		error = read_file(target->options->certificate, "authorities",
				  &target->certificate);
	if (!error)
		error = read_file(target->options->client_certificate, "client certificate",
				  &target->client_certificate);
	if (!error)
		error = read_file(target->options->client_key, "client key", &target->client_key);
	return error;
}

/* ---- Spill ----------------------------------------------------------------------- */

void sender_setup_directory(const char *path, struct sender_directory *ret_directory)
{
	struct sender_directory directory = { .fd = -1, .lock = -1 };
	const char *why = "";
	int error = sender_directory_open(path, &directory, &why);

	if (error)
		log_error("cannot use the spill directory, going on without it",
			  F("directory", log_str(path)), F("reason", log_str(why)),
			  F("error", log_errno(error)));
	*ret_directory = directory;
}

static void say_found(enum otlp_signal signal, uint64_t items, struct sender_spill_found found)
{
	const char *name = spill_names[signal];

	if (items)
		log_info("found data of an earlier run in the spill directory",
			 F("signal", log_str(name)), F("items", log_int((int64_t)items)));
	if (found.broken_items)
		log_warn("damaged data in the spill directory is lost", F("signal", log_str(name)),
			 F("items", log_int((int64_t)found.broken_items)),
			 F("bytes", log_int((int64_t)found.broken_bytes)));
	if (found.foreign)
		log_warn("files in the spill directory are not this agent's: left alone",
			 F("signal", log_str(name)), F("files", log_int((int64_t)found.foreign)));
}

static int open_spill(struct sender_lane *lane, int directory, uint64_t bytes)
{
	enum otlp_signal signal = lane->target.signal;
	uint64_t items = 0;
	int error;

	/* Found out now, not when memory is full. */
	if (faccessat(directory, ".", W_OK | X_OK, 0))
		return -errno;
	error = sender_spill_open(directory, spill_names[signal], bytes, &lane->spill, &items);
	if (error)
		return error;
	lane->spill_broken = sender_spill_found(lane->spill).broken_items;
	say_found(signal, items, sender_spill_found(lane->spill));
	return 0;
}

void sender_setup_spill(struct sender_lane lanes[OTLP_SIGNALS], int directory,
			const struct obi_otlp_options *options)
{
	uint64_t bytes = (uint64_t)options->common.spill_max_size_mib << 20;

	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		uint64_t part = i == OTLP_METRICS ? bytes / 4 : bytes / 4 * 3;
		int error = lanes[i].open ? open_spill(&lanes[i], directory, part) : 0;

		if (error)
			log_error("cannot use the spill directory, going on without it",
				  F("directory", log_str(options->common.spill_directory)),
				  F("error", log_errno(error)));
	}
}
