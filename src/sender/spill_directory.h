/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of the queues on disk: one agent's at a time, and no other user's to write in.
 *
 * The lock is on the file ".lock" in it, which nobody else can open, and which goes with an orderly
 * end. Who dies lets go of it.
 */
#ifndef OBI_SENDER_SPILL_DIRECTORY_H
#define OBI_SENDER_SPILL_DIRECTORY_H

struct sender_directory {
	int fd;
	int lock;
};

/* Opens it for the user that the process will be, and makes it if it is missing. 0, or a negative
 * errno with the reason in ret_why (a literal), and nothing is open. */
int sender_directory_open(const char *path, struct sender_directory *ret_directory,
			  const char **ret_why);

/* Lets go of the lock. Also of one that is not open: -1 in both. */
void sender_directory_close(struct sender_directory *directory);

#endif
