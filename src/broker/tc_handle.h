/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose filter is it? A filter has no owner and outlives the process that made it. So each agent
 * has a handle of its own, and holds a name in the network namespace that ends with the process (an
 * abstract Unix socket, unix(7)): where the name of a handle can be had, its agent is gone.
 */
#ifndef OBI_BROKER_TC_HANDLE_H
#define OBI_BROKER_TC_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

/* A descriptor that holds the name of a handle, or a negative errno: -EADDRINUSE where an agent
 * lives that has it. */
int obi_tc_handle_hold(uint32_t handle);

/* A handle that no other agent has, and a descriptor that holds its name; -1 where all names are
 * taken: then nobody can tell the filters of this agent once it was killed. */
uint32_t obi_tc_handle_new(int *ret_hold);

/* Is it one whose name can be asked for? */
bool obi_tc_handle_is_held(uint32_t handle);

#endif
