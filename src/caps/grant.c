// SPDX-License-Identifier: Apache-2.0
/* Each form is the required mask in its own spelling, and what else it takes for it to count. */
#include "caps/grant.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>

#include "caps/check.h"

struct grant {
	const struct obi_settings *settings;
	const char *program;
	uint64_t mask;
	struct buffer *buf;
};

/* Names from their skip-th byte on, lower-cased on wish. */
static void put_names(struct buffer *buf, uint64_t mask, size_t skip, bool lower,
		      const char *separator)
{
	const char *between = "";

	for (int number = 0; number < 64; number++) {
		if (!(mask & OBI_CAP(number)))
			continue;
		buffer_put_cstr(buf, between);
		for (const char *p = obi_cap_name(number) + skip; *p; p++) {
			char c = *p;

			if (lower)
				c = (char)tolower((unsigned char)c);
			buffer_put_char(buf, c);
		}
		between = separator;
	}
}

static bool application(const struct grant *grant)
{
	return obi_settings_application(grant->settings);
}

static bool propagation(const struct grant *grant)
{
	return application(grant) && grant->settings->broker.context_propagation.bits != 0;
}

static void put_setcap(const struct grant *grant)
{
	buffer_put_cstr(grant->buf, "sudo setcap ");
	put_names(grant->buf, grant->mask, 0, true, ",");
	buffer_printf(grant->buf, "+ep %s\n", grant->program);
}

/* Only its group may execute the program: the unit's user has to be of it. */
static void put_group(const struct grant *grant)
{
	struct stat st;

	if (!stat(grant->program, &st) && !(st.st_mode & S_IXOTH) && st.st_mode & S_IXGRP)
		buffer_printf(grant->buf, "SupplementaryGroups=%u\n", (unsigned)st.st_gid);
}

/* systemd names a dynamic user as the unit, and refuses to where a group has that name: the
 * program's has. File capabilities would not count with NoNewPrivileges; ambient ones do, and go
 * away with it. */
static void put_systemd(const struct grant *grant)
{
	buffer_put_cstr(grant->buf, "# /etc/systemd/system/obi.service\n"
				    "[Unit]\n"
				    "Description=eBPF instrumentation\n"
				    "\n"
				    "[Service]\n");
	buffer_printf(grant->buf, "ExecStart=%s\n", grant->program);
	buffer_put_cstr(grant->buf, "DynamicUser=yes\n"
				    "User=obi-agent\n");
	put_group(grant);
	buffer_put_cstr(grant->buf, "AmbientCapabilities=");
	put_names(grant->buf, grant->mask, 0, false, " ");
	buffer_put_cstr(grant->buf, "\nCapabilityBoundingSet=");
	put_names(grant->buf, grant->mask, 0, false, " ");
	buffer_put_cstr(grant->buf, "\nNoNewPrivileges=yes\n"
				    "\n"
				    "[Install]\n"
				    "WantedBy=multi-user.target\n");
}

/* A container's user other than root would get none of --cap-add: they are neither ambient nor on
 * the file. */
static void put_docker(const struct grant *grant)
{
	struct buffer *buf = grant->buf;

	if (application(grant))
		buffer_put_cstr(buf, "# --pid=host: to see the host's processes; apparmor: its "
				     "default profile hides them\n");
	buffer_put_cstr(buf, "docker run --user=0 --network=host \\\n"
			     "\t--cap-drop=ALL --cap-add=");
	put_names(buf, grant->mask, 4, false, " --cap-add=");
	buffer_put_cstr(buf, " \\\n"
			     "\t--security-opt=no-new-privileges \\\n");
	if (application(grant))
		buffer_put_cstr(buf, "\t--pid=host --security-opt=apparmor=unconfined \\\n");
	if (propagation(grant))
		buffer_put_cstr(buf, "\t--volume=/sys/fs/cgroup:/sys/fs/cgroup \\\n");
	buffer_put_cstr(buf, "\t--volume=/sys/kernel/security:/sys/kernel/security:ro \\\n"
			     "\tIMAGE\n");
}

static void put_k8s(const struct grant *grant)
{
	/* The API server refuses to have both. */
	bool escalation = grant->mask & OBI_CAP(CAP_SYS_ADMIN);
	struct buffer *buf = grant->buf;

	buffer_put_cstr(buf, "# DaemonSet, spec.template.spec\n"
			     "hostNetwork: true\n"
			     "dnsPolicy: ClusterFirstWithHostNet\n");
	if (application(grant))
		buffer_put_cstr(buf, "hostPID: true\n");
	buffer_put_cstr(buf, "containers:\n"
			     "  - name: obi\n"
			     "    image: IMAGE\n"
			     "    securityContext:\n"
			     "      runAsUser: 0\n"
			     "      readOnlyRootFilesystem: true\n");
	if (!escalation)
		buffer_put_cstr(buf, "      allowPrivilegeEscalation: false\n");
	buffer_put_cstr(buf, "      capabilities:\n"
			     "        drop: [ALL]\n"
			     "        add: [");
	put_names(buf, grant->mask, 4, false, ", ");
	buffer_put_cstr(buf, "]\n");
	if (!propagation(grant))
		return;
	buffer_put_cstr(buf, "    volumeMounts:\n"
			     "      - name: cgroup\n"
			     "        mountPath: /sys/fs/cgroup\n"
			     "volumes:\n"
			     "  - name: cgroup\n"
			     "    hostPath:\n"
			     "      path: /sys/fs/cgroup\n");
}

static const struct {
	const char *name;
	void (*put)(const struct grant *grant);
} forms[OBI_GRANT_FORMS] = {
	[OBI_GRANT_SETCAP] = { "setcap", put_setcap },
	[OBI_GRANT_SYSTEMD] = { "systemd", put_systemd },
	[OBI_GRANT_DOCKER] = { "docker", put_docker },
	[OBI_GRANT_K8S] = { "k8s", put_k8s },
};

int obi_grant_form_parse(const char *name, enum obi_grant_form *ret_form)
{
	for (int form = 0; form < OBI_GRANT_FORMS; form++) {
		if (strcmp(name, forms[form].name) != 0)
			continue;
		*ret_form = (enum obi_grant_form)form;
		return 0;
	}
	return -EINVAL;
}

void obi_grant_print(enum obi_grant_form form, const struct obi_settings *settings,
		     const struct obi_host *host, const char *program, struct buffer *buf)
{
	struct grant grant = {
		.settings = settings,
		.program = program,
		.mask = obi_caps_required(settings, host),
		.buf = buf,
	};

	forms[form].put(&grant);
}
