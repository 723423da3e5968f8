/* SPDX-License-Identifier: ISC */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "rule.h"

/*
 * The first bytes of the arguments are all that is read: any user can start a
 * process with megabytes of them, and the time that regexec(3) takes may grow
 * with their square.
 */
#define CMDLINE_MAX ((size_t)32 * 1024)

/* PID_MAX_LIMIT of include/linux/threads.h, and its digits */
#define PID_MAX 4194304
#define PID_DIGITS 7

/*
 * A process as procfs shows it, read piece by piece as the rules need it.
 * process_look() reads files by PID, "1234/cmdline" in /proc: enough to see
 * that no rule matches. What a write depends on is read after process_open(),
 * through the directory descriptor of /proc/1234, which stays this process's
 * even if the PID is reused.
 */
struct process {
	int procfd;
	int dirfd; /* procfd until process_open() */
	char prefix[PID_DIGITS + sizeof("/")];
	pid_t pid;
	struct facts facts;
	const char *value_file; /* what FACT_VALUE was read from */
	char args[CMDLINE_MAX + 1];
	char cmdline[CMDLINE_MAX + 1];
	size_t args_len;
};

/*
 * Return the PID of the next process in PROC, an open /proc, as a decimal
 * number, or NULL after the last process.
 */
const char *process_next(DIR *proc);

/*
 * Return our own PID as PROCFD, an open /proc, shows it; 0 if it does not show
 * our PID namespace.
 */
pid_t process_self(int procfd);

/*
 * Begin to read process PID, a decimal number, in PROCFD, an open /proc: its
 * command line. process_close() must follow. Returns 0, or -1 with errno set:
 * ENOENT or ESRCH if it has ended.
 */
int process_look(struct process *p, int procfd, const char *pid);

/*
 * Open the process's own directory and begin again there. Does nothing if it is
 * open already. Returns 0, or -1 with errno set.
 */
int process_open(struct process *p);

/* Close what process_open() has opened, if it was called. */
void process_close(struct process *p);

/* Whether ERROR, an errno value, says that the process has ended. */
bool process_ended(int error);

/*
 * Whether ERROR says that we are out of descriptors or memory: the next process
 * would fail too.
 */
bool process_exhausted(int error);

/*
 * Read what is in NEED (FACT_ bits but VALUE and PARENT) and not yet known.
 * Returns 0, or -1 with errno set.
 */
int process_read(struct process *p, unsigned int need);

/*
 * Read file NAME of the process into BUF, which has SIZE bytes, and add a NUL.
 * Returns the number of bytes, or -1 with errno set.
 */
ssize_t process_read_file(
    const struct process *p, const char *name, char *buf, size_t size);

/*
 * Return NULL if any process in PROC, where procfs is mounted, is in a login
 * session (its loginuid is set), or else the reason why none is.
 */
const char *process_no_sessions(const char *proc);

/*
 * Parse /proc/PID/cmdline: the arguments, each ended by NUL. Sets has_args,
 * argv0 and script, which point into ARGS. ARGS has LEN bytes and one more NUL
 * after them.
 */
void parse_args(const char *args, size_t len, struct facts *facts);

/*
 * Parse /proc/PID/stat (proc_pid_stat(5)), as in
 * "12 (a) b) S 1 12 12 0 -1 4194560 ...". Sets zombie, kernel_thread and start.
 * Returns 0, or -1 with errno set to EINVAL.
 */
int parse_stat(const char *stat, struct facts *facts);

/*
 * Parse /proc/PID/status (proc_pid_status(5)), the lines "Uid:", "PPid:" and
 * "NSpid:". Sets ruid, euid, suid, ppid and contained. Returns 1, or 0 if there
 * is no NSpid (before Linux 4.1), or -1 with errno set to EINVAL.
 */
int parse_status(const char *status, struct facts *facts);

#endif
