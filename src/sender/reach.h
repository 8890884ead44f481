/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the sender may have to connect to, from what is configured. */
#ifndef OBI_SENDER_REACH_H
#define OBI_SENDER_REACH_H

#include "otlp/endpoint.h"
#include "sandbox/sender_rules.h"

#define SENDER_DNS_PORT 53

/* Adds what an endpoint needs. */
void sender_reach_add(struct sender_reach *reach, const struct otlp_endpoint *endpoint);

/* Takes back the limit of ports where the environment names a proxy. */
void sender_reach_proxies(struct sender_reach *reach, char *const *env);

#endif
