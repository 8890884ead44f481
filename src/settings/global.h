/* SPDX-License-Identifier: Apache-2.0 */
/* Options of the program as a whole. */
#ifndef OBI_SETTINGS_GLOBAL_H
#define OBI_SETTINGS_GLOBAL_H

#include "config/option.h"

enum obi_log_format {
	OBI_LOG_TEXT,
	OBI_LOG_JSON,
};

enum obi_log_config {
	OBI_LOG_CONFIG_NONE,
	OBI_LOG_CONFIG_YAML,
	OBI_LOG_CONFIG_JSON,
};

struct obi_global_options {
	const char *config_path; /* "" = none */
	int log_level;           /* enum log_level, base/log.h */
	int log_format;          /* enum obi_log_format */
	int log_config;          /* enum obi_log_config: print the merged configuration at start */
	uint64_t shutdown_timeout; /* ns */
	bool enforce_sys_caps;
	const char *service_name;      /* forced name for what open_port etc. select; "" = none */
	const char *service_namespace; /* likewise */
};

extern const struct obi_options obi_global_option_rows;

#endif
