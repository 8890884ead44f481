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
#include "fake_root.h"
#include "feature/host.h"

static struct obi_host read_host(const char *release)
{
	struct obi_host host;

	put_file("/proc/sys/kernel/osrelease", release);
	assert_int_equal(obi_host_read(root, &host), 0);
	return host;
}

static void version_is_the_first_two_numbers(void **state)
{
	static const struct {
		const char *release;
		int major, minor;
	} cases[] = {
		{ "6.1.0-28-amd64\n", 6, 1 },
		{ "5.10.0\n", 5, 10 },
		{ "4.18.0-553.el8_10.x86_64\n", 4, 18 },
		{ "6.18.44-fc-v782\n", 6, 18 },
		{ "linux-7_2rc1", 7, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_host host = read_host(cases[i].release);

		assert_int_equal(host.major, cases[i].major);
		assert_int_equal(host.minor, cases[i].minor);
	}
}

static void release_without_numbers_is_refused(void **state)
{
	struct obi_host host;

	put_file("/proc/sys/kernel/osrelease", "unknown\n");
	assert_int_equal(obi_host_read(root, &host), -EINVAL);
	put_file("/proc/sys/kernel/osrelease", "6\n");
	assert_int_equal(obi_host_read(root, &host), -EINVAL);
}

static void lockdown_is_read_from_the_first_line(void **state)
{
	static const struct {
		const char *text;
		enum obi_lockdown expected;
		bool assumed;
	} cases[] = {
		{ "none [integrity] confidentiality\n", OBI_LOCKDOWN_INTEGRITY, false },
		{ "[none] integrity confidentiality\n", OBI_LOCKDOWN_NONE, false },
		{ "none integrity [confidentiality]\n", OBI_LOCKDOWN_CONFIDENTIALITY, false },
		{ "whatever\n", OBI_LOCKDOWN_OTHER, false },
		{ "whatever\n[none]\n", OBI_LOCKDOWN_OTHER, false },
		{ "", OBI_LOCKDOWN_INTEGRITY, true },
	};
	struct obi_host host = read_host("6.1.0");

	assert_int_equal(host.lockdown, OBI_LOCKDOWN_NONE);
	assert_true(host.lockdown_assumed);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_file("/sys/kernel/security/lockdown", cases[i].text);
		host = read_host("6.1.0");
		assert_int_equal(host.lockdown, cases[i].expected);
		assert_int_equal(host.lockdown_assumed, cases[i].assumed);
	}
}

static void lockdown_that_cannot_be_read_counts_as_integrity(void **state)
{
	struct obi_host host;

	put_file("/sys/kernel/security/lockdown", NULL); /* a directory */
	host = read_host("6.1.0");
	assert_int_equal(host.lockdown, OBI_LOCKDOWN_INTEGRITY);
	assert_true(host.lockdown_assumed);
}

static void rhel_is_known_by_os_release_or_by_its_kernel(void **state)
{
	static const struct {
		const char *os_release, *version;
		bool expected;
	} cases[] = {
		{ "ID=debian\nNAME=\"rhel lookalike\"\n", "Linux version 6.1.0 (gcc)", false },
		{ "NAME=x\nID=\"rocky\"\n", "", true },
		{ "ID=\"ol\"\nID_LIKE=\"fedora RHEL\"\n", "", true },
		{ "ID=almalinux\n", "", true },
		{ "ID='centos'\n", "", true },
		{ "VERSION_ID=rhel\n", "", false },
		{ "ID=debian\n", "Linux version 4.18.0-553.el8_10.x86_64 (b@h) (gcc) #1", true },
		{ "ID=debian\n", "Linux version 4.18.0-553.el8 (b@h)", true },
		{ "ID=debian\n", "Linux version 4.18.0.elf (b@h)", false },
		{ "ID=debian\n", "Linux version 4.18.0.el8x (b@h)", false },
		{ "ID=debian\n", "Linux version 4.18 (gcc version 8.5.0 (Red Hat 8.5.0-4))", true },
		{ "ID=debian\n", "Linux version 4.18 (gcc version 8.5.0 (Red Hat 8.5.0))", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_file("/etc/os-release", cases[i].os_release);
		put_file("/proc/version", cases[i].version);
		assert_int_equal(read_host("4.18.0").rhel, cases[i].expected);
	}
}

static void any_of_the_usual_places_shows_btf(void **state)
{
	static const char *const places[] = {
		"/usr/lib/debug/lib/modules/6.1.0-9/vmlinux",
		"/usr/lib/debug/boot/vmlinux-6.1.0-9.debug",
		"/usr/lib/debug/boot/vmlinux-6.1.0-9",
		"/usr/lib/modules/6.1.0-9/kernel/vmlinux",
		"/lib/modules/6.1.0-9/build/vmlinux",
		"/lib/modules/6.1.0-9/vmlinux-6.1.0-9",
		"/boot/vmlinux-6.1.0-9",
		"/sys/kernel/btf/vmlinux",
	};

	assert_string_equal(read_host("6.1.0-9\n").btf, "");
	/* From the last place to the first: each wins over those before. */
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		put_file(places[i], "");
		assert_string_equal(read_host("6.1.0-9\n").btf, places[i]);
	}
}

static void sysctls_are_read_or_unknown(void **state)
{
	struct obi_host host = read_host("6.1.0");

	assert_int_equal(host.perf_event_paranoid, OBI_SYSCTL_UNKNOWN);
	put_file("/proc/sys/kernel/perf_event_paranoid", "-1\n");
	put_file("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
	host = read_host("6.1.0");
	assert_int_equal(host.perf_event_paranoid, -1);
	assert_int_equal(host.unprivileged_bpf_disabled, 2);
}

static void old_kernels_are_refused_but_rhel_4_18(void **state)
{
	static const struct {
		int major, minor;
		bool rhel;
		const char *expected; /* NULL: supported */
	} cases[] = {
		{ 5, 8, false, NULL },
		{ 6, 0, false, NULL },
		{ 4, 18, true, NULL },
		{ 5, 7, false,
		  "kernel version 5.7 not supported. Minimum required version is 5.8" },
		{ 4, 18, false,
		  "kernel version 4.18 not supported. Minimum required version is 5.8" },
		{ 4, 19, true,
		  "kernel version 4.19 not supported. Minimum required version is 5.8" },
		{ 5, 7, true, "kernel version 5.7 not supported. Minimum required version is 5.8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct obi_host host = { .major = cases[i].major,
					 .minor = cases[i].minor,
					 .rhel = cases[i].rhel,
					 .btf = "/sys/kernel/btf/vmlinux" };
		char why[256] = "";

		assert_int_equal(obi_host_check(&host, why, sizeof(why)),
				 cases[i].expected ? -ENOTSUP : 0);
		assert_string_equal(why, cases[i].expected ? cases[i].expected : "");
	}
}

static void kernel_without_btf_is_refused(void **state)
{
	struct obi_host host = { .major = 6, .minor = 1 };
	char why[256];

	assert_int_equal(obi_host_check(&host, why, sizeof(why)), -ENOTSUP);
	assert_string_equal(why, "kernel does not support BTF (CONFIG_DEBUG_INFO_BTF): no vmlinux "
				 "BTF found");
}

static void this_host_can_be_read(void **state)
{
	struct obi_host host;

	assert_int_equal(obi_host_read("", &host), 0);
	assert_true(host.major >= 4);
}

#define IN_ROOT(test_) cmocka_unit_test_setup_teardown(test_, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOT(version_is_the_first_two_numbers),
		IN_ROOT(release_without_numbers_is_refused),
		IN_ROOT(lockdown_is_read_from_the_first_line),
		IN_ROOT(lockdown_that_cannot_be_read_counts_as_integrity),
		IN_ROOT(rhel_is_known_by_os_release_or_by_its_kernel),
		IN_ROOT(any_of_the_usual_places_shows_btf),
		IN_ROOT(sysctls_are_read_or_unknown),
		cmocka_unit_test(old_kernels_are_refused_but_rhel_4_18),
		cmocka_unit_test(kernel_without_btf_is_refused),
		cmocka_unit_test(this_host_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
