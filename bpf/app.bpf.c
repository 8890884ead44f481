// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The application tracer. lib/ holds what happens to a message, hooks/ the planes: ways in,
 * of which the loader picks one.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "obi/order.h"
#include "obi/parent.h"
#include "obi/process.h"
#include "obi/record.h"
#include "obi/sampler.h"
#include "obi/tls.h"

#include "lib/shared.h"
#include "lib/maps.h"
#include "lib/pid.h"
#include "lib/events.h"
#include "lib/ring.h"
#include "lib/guess.h"
#include "lib/pieces.h"
#include "lib/user_data.h"
#include "lib/several.h"
#include "lib/iter.h"
#include "lib/uring.h"
#include "lib/unread.h"
#include "lib/conn.h"
#include "lib/session.h"
#include "lib/trace.h"
#include "lib/head.h"
#include "lib/kin.h"
#include "lib/record.h"
#include "lib/frames.h"
#include "lib/stream.h"
#include "lib/message.h"
#include "lib/tls_socket.h"
#include "lib/process.h"
#include "lib/state.h"
#include "lib/inject.h"

#include "hooks/socket_tracepoints.h"
#include "hooks/io_uring.h"
#include "hooks/fentry.h"
#include "hooks/kprobe.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";
