/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random conversation of pipelined exchanges, cut anywhere and interleaved as HTTP allows: a
 * response begins once its request's head has passed, or, early, once its target has.
 *
 * Exchange n asks for /nn and is answered 400 + n, so that a span tells by itself whether it is
 * right.
 */
#ifndef OBI_TESTS_CONN_PIPELINED_H
#define OBI_TESTS_CONN_PIPELINED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PIPELINED_MAX 12

struct pipelined {
	uint64_t seed;
	int count;
	bool early;               /* some answers do not wait for the end of the head */
	bool tame;                /* no body holds a whole head */
	char bytes[2][16 * 1024]; /* of the client, of the server */
	size_t len[2];
	size_t passed[2];
	size_t allowed[PIPELINED_MAX]; /* bytes of the client before response n may begin */
	size_t begins[PIPELINED_MAX];  /* where it does */
	char methods[PIPELINED_MAX][8];
};

/* xorshift64 */
static inline uint32_t pipelined_random(struct pipelined *p, uint32_t below)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return (uint32_t)(p->seed >> 32) % below;
}

static inline void pipelined_add(struct pipelined *p, int from, const char *text)
{
	size_t len = strlen(text);

	memcpy(p->bytes[from] + p->len[from], text, len);
	p->len[from] += len;
}

/* Ends the head, and adds a body: of a length, in chunks, or none. Bodies are full of what looks
 * like heads and is none. */
static inline void pipelined_body(struct pipelined *p, int from, bool none)
{
	static const char *const pieces[] = {
		"GET /99 HTTP/1.1\r\n\r\n", "HTTP/1.1 599 No\r\n\r\n", "x", "\r\n", "0\r\n\r\n",
		"T /98 HTTP/1.1\r\n"
	};
	uint32_t kind = none ? 0 : pipelined_random(p, 3), parts = pipelined_random(p, 4);
	char body[256] = "", line[300];

	for (uint32_t i = 0; i < parts; i++)
		strcat(body, pieces[p->tame ? 2 + pipelined_random(p, 4) : pipelined_random(p, 6)]);
	if (kind == 0) {
		pipelined_add(p, from, from ? "Content-Length: 0\r\n\r\n" : "\r\n");
		return;
	}
	if (kind == 1) {
		snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", strlen(body));
		pipelined_add(p, from, line);
		pipelined_add(p, from, body);
		return;
	}
	pipelined_add(p, from, "Transfer-Encoding: chunked\r\n\r\n");
	for (uint32_t i = 0; i < parts && body[0]; i++) {
		snprintf(line, sizeof(line), "%zx\r\n%s\r\n", strlen(body), body);
		pipelined_add(p, from, line);
	}
	pipelined_add(p, from, pipelined_random(p, 4) ? "0\r\n\r\n" : "0\r\nX: y\r\n\r\n");
}

static inline void pipelined_exchange(struct pipelined *p, int n)
{
	static const char *const methods[] = { "GET", "POST", "HEAD", "get", "M-SEARCH" };
	const char *method = methods[pipelined_random(p, 5)];
	char line[64];
	size_t head;

	snprintf(p->methods[n], sizeof(p->methods[n]), "%.7s", method);
	if (strcmp(method, "M-SEARCH") == 0)
		snprintf(p->methods[n], sizeof(p->methods[n]), "BAN");
	snprintf(line, sizeof(line), "%s /%02d ", p->methods[n], n);
	pipelined_add(p, 0, line);
	p->allowed[n] = p->len[0];
	pipelined_add(p, 0, "HTTP/1.1\r\n");
	if (pipelined_random(p, 2))
		pipelined_add(p, 0, "Host: a.example\r\n");
	head = p->len[0];
	pipelined_body(p, 0, strcmp(p->methods[n], "POST") != 0);
	if (!p->early || pipelined_random(p, 2)) {
		while (memcmp(p->bytes[0] + head - 2, "\r\n\r\n", 4) != 0)
			head++;
		p->allowed[n] = head + 2;
	}
	p->begins[n] = p->len[1];
	if (pipelined_random(p, 8) == 0)
		pipelined_add(p, 1, "HTTP/1.1 100 Continue\r\n\r\n");
	snprintf(line, sizeof(line), "HTTP/1.%u %d Some Reason\r\n", 1, 400 + n);
	pipelined_add(p, 1, line);
	pipelined_body(p, 1, strcmp(p->methods[n], "HEAD") == 0);
}

static inline void pipelined_make(struct pipelined *p, uint64_t seed, bool early, bool tame)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed * 0x9e3779b97f4a7c15ULL | 1;
	p->early = early;
	p->tame = tame;
	for (int i = 0; i < 8; i++)
		(void)pipelined_random(p, 2);
	p->count = 1 + (int)pipelined_random(p, PIPELINED_MAX);
	for (int n = 0; n < p->count; n++)
		pipelined_exchange(p, n);
}

/* The next chunk; false when all has passed. */
static inline bool pipelined_next(struct pipelined *p, int *ret_from, const char **ret_bytes,
				  size_t *ret_len)
{
	size_t may[2] = { p->len[0] - p->passed[0], p->len[1] };
	uint32_t scale = pipelined_random(p, 4);
	int from;

	for (int n = p->count - 1; n >= 0; n--)
		if (p->passed[0] < p->allowed[n])
			may[1] = p->begins[n];
	may[1] -= p->passed[1];
	if (!may[0] && !may[1])
		return false;
	from = !may[0] || (may[1] && pipelined_random(p, 2));
	*ret_len = 1 + pipelined_random(p, scale == 0 ? 3 : scale == 1 ? 30 : 300);
	if (scale == 3 || *ret_len > may[from])
		*ret_len = may[from];
	if (*ret_len > 1024)
		*ret_len = 1024;
	*ret_from = from;
	*ret_bytes = p->bytes[from] + p->passed[from];
	p->passed[from] += *ret_len;
	return true;
}

#endif
