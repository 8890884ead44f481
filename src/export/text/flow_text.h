/* SPDX-License-Identifier: Apache-2.0 */
/* A network flow as one line of text: what `network.print_flows` prints. */
#ifndef OBI_EXPORT_TEXT_FLOW_TEXT_H
#define OBI_EXPORT_TEXT_FLOW_TEXT_H

#include "base/buffer.h"
#include "flow/flow.h"

/* Appends the line without '\n'. */
void flow_put_text(const struct obi_flow_record *record, struct buffer *buf);

#endif
