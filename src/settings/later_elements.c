// SPDX-License-Identifier: Apache-2.0
/* Slots instead of structs, as in later.c. */
#include "settings/later_elements.h"

#include "base/cleanup.h"
#include "config/check.h"
#include "discover/options.h"

#define PART OBI_LATER_PART
#define PART_NUMBER(key_, help_) OBI_LATER_FLAGS(OBI_OPTION_OPTIONAL, key_, NULL, INT, NULL, help_)
#define PART_REQUIRED(...) OBI_LATER_FLAGS(OBI_OPTION_REQUIRED, __VA_ARGS__)

#define OPTIONS(title_, rows_, limit_)                                                             \
	{                                                                                          \
		.title = (title_), .rows = (rows_), .slots = true,                                 \
		.count = ARRAY_SIZE(rows_) / (ARRAY_SIZE(rows_) <= (limit_)),                      \
	}

static const struct obi_option gateway_rows[] = {
	PART_REQUIRED("host", NULL, STRING, NULL, "host name, in any case"),
	PART("port", NULL, INT, "0", "port; 0: any", .max = 65535),
	PART("provider", NULL, STRING, NULL, "what to report as the provider"),
};

static const struct obi_options gateway_options =
	OPTIONS("Gateways", gateway_rows, OBI_LATER_GATEWAY);

const struct obi_group obi_later_gateway[] = { { &gateway_options, 0 }, { NULL, 0 } };

static const struct obi_name actions[] = {
	{ "include", 1 },
	{ "exclude", 2 },
	{ "obfuscate", 3 },
	{ NULL, 0 },
};

static const struct obi_name parts[] = { { "headers", 1 }, { "body", 2 }, { NULL, 0 } };

static const struct obi_name scopes[] = {
	{ "all", 3 },
	{ "request", 1 },
	{ "response", 2 },
	{ NULL, 0 },
};

static const struct obi_name methods[] = {
	{ "GET", 0x01 },   { "POST", 0x02 }, { "PUT", 0x04 },     { "DELETE", 0x08 },
	{ "PATCH", 0x10 }, { "HEAD", 0x20 }, { "OPTIONS", 0x40 }, { NULL, 0 },
};

static const struct obi_option rule_rows[] = {
	PART_REQUIRED("action", NULL, CHOICE, NULL, "what to do", .names = actions),
	PART_REQUIRED("type", NULL, CHOICE, NULL, "to what", .names = parts),
	PART_REQUIRED("scope", NULL, CHOICE, NULL, "of what", .names = scopes),
	PART("obfuscation_string", NULL, STRING, NULL, "what stands in the place"),
	PART("match.patterns", NULL, LIST, NULL, "header names, globs",
	     .check = obi_check_glob_item),
	PART("match.case_sensitive", NULL, BOOL, "false", "tell cases of header names apart"),
	PART("match.url_path_patterns", NULL, LIST, NULL, "URL paths, globs",
	     .check = obi_check_glob_item),
	PART("match.methods", NULL, FLAGS, NULL, "request methods; none given: all",
	     .names = methods),
	PART("match.obfuscation_json_paths", NULL, LIST, NULL, "JSON paths in bodies"),
	PART_NUMBER("match.response_status_code.greater_than", "status code"),
	PART_NUMBER("match.response_status_code.greater_equals", "likewise"),
	PART_NUMBER("match.response_status_code.equals", "likewise"),
	PART_NUMBER("match.response_status_code.not_equals", "likewise"),
	PART_NUMBER("match.response_status_code.less_equals", "likewise"),
	PART_NUMBER("match.response_status_code.less_than", "likewise"),
};

static const struct obi_options rule_options =
	OPTIONS("Enrichment rules", rule_rows, OBI_LATER_RULE);

const struct obi_group obi_later_rule[] = { { &rule_options, 0 }, { NULL, 0 } };

static const struct obi_option cidr_rows[] = {
	OBI_LATER_FLAGS(OBI_OPTION_REQUIRED | OBI_OPTION_SHORTHAND, "cidr", NULL, CIDR, NULL,
			"the network"),
	PART("name", NULL, STRING, NULL, "what to call it; else the network itself"),
};

static const struct obi_options cidr_options = OPTIONS("CIDRs", cidr_rows, OBI_LATER_CIDR);

const struct obi_group obi_later_cidr[] = { { &cidr_options, 0 }, { NULL, 0 } };

static const struct obi_option log_service_rows[] = {
	PART("service", NULL, STRUCTS, NULL, "criteria, as in discovery.instrument",
	     .element = obi_criteria_groups, .element_size = sizeof(struct obi_criteria)),
};

static const struct obi_options log_service_options =
	OPTIONS("Log enricher services", log_service_rows, OBI_LATER_LOG_SERVICE);

const struct obi_group obi_later_log_service[] = { { &log_service_options, 0 }, { NULL, 0 } };
