/* SPDX-License-Identifier: ISC */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "rule.h"

/*
 * Arguments after these are not seen: any user can start a process that has
 * megabytes of them, and regexec(3) may take time by their square.
 */
#define CMDLINE_MAX ((size_t)32 * 1024)

/* Of PID_MAX_LIMIT, 4194304, in include/linux/threads.h. */
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
	int dirfd; /* procfd, until it is opened */
	char prefix[PID_DIGITS + sizeof("/")];
	pid_t pid;
	struct facts facts;
	const char *value_file; /* with FACT_VALUE: where it was read */
	char args[CMDLINE_MAX + 1];
	char cmdline[CMDLINE_MAX + 1];
	size_t args_len;
};

/*
 * The next process in PROC, an open /proc, or NULL after the last: its PID in
 * decimal.
 */
const char *process_next(DIR *proc);

/*
 * Our own PID as PROCFD, an open /proc, counts; 0 if we are in a PID namespace
 * that it does not show.
 */
pid_t process_self(int procfd);

/*
 * Begin to read process PID, a decimal number, in PROCFD, an open /proc: its
 * command line. process_close() must follow. Returns 0, or -1 with errno set:
 * ENOENT or ESRCH if it has ended.
 */
int process_look(struct process *p, int procfd, const char *pid);

/*
 * Begin again in the process's own directory. Does nothing if it is open.
 * Returns 0, or -1 with errno set.
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
 * Why no process in PROC, where procfs is mounted, is in a login session that
 * the kernel knows (its loginuid is not set), or NULL if some process is.
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
