// SPDX-License-Identifier: Apache-2.0
/*
 * Exporter: metrics for a Prometheus to scrape (`prometheus_export`). Where the
 * program's own metrics are asked for on the same port they are served here too, under
 * their path, or together where that is the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "export/exporter.h"
#include "export/families/families.h"
#include "export/internal.h"
#include "export/internal_gather.h"
#include "export/scrape_server.h"
#include "settings/settings.h"

/* Series expire at a scrape; where nobody scrapes, so often. */
#define EXPIRE_NS (60 * NSEC_PER_SEC)

struct prometheus {
	struct families *families;
	struct scrape_server *server;
	uint64_t now_ns; /* of the last tick: near enough for a series' time to live */
	uint64_t expired_ns;
	char port[8];
};

static bool prometheus_wanted(const struct obi_settings *settings)
{
	return settings->export.prometheus.port != 0;
}

static size_t choose_paths(const struct obi_settings *settings, struct families *families,
			   struct scrape_path paths[SCRAPE_PATHS_MAX])
{
	const struct obi_prometheus_options *main = &settings->export.prometheus;
	const struct obi_internal_options *internal = &settings->export.internal;

	paths[0] = (struct scrape_path){ main->path, { families_metrics(families) } };
	if (internal->exporter != OBI_INTERNAL_PROMETHEUS || internal->port != main->port)
		return 1;
	if (strcmp(main->path, internal->path) == 0) {
		paths[0].registries[1] = obi_internal_metrics();
		return 1;
	}
	paths[1] = (struct scrape_path){ internal->path, { obi_internal_metrics() } };
	return 2;
}

static void before_scrape(void *context, const char *path)
{
	const struct prometheus *prometheus = context;
	const struct metrics *metrics = families_metrics(prometheus->families);
	uint64_t overflow = metrics_overflow(metrics);

	internal_gather();
	obi_internal_add(OBI_INTERNAL_HTTP_REQUESTS, (const char *[]){ path, prometheus->port }, 1);
	obi_internal_set(OBI_INTERNAL_SERIES, NULL, metrics_series(metrics));
	if (overflow)
		obi_internal_set(OBI_INTERNAL_DROPPED, (const char *[]){ "series_limit" },
				 overflow);
}

static void prometheus_close(void *state)
{
	struct prometheus *prometheus = state;

	scrape_server_close(prometheus->server);
	families_free(prometheus->families);
	internal_gather_close();
	free(prometheus);
}

static int prometheus_open(const struct obi_settings *settings, void **ret_state, char *why,
			   size_t why_size)
{
	uint16_t port = (uint16_t)settings->export.prometheus.port;
	struct prometheus *prometheus = calloc(1, sizeof(*prometheus));
	struct scrape_path paths[SCRAPE_PATHS_MAX];
	size_t count;
	int error;

	(void)snprintf(why, why_size, "out of memory");
	if (!prometheus)
		return -ENOMEM;
	prometheus->now_ns = clock_monotonic_ns();
	(void)snprintf(prometheus->port, sizeof(prometheus->port), "%u", port);
	internal_gather_open(settings);
	error = families_new(settings, &prometheus->families);
	if (!error) {
		count = choose_paths(settings, prometheus->families, paths);
		error = scrape_server_open(settings->export.prometheus.listen_address, port, paths,
					   count, before_scrape, prometheus, &prometheus->server,
					   why, why_size);
	}
	if (error) {
		prometheus_close(prometheus);
		return error;
	}
	*ret_state = prometheus;
	return 0;
}

static void prometheus_put_span(void *state, const struct obi_span *span)
{
	struct prometheus *prometheus = state;

	families_put_span(prometheus->families, span, prometheus->now_ns);
}

static void prometheus_put_flow(void *state, const struct obi_flow_record *record)
{
	struct prometheus *prometheus = state;

	families_put_flow(prometheus->families, record, prometheus->now_ns);
}

static void prometheus_service(void *state, const struct obi_service *service, bool alive)
{
	struct prometheus *prometheus = state;

	families_service(prometheus->families, service, alive, prometheus->now_ns);
}

static void prometheus_put_program(void *state, const struct obi_bpf_program *program)
{
	struct prometheus *prometheus = state;

	families_put_program(prometheus->families, program, prometheus->now_ns);
}

static void prometheus_put_map(void *state, const struct obi_bpf_map *map)
{
	struct prometheus *prometheus = state;

	families_put_map(prometheus->families, map, prometheus->now_ns);
}

static int prometheus_poll_fd(void *state)
{
	const struct prometheus *prometheus = state;

	return scrape_server_fd(prometheus->server);
}

static void prometheus_ready(void *state)
{
	struct prometheus *prometheus = state;

	scrape_server_run(prometheus->server);
}

static void prometheus_tick(void *state, uint64_t now_ns)
{
	struct prometheus *prometheus = state;

	prometheus->now_ns = now_ns;
	if (prometheus->now_ns > prometheus->expired_ns + EXPIRE_NS) {
		metrics_expire(families_metrics(prometheus->families), prometheus->now_ns);
		prometheus->expired_ns = prometheus->now_ns;
	}
	scrape_server_run(prometheus->server);
}

static uint64_t prometheus_due(void *state)
{
	return scrape_server_due(((const struct prometheus *)state)->server);
}

const struct obi_exporter exporter_prometheus = {
	.name = "prometheus",
	.help = "metrics for a Prometheus to scrape",
	.wanted = prometheus_wanted,
	.open = prometheus_open,
	.put_span = prometheus_put_span,
	.put_flow = prometheus_put_flow,
	.service = prometheus_service,
	.put_program = prometheus_put_program,
	.put_map = prometheus_put_map,
	.poll_fd = prometheus_poll_fd,
	.ready = prometheus_ready,
	.tick = prometheus_tick,
	.due = prometheus_due,
	.close = prometheus_close,
};
