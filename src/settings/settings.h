/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole configuration: every room's options, merged from defaults, YAML file
 * and environment, in this order. Read once at start, never changed after.
 */
#ifndef OBI_SETTINGS_SETTINGS_H
#define OBI_SETTINGS_SETTINGS_H

#include "base/buffer.h"
#include "base/slice.h"
#include "broker/options.h"
#include "config/error.h"
#include "config/warning.h"
#include "discover/options.h"
#include "export/options.h"
#include "flow/options.h"
#include "metrics/options.h"
#include "otlp/options.h"
#include "pipeline/options.h"
#include "settings/global.h"
#include "settings/later.h"

struct obi_arena;
struct obi_origin;

struct obi_settings {
	struct obi_global_options global;
	struct obi_discovery_options discovery;
	struct obi_broker_options broker;
	struct obi_network_options network;
	struct obi_pipeline_options pipeline;
	struct obi_export_options export;
	struct obi_metrics_options metrics;
	struct obi_otlp_options otlp;
	struct obi_later_options later;
	struct obi_warnings warnings; /* for the caller to log once */
	const char *file;             /* that was read, for messages; "" = none */
	struct obi_origin *origins;   /* one a row: where its value came from */
	struct obi_arena *arena;      /* everything above points into it */
	struct buffer text;           /* of the file, its variables replaced: for children */
};

/* All rows, in the order of the docs; they describe struct obi_settings. */
extern const struct obi_group obi_settings_groups[];

/* Reads the file (path, unless OTEL_EBPF_CONFIG_PATH is in env; NULL: no file) and the
 * environment. 0; -EINVAL for a bad value or file, -ENOENT and other errno for a file that
 * cannot be read, -ENOMEM. The text of the error says what to correct. On failure ret_settings
 * is untouched. Free with obi_settings_free(). */
int obi_settings_load(const char *path, char **env, struct obi_settings *ret_settings,
		      struct obi_error *ret_error);

/* The same from memory; name stands for the file's name in messages. */
int obi_settings_load_text(const char *name, struct slice text, char **env,
			   struct obi_settings *ret_settings, struct obi_error *ret_error);

/* In a child: the file has been read and its variables replaced; the text comes from a descriptor,
 * which stays the caller's. */
int obi_settings_load_given(const char *path, int fd, char **env, struct obi_settings *ret_settings,
			    struct obi_error *ret_error);

void obi_settings_free(struct obi_settings *settings);

/* Overwrites every text of it: for a process that needs none of it. Only numbers are left. */
void obi_settings_wipe(const struct obi_settings *settings);

/* Can a run with these settings do anything useful? 0, or -EINVAL with the reason. */
int obi_settings_validate(const struct obi_settings *settings, struct obi_error *ret_error);

/* Lowers the memory limit to a quarter of what the control group permits (base/memory_limit.h), in
 * bytes: maps and programs need room in it too. Was it too high? */
bool obi_settings_fit_memory(struct obi_settings *settings, uint64_t permitted);

/* Is application observability asked for (anything selects processes)? */
bool obi_settings_application(const struct obi_settings *settings);

/* Is network observability asked for (network.enable, or a network feature with an exporter)? */
bool obi_settings_network(const struct obi_settings *settings);

/* Features of the metrics of a service (enum obi_feature_bit): entry is obi_service.entries.last.
 */
uint32_t obi_settings_features(const struct obi_settings *settings, uint32_t entry);

/* All features that anybody asks for, also those that are of no service. Both kinds of span metrics
 * are among them where services differ. */
uint32_t obi_settings_all_features(const struct obi_settings *settings);

/* Does any exporter ask for the handshakes of TLS? */
bool obi_settings_handshakes(const struct obi_settings *settings);

/* Are TCP statistics asked for (a stats feature with an exporter)? Not implemented yet. */
bool obi_settings_stats(const struct obi_settings *settings);

/* Are metrics of BPF programs and maps asked for (the feature ebpf, at the Prometheus endpoint)? */
bool obi_settings_bpf_metrics(const struct obi_settings *settings);

/* The merged configuration with the origin of every value; secrets are masked. */
void obi_settings_print_yaml(const struct obi_settings *settings, struct buffer *buf);
void obi_settings_print_json(const struct obi_settings *settings, struct buffer *buf);

/* From the rows alone: text for --help, JSON Schema (2020-12) of the YAML, docs page. */
void obi_settings_print_help(struct buffer *buf);
void obi_settings_print_schema(struct buffer *buf);
void obi_settings_print_markdown(struct buffer *buf);

#endif
