/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
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
		if (isdigit((unsigned char)d->d_name[0]) &&
		    strlen(d->d_name) <= PID_DIGITS)
			return d->d_name;
	}
	return NULL;
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
			/* As pidof has it, an empty one ends the search. */
			f->script = *arg != '\0' ? arg : NULL;
			return;
		}
	}
}

int
parse_stat(const char *stat, struct facts *f)
{
	/* A name can hold anything, ") S 1" too, but after it no ')' comes. */
	const char *p = strrchr(stat, ')');
	unsigned int flags;
	char state;

	if (p == NULL ||
	    sscanf(p, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2) {
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

	/* The kernel escapes a newline in the name, which comes first. */
	if ((p = strstr(status, "\nUid:")) == NULL ||
	    sscanf(p, "\nUid: %u %u %u", &f->ruid, &f->euid, &f->suid) != 3) {
		errno = EINVAL;
		return -1;
	}
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
begin(struct process *p)
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
	stpcpy(stpcpy(p->prefix, pid), "/");
	p->procfd = p->dirfd = procfd;
	return begin(p);
}

int
process_open(struct process *p)
{
	int saved;

	p->dirfd =
	    openat(p->procfd, p->prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->dirfd == -1)
		return -1;
	p->prefix[0] = '\0';
	if (begin(p) == 0)
		return 0;
	saved = errno;
	close(p->dirfd);
	errno = saved;
	return -1;
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
 * Before Linux 4.1 the namespaces' links tell; and where there are none
 * (before 3.8), there is no telling. A link that cannot be read is no proof.
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
	/* A user of very many groups: what is cut off is not half believed. */
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

/* A daemon whose binary has been upgraded is still that daemon. */
static void
read_exe(struct process *p)
{
	static const char deleted[] = " (deleted)";
	char *exe = p->facts.exe;
	size_t len;

	read_link(p, "exe", exe, sizeof(p->facts.exe));
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
	if (need & FACT_EXE)
		read_exe(p);
	if (need & FACT_CMDLINE)
		join_args(p);
	p->facts.known |= need;
	return 0;
}

int
process_decide(struct process *p, const struct rules *rules, struct decision *d)
{
	for (;;) {
		*d = rules_decide(rules, &p->facts);
		if (d->verdict == VERDICT_NO_MEMORY) {
			errno = ENOMEM;
			return -1;
		}
		if (d->verdict != VERDICT_NEED)
			return 0;
		if (process_read(p, d->need) == -1)
			return -1;
	}
}
