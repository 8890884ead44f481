// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "caps/grant.h"
#include "caps/markdown.h"

static const struct obi_host host = { .major = 6, .minor = 1 };

static void print_for(const char *program, enum obi_grant_form form, const char *const *env,
		      const struct obi_host *on, char *ret_text, size_t size)
{
	struct obi_settings settings;
	struct obi_error error;
	struct buffer buf = { 0 };

	assert_int_equal(
		obi_settings_load_text("", slice_of("", 0), (char **)env, &settings, &error), 0);
	obi_grant_print(form, &settings, on, program, &buf);
	assert_false(buf.failed);
	assert_true(buf.len < size);
	memcpy(ret_text, buf.data, buf.len);
	ret_text[buf.len] = '\0';
	buffer_free(&buf);
	obi_settings_free(&settings);
}

static void print(enum obi_grant_form form, const char *const *env, const struct obi_host *on,
		  char *ret_text, size_t size)
{
	print_for("/usr/bin/obi", form, env, on, ret_text, size);
}

static const char *const network[] = { "OTEL_EBPF_NETWORK_METRICS=1", NULL };
static const char *const application[] = { "OTEL_EBPF_OPEN_PORT=8080", NULL };
static const char *const propagation[] = { "OTEL_EBPF_OPEN_PORT=8080",
					   "OTEL_EBPF_BPF_CONTEXT_PROPAGATION=all", NULL };

static void setcap_line_can_be_pasted(void **state)
{
	char text[2048];

	print(OBI_GRANT_SETCAP, network, &host, text, sizeof(text));
	assert_string_equal(text, "sudo setcap cap_net_raw,cap_bpf+ep /usr/bin/obi\n");
	print(OBI_GRANT_SETCAP, application, &host, text, sizeof(text));
	assert_string_equal(text, "sudo setcap cap_dac_read_search,cap_net_raw,cap_sys_ptrace,"
				  "cap_perfmon,cap_bpf,cap_checkpoint_restore+ep /usr/bin/obi\n");
}

static void unit_bounds_what_it_grants(void **state)
{
	char text[2048];

	print(OBI_GRANT_SYSTEMD, network, &host, text, sizeof(text));
	assert_non_null(strstr(text, "\nAmbientCapabilities=CAP_NET_RAW CAP_BPF\n"));
	assert_non_null(strstr(text, "\nCapabilityBoundingSet=CAP_NET_RAW CAP_BPF\n"));
	assert_non_null(strstr(text, "\nNoNewPrivileges=yes\n"));
	/* Of the unit's name may be a group: then systemd would not begin it. */
	assert_non_null(strstr(text, "\nDynamicUser=yes\nUser=obi-agent\n"));
}

/* Who may execute a file that is its group's alone. */
static void unit_is_of_the_group_of_the_program(void **state)
{
	char path[] = "/tmp/obi-grant.XXXXXX", text[2048], expected[64];
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	snprintf(expected, sizeof(expected), "\nSupplementaryGroups=%u\n", getegid());
	for (int group = 0; group < 2; group++) {
		assert_int_equal(fchmod(fd, group ? 0750 : 0755), 0);
		print_for(path, OBI_GRANT_SYSTEMD, network, &host, text, sizeof(text));
		assert_true(!strstr(text, expected) == !group);
	}
	(void)close(fd);
	(void)unlink(path);
}

static void container_shares_with_the_host_only_what_the_mode_needs(void **state)
{
	char text[2048];

	print(OBI_GRANT_DOCKER, network, &host, text, sizeof(text));
	assert_non_null(strstr(text, "--cap-drop=ALL --cap-add=NET_RAW --cap-add=BPF "));
	assert_null(strstr(text, "--pid=host"));
	assert_null(strstr(text, "cgroup"));
	print(OBI_GRANT_DOCKER, propagation, &host, text, sizeof(text));
	assert_non_null(strstr(text, "--pid=host"));
	assert_non_null(strstr(text, "/sys/fs/cgroup:/sys/fs/cgroup"));
}

static void pod_adds_capabilities_by_their_short_names(void **state)
{
	struct obi_host old = { .major = 4, .minor = 18 };
	char text[2048];

	print(OBI_GRANT_K8S, network, &host, text, sizeof(text));
	assert_non_null(strstr(text, "add: [NET_RAW, BPF]\n"));
	assert_non_null(strstr(text, "drop: [ALL]\n"));
	assert_non_null(strstr(text, "allowPrivilegeEscalation: false\n"));
	assert_null(strstr(text, "hostPID"));
	print(OBI_GRANT_K8S, application, &host, text, sizeof(text));
	assert_non_null(strstr(text, "hostPID: true\n"));
	/* The API server refuses CAP_SYS_ADMIN together with it. */
	print(OBI_GRANT_K8S, network, &old, text, sizeof(text));
	assert_non_null(strstr(text, "add: [SYS_ADMIN]\n"));
	assert_null(strstr(text, "allowPrivilegeEscalation"));
}

static void forms_are_known_by_name(void **state)
{
	enum obi_grant_form form = OBI_GRANT_SETCAP;

	assert_int_equal(obi_grant_form_parse("k8s", &form), 0);
	assert_int_equal(form, OBI_GRANT_K8S);
	assert_int_equal(obi_grant_form_parse("K8S", &form), -EINVAL);
	assert_int_equal(obi_grant_form_parse("", &form), -EINVAL);
	assert_int_equal(form, OBI_GRANT_K8S);
}

static void docs_page_names_every_tracer_and_capability(void **state)
{
	struct buffer page = { 0 };

	obi_caps_print_markdown(&page);
	buffer_put_char(&page, '\0');
	assert_false(page.failed);
	for (size_t i = 0; i < obi_tracer_count; i++) {
		assert_non_null(strstr(page.data, obi_tracers[i].name));
		for (const struct obi_need *need = obi_tracers[i].needs; need->why; need++)
			assert_non_null(strstr(page.data, need->why));
	}
	assert_non_null(strstr(page.data, "| CAP_NET_RAW, CAP_BPF | CAP_BPF |\n"));
	buffer_free(&page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setcap_line_can_be_pasted),
		cmocka_unit_test(unit_bounds_what_it_grants),
		cmocka_unit_test(unit_is_of_the_group_of_the_program),
		cmocka_unit_test(container_shares_with_the_host_only_what_the_mode_needs),
		cmocka_unit_test(pod_adds_capabilities_by_their_short_names),
		cmocka_unit_test(forms_are_known_by_name),
		cmocka_unit_test(docs_page_names_every_tracer_and_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
