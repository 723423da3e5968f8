/* SPDX-License-Identifier: ISC */
#ifndef PROCESS_H
#define PROCESS_H

#include <sys/types.h>

#include <dirent.h>
#include <stddef.h>

#include "rule.h"

/* Of a longer command line the rest is not looked at. */
#define CMDLINE_MAX ((size_t)256 * 1024)

/* Of PID_MAX_LIMIT, 4194304, in include/linux/threads.h. */
#define PID_DIGITS 7

/*
 * A process as procfs shows it, read piece by piece as the rules ask. Files
 * are read through dirfd under prefix: "1234/" in /proc itself for a first
 * look, "" in the directory of the process from then on, which can come to
 * mean no other process.
 */
struct process {
	int procfd;
	int dirfd;
	char prefix[PID_DIGITS + sizeof("/")];
	pid_t pid;
	struct facts facts;
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
 * Begin to read process PID, from process_next(), in PROCFD, an open /proc: its
 * command line. Returns 0, or -1 with errno set: ENOENT or ESRCH if it has
 * ended.
 */
int process_look(struct process *p, int procfd, const char *pid);

/*
 * Begin again in the process's own directory. p->dirfd is to be closed.
 * Returns 0, or -1 with errno set and nothing to close.
 */
int process_open(struct process *p);

/*
 * What RULES decide for the process, of which as much is read as they ask for.
 * Never VERDICT_NEED. Returns 0, or -1 with errno set.
 */
int process_decide(
    struct process *p, const struct rules *rules, struct decision *decision);

/*
 * Read what is in NEED (FACT_ bits) and not yet known. Returns 0, or -1 with
 * errno set.
 */
int process_read(struct process *p, unsigned int need);

/*
 * Read file NAME of the process into BUF of SIZE bytes, and a NUL behind.
 * Returns how many bytes, or -1 with errno set.
 */
ssize_t process_read_file(
    const struct process *p, const char *name, char *buf, size_t size);

/*
 * Take argv[0] and the script of /proc/PID/cmdline: the arguments, each ended
 * by NUL; ARGS, of LEN bytes, must have one more NUL behind. FACTS point into
 * it.
 */
void parse_args(const char *args, size_t len, struct facts *facts);

/*
 * Take the state and the flags of /proc/PID/stat (proc_pid_stat(5)), as in
 * "12 (a) b) S 1 12 12 0 -1 4194560 ...". Returns 0, or -1 with errno set to
 * EINVAL.
 */
int parse_stat(const char *stat, struct facts *facts);

/*
 * Take the user ids and the PID namespaces of /proc/PID/status
 * (proc_pid_status(5)), the lines "Uid:" and "NSpid:". Returns 1, or 0 if there
 * is no NSpid (before Linux 4.1), or -1 with errno set to EINVAL.
 */
int parse_status(const char *status, struct facts *facts);

#endif
