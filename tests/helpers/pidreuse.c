/* SPDX-License-Identifier: ISC */

/*
 * pidreuse: find out whether a program ever changes a stranger, which got the
 * PID of the process that was meant.
 *
 * usage: pidreuse [-p] PROGRAM [ARG ...]
 *
 * PROGRAM, run with ARGs, has to set the oom_score_adj of the process "reused"
 * to 500. It is run again and again, in a PID namespace with /proc mounted.
 *Each run is stopped at a later boundary of a system call, from the first call
 *that names the process's directory in /proc to the end of the program. There
 *the process is killed, another one gets the very same PID, and PROGRAM goes
 *on.
 *
 * With -p the path of every file that PROGRAM opens and whose last part is
 * oom_score_adj is replaced by /proc/PID/oom_score_adj, which a program without
 * a descriptor of /proc/PID would open.
 *
 * Prints
 *	boundaries N	at which PROGRAM was stopped
 *	window N	how many of them were before it wrote the value
 *	strangers N	strangers that were changed
 *	failures N	exit statuses other than 0
 */

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <linux/ptrace.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "reused"
#define TARGET 300    /* the PID that is reused */
#define PROGRAM 200   /* the PID of the program */
#define VALUE 500     /* what the program sets */
#define UNTOUCHED 123 /* what a stranger has */

/* One run of the program. */
struct run {
	long stop_at;   /* the boundary to stop at; 0 for none */
	long stops;     /* boundaries so far */
	long named;     /* the one at which the target was first named */
	bool window;    /* stopped before the value was written */
	bool by_path;   /* -p */
	int status;     /* exit status */
	uintptr_t path; /* the address of a path that was replaced, or 0 */
	char saved[64];
};

static void
set_next_pid(pid_t pid)
{
	FILE *f;

	f = fopen("/proc/sys/kernel/ns_last_pid", "w");
	if (f == NULL || fprintf(f, "%d", pid - 1) < 0 || fclose(f) == EOF)
		err(1, "ns_last_pid");
}

static int
get_value(pid_t pid)
{
	char path[64];
	FILE *f;
	int value;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%d", &value) != 1)
		err(1, "%s", path);
	fclose(f);
	return value;
}

static void
set_value(pid_t pid, int value)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	f = fopen(path, "w");
	if (f == NULL || fprintf(f, "%d", value) < 0 || fclose(f) == EOF)
		err(1, "%s", path);
}

/* Start a process with PID TARGET, as NAME or as a stranger. */
static void
start_target(bool stranger)
{
	char c;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1)
		err(1, "pipe");
	set_next_pid(TARGET);
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!stranger) {
			execl("/proc/self/exe", NAME, (char *)NULL);
			_exit(1);
		}
		prctl(PR_SET_NAME, "stranger");
		close(fds[1]);
		for (;;)
			pause();
	}
	if (pid != TARGET)
		errx(1, "PID %d instead of %d", pid, TARGET);
	close(fds[1]);
	/* The child's end of the pipe is closed once the new image runs. */
	while (read(fds[0], &c, 1) == -1 && errno == EINTR)
		;
	close(fds[0]);
	set_value(pid, stranger ? UNTOUCHED : 0);
}

static void
stop_target(void)
{
	if (kill(TARGET, SIGKILL) == -1 || waitpid(TARGET, NULL, 0) != TARGET)
		err(1, "kill");
}

/* Copy the string at ADDR of process PID, at most SIZE bytes, to BUF. */
static void
get_string(pid_t pid, uintptr_t addr, char *buf, size_t size)
{
	size_t i;
	long word;

	for (i = 0; i + sizeof(word) < size; i += sizeof(word)) {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, addr + i, 0);
		if (errno != 0)
			break;
		memcpy(buf + i, &word, sizeof(word));
		if (memchr(&word, '\0', sizeof(word)) != NULL)
			return;
	}
	buf[i] = '\0';
}

/* Write SIZE bytes, a number of whole words, even into read-only memory. */
static void
put_bytes(pid_t pid, uintptr_t addr, const char *buf, size_t size)
{
	size_t i;
	long word;

	for (i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, buf + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, addr + i, word) == -1)
			err(1, "PTRACE_POKEDATA");
	}
}

/* Whether the target's PID is a component of PATH. */
static bool
names_target(const char *path)
{
	char pid[16];
	size_t len;

	len = snprintf(pid, sizeof(pid), "%d", TARGET);
	while (*path != '\0') {
		if (strncmp(path, pid, len) == 0 &&
		    (path[len] == '\0' || path[len] == '/'))
			return true;
		path += strcspn(path, "/");
		path += strspn(path, "/");
	}
	return false;
}

/* Inspect the call that PID is about to make or has made. */
static void
inspect_call(struct run *run, pid_t pid)
{
	struct ptrace_syscall_info info;
	char path[256], other[sizeof(run->saved)] = "";
	const char *base;
	uintptr_t addr;
	size_t i;
	long word;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) == -1) {
		/* Another thread's exit has ended this one meanwhile. */
		if (errno == ESRCH)
			return;
		err(1, "PTRACE_GET_SYSCALL_INFO");
	}
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && run->path != 0) {
		put_bytes(pid, run->path, run->saved, sizeof(run->saved));
		run->path = 0;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	switch (info.entry.nr) {
	case SYS_openat:
	case SYS_readlinkat:
#ifdef SYS_openat2
	case SYS_openat2:
#endif
		addr = info.entry.args[1];
		break;
#ifdef SYS_open
	case SYS_open:
	case SYS_readlink:
		addr = info.entry.args[0];
		break;
#endif
	default:
		return;
	}
	get_string(pid, addr, path, sizeof(path));
	if (run->named == 0 && names_target(path))
		run->named = run->stops;
	base = strrchr(path, '/');
	base = base == NULL ? path : base + 1;
	if (!run->by_path || strcmp(base, "oom_score_adj") != 0)
		return;
	for (i = 0; i < sizeof(run->saved); i += sizeof(word)) {
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, addr + i, 0);
		if (errno != 0)
			err(1, "PTRACE_PEEKDATA");
		memcpy(run->saved + i, &word, sizeof(word));
	}
	run->path = addr;
	snprintf(other, sizeof(other), "/proc/%d/oom_score_adj", TARGET);
	put_bytes(pid, addr, other, sizeof(other));
}

/* Run the program ARGV; at RUN->stop_at put a stranger in the target's place.
 */
static void
trace_program(struct run *run, char **argv)
{
	pid_t program, pid;
	int status, sig;

	set_next_pid(PROGRAM);
	if ((program = fork()) == -1)
		err(1, "fork");
	if (program == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[0], argv);
		err(1, "%s", argv[0]);
	}
	if (waitpid(program, &status, 0) == -1 || !WIFSTOPPED(status))
		err(1, "waitpid");
	if (ptrace(PTRACE_SETOPTIONS, program, 0,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC |
		    PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
		    PTRACE_O_TRACEVFORK) == -1)
		err(1, "PTRACE_SETOPTIONS");
	ptrace(PTRACE_SYSCALL, program, 0, 0);
	for (;;) {
		if ((pid = waitpid(-1, &status, __WALL)) == -1)
			err(1, "waitpid");
		if (!WIFSTOPPED(status)) {
			if (pid != program)
				continue;
			run->status =
			    WIFEXITED(status) ? WEXITSTATUS(status) : 128;
			return;
		}
		sig = WSTOPSIG(status);
		if (sig == (SIGTRAP | 0x80)) {
			run->stops++;
			inspect_call(run, pid);
			if (run->stops == run->stop_at) {
				run->window = get_value(TARGET) != VALUE;
				stop_target();
				start_target(true);
			}
			sig = 0;
		} else if (sig == SIGTRAP || sig == SIGSTOP) {
			sig = 0; /* an event, a new thread */
		}
		ptrace(PTRACE_SYSCALL, pid, 0, sig);
	}
}

/* Be the first process of the namespace. */
static int
try_boundaries(char **argv, bool by_path)
{
	struct run run;
	long first, last, k, window = 0, strangers = 0, failures = 0;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("proc", "/proc", "proc", 0, NULL) == -1)
		err(1, "/proc");

	/* Undisturbed: find the first and the last boundary. */
	memset(&run, 0, sizeof(run));
	start_target(false);
	trace_program(&run, argv);
	if (run.status != 0)
		errx(1, "%s: exit status %d", argv[0], run.status);
	if (run.named == 0)
		errx(1, "%s did not look at the process", argv[0]);
	if (get_value(TARGET) != VALUE)
		errx(1, "%s did not set the process's value", argv[0]);
	stop_target();
	first = run.named;
	last = run.stops;

	for (k = first; k <= last; k++) {
		memset(&run, 0, sizeof(run));
		run.stop_at = k;
		run.by_path = by_path;
		start_target(false);
		trace_program(&run, argv);
		if (run.stops < k) {
			/* this run was shorter */
			last = k - 1;
		} else {
			window += run.window;
			if (get_value(TARGET) != UNTOUCHED) {
				fprintf(stderr,
				    "stranger changed: boundary %ld\n",
				    k - first + 1);
				strangers++;
			}
			if (run.status != 0) {
				fprintf(stderr,
				    "exit status %d: boundary %ld\n",
				    run.status, k - first + 1);
				failures++;
			}
		}
		stop_target();
	}
	printf("boundaries %ld\nwindow %ld\nstrangers %ld\nfailures %ld\n",
	    last - first + 1, window, strangers, failures);
	return fclose(stdout) == EOF;
}

int
main(int argc, char **argv)
{
	bool by_path = false;
	int opt, status;
	pid_t pid;

	if (argc == 1 && strcmp(argv[0], NAME) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	while ((opt = getopt(argc, argv, "+p")) != -1) {
		if (opt != 'p')
			goto usage;
		by_path = true;
	}
	if (argv[optind] == NULL) {
	usage:
		fputs("usage: pidreuse [-p] program [arg ...]\n", stderr);
		return 1;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) == -1)
		err(1, "unshare");
	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(try_boundaries(argv + optind, by_path));
	}
	if (waitpid(pid, &status, 0) == -1)
		err(1, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
