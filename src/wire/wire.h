/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What broker and worker say to each other, over one SOCK_SEQPACKET pair: small messages
 * of fixed layout, with descriptors passed beside them. Both run from the same file on
 * the same host: native byte order, no versions.
 *
 * Broker to worker is trusted. Worker to broker is not: every request is checked
 * against a row of obi_requests (id, size, phase, rate) before anything is done; a
 * request that does not fit ends the worker.
 */
#ifndef OBI_WIRE_WIRE_H
#define OBI_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "obi/bpf.h"
#include "obi/flow.h"
#include "obi/process.h"
#include "obi/record.h"
#include "obi/tls.h"

#define OBI_WIRE_FDS 5

/* Descriptors under which a child finds its end of the pair, and the text of its configuration. */
#define OBI_WIRE_FD 3
#define OBI_CONFIG_FD 4

enum obi_wire_id {
	OBI_WIRE_START = 1,      /* struct obi_wire_start; enum obi_start_fd, as its flags say */
	OBI_WIRE_PROCESS,        /* struct obi_wire_process; environ, maps, exe (those that could be
				    opened) */
	OBI_WIRE_PROCESSES_TOLD, /* nothing: every process of now is announced, records make sense
				  */
	OBI_WIRE_PROCESS_GONE,   /* struct obi_wire_pid */
	OBI_WIRE_IFACE,          /* struct obi_wire_iface */
	OBI_WIRE_FLOWS,          /* struct obi_wire_flows, cut to count */
	OBI_WIRE_COUNTERS,       /* struct obi_wire_counters: answer to OBI_REQUEST_COUNTERS */
	OBI_WIRE_STOP,           /* struct obi_wire_stop: flush, then exit */
	OBI_WIRE_PEER,           /* nothing; one end of a new pair of worker and sender */
	OBI_WIRE_BPF,            /* struct obi_wire_bpf */
	OBI_WIRE_FILE,           /* struct obi_wire_file; the file, to be inspected */

	OBI_REQUEST_READY = 64, /* nothing; the sandbox is closed and the loop runs */
	OBI_REQUEST_COUNTERS,   /* nothing */
	OBI_REQUEST_LANGUAGE,   /* struct obi_wire_language: answer to a candidate */
	OBI_REQUEST_MAPPING,    /* struct obi_wire_mapping: a process maps a file worth a look */
	OBI_REQUEST_PROBE,      /* struct obi_wire_probe: answer to OBI_WIRE_FILE */
};

/* Exit status of a sender: starting it again would change nothing. The reason is in the log. */
#define OBI_SENDER_CANNOT_RUN 78

/* A worker that has nothing to do asks for the counters as often. */
#define OBI_WORKER_IDLE_NS (5ULL * 1000000000)

struct obi_wire_header {
	uint32_t id;   /* enum obi_wire_id */
	uint32_t size; /* of what follows */
};

#define OBI_START_APPLICATION 0x1 /* fds: all, else the page alone */
#define OBI_START_NETWORK 0x2

enum obi_start_fd {
	OBI_START_PAGE, /* struct obi_worker_page */
	OBI_START_RING, /* records */
	OBI_START_BOARD,
	OBI_START_ORDERS, /* obi/order.h; to be written */
	OBI_START_SLEEP,  /* a page that begins with a u32, see bpf/lib/ring.h; to be written */
	OBI_START_FDS,
};

_Static_assert(OBI_START_FDS <= OBI_WIRE_FDS, "room for the descriptors of a start");

struct obi_wire_start {
	uint32_t flags;
	uint32_t ring_size;
	uint32_t restarts; /* workers that died before this one */
	char agent_ip[48]; /* text, "" where there is none */
	char pad[4];
};

#define OBI_WIRE_HAS_ENVIRON 0x1
#define OBI_WIRE_HAS_MAPS 0x2
#define OBI_WIRE_HAS_EXE 0x4
#define OBI_WIRE_CANDIDATE 0x8 /* not selected yet: only its language is asked for */
#define OBI_WIRE_FRESH 0x10    /* has just become this program: more may be mapped in a moment */

struct obi_wire_process {
	uint32_t pid;
	uint32_t fds; /* OBI_WIRE_HAS_*: which descriptors came along, in that order; CANDIDATE */
	struct obi_entries entries;
	char exe[256];
	char name[128]; /* forced by the configuration, "" = find out */
	char name_space[128];
};

/* Text that a worker sends: checked to be terminated and to be a word. */
struct obi_wire_language {
	uint32_t pid;
	char name[16];
};

/* A file that a process maps, as a line of /proc/PID/maps says. */
struct obi_wire_mapping {
	uint32_t pid;
	uint32_t major, minor; /* of the device, as shown there */
	uint32_t pad;
	uint64_t inode;
	uint64_t start, end; /* addresses */
};

struct obi_wire_file {
	uint32_t number;
	uint32_t pid; /* who maps it */
};

#define OBI_WIRE_SITES_MAX 24

/* Where a probe belongs, see obi/tls.h. */
struct obi_wire_site {
	uint64_t offset; /* in the file */
	uint32_t op;     /* enum obi_tls_op */
	uint32_t count;  /* enum obi_tls_count */
};

struct obi_wire_probe {
	uint32_t number; /* of the file */
	uint32_t count;  /* of sites; 0 = there is nothing in it */
	struct obi_tls_random random;
	struct obi_wire_site sites[OBI_WIRE_SITES_MAX];
};

struct obi_wire_pid {
	uint32_t pid;
};

struct obi_wire_iface {
	uint32_t ifindex;
	char name[16]; /* IFNAMSIZ; "" = gone */
};

#define OBI_WIRE_FLOWS_MAX 512

struct obi_wire_flows {
	uint32_t count;
	uint32_t pad;
	struct obi_flow flows[OBI_WIRE_FLOWS_MAX];
};

#define OBI_WIRE_BPF_MAX 64

struct obi_wire_bpf {
	uint32_t programs_count;
	uint32_t maps_count;
	struct obi_bpf_program programs[OBI_WIRE_BPF_MAX];
	struct obi_bpf_map maps[OBI_WIRE_BPF_MAX];
};

/* The processes of the agent. */
enum obi_part {
	OBI_PART_BROKER,
	OBI_PART_WORKER,
	OBI_PART_SENDER,
	OBI_PARTS,
};

/* What could not be attached, and was gone on without. */
enum obi_attach_error {
	OBI_ATTACH_HOOK,     /* a program at a socket call */
	OBI_ATTACH_CGROUP,   /* header injection: at new connections */
	OBI_ATTACH_SOCK_MSG, /* ... and at messages */
	OBI_ATTACH_TC,       /* an interface */
	OBI_ATTACH_PROBE,    /* probes of a library */
	OBI_ATTACH_ERRORS,
};

struct obi_wire_counters {
	uint64_t app[OBI_APP_COUNTERS];
	uint64_t net[OBI_NET_COUNTERS];
	uint64_t flows_drained; /* sent to the worker */
	uint64_t flows_dropped; /* that the worker did not take in time */
	uint64_t flows_dropped_packets;
	uint64_t flows_dropped_bytes;
	uint64_t processes;    /* selected now */
	uint64_t unannounced;  /* of which the worker was not told: their spans have no service */
	uint64_t not_observed; /* selected ones that found the kernel side's table full */
	uint64_t spans_lost_in_restarts;
	uint64_t output_lost;       /* lines on their way to standard output */
	uint64_t memory[OBI_PARTS]; /* resident bytes; 0 = it does not run */
	uint64_t attach_errors[OBI_ATTACH_ERRORS];
};

struct obi_wire_stop {
	uint64_t timeout_ns;
};

/* A page that the worker writes and the broker reads, so that what a dead worker had seen is known.
 */
struct obi_worker_page {
	uint64_t records;
	uint64_t requests;
	uint64_t spans;
	uint64_t dropped;
	uint64_t pending;
	uint64_t inspecting; /* pid of whose files are being read, a number of its own in the upper
				half; 0 = none */
};

/* Sends one message. 0 or a negative errno (-EAGAIN where the peer does not read). Descriptors are
 * not closed. */
int obi_wire_send(int sock, uint32_t id, const void *body, size_t size, const int *fds,
		  int fd_count);

/*
 * Receives one message into body (room for size bytes). Returns its size, 0 for an empty one;
 * -EAGAIN, -EPIPE where the peer is gone, -EPROTO where the message is malformed (descriptors that
 * came with it are closed). ret_fds holds ret_fd_count close-on-exec descriptors, the caller's.
 */
ssize_t obi_wire_receive(int sock, uint32_t *ret_id, void *body, size_t size,
			 int ret_fds[OBI_WIRE_FDS], int *ret_fd_count);

/* ---- Requests of the worker ---- */

enum obi_phase {
	OBI_PHASE_STARTING = 0x1, /* until READY */
	OBI_PHASE_RUNNING = 0x2,
	OBI_PHASE_STOPPING = 0x4,
};

struct obi_request {
	uint32_t id;
	const char *name;
	unsigned phases; /* enum obi_phase bits in which it is permitted */
	uint32_t size;   /* exact size of its body */
	uint32_t rate;   /* at most so many a second, in the long run */
	uint32_t burst;  /* at most so many at once: a broker that stood still finds them all */
};

/* Room for the body of any request: a row's size is that of a member. */
union obi_request_body {
	struct obi_wire_language language;
	struct obi_wire_mapping mapping;
	struct obi_wire_probe probe;
};

extern const struct obi_request obi_requests[];
extern const size_t obi_request_count;

/* Finds the row of a request that may be made in this phase. NULL with the reason in ret_why:
 * unknown id, wrong size, wrong phase. Descriptors never come with a request. */
const struct obi_request *obi_request_check(uint32_t id, size_t size, int fd_count,
					    enum obi_phase phase, const char **ret_why);

#define OBI_REQUESTS_MAX 8

/* Time in which each row has made too many requests, as it were: it goes down as time goes by. Zero
 * at first. */
struct obi_request_meter {
	uint64_t last_ns;
	uint64_t ahead_ns[OBI_REQUESTS_MAX];
};

/* Counts the request; false where it is one too many. */
bool obi_request_within_rate(struct obi_request_meter *meter, const struct obi_request *request,
			     uint64_t now_ns);

#endif
