// SPDX-License-Identifier: Apache-2.0
#include "settings/global.h"

#include "base/cleanup.h"
#include "base/log.h"

#define ROW(member_, ...) OBI_ROW(struct obi_global_options, member_, __VA_ARGS__)

static const struct obi_name log_levels[] = {
	{ "DEBUG", LOG_DEBUG }, { "INFO", LOG_INFO }, { "WARN", LOG_WARN },
	{ "ERROR", LOG_ERROR }, { NULL, 0 },
};

static const struct obi_name log_formats[] = {
	{ "text", OBI_LOG_TEXT },
	{ "json", OBI_LOG_JSON },
	{ NULL, 0 },
};

static const struct obi_name log_configs[] = {
	{ "disabled", OBI_LOG_CONFIG_NONE },
	{ "", OBI_LOG_CONFIG_NONE },
	{ "yaml", OBI_LOG_CONFIG_YAML },
	{ "json", OBI_LOG_CONFIG_JSON },
	{ NULL, 0 },
};

static const struct obi_option rows[] = {
	ROW(config_path, NULL, "OTEL_EBPF_CONFIG_PATH", STRING, NULL,
	    "configuration file (YAML); wins over --config"),
	ROW(log_level, "log_level", "OTEL_EBPF_LOG_LEVEL", CHOICE, "INFO",
	    "least severe messages that are logged", .names = log_levels),
	ROW(log_format, "log_format", "OTEL_EBPF_LOG_FORMAT", CHOICE, "text", "form of log lines",
	    .names = log_formats),
	ROW(log_config, "log_config", "OTEL_EBPF_LOG_CONFIG", CHOICE, "disabled",
	    "print the merged configuration at start", .names = log_configs),
	ROW(shutdown_timeout, "shutdown_timeout", "OTEL_EBPF_SHUTDOWN_TIMEOUT", DURATION, "10s",
	    "longest time a graceful stop may take", .min = 1, .max = OBI_UNBOUNDED),
	ROW(enforce_sys_caps, "enforce_sys_caps", "OTEL_EBPF_ENFORCE_SYS_CAPS", BOOL, "false",
	    "refuse to start when a needed capability is missing"),
	ROW(service_name, "service_name", "OTEL_SERVICE_NAME", STRING, NULL,
	    "service.name of what open_port and OTEL_EBPF_AUTO_TARGET_* select",
	    .aliases = "OTEL_EBPF_SERVICE_NAME"),
	ROW(service_namespace, "service_namespace", "OTEL_EBPF_SERVICE_NAMESPACE", STRING, NULL,
	    "service.namespace of the same"),
};

const struct obi_options obi_global_option_rows = {
	.title = "Global",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};
