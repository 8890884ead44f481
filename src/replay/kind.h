/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not read as captures: what they are, and what to do about it. */
#ifndef OBI_REPLAY_KIND_H
#define OBI_REPLAY_KIND_H

#include "base/slice.h"

/* So many bytes of a file's beginning tell its kind. */
#define KIND_BYTES 512

/* Words that name the kind and a remedy. There is at least one byte. */
const char *kind_of_file(struct slice begin);

#endif
