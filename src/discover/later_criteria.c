// SPDX-License-Identifier: Apache-2.0
/* Criteria that do not exist yet, in the order of the docs: as in settings/later.c. */
#include "base/cleanup.h"
#include "config/check.h"
#include "discover/options.h"

static const struct obi_option criteria_rows[] = {
	OBI_LATER("containers_only", NULL, BOOL, NULL, "only processes in containers"),
	OBI_LATER("container_name", NULL, GLOB, NULL, "name of the container"),
	OBI_LATER("k8s_namespace", NULL, GLOB, NULL, "Kubernetes namespace"),
	OBI_LATER("k8s_pod_name", NULL, GLOB, NULL, "Kubernetes pod"),
	OBI_LATER("k8s_deployment_name", NULL, GLOB, NULL, "Kubernetes deployment"),
	OBI_LATER("k8s_replicaset_name", NULL, GLOB, NULL, "Kubernetes replica set"),
	OBI_LATER("k8s_statefulset_name", NULL, GLOB, NULL, "Kubernetes stateful set"),
	OBI_LATER("k8s_daemonset_name", NULL, GLOB, NULL, "Kubernetes daemon set"),
	OBI_LATER("k8s_owner_name", NULL, GLOB, NULL, "Kubernetes owner of the pod"),
	OBI_LATER("k8s_job_name", NULL, GLOB, NULL, "Kubernetes job"),
	OBI_LATER("k8s_cronjob_name", NULL, GLOB, NULL, "Kubernetes cron job"),
	OBI_LATER("k8s_container_name", NULL, GLOB, NULL, "Kubernetes container"),
	OBI_LATER("k8s_pod_labels", NULL, LABELS, NULL, "labels that the pod has, globs",
		  .check = obi_check_glob_item),
	OBI_LATER("k8s_pod_annotations", NULL, LABELS, NULL, "annotations that the pod has, globs",
		  .check = obi_check_glob_item),
};

_Static_assert(ARRAY_SIZE(criteria_rows) == OBI_LATER_CRITERIA, "one slot a row");

const struct obi_options obi_later_criteria_rows = {
	.title = "Criteria, not implemented yet",
	.rows = criteria_rows,
	.count = ARRAY_SIZE(criteria_rows),
	.slots = true,
};

/* The same for discovery.services and its kin. */
static const struct obi_option regex_criteria_rows[] = {
	OBI_LATER("containers_only", NULL, BOOL, NULL, "only processes in containers"),
	OBI_LATER("container_name", NULL, STRING, NULL, "name of the container"),
	OBI_LATER("k8s_namespace", NULL, STRING, NULL, "Kubernetes namespace"),
	OBI_LATER("k8s_pod_name", NULL, STRING, NULL, "Kubernetes pod"),
	OBI_LATER("k8s_deployment_name", NULL, STRING, NULL, "Kubernetes deployment"),
	OBI_LATER("k8s_replicaset_name", NULL, STRING, NULL, "Kubernetes replica set"),
	OBI_LATER("k8s_statefulset_name", NULL, STRING, NULL, "Kubernetes stateful set"),
	OBI_LATER("k8s_daemonset_name", NULL, STRING, NULL, "Kubernetes daemon set"),
	OBI_LATER("k8s_owner_name", NULL, STRING, NULL, "Kubernetes owner of the pod"),
	OBI_LATER("k8s_job_name", NULL, STRING, NULL, "Kubernetes job"),
	OBI_LATER("k8s_cronjob_name", NULL, STRING, NULL, "Kubernetes cron job"),
	OBI_LATER("k8s_container_name", NULL, STRING, NULL, "Kubernetes container"),
	OBI_LATER("k8s_pod_labels", NULL, LABELS, NULL, "labels that the pod has"),
	OBI_LATER("k8s_pod_annotations", NULL, LABELS, NULL, "annotations that the pod has"),
};

_Static_assert(ARRAY_SIZE(regex_criteria_rows) == OBI_LATER_CRITERIA, "one slot a row");

const struct obi_options obi_later_regex_criteria_rows = {
	.title = "Regular expression criteria, not implemented yet",
	.rows = regex_criteria_rows,
	.count = ARRAY_SIZE(regex_criteria_rows),
	.slots = true,
};
