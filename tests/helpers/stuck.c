/* SPDX-License-Identifier: ISC */

/*
 * stuck: be a process whose /proc/PID/cmdline cannot be read. A process that
 * tries sleeps in the kernel until this program ends; only a signal that kills
 * wakes it.
 *
 * To read a process's arguments the kernel takes its mmap_lock for reading.
 * Here a child maps a file of a file system (FUSE) that never answers a read;
 * its own child reads that page through /proc/PID/mem and so sleeps with the
 * lock held for reading. Then the first child wants the lock for writing and
 * has to wait, and every later reader has to wait for the first child.
 *
 * The time is limited, since every program on the machine that lists processes
 * is held up. When this program ends, the file system is gone and all go on.
 */

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <linux/fuse.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t page_size;

/* Mount the file system over FILE, as a file, for this process and children. */
static int
mount_over(const char *file)
{
	char options[64];
	int fuse;

	if (unshare(CLONE_NEWNS) == -1)
		err(1, "CLONE_NEWNS");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		err(1, "/");
	if ((fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC)) == -1)
		err(1, "/dev/fuse");
	snprintf(options, sizeof(options),
	    "fd=%d,rootmode=100000,user_id=0,group_id=0", fuse);
	if (mount("stuck", file, "fuse", MS_NOSUID | MS_NODEV, options) == -1)
		err(1, "mount");
	return fuse;
}

/* Answer all requests up to the first read of the file, but not that. */
static void
answer_requests(int fuse)
{
	static char buf[FUSE_MIN_READ_BUFFER * 16];
	const struct fuse_in_header *in = (struct fuse_in_header *)buf;
	struct {
		struct fuse_out_header header;
		union {
			struct fuse_init_out init;
			struct fuse_attr_out attr;
			struct fuse_open_out open;
		} u;
	} out;

	for (;;) {
		if (read(fuse, buf, sizeof(buf)) == -1) {
			if (errno == EINTR)
				continue;
			err(1, "/dev/fuse");
		}
		memset(&out, 0, sizeof(out));
		out.header.unique = in->unique;
		out.header.len = sizeof(out.header);
		switch (in->opcode) {
		case FUSE_INIT:
			out.u.init.major = FUSE_KERNEL_VERSION;
			out.u.init.minor = FUSE_KERNEL_MINOR_VERSION;
			out.u.init.max_write = 4096;
			out.header.len += sizeof(out.u.init);
			break;
		case FUSE_GETATTR:
			out.u.attr.attr_valid = 3600;
			out.u.attr.attr.ino = in->nodeid;
			out.u.attr.attr.mode = S_IFREG | 0444;
			out.u.attr.attr.nlink = 1;
			out.u.attr.attr.size = page_size;
			out.header.len += sizeof(out.u.attr);
			break;
		case FUSE_OPEN:
			out.header.len += sizeof(out.u.open);
			break;
		case FUSE_READ:
			return;
		default:
			out.header.error = -ENOSYS;
		}
		if (write(fuse, &out, out.header.len) == -1)
			err(1, "/dev/fuse");
	}
}

/* Read PAGE of process PID. Until the read ends, its mmap_lock is held. */
static _Noreturn void
hold_lock(pid_t pid, const void *page)
{
	char path[64], c;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	if ((fd = open(path, O_RDONLY)) == -1)
		err(1, "%s", path);
	/* This fails when the file system ends. */
	_exit(pread(fd, &c, 1, (uintptr_t)page) == 1 ? 0 : 1);
}

/* Be the process that gets stuck, once there is a byte to read from GO. */
static _Noreturn void
get_stuck(const char *file, int go)
{
	struct stat st;
	char *page, c;
	pid_t pid;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((fd = open(file, O_RDONLY)) == -1 || fstat(fd, &st) == -1)
		err(1, "%s", file);
	page = mmap(NULL, page_size, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		err(1, "mmap");
	pid = getpid();
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		hold_lock(pid, page);
	}
	if (read(go, &c, 1) != 1)
		err(1, "pipe");
	mmap(NULL, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	_exit(0);
}

/* Read the state of process PID, from "812 (sshd) S 1 ..." */
static char
read_state(pid_t pid)
{
	char path[64], buf[512], *p;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if ((stat = fopen(path, "r")) == NULL)
		err(1, "%s", path);
	buf[fread(buf, 1, sizeof(buf) - 1, stat)] = '\0';
	fclose(stat);
	p = strrchr(buf, ')');
	return p == NULL ? '\0' : p[2];
}

int
main(int argc, char **argv)
{
	static char self[PATH_MAX];
	unsigned int seconds;
	int fuse, go[2];
	pid_t pid;

	if (argc != 2 || (seconds = atoi(argv[1])) == 0) {
		fputs("usage: stuck seconds\n", stderr);
		return 1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(seconds);
	page_size = sysconf(_SC_PAGESIZE);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) == -1)
		err(1, "/proc/self/exe");
	fuse = mount_over(self);
	if (pipe(go) == -1)
		err(1, "pipe");
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		close(fuse);
		get_stuck(self, go[0]);
	}
	answer_requests(fuse);
	if (write(go[1], "", 1) != 1)
		err(1, "pipe");
	while (read_state(pid) != 'D')
		usleep(1000);
	printf("%d\n", pid);
	fflush(stdout);
	for (;;)
		pause();
}
