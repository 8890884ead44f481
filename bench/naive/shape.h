/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the naive yardstick's program and its loader. */
#ifndef BENCH_NAIVE_SHAPE_H
#define BENCH_NAIVE_SHAPE_H

#define NAIVE_CAPTURE 256
#define NAIVE_SYSCALLS 512 /* size of the table of system calls; a power of two */

/* Where a system call has the user's bytes. */
enum naive_kind {
	NAIVE_OTHER,
	NAIVE_BUFFER, /* second argument: the bytes */
	NAIVE_IOVEC,  /* second argument: an array of iovec */
	NAIVE_MSGHDR, /* second argument: a msghdr */
};

struct naive_event {
	unsigned long long time_ns;
	unsigned int pid;
	int result;
	unsigned char bytes[NAIVE_CAPTURE];
};

#endif
