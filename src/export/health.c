// SPDX-License-Identifier: Apache-2.0
/*
 * Endpoint: /healthz (`health_check`), for a supervisor to see that the agent runs. Answers come
 * from the loop that handles records, so a loop that hangs does not answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/check.h"
#include "export/connections.h"
#include "export/exporter.h"
#include "settings/settings.h"

#define CONNECTION_BYTES ((size_t)8 * 1024)
#define HEAD_SECONDS 5
#define SCHEMA_VERSION 1

static int check_socket_path(const void *field, char *why, size_t why_size)
{
	const char *path = *(const char *const *)field;

	if (!*path || *path == '/' || (*path == '@' && path[1]))
		return 0;
	(void)snprintf(why, why_size, "an absolute path, or @ and a name");
	return -EINVAL;
}

#define ROW(member_, ...) OBI_ROW(struct obi_health_options, member_, __VA_ARGS__)

static const struct obi_option rows[] = {
	ROW(port, "health_check.port", "OTEL_EBPF_HEALTH_CHECK_PORT", INT, "0",
	    "port of /healthz; 0: none", .max = 65535),
	ROW(listen_address, "health_check.listen_address", "OTEL_EBPF_HEALTH_CHECK_LISTEN_ADDRESS",
	    STRING, "127.0.0.1", "address of /healthz", .check = obi_check_ip_or_empty),
	ROW(unix_socket_path, "health_check.unix_socket_path",
	    "OTEL_EBPF_HEALTH_CHECK_UNIX_SOCKET_PATH", STRING, NULL,
	    "socket of /healthz, a path or @name; wins over the port", .check = check_socket_path),
};

const struct obi_options obi_health_option_rows = {
	.title = "Export",
	.rows = rows,
	.count = ARRAY_SIZE(rows),
};

struct health {
	struct MHD_Daemon *daemon;
	struct MHD_Response *not_found;
	uint64_t started_ns;
	struct connections connections;
};

static bool health_wanted(const struct obi_settings *settings)
{
	return settings->export.health.port || *settings->export.health.unix_socket_path;
}

/* ---- Requests ---- */

static struct MHD_Response *health_response(const struct health *health)
{
	uint64_t now = clock_monotonic_ns();
	char text[160];
	int len = snprintf(text, sizeof(text),
			   "{\"schema_version\":%d,\"now_unix_ns\":%" PRIu64
			   ",\"process_uptime_ns\":%" PRIu64 "}\n",
			   SCHEMA_VERSION, now + clock_epoch_offset_ns(), now - health->started_ns);
	struct MHD_Response *response =
		MHD_create_response_from_buffer((size_t)len, text, MHD_RESPMEM_MUST_COPY);

	if (response)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					      "application/json");
	return response;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	const struct health *health = context;
	struct MHD_Response *response;
	enum MHD_Result result;

	connections_answering(connection);
	if (strcmp(url, "/healthz") != 0 ||
	    (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0))
		return MHD_queue_response(connection, MHD_HTTP_NOT_FOUND, health->not_found);
	response = health_response(health);
	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- Opening ---- */

static int listen_at(const void *address, socklen_t len, int family, int *ret_fd)
{
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address, len) || listen(fd, SOMAXCONN))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

/* What a program of this user that died left at the path: a socket that nobody answers. A
 * connection to a regular file is refused as well. */
static void remove_stale(const struct sockaddr_un *address, socklen_t len)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)address, len) && errno == ECONNREFUSED)
		(void)unlink(address->sun_path);
}

/* A path, or "@name" for one that is in no file system. */
static int listen_unix(const char *path, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t path_len = strlen(path);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);

	if (path_len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, path_len);
	if (*path == '@') {
		address.sun_path[0] = '\0';
	} else {
		len++;
		remove_stale(&address, len);
	}
	return listen_at(&address, len, AF_UNIX, ret_fd);
}

static int listen_tcp(const char *text, uint16_t port, int *ret_fd)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (!*text)
		text = "127.0.0.1";
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return listen_at(&v4, sizeof(v4), AF_INET, ret_fd);
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
		return listen_at(&v6, sizeof(v6), AF_INET6, ret_fd);
	return -EINVAL;
}

static int listen_for(const struct obi_health_options *options, int *ret_fd, char *why,
		      size_t why_size)
{
	bool is_unix = *options->unix_socket_path;
	int error = is_unix ? listen_unix(options->unix_socket_path, ret_fd)
			    : listen_tcp(options->listen_address, (uint16_t)options->port, ret_fd);

	if (error && is_unix)
		(void)snprintf(why, why_size, "listen on %s: %s", options->unix_socket_path,
			       strerror(-error));
	else if (error)
		(void)snprintf(why, why_size, "listen on %s port %d: %s", options->listen_address,
			       (int)options->port, strerror(-error));
	return error;
}

static void health_close(void *state)
{
	struct health *health = state;

	if (health->daemon)
		MHD_stop_daemon(health->daemon);
	if (health->not_found)
		MHD_destroy_response(health->not_found);
	free(health);
}

/* The daemon takes the listening socket, if it starts. */
static int start(struct health *health, int fd)
{
	health->not_found = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	health->connections.head_ns = health->connections.answer_ns = HEAD_SECONDS * NSEC_PER_SEC;
	if (health->not_found)
		health->daemon = MHD_start_daemon(
			MHD_USE_EPOLL, 0, NULL, NULL, answer, health, MHD_OPTION_LISTEN_SOCKET, fd,
			MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_ROOM,
			MHD_OPTION_CONNECTION_TIMEOUT, HEAD_SECONDS,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
			MHD_OPTION_NOTIFY_CONNECTION, connections_notify, &health->connections,
			MHD_OPTION_NOTIFY_COMPLETED, connections_completed, &health->connections,
			MHD_OPTION_END);
	if (health->daemon)
		return 0;
	(void)close(fd);
	return -ENOMEM;
}

static int health_open(const struct obi_settings *settings, void **ret_state, char *why,
		       size_t why_size)
{
	struct health *health = calloc(1, sizeof(*health));
	int error, fd = -1;

	(void)snprintf(why, why_size, "out of memory");
	if (!health)
		return -ENOMEM;
	health->started_ns = clock_monotonic_ns();
	error = listen_for(&settings->export.health, &fd, why, why_size);
	if (!error)
		error = start(health, fd);
	if (error) {
		health_close(health);
		return error;
	}
	*ret_state = health;
	return 0;
}

static int health_poll_fd(void *state)
{
	const struct health *health = state;

	return MHD_get_daemon_info(health->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static void health_ready(void *state)
{
	struct health *health = state;

	connections_check(&health->connections);
	(void)MHD_run(health->daemon);
}

static void health_tick(void *state, uint64_t now_ns)
{
	health_ready(state);
}

static uint64_t health_due(void *state)
{
	return connections_due(&((const struct health *)state)->connections);
}

const struct obi_exporter exporter_health = {
	.name = "health_check",
	.help = "/healthz, for a supervisor",
	.wanted = health_wanted,
	.open = health_open,
	.poll_fd = health_poll_fd,
	.ready = health_ready,
	.tick = health_tick,
	.due = health_due,
	.close = health_close,
};
