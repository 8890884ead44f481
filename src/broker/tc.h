/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tc programs on interfaces: TCX links (6.6), which go away with the process, else
 * filters under clsact, of a handle of its own for each agent. What an agent left that was killed
 * is deleted by the next at the same interface; nothing of others is, and who goes before us is
 * said.
 */
#ifndef OBI_BROKER_TC_H
#define OBI_BROKER_TC_H

#include <stdint.h>

#include "broker/options.h"

struct obi_tc;

/* Program descriptors stay the caller's; a negative one is not attached. NULL when out of memory.
 */
struct obi_tc *obi_tc_new(enum obi_tc_backend backend, int ingress_program, int egress_program);
void obi_tc_free(struct obi_tc *tc); /* detaches all */

/* 0 or a negative errno; attaching twice is 0. The name is for the log. */
int obi_tc_attach(struct obi_tc *tc, uint32_t ifindex, const char *name);
void obi_tc_detach(struct obi_tc *tc, uint32_t ifindex);

const char *obi_tc_name(const struct obi_tc *tc);

#endif
