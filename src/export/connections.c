// SPDX-License-Identifier: Apache-2.0
#include "export/connections.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

#define ANSWERING_NS (100 * NSEC_PER_MSEC) /* between two looks at those that get an answer */

static void read_peer(struct MHD_Connection *connection, struct connection *ret_entry)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	uint8_t *peer = ret_entry->peer;

	if (!address)
		return;
	peer[0] = (uint8_t)address->sa_family;
	if (address->sa_family == AF_INET) {
		memcpy(peer + 1, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

		/* ::ffff:a.b.c.d tells nothing in its first half */
		memcpy(peer + 1, v6->s6_addr + (IN6_IS_ADDR_V4MAPPED(v6) ? 8 : 0), 8);
	}
}

static int fd_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static struct connection *find(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The server hears of it like of a client's end. What waits in the socket goes too. */
static void cut(struct connection *entry)
{
	static const struct linger at_once = { .l_onoff = 1 };
	int fd = entry->fd - 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)shutdown(fd, SHUT_RDWR);
	entry->cut = true;
}

static bool counts(const struct connection *entry)
{
	return entry->fd && !entry->cut;
}

static unsigned count_of_peer(const struct connections *connections, const struct connection *of)
{
	unsigned count = 0;

	for (int i = 0; i < CONNECTIONS_ROOM; i++) {
		const struct connection *entry = &connections->all[i];

		count += counts(entry) && !memcmp(entry->peer, of->peer, sizeof(of->peer));
	}
	return count;
}

/* Of the peer that has most: its oldest. */
static void make_room(struct connections *connections)
{
	struct connection *victim = NULL;
	unsigned count = 0, of_victim = 0;

	for (int i = 0; i < CONNECTIONS_ROOM; i++) {
		struct connection *entry = &connections->all[i];
		unsigned of_peer;

		if (!counts(entry))
			continue;
		count++;
		of_peer = count_of_peer(connections, entry);
		if (victim && (of_peer < of_victim ||
			       (of_peer == of_victim && victim->since_ns <= entry->since_ns)))
			continue;
		victim = entry;
		of_victim = of_peer;
	}
	if (count > CONNECTIONS_MAX)
		cut(victim);
}

static void begin(struct connections *connections, struct MHD_Connection *connection,
		  void **context)
{
	for (int i = 0; i < CONNECTIONS_ROOM; i++) {
		struct connection *entry = &connections->all[i];

		if (entry->fd)
			continue;
		*entry = (struct connection){ .fd = fd_of(connection) + 1,
					      .since_ns = clock_monotonic_ns() };
		read_peer(connection, entry);
		*context = entry;
		make_room(connections);
		return;
	}
}

void connections_notify(void *connections, struct MHD_Connection *connection, void **context,
			enum MHD_ConnectionNotificationCode code)
{
	struct connection *entry = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		begin(connections, connection, context);
	else if (entry)
		entry->fd = 0;
}

void connections_answering(struct MHD_Connection *connection)
{
	struct connection *entry = find(connection);

	if (!entry)
		return;
	entry->answering = true;
	entry->since_ns = clock_monotonic_ns();
}

void connections_completed(void *connections, struct MHD_Connection *connection, void **request,
			   enum MHD_RequestTerminationCode code)
{
	struct connection *entry = find(connection);

	if (!entry)
		return;
	entry->answering = false;
	entry->since_ns = clock_monotonic_ns();
}

void connections_check(struct connections *connections)
{
	uint64_t now = clock_monotonic_ns();

	connections->checked_ns = now;
	for (int i = 0; i < CONNECTIONS_ROOM; i++) {
		struct connection *entry = &connections->all[i];
		uint64_t limit = entry->answering ? connections->answer_ns : connections->head_ns;

		if (counts(entry) && now - entry->since_ns > limit)
			cut(entry);
	}
}

uint64_t connections_due(const struct connections *connections)
{
	uint64_t due = UINT64_MAX;

	for (int i = 0; i < CONNECTIONS_ROOM; i++) {
		const struct connection *entry = &connections->all[i];

		if (entry->fd && entry->answering)
			return connections->checked_ns + ANSWERING_NS;
		if (entry->fd)
			due = connections->checked_ns + NSEC_PER_SEC;
	}
	return due;
}
