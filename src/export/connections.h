/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may hold a connection of a small HTTP server, and how long. libmicrohttpd counts connections
 * and looks at how long each was idle, which a byte now and then gets around: here a request has a
 * time for its head and one for its answer, from its start, and where one connection more comes
 * than there may be, whoever has most of them loses the oldest.
 */
#ifndef OBI_EXPORT_CONNECTIONS_H
#define OBI_EXPORT_CONNECTIONS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

/* For MHD_OPTION_CONNECTION_LIMIT: some more, so that the next is heard of. */
#define CONNECTIONS_ROOM 48
#define CONNECTIONS_MAX 32

struct connection {
	int fd;          /* + 1, so that zero is none */
	uint8_t peer[9]; /* family and network of the address, of IPv6 the first half */
	bool answering;
	bool cut;
	uint64_t since_ns; /* the start of its head or of its answer */
};

struct connections {
	struct connection all[CONNECTIONS_ROOM];
	uint64_t head_ns, answer_ns; /* set by who owns it */
	uint64_t checked_ns;
};

/* For MHD_OPTION_NOTIFY_CONNECTION and MHD_OPTION_NOTIFY_COMPLETED, with the connections as their
 * argument. */
void connections_notify(void *connections, struct MHD_Connection *connection, void **context,
			enum MHD_ConnectionNotificationCode code);
void connections_completed(void *connections, struct MHD_Connection *connection, void **request,
			   enum MHD_RequestTerminationCode code);

/* The head is there: call in the access handler. */
void connections_answering(struct MHD_Connection *connection);

/* When connections_check() has to be called next; UINT64_MAX: there are none. */
uint64_t connections_due(const struct connections *connections);

/* Cuts off those that take too long. */
void connections_check(struct connections *connections);

#endif
