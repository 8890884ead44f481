/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: how to give a program the capabilities of a mask, ready to paste. */
#ifndef OBI_CAPS_GRANT_H
#define OBI_CAPS_GRANT_H

#include "base/buffer.h"
#include "caps/tracers.h"

enum obi_grant_form {
	OBI_GRANT_SETCAP,
	OBI_GRANT_SYSTEMD,
	OBI_GRANT_DOCKER,
	OBI_GRANT_K8S,
	OBI_GRANT_FORMS,
};

/* The form by its name (setcap, systemd, docker, k8s), or -EINVAL. */
int obi_grant_form_parse(const char *name, enum obi_grant_form *ret_form);

/* What this configuration needs on this kernel. program: path of the executable. */
void obi_grant_print(enum obi_grant_form form, const struct obi_settings *settings,
		     const struct obi_host *host, const char *program, struct buffer *buf);

#endif
