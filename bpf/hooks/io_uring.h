/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the plane of the socket tracepoints wants to know of io_uring: see lib/uring.h. */
#ifndef OBI_BPF_HOOKS_IO_URING_H
#define OBI_BPF_HOOKS_IO_URING_H

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit_req, struct io_kiocb *req)
{
	if (uring_is_known())
		uring_submitted(req);
	return 0;
}

SEC("tp_btf/io_uring_poll_arm")
int BPF_PROG(uring_poll_arm, struct io_kiocb *req)
{
	if (uring_is_known())
		uring_waits(req);
	return 0;
}

#endif
