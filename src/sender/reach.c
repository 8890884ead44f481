// SPDX-License-Identifier: Apache-2.0
#include "sender/reach.h"

#include "base/cleanup.h"
#include "config/environment.h"

void sender_reach_add(struct sender_reach *reach, const struct otlp_endpoint *endpoint)
{
	reach->unix_sockets |= endpoint->socket[0] != '\0';
	reach->abstract_sockets |= endpoint->socket[0] == '@';
	if (endpoint->port && reach->port_count < ARRAY_SIZE(reach->ports))
		reach->ports[reach->port_count++] = endpoint->port;
}

void sender_reach_proxies(struct sender_reach *reach, char *const *env)
{
	static const char *const names[] = { "http_proxy", "https_proxy", "HTTPS_PROXY",
					     "all_proxy", "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		reach->any_port |= obi_environment_get(env, slice_cstr(names[i])) != NULL;
}
