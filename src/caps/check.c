// SPDX-License-Identifier: Apache-2.0
/*
 * The rules are those of the existing agent, over our table: below 5.8 CAP_SYS_ADMIN is the only
 * question, from 5.8 on it stands for everything. capget(2) and capset(2) are called directly: a
 * mask needs no more than their two words.
 */
#include "caps/check.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

_Static_assert(OBI_CAPS_OF_ROOT_BROKER == (OBI_CAP(CAP_KILL) | OBI_CAP(CAP_SETGID) |
					   OBI_CAP(CAP_SETUID) | OBI_CAP(CAP_SETPCAP)),
	       "numbers of linux/capability.h");

/* Those that CAP_SYS_ADMIN was split into: the kernel takes it in their place. */
#define PARTS_OF_SYS_ADMIN                                                                         \
	(OBI_CAP(CAP_BPF) | OBI_CAP(CAP_PERFMON) | OBI_CAP(CAP_CHECKPOINT_RESTORE))

/* ---- Sets of this thread --------------------------------------------------------------------- */

struct sets {
	uint64_t effective, permitted;
};

static int read_sets(struct sets *ret_sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(__NR_capget, &header, data))
		return -errno;
	ret_sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret_sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

static int write_sets(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)sets->effective, .permitted = (uint32_t)sets->permitted },
		{ .effective = (uint32_t)(sets->effective >> 32),
		  .permitted = (uint32_t)(sets->permitted >> 32) },
	};

	return syscall(__NR_capset, &header, data) ? -errno : 0;
}

int obi_caps_effective(uint64_t *ret_mask)
{
	struct sets sets = { 0 };
	int error = read_sets(&sets);

	if (!error)
		*ret_mask = sets.effective;
	return error;
}

int obi_caps_held(uint64_t *ret_mask)
{
	struct sets sets = { 0 };
	int error = read_sets(&sets);

	if (!error)
		*ret_mask = sets.permitted;
	return error;
}

/* Of what is permitted; nothing is left to be inherited. */
static int change_sets(uint64_t effective, uint64_t permitted)
{
	struct sets sets = { 0 };
	int error = read_sets(&sets);

	if (error)
		return error;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	sets.permitted &= permitted;
	sets.effective = effective & sets.permitted;
	return write_sets(&sets);
}

int obi_caps_set(uint64_t mask)
{
	return change_sets(mask, mask);
}

int obi_caps_lower(void)
{
	return geteuid() ? change_sets(0, ~UINT64_C(0)) : 0;
}

int obi_caps_raise(void)
{
	return change_sets(~UINT64_C(0), ~UINT64_C(0));
}

int obi_caps_limit(uint64_t keep)
{
	struct sets sets = { 0 };
	int error = read_sets(&sets);

	if (error)
		return error;
	if (keep & PARTS_OF_SYS_ADMIN & ~sets.permitted)
		keep |= OBI_CAP(CAP_SYS_ADMIN);
	return obi_caps_set(keep);
}

/* ---- Sets of a configuration ------------------------------------------------------------------
 */

/* Those needs of a tracer that have all of these flags; 0: those that are required. */
static uint64_t collect_tracer(const struct obi_tracer *tracer, const struct obi_settings *settings,
			       const struct obi_host *host, unsigned flags)
{
	uint64_t mask = 0;

	for (const struct obi_need *need = tracer->needs; need->why; need++)
		if ((need->flags & flags) == flags && (!need->when || need->when(settings, host)) &&
		    (flags || !(need->flags & OBI_NEED_OPTIONAL)))
			mask |= OBI_CAP(need->capability);
	return mask;
}

static uint64_t collect(const struct obi_settings *settings, const struct obi_host *host,
			unsigned flags, bool all)
{
	uint64_t mask = 0;

	if (obi_host_before(host, 5, 8))
		return OBI_CAP(CAP_SYS_ADMIN);
	for (size_t i = 0; i < obi_tracer_count; i++)
		if (all || obi_tracers[i].wanted(settings, host))
			mask |= collect_tracer(&obi_tracers[i], settings, host, flags);
	return mask;
}

uint64_t obi_caps_required(const struct obi_settings *settings, const struct obi_host *host)
{
	return collect(settings, host, 0, false);
}

uint64_t obi_caps_of_all(const struct obi_settings *settings, const struct obi_host *host)
{
	return collect(settings, host, 0, true);
}

uint64_t obi_caps_missing(const struct obi_settings *settings, const struct obi_host *host,
			  uint64_t effective)
{
	if (effective & OBI_CAP(CAP_SYS_ADMIN))
		return 0;
	return obi_caps_required(settings, host) & ~effective;
}

uint64_t obi_caps_keep(const struct obi_settings *settings, const struct obi_host *host)
{
	return collect(settings, host, OBI_NEED_KEEP, false);
}

uint64_t obi_caps_look(const struct obi_settings *settings, const struct obi_host *host)
{
	return collect(settings, host, OBI_NEED_LOOK, false);
}

/* ---- Names -------------------------------------------------------------------------------- */

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[CAP_PERFMON] = "CAP_PERFMON",
	[CAP_BPF] = "CAP_BPF",
	[CAP_CHECKPOINT_RESTORE] = "CAP_CHECKPOINT_RESTORE",
};

_Static_assert(ARRAY_SIZE(names) == CAP_LAST_CAP + 1, "a capability without a name");

const char *obi_cap_name(int number)
{
	return number >= 0 && number <= CAP_LAST_CAP ? names[number] : "UNKNOWN";
}

void obi_caps_print(struct buffer *buf, uint64_t mask)
{
	const char *separator = "";

	for (int number = 0; number < 64; number++) {
		if (!(mask & OBI_CAP(number)))
			continue;
		buffer_put_cstr(buf, separator);
		buffer_put_cstr(buf, obi_cap_name(number));
		separator = ", ";
	}
}

void obi_caps_print_error(struct buffer *buf, uint64_t missing)
{
	buffer_put_cstr(buf, "the following capabilities are required: ");
	obi_caps_print(buf, missing);
}
