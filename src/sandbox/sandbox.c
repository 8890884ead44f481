// SPDX-License-Identifier: Apache-2.0
/*
 * Order matters: the user namespace in which the bounding set can be emptied comes first
 * (without CAP_SETPCAP there is no other way), then the capabilities go, then Landlock,
 * and the seccomp filter last, since it forbids what the others need.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define LAST_CAP 63

/* linux/landlock.h of Linux 6.12; Debian 12 has that of 6.1. */
#define TRUNCATE (1ull << 14) /* LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3 */
#define BIND_TCP (1ull << 0)  /* LANDLOCK_ACCESS_NET_BIND_TCP, ABI 4 */
#define CONNECT_TCP (1ull << 1)
#define RULE_NET_PORT 2            /* LANDLOCK_RULE_NET_PORT */
#define SCOPE_ABSTRACT (1ull << 0) /* LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, ABI 6 */
#define SCOPE_SIGNAL (1ull << 1)

struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct net_port {
	uint64_t allowed_access;
	uint64_t port;
};

/* Root's file access would outlive its capabilities. Not being allowed to change is no failure: it
 * means that we are not privileged. */
static void leave_root(void)
{
	if (geteuid() != 0)
		return;
	(void)setgroups(0, NULL);
	if (!setresgid(OBI_NOBODY, OBI_NOBODY, OBI_NOBODY))
		(void)!setresuid(OBI_NOBODY, OBI_NOBODY, OBI_NOBODY);
}

static int drop_bounding(void)
{
	for (int cap = 0; cap <= LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	return 0;
}

/* In a user namespace of our own we may empty the bounding set, and have nothing outside of it. */
static void enter_user_namespace(void)
{
	unsigned uid = geteuid();
	_cleanup_close_ int map = -1;
	char text[64];
	int len;

	if (unshare(CLONE_NEWUSER))
		return;
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	len = snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	if (map >= 0 && len > 0)
		(void)!write(map, text, (size_t)len);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	return syscall(__NR_capset, &header, none) ? -errno : 0;
}

/* What is not there needs no rule; what is a file has no right of directories. */
static int allow_path(int ruleset, const struct obi_sandbox_path *path, uint64_t handled)
{
	_cleanup_close_ int fd = open(path->path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = { .parent_fd = fd };
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return 0;
	rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
	if (S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	if (path->write)
		rule.allowed_access |=
			handled & (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
				   LANDLOCK_ACCESS_FS_REMOVE_FILE | TRUNCATE);
	if (syscall(__NR_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
		return -errno;
	return 0;
}

static int allow_port(int ruleset, uint16_t port)
{
	struct net_port rule = { .allowed_access = CONNECT_TCP, .port = port };

	return syscall(__NR_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) ? -errno : 0;
}

/* All that the ABI knows is forbidden, but for what the rules say. */
static size_t handle(const struct obi_sandbox_rules *rules, long abi, struct ruleset *ret_attr)
{
	struct ruleset attr = {
		/* Rights of ABI 1 (13 of them), 2 (refer), 3 (truncate), 5 (ioctl on devices). */
		.handled_access_fs = abi >= 5   ? 0xffff
				     : abi >= 3 ? 0x7fff
				     : abi == 2 ? 0x3fff
						: 0x1fff,
		.handled_access_net = BIND_TCP | (rules->any_port ? 0 : CONNECT_TCP),
		.scoped = SCOPE_SIGNAL | (rules->abstract_sockets ? 0 : SCOPE_ABSTRACT),
	};

	*ret_attr = attr;
	return abi >= 6   ? sizeof(attr)
	       : abi >= 4 ? offsetof(struct ruleset, scoped)
			  : offsetof(struct ruleset, handled_access_net);
}

static int add_rules(int ruleset, const struct obi_sandbox_rules *rules, long abi,
		     const struct ruleset *attr)
{
	int error = 0;

	for (size_t i = 0; i < rules->path_count && !error; i++)
		error = allow_path(ruleset, &rules->paths[i], attr->handled_access_fs);
	for (size_t i = 0; i < rules->port_count && !error && abi >= 4 && !rules->any_port; i++)
		error = allow_port(ruleset, rules->ports[i]);
	return error;
}

/* What is open stays usable. */
static int restrict_landlock(const struct obi_sandbox_rules *rules, int *ret_abi)
{
	long abi = syscall(__NR_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	_cleanup_close_ int ruleset = -1;
	struct ruleset attr;
	size_t size;
	int error;

	*ret_abi = 0;
	if (abi <= 0)
		return 0; /* before 5.13, or not enabled */
	size = handle(rules, abi, &attr);
	ruleset = (int)syscall(__NR_landlock_create_ruleset, &attr, size, 0);
	if (ruleset < 0)
		return -errno;
	error = add_rules(ruleset, rules, abi, &attr);
	if (error)
		return error;
	if (syscall(__NR_landlock_restrict_self, ruleset, 0))
		return -errno;
	*ret_abi = (int)abi;
	return 0;
}

int obi_sandbox_close(const struct obi_sandbox_rules *rules, struct obi_sandbox *ret_sandbox,
		      const char **ret_step)
{
	struct obi_sandbox sandbox = { 0 };
	int error;

	*ret_step = "no_new_privs";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	leave_root();
	if (drop_bounding()) {
		enter_user_namespace();
		sandbox.bounding = !drop_bounding();
	} else {
		sandbox.bounding = 1;
	}
	*ret_step = "capabilities";
	error = drop_capabilities();
	if (error)
		return error;
	*ret_step = "dumpable";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	*ret_step = "end with the broker";
	/* Becoming another user has undone it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	*ret_step = "landlock";
	error = restrict_landlock(rules, &sandbox.landlock);
	if (error)
		return error;
	*ret_step = "seccomp";
	error = rules->filter();
	if (error)
		return error;
	*ret_sandbox = sandbox;
	return 0;
}
