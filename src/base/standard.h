/* SPDX-License-Identifier: Apache-2.0 */
/* Standard input, output and error. */
#ifndef OBI_BASE_STANDARD_H
#define OBI_BASE_STANDARD_H

/* What can be held in the place of a descriptor that there is not: reads nothing, takes anything,
 * or where there is no /dev/null neither. A negative errno. */
int standard_nothing(void);

/* Before anything is opened: fills the places of those that are closed, where else the next file or
 * socket would be, and what is said would go into it. */
void standard_hold(void);

#endif
