// SPDX-License-Identifier: Apache-2.0
#include "sender/spill_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/sandbox.h"

#define LOCK_NAME ".lock"
/* Whoever is about to end gets a moment. */
#define LOCK_TRIES 20
#define LOCK_WAIT_NS 50000000

/* Who will write there: root becomes nobody before the first batch. */
static uid_t writer(void)
{
	return geteuid() == 0 ? OBI_NOBODY : geteuid();
}

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == writer();
}

/* 0, or why others could have a hand in it. */
static int check_directory(int fd, const char **why)
{
	struct stat st;

	*why = "it cannot be looked at";
	if (fstat(fd, &st))
		return -errno;
	*why = "it belongs to another user";
	if (!is_trusted(st.st_uid))
		return -EPERM;
	*why = "every user may write in it: name a directory below it, which is then made";
	return st.st_mode & S_IWOTH ? -EPERM : 0;
}

/* A link is as good as who made it. */
static int check_link(const char *path, const char **why)
{
	struct stat st;

	*why = "it is a link of another user";
	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && !is_trusted(st.st_uid) ? -EPERM : 0;
}

static int open_directory(const char *path, int *ret_fd, const char **why)
{
	bool made = mkdir(path, 0700) == 0;
	_cleanup_close_ int fd = -1;
	int error = check_link(path, why);

	if (error)
		return error;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*why = "it cannot be opened";
	if (fd < 0)
		return -errno;
	if (made && geteuid() == 0 && fchown(fd, OBI_NOBODY, OBI_NOBODY))
		return -errno;
	error = check_directory(fd, why);
	if (!error)
		*ret_fd = take_fd(fd);
	return error;
}

/* ---- The lock -------------------------------------------------------------------- */

static int open_lock(int directory, int *ret_fd)
{
	_cleanup_close_ int fd = openat(
		directory, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !(st.st_uid == geteuid() || is_trusted(st.st_uid)) ||
	    st.st_nlink > 1)
		return -EPERM;
	if (geteuid() == 0 && fchown(fd, OBI_NOBODY, OBI_NOBODY))
		return -errno;
	*ret_fd = take_fd(fd);
	return 0;
}

/* The file may have gone with an agent that ended between the open and the lock. */
static bool still_there(int directory, int lock)
{
	struct stat held, named;

	return fstat(lock, &held) == 0 &&
	       fstatat(directory, LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

static int try_lock(int directory, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int error = open_lock(directory, &fd);

	if (error)
		return error;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return -errno;
	if (!still_there(directory, fd))
		return -EWOULDBLOCK;
	*ret_fd = take_fd(fd);
	return 0;
}

static int take_lock(int directory, int *ret_fd, const char **why)
{
	static const struct timespec wait = { .tv_nsec = LOCK_WAIT_NS };
	int error = try_lock(directory, ret_fd);

	for (int i = 0; i < LOCK_TRIES && error == -EWOULDBLOCK; i++) {
		(void)nanosleep(&wait, NULL);
		error = try_lock(directory, ret_fd);
	}
	*why = error == -EWOULDBLOCK ? "another agent uses it" : "its lock cannot be taken";
	return error;
}

int sender_directory_open(const char *path, struct sender_directory *ret_directory,
			  const char **ret_why)
{
	_cleanup_close_ int fd = -1;
	int lock, error = open_directory(path, &fd, ret_why);

	if (!error)
		error = take_lock(fd, &lock, ret_why);
	if (error)
		return error;
	*ret_directory = (struct sender_directory){ .fd = take_fd(fd), .lock = lock };
	return 0;
}

void sender_directory_close(struct sender_directory *directory)
{
	if (directory->lock >= 0) {
		(void)unlinkat(directory->fd, LOCK_NAME, 0);
		(void)close(directory->lock);
	}
	if (directory->fd >= 0)
		(void)close(directory->fd);
	*directory = (struct sender_directory){ .fd = -1, .lock = -1 };
}
