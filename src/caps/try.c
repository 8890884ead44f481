// SPDX-License-Identifier: Apache-2.0
/*
 * The smallest call for each capability, by bpf(2) itself: libbpf would first probe the kernel with
 * programs of its own, and then nobody could say what was refused.
 */
#include "caps/try.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "caps/check.h"

#define OTHERS_MAX 32

/* ---- BPF ----------------------------------------------------------------------------------- */

static int bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	long result = syscall(__NR_bpf, command, attr, sizeof(*attr));

	return result < 0 ? -errno : (int)result;
}

static int close_result(int fd)
{
	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

static int create_map(enum bpf_map_type type)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	return close_result(bpf(BPF_MAP_CREATE, &attr));
}

static int load_program(enum bpf_prog_type type, enum bpf_attach_type attach,
			const struct bpf_insn *insns, size_t count)
{
	static const char license[] = "Dual BSD/GPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)count;
	attr.license = (uint64_t)(uintptr_t)license;
	return close_result(bpf(BPF_PROG_LOAD, &attr));
}

#define MOVE_IMM(reg, value)                                                                       \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value)              \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}

static const struct bpf_insn nothing[] = { MOVE_IMM(BPF_REG_0, 0), EXIT };

/* An LRU map asks for CAP_BPF also where unprivileged BPF is allowed. */
static int try_map(void)
{
	return create_map(BPF_MAP_TYPE_LRU_HASH);
}

static int try_sched_cls(void)
{
	return load_program(BPF_PROG_TYPE_SCHED_CLS, 0, nothing, ARRAY_SIZE(nothing));
}

static int try_sk_msg(void)
{
	int error = create_map(BPF_MAP_TYPE_SOCKHASH);

	return error ? error
		     : load_program(BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, nothing,
				    ARRAY_SIZE(nothing));
}

static int try_tracing(void)
{
	return load_program(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, nothing, ARRAY_SIZE(nothing));
}

static int try_run_times(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.enable_stats.type = BPF_STATS_RUN_TIME;
	return close_result(bpf(BPF_ENABLE_STATS, &attr));
}

/* On our own executable, and never switched on. */
static int try_uprobe(void)
{
	_cleanup_fclose_ FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	char path[] = "/proc/self/exe", line[16] = "";
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t)path,
		.disabled = 1,
	};
	long fd;

	if (!file || !fgets(line, sizeof(line), file))
		return -ENODATA;
	attr.type = (uint32_t)strtoul(line, NULL, 10);
	fd = syscall(__NR_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return close_result(fd < 0 ? -errno : (int)fd);
}

int obi_try_bpf(uint64_t effective, int unprivileged_disabled)
{
	bool capable = effective & (OBI_CAP(CAP_BPF) | OBI_CAP(CAP_SYS_ADMIN));
	union bpf_attr attr;
	int error;

	/* A lookup in what is no map: EBADF comes from the call itself. Below 5.19 EPERM is also
	 * the answer to everybody without CAP_BPF. */
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)-1;
	error = bpf(BPF_MAP_LOOKUP_ELEM, &attr);
	if (error == -ENOSYS)
		return error;
	if (error == -EPERM && (capable || unprivileged_disabled == 0))
		return error;
	return 0;
}

/* ---- Others -------------------------------------------------------------------------------- */

static int try_memlock(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}

static int try_packet_socket(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	return close_result(fd < 0 ? -errno : fd);
}

/* Kernel threads have neither for anybody. */
static bool is_kernel_thread(const char *pid)
{
	char path[64], c;
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, &c, 1) != 1;
}

/* Asks for a file of another user, of one process after another until one answers: some (a sandbox,
 * init of a container) may be closed to everybody. Whose a file is decides, not whose the process
 * is: those of a process that has changed its user are root's. */
static int try_others(const char *file, int (*ask)(const char *path))
{
	DIR *dir = opendir("/proc");
	int error = -ENODATA, asked = 0;

	if (!dir)
		return -errno;
	for (struct dirent *entry = readdir(dir); error && asked < OTHERS_MAX && entry;
	     entry = readdir(dir)) {
		char path[64];
		struct stat st;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%.20s/%s", entry->d_name, file);
		if (lstat(path, &st) || st.st_uid == geteuid() || is_kernel_thread(entry->d_name))
			continue;
		asked++;
		error = ask(path);
	}
	(void)closedir(dir);
	return error;
}

static int ask_link(const char *path)
{
	char target[8];

	return readlink(path, target, sizeof(target)) < 0 ? -errno : 0;
}

static int ask_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return close_result(fd < 0 ? -errno : fd);
}

static int try_others_exe(void)
{
	return try_others("exe", ask_link);
}

static int try_others_files(void)
{
	return try_others("environ", ask_open);
}

/* Reading such a link is free to whoever may trace; following it is not, even to one's own. */
static int try_map_files(void)
{
	DIR *dir = opendir("/proc/self/map_files");
	int error = -ENODATA;

	if (!dir)
		return -errno;
	for (struct dirent *entry = readdir(dir); error == -ENODATA && entry;
	     entry = readdir(dir)) {
		int fd;

		if (entry->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);
		error = close_result(fd < 0 ? -errno : fd);
	}
	(void)closedir(dir);
	return error;
}

/* ---- Table ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(void);
} tries[OBI_TRIES] = {
	[OBI_TRY_NONE] = { "", NULL },
	[OBI_TRY_MAP] = { "create a map", try_map },
	[OBI_TRY_MEMLOCK] = { "raise the limit of locked memory", try_memlock },
	[OBI_TRY_PACKET_SOCKET] = { "open a packet socket", try_packet_socket },
	[OBI_TRY_SCHED_CLS] = { "load a tc program", try_sched_cls },
	[OBI_TRY_TC_TRACER] = { "load the tc tracer", NULL },
	[OBI_TRY_SK_MSG] = { "create a socket map, load an sk_msg program", try_sk_msg },
	[OBI_TRY_TRACING] = { "load a tracing program", try_tracing },
	[OBI_TRY_OTHERS_EXE] = { "follow /proc/PID/exe of another user", try_others_exe },
	[OBI_TRY_OTHERS_FILES] = { "open /proc/PID/environ of another user", try_others_files },
	[OBI_TRY_MAP_FILES] = { "open a file by /proc/PID/map_files", try_map_files },
	[OBI_TRY_UPROBE] = { "open a probe in user space", try_uprobe },
	[OBI_TRY_RUN_TIMES] = { "have run times of programs measured", try_run_times },
};

const char *obi_try_name(enum obi_try what)
{
	return tries[what].name;
}

__attribute__((noreturn)) static void be_child(uint64_t mask, int (*call)(void *context),
					       void *context)
{
	int error = obi_caps_set(mask);

	if (!error)
		error = call(context);
	/* ENOTSUPP (524, the kernel's own) is the only one that does not fit into a status. */
	_exit(-error > UINT8_MAX ? EOPNOTSUPP : -error);
}

int obi_try_in_child(uint64_t mask, int (*call)(void *context), void *context)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		be_child(mask, call, context);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	/* A seccomp filter may kill instead of refusing. */
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

static int run(void *context)
{
	return tries[*(enum obi_try *)context].run();
}

int obi_try_run(enum obi_try what, uint64_t mask)
{
	return tries[what].run ? obi_try_in_child(mask, run, &what) : -ENODATA;
}
