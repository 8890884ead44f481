/* SPDX-License-Identifier: Apache-2.0 */
/* The Huffman code of HPACK's strings (RFC 7541 section 5.2 and Appendix B). */
#ifndef OBI_PROTOCOL_HTTP2_HUFFMAN_H
#define OBI_PROTOCOL_HTTP2_HUFFMAN_H

#include <stdbool.h>

#include "base/slice.h"

/* Decodes in to room, which holds len bytes.
 * Returns the bytes written. Where the text is longer than len, its first len bytes are written,
 * *ret_cut is true, and what follows them is not looked at.
 * -EPROTO where in says EOS, or ends in padding of more than 7 bits or of other bits than ones:
 * then room holds nothing of use. */
ptrdiff_t huffman_decode(struct slice in, uint8_t *room, size_t len, bool *ret_cut);

#endif
