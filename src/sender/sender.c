// SPDX-License-Identifier: Apache-2.0
/*
 * One epoll loop over: the broker (hands over the end of a new pair; its end is ours), the worker
 * (batches in, answers out), and libcurl's sockets. One thread, beside those in which libcurl
 * resolves names.
 *
 * Order at start: what needs the file system (libcurl and its libraries, certificates), then the
 * sandbox, then the first byte from anybody.
 */
#include "sender/sender.h"

#include <errno.h>
#include <malloc.h>
#include <nss.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "sandbox/sender_rules.h"
#include "sender/lane.h"
#include "sender/reach.h"
#include "sender/resolver.h"
#include "sender/setup.h"
#include "wire/wire.h"

#define MESSAGES_A_TURN 64
#define PUSH_AGAIN_NS (5 * NSEC_PER_MSEC)

struct sender {
	const struct obi_settings *settings;
	struct obi_curl curl;
	CURLM *multi;
	int epoll;
	struct sender_peer peer;
	struct sender_lane lanes[OTLP_SIGNALS];
	struct sender_directory directory;
	uint64_t curl_at;  /* time of libcurl's timer, 0: none */
	uint64_t flush_at; /* end of a flush that goes on, 0: none */
	uint64_t leave_at; /* the broker is gone: the worker has until then, 0: it is there */
	bool stopping;
};

/* ---- libcurl --------------------------------------------------------------------- */

static struct sender_request *request_of(const struct sender *s, CURL *easy)
{
	void *request = NULL;

	s->curl.easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
	return request;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
	struct sender *s = context;
	struct epoll_event event = { .data.fd = fd };
	struct sender_request *request = request_of(s, easy);

	if (request)
		sender_request_uses(request, what == CURL_POLL_REMOVE ? -1 : fd);
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, fd, &event) && errno == ENOENT)
		(void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct sender *s = context;

	s->curl_at =
		timeout_ms < 0 ? 0 : clock_monotonic_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	return 0;
}

static int open_curl(struct sender *s)
{
	char why[256];

	if (obi_curl_open(&s->curl, why, sizeof(why))) {
		log_error("export by OTLP is off: cannot load libcurl", F("error", log_str(why)));
		return -ENOENT;
	}
	log_debug("loaded libcurl", F("version", log_str(s->curl.version)));
	s->multi = s->curl.multi_init();
	if (!s->multi)
		return -ENOMEM;
	/* A connection for each request under way: none waits for the other's window. */
	s->curl.multi_setopt(s->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	s->curl.multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)(2 * SENDER_IN_FLIGHT));
	s->curl.multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	s->curl.multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	s->curl.multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	s->curl.multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	return 0;
}

static struct sender_lane *lane_of(struct sender *s, const struct sender_request *request)
{
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		if (request >= s->lanes[i].requests &&
		    request < s->lanes[i].requests + SENDER_IN_FLIGHT)
			return &s->lanes[i];
	return NULL;
}

static bool is_used(void *context, int fd)
{
	const struct sender *s = context;

	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		for (unsigned k = 0; k < s->lanes[i].request_count; k++)
			if (s->lanes[i].requests[k].connection.fd == fd)
				return true;
	return false;
}

static bool gave_up_on_a_name(const struct sender *s, CURL *easy, CURLcode code)
{
	curl_off_t us = 0;

	s->curl.easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &us);
	return code == CURLE_OPERATION_TIMEDOUT && !us;
}

static void take_finished(struct sender *s)
{
	CURLMsg *message;
	int left;

	while ((message = s->curl.multi_info_read(s->multi, &left))) {
		CURLcode code = message->data.result;
		struct sender_request *request = request_of(s, message->easy_handle);

		if (gave_up_on_a_name(s, message->easy_handle, code))
			sender_resolver_end_hung(is_used, s);
		if (message->msg == CURLMSG_DONE && request)
			sender_lane_finished(lane_of(s, request), request, code,
					     clock_monotonic_ns());
	}
}

/* libcurl gives on what it keeps, not what it reads: an answer without an end may consist of what
 * is skipped. */
static void end_flood(struct sender *s, int fd)
{
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		struct sender_lane *lane = &s->lanes[i];

		for (unsigned k = 0; k < lane->request_count; k++) {
			struct sender_request *request = &lane->requests[k];

			if (request->batch && request->connection.fd == fd && fd >= 0 &&
			    sender_request_is_flooded(request))
				sender_lane_finished(lane, request, CURLE_RECV_ERROR,
						     clock_monotonic_ns());
		}
	}
}

static void act(struct sender *s, curl_socket_t fd, uint32_t events)
{
	int running, mask = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			    (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

	(void)s->curl.multi_socket_action(s->multi, fd, mask, &running);
	end_flood(s, fd);
}

/* ---- Worker and broker ----------------------------------------------------------- */

static int watch_fd(const struct sender *s, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void begin_flush(struct sender *s, const struct obi_batch_flush *flush)
{
	uint64_t now = clock_monotonic_ns();

	s->flush_at = now + flush->timeout_ns;
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		sender_lane_flush(&s->lanes[i], now);
}

static void end_flush(struct sender *s)
{
	bool empty = true;

	if (!s->flush_at)
		return;
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		empty = empty && sender_lane_empty(&s->lanes[i]);
	if (!empty && clock_monotonic_ns() < s->flush_at)
		return;
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		sender_lane_abandon(&s->lanes[i]);
	s->flush_at = 0;
	sender_peer_flushed(&s->peer);
}

static void handle(struct sender *s, uint32_t id, const void *body, size_t size, int *fds,
		   int fd_count)
{
	const struct obi_batch *batch = body;

	if (id == OBI_BATCH_PUT && size == sizeof(*batch) && fd_count == 1 &&
	    batch->signal < OTLP_SIGNALS)
		sender_lane_put(&s->lanes[batch->signal], batch, take_fd(fds[0]),
				clock_monotonic_ns());
	else if (id == OBI_BATCH_FLUSH && size == sizeof(struct obi_batch_flush))
		begin_flush(s, body);
}

static void set_peer(struct sender *s, int fd)
{
	sender_peer_set(&s->peer, fd);
	if (fd < 0)
		return;
	(void)watch_fd(s, fd);
	s->flush_at = 0;
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		s->lanes[i].flushing = false;
		sender_lane_tell_left(&s->lanes[i]);
	}
}

/* One message; false where there is none now. */
static bool read_peer(struct sender *s)
{
	_Alignas(8) uint8_t body[64];
	int fds[OBI_WIRE_FDS], fd_count = 0;
	uint32_t id = 0;
	ssize_t size;

	size = obi_wire_receive(s->peer.fd, &id, body, sizeof(body), fds, &fd_count);
	if (size == -EAGAIN || size == -EINTR)
		return false;
	if (size < 0) {
		set_peer(s, -1);
		s->stopping = s->leave_at != 0;
		return false;
	}
	handle(s, id, body, (size_t)size, fds, fd_count);
	for (int i = 0; i < fd_count; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return true;
}

static void read_broker(struct sender *s)
{
	int fds[OBI_WIRE_FDS], fd_count = 0;
	uint32_t id = 0;
	uint8_t body[8];
	ssize_t size;

	size = obi_wire_receive(OBI_WIRE_FD, &id, body, sizeof(body), fds, &fd_count);
	if (size == -EAGAIN || size == -EINTR)
		return;
	if (size < 0) {
		(void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, OBI_WIRE_FD, NULL);
		s->leave_at = clock_monotonic_ns() + s->settings->global.shutdown_timeout;
		s->stopping = s->peer.fd < 0;
		return;
	}
	if (id == OBI_WIRE_PEER && fd_count == 1)
		set_peer(s, take_fd(fds[0]));
	for (int i = 0; i < fd_count; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

/* ---- Loop ------------------------------------------------------------------------ */

static void earlier(uint64_t *at, uint64_t other)
{
	if (other && (!*at || other < *at))
		*at = other;
}

/* Starts what may start; returns the wait for epoll. */
static int pump(struct sender *s)
{
	uint64_t now = clock_monotonic_ns(), at = s->curl_at;

	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		earlier(&at, sender_lane_pump(&s->lanes[i], now));
	earlier(&at, s->curl_at); /* pumping sets it */
	earlier(&at, s->flush_at);
	earlier(&at, log_next());
	earlier(&at, s->leave_at);
	if (sender_peer_push(&s->peer))
		earlier(&at, now + PUSH_AGAIN_NS);
	if (!at)
		return -1;
	now = clock_monotonic_ns();
	return at > now ? (int)((at - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC) : 0;
}

static void dispatch(struct sender *s, const struct epoll_event *event)
{
	int fd = event->data.fd;

	if (fd == OBI_WIRE_FD) {
		read_broker(s);
	} else if (fd == s->peer.fd) {
		for (int i = 0; i < MESSAGES_A_TURN && s->peer.fd == fd && read_peer(s); i++)
			;
	} else {
		act(s, fd, event->events);
	}
}

static void run_loop(struct sender *s)
{
	struct epoll_event events[16];

	while (!s->stopping) {
		int n = epoll_wait(s->epoll, events, ARRAY_SIZE(events), pump(s));
		uint64_t now;

		for (int i = 0; i < n; i++)
			dispatch(s, &events[i]);
		now = clock_monotonic_ns();
		if (s->curl_at && now >= s->curl_at) {
			s->curl_at = 0;
			act(s, CURL_SOCKET_TIMEOUT, 0);
		}
		take_finished(s);
		end_flush(s);
		log_tick(now);
		if (s->leave_at && now >= s->leave_at)
			s->stopping = true;
	}
}

/* ---- Start and stop -------------------------------------------------------------- */

static int open_lane(struct sender *s, enum otlp_signal signal, char *const *env)
{
	const struct obi_otlp_options *options = &s->settings->otlp;
	struct sender_lane *lane = &s->lanes[signal];
	int error = sender_lane_open(lane, options, signal, &s->curl, s->multi, &s->peer);

	if (error)
		return error == -ENOENT ? 0 : error;
	error = sender_setup_target(&lane->target, options, env);
	if (error == -ENOMEM)
		return error;
	lane->broken = error ? "a file is missing" : NULL;
	log_info("exporting by OTLP",
		 F("signal", log_str(signal == OTLP_TRACES ? "traces" : "metrics")),
		 F("endpoint", log_str(lane->target.endpoint.shown)));
	return 0;
}

/* The spill directory by its descriptor: what stands at its path by now may be another. */
static int close_sandbox(const struct sender *s, char *const *env)
{
	struct sender_reach reach = { .ports = { SENDER_DNS_PORT }, .port_count = 1 };
	char directory[32] = "";
	struct obi_sandbox sandbox;
	const char *step = NULL;
	int error;

	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		if (s->lanes[i].open)
			sender_reach_add(&reach, &s->lanes[i].target.endpoint);
	sender_reach_proxies(&reach, env);
	if (s->directory.fd >= 0)
		(void)snprintf(directory, sizeof(directory), "/proc/self/fd/%d", s->directory.fd);
	error = sender_sandbox_close(directory, &reach, &sandbox, &step);
	if (error) {
		log_error("the sender cannot shut itself in, and does not run without",
			  F("step", log_str(step)), F("error", log_errno(error)));
		return error;
	}
	log_debug("sender sandbox closed", F("landlockABI", log_int(sandbox.landlock)),
		  F("boundingSetEmpty", log_int(sandbox.bounding)));
	return 0;
}

static void warn_of_no_verification(const struct sender *s)
{
	for (size_t i = 0; i < OTLP_SIGNALS; i++) {
		const struct sender_target *target = &s->lanes[i].target;

		if (!s->lanes[i].open || !target->endpoint.tls ||
		    !target->options->insecure_skip_verify)
			continue;
		log_warn("certificates are not verified: who stands between can read and change "
			 "what is sent, and take the credentials",
			 F("option", log_str("insecure_skip_verify")));
		return;
	}
}

static int open_all(struct sender *s, char *const *env)
{
	const struct obi_otlp_options *options = &s->settings->otlp;
	int error = open_curl(s);

	if (error)
		return error;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	for (size_t i = 0; i < OTLP_SIGNALS && !error; i++)
		error = open_lane(s, (enum otlp_signal)i, env);
	if (error)
		return error;
	warn_of_no_verification(s);
	if (*options->common.spill_directory)
		sender_setup_directory(options->common.spill_directory, &s->directory);
	/* No modules of the name service switch: they could not be loaded in the sandbox, and run
	 * code of anybody's. */
	(void)__nss_configure_lookup("hosts", "files dns");
	error = close_sandbox(s, env);
	if (error)
		return error;
	if (s->directory.fd >= 0)
		sender_setup_spill(s->lanes, s->directory.fd, options);
	(void)malloc_trim(0);
	return watch_fd(s, OBI_WIRE_FD);
}

static void close_all(struct sender *s)
{
	for (size_t i = 0; i < OTLP_SIGNALS; i++)
		if (s->lanes[i].curl)
			sender_lane_close(&s->lanes[i]);
	sender_directory_close(&s->directory);
	sender_peer_set(&s->peer, -1);
	free(s->peer.pending);
	if (s->multi)
		(void)s->curl.multi_cleanup(s->multi);
	if (s->epoll >= 0)
		(void)close(s->epoll);
}

int obi_sender_run(const struct obi_settings *settings, char *const *env)
{
	static struct sender s;
	int error;

	s = (struct sender){
		.settings = settings, .epoll = -1, .peer.fd = -1, .directory = { -1, -1 }
	};
	/* Threads of the resolver share the one heap. */
	(void)mallopt(M_ARENA_MAX, 1);
	error = open_all(&s, env);
	if (error && error != -ENOENT)
		log_error("the sender cannot start", F("error", log_errno(error)));
	if (!error)
		run_loop(&s);
	close_all(&s);
	log_flush();
	return error ? OBI_SENDER_CANNOT_RUN : 0;
}
