// SPDX-License-Identifier: Apache-2.0
#include "metrics/families/host_info.h"

#include <errno.h>
#include <stdlib.h>

#include "metrics/families/catalog.h"
#include "metrics/families/live_services.h"

static const struct attribute attributes[] = { { "cloud.host.id", true, 0 } };

const struct attribute_group host_info_attributes = { attributes, 1 };

struct host_info {
	const struct family_options *options;
	struct metric_table *table;
};

int host_info_new(const struct family_options *options, struct metrics *metrics,
		  struct host_info **ret_info)
{
	struct metric_desc desc = metric_describe(options, METRIC_HOST_INFO);
	struct host_info *info = calloc(1, sizeof(*info));
	int e;

	if (!info)
		return -ENOMEM;
	info->options = options;
	e = metrics_add_table(metrics, &desc, 1, &attributes[0].name, 1, 0, &info->table);
	if (e) {
		host_info_free(info);
		return e;
	}
	*ret_info = info;
	return 0;
}

void host_info_free(struct host_info *info)
{
	free(info);
}

void host_info_update(struct host_info *info, uint64_t now_ns)
{
	struct slice value = slice_cstr(info->options->host_id);
	struct metric_row *row;

	if (live_services_count(info->options->hosted) == 0) {
		metric_table_remove(info->table, &value);
		return;
	}
	row = metric_table_row(info->table, &value, now_ns);
	if (row)
		metric_set(metric_table_metric(info->table, 0), row, 1);
}
