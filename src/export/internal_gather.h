/* SPDX-License-Identifier: Apache-2.0 */
/* What the program's own metrics say that nobody reports: read when they are about to be shown. */
#ifndef OBI_EXPORT_INTERNAL_GATHER_H
#define OBI_EXPORT_INTERNAL_GATHER_H

struct obi_settings;

/* settings outlive the last gathering. */
void internal_gather_open(const struct obi_settings *settings);
void internal_gather_close(void);

void internal_gather(void);

#endif
