/* SPDX-License-Identifier: Apache-2.0 */
/* The docs page on capabilities, docs/capabilities.md: from the table of tracers alone, the same on
 * every host. */
#ifndef OBI_CAPS_MARKDOWN_H
#define OBI_CAPS_MARKDOWN_H

#include "base/buffer.h"

void obi_caps_print_markdown(struct buffer *buf);

/* Only the table of sets by configuration, for the README. */
void obi_caps_print_sets(struct buffer *buf);

#endif
