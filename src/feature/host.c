// SPDX-License-Identifier: Apache-2.0
/*
 * Everything is read from files below a root directory, so that a test brings its own; only the
 * release of the running kernel comes from uname(2). Files are small and read in one go.
 */
#include "feature/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "feature/read_text.h"

#define MIN_MAJOR 5
#define MIN_MINOR 8

static int read_sysctl(const char *root, const char *path)
{
	char text[32];
	int value;

	if (feature_read_text(root, path, text, sizeof(text)) <= 0 ||
	    sscanf(text, "%d", &value) != 1)
		return OBI_SYSCTL_UNKNOWN;
	return value;
}

/* ---- Version ----------------------------------------------------------------------------- */

static int read_release(const char *root, struct obi_host *host)
{
	struct utsname name;
	ssize_t n;

	if (*root) {
		n = feature_read_text(root, "/proc/sys/kernel/osrelease", host->release,
				      sizeof(host->release));
		host->release[strcspn(host->release, "\n")] = '\0';
		return n < 0 ? (int)n : 0;
	}
	if (uname(&name))
		return -errno;
	(void)snprintf(host->release, sizeof(host->release), "%s", name.release);
	return 0;
}

/* The next run of digits as a number (capped: no kernel has such versions), -1 where none is. */
static int next_number(const char **p)
{
	int value = -1;

	while (**p && (**p < '0' || **p > '9'))
		(*p)++;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		value = (value < 0 ? 0 : value) * 10 + (**p - '0');
		if (value > 100000)
			value = 100000;
	}
	return value;
}

static int parse_version(struct obi_host *host)
{
	const char *p = host->release;

	host->major = next_number(&p);
	host->minor = next_number(&p);
	return host->major < 0 || host->minor < 0 ? -EINVAL : 0;
}

/* ---- RHEL -------------------------------------------------------------------------------- */

static void lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static bool names_rhel(const char *text)
{
	return strstr(text, "rhel") || strstr(text, "centos") || strstr(text, "rocky") ||
	       strstr(text, "alma");
}

/* os-release(5): is any ID= or ID_LIKE= of the family? */
static bool os_release_is_rhel(char *text)
{
	char *save = NULL;

	lower(text);
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if ((!strncmp(line, "id=", 3) || !strncmp(line, "id_like=", 8)) && names_rhel(line))
			return true;
	return false;
}

static size_t digits(const char *p)
{
	return strspn(p, "0123456789");
}

static bool ends_word(char c)
{
	return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		 c == '_');
}

/* A kernel of the family names its distribution, `.el8` or `.el8_10`; inside a container that is
 * the only trace of the host. */
static bool has_el_word(const char *text)
{
	for (const char *p = strstr(text, ".el"); p; p = strstr(p + 3, ".el")) {
		const char *q = p + 3;

		if (!digits(q))
			continue;
		q += digits(q);
		if (*q == '_' && digits(q + 1))
			q += 1 + digits(q + 1);
		if (ends_word(*q))
			return true;
	}
	return false;
}

/* The banner of the compiler, `(Red Hat 8.5.0-4)`. */
static bool has_red_hat_compiler(const char *text)
{
	static const char mark[] = "(Red Hat ";
	int a, b, c, d, end;

	for (const char *p = strstr(text, mark); p; p = strstr(p + 1, mark)) {
		end = 0;
		if (sscanf(p, "(Red Hat %d.%d.%d-%d)%n", &a, &b, &c, &d, &end) == 4 && end)
			return true;
	}
	return false;
}

static bool read_rhel(const char *root)
{
	char text[4096] = "";

	if (feature_read_text(root, "/etc/os-release", text, sizeof(text)) > 0 &&
	    os_release_is_rhel(text))
		return true;
	return feature_read_text(root, "/proc/version", text, sizeof(text)) > 0 &&
	       (has_el_word(text) || has_red_hat_compiler(text));
}

/* ---- BTF, lockdown ------------------------------------------------------------------------ */

/* Writes place with the release for each '*'. False where it does not fit. */
static bool expand(const char *place, const char *release, char *ret_path, size_t size)
{
	size_t len = 0;

	for (; *place; place++) {
		int n = *place == '*' ? snprintf(ret_path + len, size - len, "%s", release)
				      : snprintf(ret_path + len, size - len, "%c", *place);

		len += (size_t)n;
		if (len >= size)
			return false;
	}
	return true;
}

static void read_btf(const char *root, struct obi_host *host)
{
	/* Where libbpf looks for the kernel's types. */
	static const char *const places[] = {
		"/sys/kernel/btf/vmlinux",
		"/boot/vmlinux-*",
		"/lib/modules/*/vmlinux-*",
		"/lib/modules/*/build/vmlinux",
		"/usr/lib/modules/*/kernel/vmlinux",
		"/usr/lib/debug/boot/vmlinux-*",
		"/usr/lib/debug/boot/vmlinux-*.debug",
		"/usr/lib/debug/lib/modules/*/vmlinux",
	};
	char place[sizeof(host->btf)], full[768];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (!expand(places[i], host->release, place, sizeof(place)))
			continue;
		(void)snprintf(full, sizeof(full), "%s%s", root, place);
		if (access(full, F_OK) == 0) {
			memcpy(host->btf, place, sizeof(place));
			return;
		}
	}
}

static enum obi_lockdown parse_lockdown(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	if (strstr(text, "[none]"))
		return OBI_LOCKDOWN_NONE;
	if (strstr(text, "[integrity]"))
		return OBI_LOCKDOWN_INTEGRITY;
	if (strstr(text, "[confidentiality]"))
		return OBI_LOCKDOWN_CONFIDENTIALITY;
	return OBI_LOCKDOWN_OTHER;
}

/* No file: nothing is known, and most kernels are not locked down. A file that cannot be read or
 * is empty: someone hardened this host, so the worse is assumed. */
static void read_lockdown(const char *root, struct obi_host *host)
{
	char text[256];
	ssize_t n = feature_read_text(root, "/sys/kernel/security/lockdown", text, sizeof(text));

	host->lockdown_assumed = n <= 0;
	if (n == -ENOENT || n == -ENOTDIR)
		host->lockdown = OBI_LOCKDOWN_NONE;
	else if (n <= 0)
		host->lockdown = OBI_LOCKDOWN_INTEGRITY;
	else
		host->lockdown = parse_lockdown(text);
}

const char *obi_lockdown_name(enum obi_lockdown lockdown)
{
	static const char *const names[] = {
		[OBI_LOCKDOWN_NONE] = "none",
		[OBI_LOCKDOWN_INTEGRITY] = "integrity",
		[OBI_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
		[OBI_LOCKDOWN_OTHER] = "other",
	};

	return names[lockdown];
}

/* ---- Whole --------------------------------------------------------------------------------- */

int obi_host_read(const char *root, struct obi_host *ret_host)
{
	struct obi_host host = { 0 };
	int error = read_release(root, &host);

	if (!error)
		error = parse_version(&host);
	if (error)
		return error;
	host.rhel = read_rhel(root);
	read_btf(root, &host);
	read_lockdown(root, &host);
	host.perf_event_paranoid = read_sysctl(root, "/proc/sys/kernel/perf_event_paranoid");
	host.unprivileged_bpf_disabled =
		read_sysctl(root, "/proc/sys/kernel/unprivileged_bpf_disabled");
	*ret_host = host;
	return 0;
}

bool obi_host_before(const struct obi_host *host, int major, int minor)
{
	return host->major < major || (host->major == major && host->minor < minor);
}

int obi_host_check(const struct obi_host *host, char *ret_why, size_t why_size)
{
	/* RHEL 8 carries the BPF of later kernels back to its 4.18. */
	bool backport = host->rhel && host->major == 4 && host->minor == 18;

	if (obi_host_before(host, MIN_MAJOR, MIN_MINOR) && !backport) {
		(void)snprintf(ret_why, why_size,
			       "kernel version %d.%d not supported. Minimum required version is "
			       "%d.%d",
			       host->major, host->minor, MIN_MAJOR, MIN_MINOR);
		return -ENOTSUP;
	}
	if (!*host->btf) {
		(void)snprintf(ret_why, why_size,
			       "kernel does not support BTF (CONFIG_DEBUG_INFO_BTF): no vmlinux "
			       "BTF found");
		return -ENOTSUP;
	}
	return 0;
}
