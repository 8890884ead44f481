/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BROKER_CGROUP_H
#define OBI_BROKER_CGROUP_H

/* Opens the root of the cgroup2 hierarchy, wherever it is mounted (alone or beside version 1). A
 * descriptor, or -ENOENT, or another negative errno. */
int obi_cgroup_open_root(void);

/* How many sock_ops programs are attached to it, or a negative errno. Takes CAP_NET_ADMIN. */
int obi_cgroup_sock_ops(int cgroup);

#endif
