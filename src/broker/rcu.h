/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OBI_BROKER_RCU_H
#define OBI_BROKER_RCU_H

/* Waits until every BPF program that runs now has ended: an RCU grace period. */
void obi_wait_for_programs(void);

#endif
