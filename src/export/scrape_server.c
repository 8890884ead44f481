// SPDX-License-Identifier: Apache-2.0
/*
 * libmicrohttpd without threads of its own. Its epoll descriptor tells of the sockets,
 * edge-triggered, but not of connections that could go on at once; for these a second
 * descriptor wakes the loop again, so that one large scrape takes turns with the rest
 * of the program.
 *
 * A response is rendered in pieces while the client takes them: what a slow client
 * holds is one piece, and what compressing it takes. It is cut off when it takes too long
 * (export/connections.h).
 */
#include "export/scrape_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "export/accept.h"
#include "export/connections.h"
#include "export/gzip.h"
#include "metrics/render.h"

#define PIECE_BYTES ((size_t)32 * 1024)
#define CONNECTION_BYTES ((size_t)16 * 1024)
#define HEAD_SECONDS 10
#define SCRAPE_NS (60 * NSEC_PER_SEC)
/* Answers that are compressed at a time: 256 KiB. More go out as they are. */
#define GZIPS_MAX 4
/* Turns of one run; each sends up to a piece on each connection. */
#define TURNS 16

struct scrape_server {
	struct scrape_path paths[SCRAPE_PATHS_MAX];
	size_t count;
	void (*before)(void *context, const char *path);
	void *context;
	struct MHD_Daemon *daemon;
	struct MHD_Response *not_found;
	struct MHD_Response *not_allowed;
	int epoll; /* the daemon's descriptor and wake */
	int wake;
	uint16_t port;
	struct connections connections;
	unsigned gzips; /* in use */
};

/* ---- One scrape ---- */

struct scrape {
	const struct scrape_path *path;
	enum metrics_format format;
	size_t registry; /* that is being rendered */
	struct metrics_rendering rendering;
	bool rendering_open;
	bool done;
	struct buffer piece;
	struct slice rest;    /* of the piece, not sent yet */
	struct gzip *gzip;    /* NULL: as it is */
	unsigned *gzips;      /* the server's count */
	bool gzip_holds_more; /* of the piece */
};

/* The next registry, or the end. */
static void begin_registry(struct scrape *scrape)
{
	struct metrics *metrics = scrape->registry < SCRAPE_REGISTRIES_MAX
					  ? scrape->path->registries[scrape->registry]
					  : NULL;

	if (metrics) {
		metrics_render_begin(&scrape->rendering, metrics, scrape->format);
		scrape->rendering_open = true;
		return;
	}
	if (scrape->format == METRICS_OPENMETRICS)
		buffer_put_cstr(&scrape->piece, "# EOF\n");
	scrape->done = true;
}

static void render_piece(struct scrape *scrape)
{
	scrape->piece.len = 0;
	while (!scrape->done && scrape->piece.len < PIECE_BYTES) {
		if (!scrape->rendering_open) {
			begin_registry(scrape);
			continue;
		}
		if (metrics_render(&scrape->rendering, &scrape->piece, PIECE_BYTES))
			return;
		metrics_render_end(&scrape->rendering);
		scrape->rendering_open = false;
		scrape->registry++;
	}
}

static void fill_piece(struct scrape *scrape)
{
	render_piece(scrape);
	scrape->rest = slice_of(scrape->piece.data, scrape->piece.len);
}

static size_t send_plain(struct scrape *scrape, char *to, size_t room)
{
	struct slice some = slice_first(scrape->rest, room);

	if (some.len)
		memcpy(to, some.data, some.len);
	scrape->rest = slice_from(scrape->rest, some.len);
	return some.len;
}

/* A piece is flushed at its end, so that a call renders one and never comes back with nothing. */
static size_t send_gzip(struct scrape *scrape, char *to, size_t room)
{
	size_t len = gzip_put(scrape->gzip, &scrape->rest, scrape->done, to, room);

	scrape->gzip_holds_more = len == room;
	return len;
}

static ssize_t read_scrape(void *context, uint64_t pos, char *to, size_t room)
{
	struct scrape *scrape = context;
	size_t len = 0;

	while (!len && room) {
		if (!scrape->rest.len && !scrape->gzip_holds_more && !scrape->done)
			fill_piece(scrape);
		if (scrape->piece.failed)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		len = scrape->gzip ? send_gzip(scrape, to, room) : send_plain(scrape, to, room);
		if (!len && scrape->done)
			return MHD_CONTENT_READER_END_OF_STREAM;
	}
	return (ssize_t)len;
}

static void begin_gzip(struct scrape *scrape, unsigned *gzips)
{
	if (*gzips == GZIPS_MAX)
		return;
	scrape->gzip = gzip_new();
	scrape->gzips = gzips;
	*gzips += scrape->gzip != NULL;
}

static void free_scrape(void *context)
{
	struct scrape *scrape = context;

	if (scrape->rendering_open)
		metrics_render_end(&scrape->rendering);
	if (scrape->gzip)
		--*scrape->gzips;
	gzip_free(scrape->gzip);
	buffer_free(&scrape->piece);
	free(scrape);
}

/* gzips: NULL for one that is not compressed. */
static struct MHD_Response *scrape_response(const struct scrape_path *path,
					    enum metrics_format format, unsigned *gzips)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));
	struct MHD_Response *response;

	if (!scrape)
		return NULL;
	scrape->path = path;
	scrape->format = format;
	if (gzips)
		begin_gzip(scrape, gzips);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, read_scrape,
						     scrape, free_scrape);
	if (!response) {
		free_scrape(scrape);
		return NULL;
	}
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				      accept_content_type(format));
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Accept, Accept-Encoding");
	if (scrape->gzip)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
	return response;
}

/* ---- Requests ---- */

static const struct scrape_path *find_path(const struct scrape_server *server, const char *url)
{
	for (size_t i = 0; i < server->count; i++) {
		if (strcmp(server->paths[i].path, url) == 0)
			return &server->paths[i];
	}
	return NULL;
}

static struct slice field(struct MHD_Connection *connection, const char *name)
{
	return slice_cstr(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static enum MHD_Result answer_scrape(struct scrape_server *server, const struct scrape_path *path,
				     struct MHD_Connection *connection)
{
	enum metrics_format format = accept_format(field(connection, MHD_HTTP_HEADER_ACCEPT));
	bool gzip = accept_gzip(field(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING));
	struct MHD_Response *response;
	enum MHD_Result result;

	if (server->before)
		server->before(server->context, path->path);
	for (int i = 0; i < SCRAPE_REGISTRIES_MAX && path->registries[i]; i++)
		metrics_expire(path->registries[i], clock_monotonic_ns());
	response = scrape_response(path, format, gzip ? &server->gzips : NULL);
	if (!response)
		return MHD_NO;
	result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request)
{
	struct scrape_server *server = context;
	const struct scrape_path *path = find_path(server, url);

	connections_answering(connection);
	/* A body that nobody wants: refused before it is sent. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return MHD_queue_response(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
					  server->not_allowed);
	if (!path)
		return MHD_queue_response(connection, MHD_HTTP_NOT_FOUND, server->not_found);
	return answer_scrape(server, path, connection);
}

/* ---- Opening ---- */

static int bind_to(const void *address, socklen_t len, int family, int *ret_fd)
{
	_cleanup_close_ int fd =
		socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	int on = 1, off = 0;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, address, len) != 0 || listen(fd, SOMAXCONN) != 0)
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

/* On all addresses: both families on one socket, or IPv4 alone where the kernel has no IPv6. */
static int listen_on(const char *text, uint16_t port, int *ret_fd)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
	int error = is_v4 ? -EAFNOSUPPORT : -EINVAL;

	if (!*text || (!is_v4 && inet_pton(AF_INET6, text, &v6.sin6_addr) == 1))
		error = bind_to(&v6, sizeof(v6), AF_INET6, ret_fd);
	if (is_v4 || (!*text && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)))
		error = bind_to(&v4, sizeof(v4), AF_INET, ret_fd);
	return error;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -errno;
}

/* The daemon takes the listening socket, also when it fails to start later. */
static int start_daemon(struct scrape_server *server, int fd)
{
	server->connections.head_ns = HEAD_SECONDS * NSEC_PER_SEC;
	server->connections.answer_ns = SCRAPE_NS;
	server->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, server->port, NULL, NULL, answer, server, MHD_OPTION_LISTEN_SOCKET,
		fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_ROOM, MHD_OPTION_CONNECTION_TIMEOUT,
		HEAD_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
		MHD_OPTION_NOTIFY_CONNECTION, connections_notify, &server->connections,
		MHD_OPTION_NOTIFY_COMPLETED, connections_completed, &server->connections,
		MHD_OPTION_END);
	return server->daemon ? 0 : -ENOMEM;
}

static int daemon_epoll(const struct scrape_server *server)
{
	return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static struct MHD_Response *fixed_response(const char *text)
{
	return MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
}

static int start(struct scrape_server *server, int fd)
{
	int error;

	server->not_found = fixed_response("Not found\n");
	server->not_allowed = fixed_response("GET only\n");
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll < 0 || server->wake < 0)
		return -errno;
	if (!server->not_found || !server->not_allowed)
		return -ENOMEM;
	error = start_daemon(server, fd);
	if (!error)
		error = watch(server->epoll, daemon_epoll(server));
	return error ? error : watch(server->epoll, server->wake);
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_in6 address = { 0 }; /* the port is where struct sockaddr_in has it */
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 ? ntohs(address.sin6_port)
								       : 0;
}

int scrape_server_open(const char *address, uint16_t port, const struct scrape_path *paths,
		       size_t count, void (*before)(void *context, const char *path), void *context,
		       struct scrape_server **ret_server, char *why, size_t why_size)
{
	struct scrape_server *server = calloc(1, sizeof(*server));
	int error = -ENOMEM, fd = -1;

	if (server) {
		*server = (struct scrape_server){ .count = count, .epoll = -1, .wake = -1 };
		server->before = before;
		server->context = context;
		memcpy(server->paths, paths, count * sizeof(*paths));
		error = listen_on(address, port, &fd);
	}
	if (!error) {
		server->port = bound_port(fd);
		error = start(server, fd);
		if (error && !server->daemon)
			(void)close(fd);
	}
	if (error) {
		(void)snprintf(why, why_size, "listen on %s%sport %u: %s", address,
			       *address ? " " : "", port, strerror(-error));
		scrape_server_close(server);
		return error;
	}
	*ret_server = server;
	return 0;
}

void scrape_server_close(struct scrape_server *server)
{
	if (!server)
		return;
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->not_found)
		MHD_destroy_response(server->not_found);
	if (server->not_allowed)
		MHD_destroy_response(server->not_allowed);
	if (server->epoll >= 0)
		(void)close(server->epoll);
	if (server->wake >= 0)
		(void)close(server->wake);
	free(server);
}

uint16_t scrape_server_port(const struct scrape_server *server)
{
	return server->port;
}

int scrape_server_fd(const struct scrape_server *server)
{
	return server->epoll;
}

uint64_t scrape_server_due(const struct scrape_server *server)
{
	return connections_due(&server->connections);
}

void scrape_server_run(struct scrape_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
	uint64_t count;
	bool at_once = true;

	(void)!read(server->wake, &count, sizeof(count));
	connections_check(&server->connections);
	for (int turn = 0; turn < TURNS && at_once; turn++) {
		(void)MHD_run(server->daemon);
		at_once =
			MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0;
	}
	count = 1;
	if (at_once)
		(void)!write(server->wake, &count, sizeof(count));
}
