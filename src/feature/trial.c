// SPDX-License-Identifier: Apache-2.0
/*
 * The trials load programs of bpf/trial.bpf.c, and for header injection put a real socket pair
 * into a sockhash: on some kernels such a socket answers FIONREAD with 0, which hangs nginx,
 * Java and .NET.
 */
#include "feature/trial.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "trial.skel.h"

static int stay_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

void obi_trial_quiet(void)
{
	libbpf_set_print(stay_silent);
}

static void cleanup_trial(struct trial_bpf **trial)
{
	trial_bpf__destroy(*trial);
}

/* Loads only the named programs. */
static int load_trial(struct trial_bpf **ret_trial, const char *first, const char *second)
{
	struct trial_bpf *trial = trial_bpf__open();
	struct bpf_program *program;
	int error;

	if (!trial)
		return -errno;
	bpf_object__for_each_program(program, trial->obj)
	{
		const char *name = bpf_program__name(program);

		bpf_program__set_autoload(program, !strcmp(name, first) ||
							   (second && !strcmp(name, second)));
	}
	/* Making a sockhash wants CAP_NET_ADMIN, which the planes do without. */
	(void)bpf_map__set_autocreate(trial->maps.trial_sockets, !strcmp(first, "trial_sk_msg"));
	error = trial_bpf__load(trial);
	if (error) {
		trial_bpf__destroy(trial);
		return error;
	}
	*ret_trial = trial;
	return 0;
}

static int try_attach(const char *name)
{
	__attribute__((cleanup(cleanup_trial))) struct trial_bpf *trial = NULL;
	struct bpf_program *program;
	struct bpf_link *link;
	int error = load_trial(&trial, name, NULL);

	if (error)
		return error;
	program = bpf_object__find_program_by_name(trial->obj, name);
	link = bpf_program__attach(program);
	if (!link)
		return -errno;
	(void)bpf_link__destroy(link);
	return 0;
}

int obi_trial_fentry(void)
{
	return try_attach("trial_fentry");
}

int obi_trial_tracepoint(void)
{
	return try_attach("trial_tracepoint");
}

int obi_trial_kprobe(void)
{
	return try_attach("trial_kprobe");
}

/* A connected pair on loopback. */
static int open_pair(int *ret_client, int *ret_server)
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int server;

	if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(listener, 1) || getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(client, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		return -errno;
	*ret_server = server;
	*ret_client = take_fd(client);
	return 0;
}

/* Bytes that arrive must be counted by FIONREAD, and be gone after they are read. */
static int check_fionread(int client, int server)
{
	char text[100] = "x";
	struct pollfd pfd = { .fd = client, .events = POLLIN };
	int waiting = -1;

	if (send(server, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text))
		return -errno;
	if (poll(&pfd, 1, 1000) != 1)
		return -EBADE;
	if (ioctl(client, FIONREAD, &waiting) || waiting != sizeof(text))
		return -EBADE;
	if (recv(client, text, sizeof(text), MSG_DONTWAIT) != sizeof(text))
		return -EBADE;
	return ioctl(client, FIONREAD, &waiting) || waiting != 0 ? -EBADE : 0;
}

static int try_injection(bool verdict)
{
	__attribute__((cleanup(cleanup_trial))) struct trial_bpf *trial = NULL;
	_cleanup_close_ int client = -1, server = -1;
	unsigned long long key = 1, value;
	int map, error;

	error = load_trial(&trial, "trial_sk_msg", verdict ? "trial_verdict" : NULL);
	if (error)
		return error;
	map = bpf_map__fd(trial->maps.trial_sockets);
	error = bpf_prog_attach(bpf_program__fd(trial->progs.trial_sk_msg), map, BPF_SK_MSG_VERDICT,
				0);
	if (!error && verdict)
		error = bpf_prog_attach(bpf_program__fd(trial->progs.trial_verdict), map,
					BPF_SK_SKB_STREAM_VERDICT, 0);
	if (error)
		return error;
	error = open_pair(&client, &server);
	if (error)
		return error;
	value = (unsigned long long)client;
	error = bpf_map_update_elem(map, &key, &value, BPF_ANY);
	return error ? error : check_fionread(client, server);
}

int obi_trial_sk_msg(void)
{
	return try_injection(false);
}

int obi_trial_sk_msg_verdict(void)
{
	return try_injection(true);
}
