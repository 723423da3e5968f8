/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

const char *
process_next(DIR *proc)
{
	const struct dirent *d;

	while ((d = readdir(proc)) != NULL) {
		size_t n = strspn(d->d_name, "0123456789");

		if (n > 0 && n <= PID_DIGITS && d->d_name[n] == '\0' &&
		    (n < PID_DIGITS || strtol(d->d_name, NULL, 10) <= PID_MAX))
			return d->d_name;
	}
	return NULL;
}

pid_t
process_self(int procfd)
{
	char self[16];
	ssize_t n = readlinkat(procfd, "self", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	return (pid_t)strtol(self, NULL, 10);
}

bool
process_ended(int error)
{
	return error == ENOENT || error == ESRCH;
}

bool
process_exhausted(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

void
parse_args(const char *args, size_t len, struct facts *f)
{
	const char *arg = args, *end = args + len;

	f->has_args = len > 0;
	f->argv0 = args;
	f->script = NULL;
	while ((arg += strlen(arg) + 1) < end) {
		if (*arg != '-') {
			/* As in pidof, an empty argument ends the search. */
			f->script = *arg != '\0' ? arg : NULL;
			return;
		}
	}
}

int
parse_stat(const char *stat, struct facts *f)
{
	/* comm may contain ')': search from the end. */
	const char *p = strrchr(stat, ')');
	unsigned int flags;
	char state;

	f->start = 0;
	if (p == NULL ||
	    sscanf(p,
		") %c %*d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d %*d "
		"%*d %*d %*d %*d %llu",
		&state, &flags, &f->start) < 2) {
		errno = EINVAL;
		return -1;
	}
	f->zombie = state == 'Z' || state == 'X';
	f->kernel_thread = (flags & PF_KTHREAD) != 0;
	return 0;
}

int
parse_status(const char *status, struct facts *f)
{
	const char *p;
	int n, outer, inner;

	/* No name can imitate these lines: the kernel escapes its newlines. */
	if ((p = strstr(status, "\nUid:")) == NULL ||
	    sscanf(p, "\nUid: %u %u %u", &f->ruid, &f->euid, &f->suid) != 3) {
		errno = EINVAL;
		return -1;
	}
	f->ppid = 0;
	if ((p = strstr(status, "\nPPid:")) != NULL)
		f->ppid = (pid_t)strtol(p + strlen("\nPPid:"), NULL, 10);
	if ((p = strstr(status, "\nNSpid:")) == NULL)
		return 0;
	n = sscanf(p + strlen("\nNSpid:"), "%d%*[ \t]%d", &outer, &inner);
	f->contained = n == 2;
	return 1;
}

ssize_t
process_read_file(
    const struct process *p, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd, saved;

	stpcpy(stpcpy(path, p->prefix), name);
	fd = openat(p->dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	saved = errno;
	close(fd);
	errno = saved;
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static ssize_t
read_link(const struct process *p, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	stpcpy(stpcpy(path, p->prefix), name);
	n = readlinkat(p->dirfd, path, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static int
read_args(struct process *p)
{
	ssize_t n;

	n = process_read_file(p, "cmdline", p->args, sizeof(p->args));
	if (n == -1)
		return -1;
	p->args_len = (size_t)n;
	p->facts.known = 0;
	parse_args(p->args, p->args_len, &p->facts);
	return 0;
}

int
process_look(struct process *p, int procfd, const char *pid)
{
	p->pid = (pid_t)strtol(pid, NULL, 10);
	stpcpy(mempcpy(p->prefix, pid, strnlen(pid, PID_DIGITS)), "/");
	p->procfd = p->dirfd = procfd;
	return read_args(p);
}

int
process_open(struct process *p)
{
	int fd;

	if (p->dirfd != p->procfd)
		return 0;
	fd = openat(p->procfd, p->prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	p->dirfd = fd;
	p->prefix[0] = '\0';
	return read_args(p);
}

void
process_close(struct process *p)
{
	int saved = errno;

	if (p->dirfd != p->procfd)
		close(p->dirfd);
	p->dirfd = p->procfd;
	errno = saved;
}

static int
read_comm(struct process *p)
{
	struct facts *f = &p->facts;
	ssize_t n;

	n = process_read_file(p, "comm", f->comm, sizeof(f->comm));
	if (n == -1)
		return -1;
	if (n > 0 && f->comm[n - 1] == '\n')
		f->comm[n - 1] = '\0';
	return 0;
}

/*
 * For kernels without NSpid (before Linux 4.1): compare the links of the
 * namespaces. Before 3.8 there are no links, and every process counts as
 * outside containers. A process whose link cannot be read counts as inside one.
 */
static bool
in_other_pid_namespace(const struct process *p)
{
	char own[64], first[64];

	if (read_link(p, "ns/pid", own, sizeof(own)) == -1)
		return errno != ENOENT;
	if (readlinkat(p->procfd, "1/ns/pid", first, sizeof(first)) !=
	    (ssize_t)strlen(own))
		return true;
	return memcmp(own, first, strlen(own)) != 0;
}

static int
read_status(struct process *p)
{
	char buf[4096], *newline;
	ssize_t n;

	if ((n = process_read_file(p, "status", buf, sizeof(buf))) == -1)
		return -1;
	/* Many groups make the file long: a last line cut short is dropped. */
	if (n == sizeof(buf) - 1 && (newline = strrchr(buf, '\n')) != NULL)
		*newline = '\0';
	switch (parse_status(buf, &p->facts)) {
	case -1:
		return -1;
	case 0:
		p->facts.contained = in_other_pid_namespace(p);
	}
	return 0;
}

static int
read_stat(struct process *p)
{
	char buf[1024];

	if (process_read_file(p, "stat", buf, sizeof(buf)) == -1)
		return -1;
	return parse_stat(buf, &p->facts);
}

/* Drop " (deleted)": a daemon whose binary was upgraded is still that one. */
static void
read_exe(struct process *p)
{
	static const char deleted[] = " (deleted)";
	char *exe = p->facts.exe;
	size_t len;

	p->facts.exe_denied =
	    read_link(p, "exe", exe, sizeof(p->facts.exe)) == -1 &&
	    (errno == EACCES || errno == EPERM);
	len = strlen(exe);
	if (len >= sizeof(deleted) &&
	    strcmp(exe + len - strlen(deleted), deleted) == 0)
		exe[len - strlen(deleted)] = '\0';
}

static void
join_args(struct process *p)
{
	size_t i, len = p->args_len;

	while (len > 0 && p->args[len - 1] == '\0')
		len--;
	for (i = 0; i < len; i++)
		p->cmdline[i] = p->args[i] != '\0' ? p->args[i] : ' ';
	p->cmdline[len] = '\0';
	p->facts.cmdline = p->cmdline;
}

/*
 * A login sets this user id (pam_loginuid(8)), and children inherit it. Before
 * that it is UINT32_MAX. A kernel can be built without the file.
 */
static int
read_loginuid(struct process *p)
{
	char buf[32];

	p->facts.in_session = false;
	if (process_read_file(p, "loginuid", buf, sizeof(buf)) == -1)
		return errno == ENOENT ? 0 : -1;
	p->facts.in_session = strtoul(buf, NULL, 10) < UINT32_MAX;
	return 0;
}

int
process_read(struct process *p, unsigned int need)
{
	need &= ~p->facts.known;
	if ((need & FACT_COMM) && read_comm(p) == -1)
		return -1;
	if ((need & FACT_STAT) && read_stat(p) == -1)
		return -1;
	if ((need & FACT_STATUS) && read_status(p) == -1)
		return -1;
	if ((need & FACT_LOGINUID) && read_loginuid(p) == -1)
		return -1;
	if (need & FACT_EXE)
		read_exe(p);
	if (need & FACT_CMDLINE)
		join_args(p);
	p->facts.known |= need;
	return 0;
}

const char *
process_no_sessions(const char *proc)
{
	static struct process p;
	const char *why = "no process has a loginuid (is pam_loginuid used?)";
	const char *pid;
	DIR *dir;

	if ((dir = opendir(proc)) == NULL)
		return "processes cannot be seen";
	if (faccessat(dirfd(dir), "self/loginuid", F_OK, 0) == -1)
		why = "the kernel has no /proc/PID/loginuid";
	while ((pid = process_next(dir)) != NULL) {
		if (process_look(&p, dirfd(dir), pid) == 0 &&
		    process_read(&p, FACT_LOGINUID) == 0 &&
		    p.facts.in_session) {
			why = NULL;
			break;
		}
	}
	closedir(dir);
	return why;
}
