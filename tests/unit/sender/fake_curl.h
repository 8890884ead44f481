/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libcurl that the test plays: nothing is sent, a transfer ends when and how the test says. Its
 * functions do what the sender uses of the real ones, and check what they are given.
 */
#ifndef OBI_TESTS_SENDER_FAKE_CURL_H
#define OBI_TESTS_SENDER_FAKE_CURL_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "sender/curl_api.h"

#define FAKE_EASIES 16
#define FAKE_LINES 16
#define FAKE_TURN_MS 5

struct fake_answer;

typedef size_t fake_take(char *data, size_t size, size_t count, void *context);

/* An easy handle. */
struct fake_easy {
	bool open;
	uint64_t added; /* the how manieth transfer it is; 0: not under way */
	char url[256], socket[128];
	char *lines[FAKE_LINES]; /* of the request's header, when it was added */
	size_t line_count;
	struct slice body;
	long timeout_ms, http_version, verify_peer, fresh_connect, tls_least;
	struct slice authorities;
	const struct curl_slist *headers;
	char *error;
	fake_take *take_header, *take_body;
	void *header_context, *body_context, *private;
	const struct fake_answer *answer;
};

/* How a transfer ends. */
struct fake_answer {
	CURLcode code;
	const char *error;   /* what stands in the error buffer; NULL: nothing */
	long http;           /* 0: it did not come so far */
	const char *headers; /* lines, trailers too; NULL: none */
	struct slice body;
	size_t times; /* that the body comes, one after the other; SIZE_MAX: without end */
	curl_off_t resolved_us, connected_us, secured_us;
	const char *redirect; /* the URL that it sends to */
};

static struct fake_easy fake_easies[FAKE_EASIES];
static uint64_t fake_added; /* transfers that ever began */
static bool fake_refuses;   /* multi_add_handle() has no memory */
static struct {
	curl_socket_callback on_socket;
	curl_multi_timer_callback on_timer;
	void *socket_context, *timer_context;
} fake_multi;

static struct fake_easy *fake_of(CURL *easy)
{
	struct fake_easy *e = easy;

	if (e < fake_easies || e >= fake_easies + FAKE_EASIES || !e->open)
		abort();
	return e;
}

/* ---- Easy ------------------------------------------------------------------------ */

static CURL *fake_easy_init(void)
{
	for (size_t i = 0; i < FAKE_EASIES; i++) {
		if (fake_easies[i].open)
			continue;
		fake_easies[i] = (struct fake_easy){ .open = true, .verify_peer = 1 };
		return &fake_easies[i];
	}
	return NULL;
}

static void fake_drop_lines(struct fake_easy *e)
{
	for (size_t i = 0; i < e->line_count; i++)
		free(e->lines[i]);
	e->line_count = 0;
}

static void fake_easy_reset(CURL *easy)
{
	struct fake_easy *e = fake_of(easy);

	/* The real one may be reset under way, but nothing of it would make sense. */
	if (e->added)
		abort();
	fake_drop_lines(e);
	*e = (struct fake_easy){ .open = true, .verify_peer = 1 };
}

static void fake_easy_cleanup(CURL *easy)
{
	fake_easy_reset(easy);
	fake_of(easy)->open = false;
}

static void fake_set_pointer(struct fake_easy *e, CURLoption option, void *value)
{
	switch (option) {
	case CURLOPT_URL:
		(void)snprintf(e->url, sizeof(e->url), "%s", (const char *)value);
		break;
	case CURLOPT_UNIX_SOCKET_PATH:
	case CURLOPT_ABSTRACT_UNIX_SOCKET:
		(void)snprintf(e->socket, sizeof(e->socket), "%s", (const char *)value);
		break;
	case CURLOPT_POSTFIELDS:
		e->body.data = value;
		break;
	case CURLOPT_HTTPHEADER:
		e->headers = value;
		break;
	case CURLOPT_ERRORBUFFER:
		e->error = value;
		break;
	case CURLOPT_HEADERDATA:
		e->header_context = value;
		break;
	case CURLOPT_WRITEDATA:
		e->body_context = value;
		break;
	case CURLOPT_PRIVATE:
		e->private = value;
		break;
	default:
		break;
	}
}

static void fake_set_long(struct fake_easy *e, CURLoption option, long value)
{
	if (option == CURLOPT_TIMEOUT_MS)
		e->timeout_ms = value;
	else if (option == CURLOPT_HTTP_VERSION)
		e->http_version = value;
	else if (option == CURLOPT_SSL_VERIFYPEER)
		e->verify_peer = value;
	else if (option == CURLOPT_SSLVERSION)
		e->tls_least = value;
	else if (option == CURLOPT_FRESH_CONNECT)
		e->fresh_connect = value;
}

static CURLcode fake_easy_setopt(CURL *easy, CURLoption option, ...)
{
	struct fake_easy *e = fake_of(easy);
	const struct curl_blob *blob;
	va_list args;

	va_start(args, option);
	if (option >= CURLOPTTYPE_BLOB) {
		blob = va_arg(args, const struct curl_blob *);
		if (option == CURLOPT_CAINFO_BLOB)
			e->authorities = slice_of(blob->data, blob->len);
	} else if (option >= CURLOPTTYPE_OFF_T) {
		if (option == CURLOPT_POSTFIELDSIZE_LARGE)
			e->body.len = (size_t)va_arg(args, curl_off_t);
	} else if (option == CURLOPT_HEADERFUNCTION) {
		e->take_header = va_arg(args, fake_take *);
	} else if (option == CURLOPT_WRITEFUNCTION) {
		e->take_body = va_arg(args, fake_take *);
	} else if (option >= CURLOPTTYPE_OBJECTPOINT) {
		fake_set_pointer(e, option, va_arg(args, void *));
	} else {
		fake_set_long(e, option, va_arg(args, long));
	}
	va_end(args);
	return CURLE_OK;
}

static CURLcode fake_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	static const struct fake_answer nothing;
	const struct fake_easy *e = fake_of(easy);
	const struct fake_answer *answer = e->answer ? e->answer : &nothing;
	va_list args;

	va_start(args, info);
	if (info == CURLINFO_PRIVATE)
		*va_arg(args, void **) = e->private;
	else if (info == CURLINFO_RESPONSE_CODE)
		*va_arg(args, long *) = answer->http;
	else if (info == CURLINFO_REDIRECT_URL)
		*va_arg(args, const char **) = answer->redirect;
	else if (info == CURLINFO_NAMELOOKUP_TIME_T)
		*va_arg(args, curl_off_t *) = answer->resolved_us;
	else if (info == CURLINFO_CONNECT_TIME_T)
		*va_arg(args, curl_off_t *) = answer->connected_us;
	else if (info == CURLINFO_APPCONNECT_TIME_T)
		*va_arg(args, curl_off_t *) = answer->secured_us;
	else
		abort();
	va_end(args);
	return CURLE_OK;
}

static const char *fake_easy_strerror(CURLcode code)
{
	return "an error of libcurl";
}

static struct curl_slist *fake_slist_append(struct curl_slist *list, const char *text)
{
	struct curl_slist *item = calloc(1, sizeof(*item)), **at = &list;

	if (!item)
		abort();
	item->data = strdup(text);
	while (*at)
		at = &(*at)->next;
	*at = item;
	return list;
}

static void fake_slist_free_all(struct curl_slist *list)
{
	while (list) {
		struct curl_slist *next = list->next;

		free(list->data);
		free(list);
		list = next;
	}
}

/* ---- Multi ----------------------------------------------------------------------- */

static CURLM *fake_multi_init(void)
{
	return &fake_multi;
}

static CURLMcode fake_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	va_list args;

	va_start(args, option);
	if (option == CURLMOPT_SOCKETFUNCTION)
		fake_multi.on_socket = va_arg(args, curl_socket_callback);
	else if (option == CURLMOPT_SOCKETDATA)
		fake_multi.socket_context = va_arg(args, void *);
	else if (option == CURLMOPT_TIMERFUNCTION)
		fake_multi.on_timer = va_arg(args, curl_multi_timer_callback);
	else if (option == CURLMOPT_TIMERDATA)
		fake_multi.timer_context = va_arg(args, void *);
	va_end(args);
	return CURLM_OK;
}

static CURLMcode fake_multi_add_handle(CURLM *multi, CURL *easy)
{
	struct fake_easy *e = fake_of(easy);

	if (e->added)
		return CURLM_ADDED_ALREADY;
	if (fake_refuses)
		return CURLM_OUT_OF_MEMORY;
	for (const struct curl_slist *l = e->headers; l && e->line_count < FAKE_LINES; l = l->next)
		e->lines[e->line_count++] = strdup(l->data);
	e->added = ++fake_added;
	e->answer = NULL;
	if (fake_multi.on_timer)
		(void)fake_multi.on_timer(multi, 0, fake_multi.timer_context);
	return CURLM_OK;
}

static CURLMcode fake_multi_remove_handle(CURLM *multi, CURL *easy)
{
	fake_of(easy)->added = 0;
	return CURLM_OK;
}

static CURLMcode fake_multi_cleanup(CURLM *multi)
{
	for (size_t i = 0; i < FAKE_EASIES; i++)
		if (fake_easies[i].added)
			abort();
	memset(&fake_multi, 0, sizeof(fake_multi));
	return CURLM_OK;
}

/* Where there is a loop: how this transfer ends; NULL: not yet. */
static const struct fake_answer *(*fake_decide)(const struct fake_easy *e);

static struct fake_easy *fake_under_way(void);
static CURLcode fake_play(struct fake_easy *e, const struct fake_answer *answer);

static CURLMcode fake_multi_socket_action(CURLM *multi, curl_socket_t fd, int mask, int *running)
{
	if (fake_under_way())
		(void)fake_multi.on_timer(multi, FAKE_TURN_MS, fake_multi.timer_context);
	return CURLM_OK;
}

static CURLMsg *fake_multi_info_read(CURLM *multi, int *left)
{
	static CURLMsg message;
	struct fake_easy *e = fake_under_way();
	const struct fake_answer *answer = e && fake_decide ? fake_decide(e) : NULL;

	if (!answer)
		return NULL;
	message = (CURLMsg){ .msg = CURLMSG_DONE, .easy_handle = e };
	message.data.result = fake_play(e, answer);
	return &message;
}

static CURLcode fake_global_init(long flags)
{
	return CURLE_OK;
}

static curl_version_info_data *fake_version_info(CURLversion version)
{
	return NULL;
}

static const struct obi_curl fake_curl = {
#define X(name_) .name_ = fake_##name_,
	OBI_CURL_FUNCTIONS(X)
#undef X
		.reuses_h2c = true,
};

/* ---- What the test does ---------------------------------------------------------- */

/* The oldest transfer under way; NULL where there is none. */
static struct fake_easy *fake_under_way(void)
{
	struct fake_easy *oldest = NULL;

	for (size_t i = 0; i < FAKE_EASIES; i++) {
		struct fake_easy *e = &fake_easies[i];

		if (e->added && (!oldest || e->added < oldest->added))
			oldest = e;
	}
	return oldest;
}

static void fake_give_headers(struct fake_easy *e, const char *lines)
{
	struct slice rest = slice_cstr(lines);
	char line[2048];

	while (rest.len) {
		ptrdiff_t end = slice_find(rest, '\n');
		size_t len = end < 0 ? rest.len : (size_t)end + 1;

		memcpy(line, rest.data, len);
		if (e->take_header(line, 1, len, e->header_context) != len)
			abort();
		rest = slice_from(rest, len);
	}
}

/* Plays the answer; returns how the transfer ended. It is still added then. */
static CURLcode fake_play(struct fake_easy *e, const struct fake_answer *answer)
{
	size_t times = answer->body.len && !answer->times ? 1 : answer->times;

	e->answer = answer;
	if (answer->headers)
		fake_give_headers(e, answer->headers);
	for (size_t i = 0; i < times; i++)
		if (e->take_body((char *)answer->body.data, 1, answer->body.len, e->body_context) !=
		    answer->body.len)
			return CURLE_WRITE_ERROR;
	if (answer->error)
		(void)snprintf(e->error, CURL_ERROR_SIZE, "%s", answer->error);
	return answer->code;
}

static inline bool fake_has_line(const struct fake_easy *e, const char *line)
{
	for (size_t i = 0; i < e->line_count; i++)
		if (!strcmp(e->lines[i], line))
			return true;
	return false;
}

#endif
