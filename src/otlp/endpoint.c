// SPDX-License-Identifier: Apache-2.0
#include "otlp/endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/slice.h"

#define LONGEST_PATH 48 /* of gRPC's methods, and more than of HTTP's */

struct parts {
	bool tls;
	struct slice authority; /* host and port, without user */
	struct slice user;      /* "name:password@", or empty */
	struct slice port;      /* digits, or empty */
	struct slice path;      /* from '/', or empty */
	struct slice query;     /* from '?', or empty */
};

static const char *const http_paths[OTLP_SIGNALS] = {
	[OTLP_TRACES] = "/v1/traces",
	[OTLP_METRICS] = "/v1/metrics",
};

/* opentelemetry-proto, collector/{trace,metrics}/v1/. */
static const char *const grpc_paths[OTLP_SIGNALS] = {
	[OTLP_TRACES] = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
	[OTLP_METRICS] = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

static struct slice take_until(struct slice *in, const char *ends)
{
	size_t len = 0;

	while (len < in->len && !(in->data[len] && strchr(ends, in->data[len])))
		len++;
	*in = slice_from(*in, len);
	return slice_of(in->data - len, len);
}

/* Splits "host:port"; RFC 3986 section 3.2. */
static bool read_authority(struct slice in, struct parts *parts)
{
	struct slice host;
	unsigned port = 0;

	for (size_t i = in.len; i > 0; i--) {
		if (in.data[i - 1] == '@') {
			parts->user = slice_first(in, i);
			in = slice_from(in, i);
			break;
		}
	}
	parts->authority = in;
	if (in.len && in.data[0] == '[') {
		host = take_until(&in, "]");
		if (in.len == 0 || host.len < 3)
			return false;
		in = slice_from(in, 1);
	} else {
		host = take_until(&in, ":");
	}
	if (host.len == 0)
		return false;
	if (in.len == 0)
		return true;
	parts->port = slice_from(in, 1);
	if (in.data[0] != ':' || parts->port.len == 0 || parts->port.len > 5)
		return false;
	for (size_t i = 0; i < parts->port.len; i++) {
		if (parts->port.data[i] < '0' || parts->port.data[i] > '9')
			return false;
		port = port * 10 + (unsigned)(parts->port.data[i] - '0');
	}
	return port > 0 && port <= 65535;
}

/* Blanks around it are nobody's intention, nor is the end of the line of the file that it came
 * from.
 */
static struct slice bare(const char *url)
{
	struct slice text = slice_cstr(url);

	while (text.len && text.data[text.len - 1] <= ' ')
		text.len--;
	while (text.len && text.data[0] <= ' ')
		text = slice_from(text, 1);
	return text;
}

static bool has_blanks(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] == 0x7f)
			return true;
	return false;
}

/* Letters of a scheme are the same in both cases, RFC 3986 section 3.1. */
static bool take_scheme(struct slice *in, const char *scheme)
{
	struct slice wanted = slice_cstr(scheme);

	if (!slice_equal_nocase(slice_first(*in, wanted.len), wanted))
		return false;
	*in = slice_from(*in, wanted.len);
	return true;
}

/* NULL, or what was expected in its place. */
static const char *read_url(const char *url, struct parts *ret_parts)
{
	struct slice rest = bare(url);
	struct parts parts = { 0 };

	if (rest.len > OTLP_URL_MAX - 1 - 2 * LONGEST_PATH)
		return "a shorter URL";
	if (has_blanks(rest))
		return "a URL without blanks in it";
	if (take_scheme(&rest, "https://"))
		parts.tls = true;
	else if (!take_scheme(&rest, "http://"))
		return "a URL that begins with http:// or https://, such as http://collector:4318, "
		       "or unix:///path";
	if (!read_authority(take_until(&rest, "/?#"), &parts))
		return "a host behind http://, IPv6 in brackets, and a port from 1 to 65535 where "
		       "there is one, such as http://[::1]:4318";
	parts.path = take_until(&rest, "?#");
	parts.query = take_until(&rest, "#");
	*ret_parts = parts;
	return NULL;
}

static bool names_socket(const char *url, struct slice *ret_name)
{
	*ret_name = bare(url);
	return take_scheme(ret_name, "unix://");
}

/* What stands after "unix://": an absolute path, or @ and a name; false: no such endpoint. */
static bool socket_of(const char *url, struct slice *ret_name)
{
	if (!names_socket(url, ret_name) || !ret_name->len)
		return false;
	if (ret_name->data[0] == '/')
		return ret_name->len < OTLP_SOCKET_MAX;
	return ret_name->data[0] == '@' && ret_name->len > 1 && ret_name->len <= OTLP_SOCKET_MAX;
}

int otlp_endpoint_check(const char *url, char *why, size_t why_size)
{
	const char *expected;
	struct parts parts;
	struct slice name;

	if (socket_of(url, &name))
		return 0;
	if (names_socket(url, &name))
		expected = "an absolute path behind unix://, or @ and a name, of at most 107 bytes";
	else
		expected = read_url(url, &parts);
	if (!expected)
		return 0;
	(void)snprintf(why, why_size, "%s", expected);
	return -EINVAL;
}

static enum otlp_protocol protocol_of(int given, struct slice port)
{
	if (given != OTLP_PROTOCOL_GUESS)
		return (enum otlp_protocol)given;
	if (port.len >= 4 && memcmp(port.data + port.len - 4, "4317", 4) == 0)
		return OTLP_PROTOCOL_GRPC;
	return OTLP_PROTOCOL_HTTP_PROTOBUF;
}

/* Its digits were checked. */
static uint16_t port_of(const struct parts *parts)
{
	unsigned port = 0;

	for (size_t i = 0; i < parts->port.len; i++)
		port = port * 10 + (unsigned)(parts->port.data[i] - '0');
	return (uint16_t)(port ? port : parts->tls ? 443 : 80);
}

/* Appends the signal's path to a base, unless it ends so: some write it out. */
static void append_path(struct slice base, const char *path, char *ret_path, size_t size)
{
	struct slice suffix = slice_cstr(path);

	if (base.len >= suffix.len && slice_equal(slice_from(base, base.len - suffix.len), suffix))
		base.len -= suffix.len;
	while (base.len && base.data[base.len - 1] == '/')
		base.len--;
	(void)snprintf(ret_path, size, SLICE_FMT "%s", SLICE_ARG(base), path);
}

/* Texts are short enough by the limit in read_url(). */
__attribute__((format(printf, 3, 4))) static void print(char *to, size_t size, const char *format,
							...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(to, size, format, args);
	va_end(args);
}

static void fill_url(const struct parts *parts, bool common, enum otlp_signal signal,
		     struct otlp_endpoint *ret)
{
	const char *scheme = parts->tls ? "https" : "http";
	struct slice query = parts->query;
	char path[OTLP_URL_MAX];

	if (ret->protocol == OTLP_PROTOCOL_GRPC) {
		print(path, sizeof(path), "%s", grpc_paths[signal]);
		query.len = 0;
	} else if (common || parts->path.len == 0) {
		append_path(parts->path, http_paths[signal], path, sizeof(path));
	} else {
		print(path, sizeof(path), SLICE_FMT, SLICE_ARG(parts->path));
	}
	print(ret->url, sizeof(ret->url), "%s://" SLICE_FMT SLICE_FMT "%s" SLICE_FMT, scheme,
	      SLICE_ARG(parts->user), SLICE_ARG(parts->authority), path, SLICE_ARG(query));
	print(ret->shown, sizeof(ret->shown), "%s://" SLICE_FMT "%s", scheme,
	      SLICE_ARG(parts->authority), ret->protocol == OTLP_PROTOCOL_GRPC ? "" : path);
}

int otlp_endpoint_of(const struct obi_otlp_options *options, enum otlp_signal signal,
		     struct otlp_endpoint *ret_endpoint)
{
	const struct obi_otlp_target_options *target = obi_otlp_target(options, signal);
	const char *url = obi_otlp_endpoint(options, signal);
	struct otlp_endpoint endpoint = { 0 };
	struct parts parts = { .authority = SLICE_LIT("localhost") };
	struct slice name;
	bool socket = socket_of(url, &name);

	if (!*url)
		return -ENOENT;
	if (!socket && read_url(url, &parts))
		return -EINVAL;
	endpoint.tls = parts.tls;
	endpoint.port = socket ? 0 : port_of(&parts);
	endpoint.protocol = protocol_of(target->protocol, parts.port);
	fill_url(&parts, !*target->endpoint, signal, &endpoint);
	if (socket) {
		print(endpoint.socket, sizeof(endpoint.socket), SLICE_FMT, SLICE_ARG(name));
		print(endpoint.shown, sizeof(endpoint.shown), "unix://" SLICE_FMT, SLICE_ARG(name));
	}
	*ret_endpoint = endpoint;
	return 0;
}
