/* SPDX-License-Identifier: ISC */
#ifndef KILLS_KILL_H
#define KILLS_KILL_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/*
 * What the parts of -k share. log.c takes a log piece by piece; line.c says
 * whose a line is and when it was written, message.c what it means. kills.c
 * makes rows of the kills that come out, and print.c shows them.
 *
 * A log is not to be trusted: processes choose their names, and programs write
 * to the same file.
 */

#define COMM (TASK_COMM_LEN - 1)
#define NAME_SIZE 64 /* a comm, whose bytes the log may have escaped */
#define TIME_SIZE 64
#define LINE_SIZE 8192 /* a kernel message has 1 KiB, four times escaped */
#define TEXT_SIZE (3 * LINE_SIZE) /* with the lines that it was broken into */
#define QUOTATION " \t>|#*" /* what mail programs and people put in front */
#define PREFIX_SIZE 256     /* of a longer one, the end */
#define BIGGEST 3
#define KILLS_MAX 1000 /* that are kept and shown */
#define SEEN 65536     /* lines about kills that are remembered */

enum killer {
	KILLER_UNKNOWN,
	KILLER_OOM,   /* memory ran out: mm/oom_kill.c */
	KILLER_MEMCG, /* a memory cgroup reached its limit: the same file */
	KILLER_LOWMEMORYKILLER, /* the Android driver */
	KILLER_USER,            /* from here on in user space: only counted */
	KILLER_OOMD = KILLER_USER,
	KILLER_EARLYOOM,
	KILLER_LMKD,
	KILLERS
};

/* Which scale an adjustment is on. */
enum scale {
	SCALE_UNKNOWN, /* lowmemorykiller's adj has been on both */
	SCALE_OOM_ADJ,
	SCALE_OOM_SCORE_ADJ
};

/* When a line was written. To compare two, -1 is unknown. */
struct when {
	char text[TIME_SIZE]; /* as the log has it; "" if it has no time */
	int64_t boot;         /* microseconds since the boot, or since 1970 */
	int64_t date;         /* seconds since the month began */
};

/* What all processes of a command used. */
struct usage {
	char comm[NAME_SIZE];
	uint64_t rss; /* bytes */
	unsigned int processes;
};

struct kill {
	struct when when;
	unsigned long report; /* the out-of-memory report that it belongs to */
	enum killer killer;
	pid_t pid; /* 0 if unknown */
	char comm[NAME_SIZE];
	bool has_uid, has_rss, has_adj;
	uid_t uid;
	uint64_t rss; /* bytes */
	int adj;
	enum scale scale;
	struct usage biggest[BIGGEST]; /* at that time; 0 processes: none */
};

/* line.c */

enum sender {
	SENDER_NONE,  /* nothing says whose it is, as in dmesg(1)'s output */
	SENDER_FIRST, /* a program, but perhaps only a file or a host */
	SENDER_KERNEL,
	SENDER_OTHER
};

/* What stands before a message, read up to P. */
struct prefix {
	char *p;
	enum sender sender;
	unsigned int nwords;
	unsigned int loose; /* words since the last mark */
	unsigned int hosts; /* words after a time of day: one may be a host */
	bool stamped;       /* there was a mark in brackets */
	bool dated;         /* there was a time of day */
	bool quoted;        /* the message is in quotation marks */
	bool severity;      /* "kern:" came last */
};

struct line {
	char *start, *end;    /* where it is in the log */
	char text[TEXT_SIZE]; /* a copy without colours */
	char *text_end;
	char *from; /* where the part begins that is being read */
	struct prefix prefix;
	bool is_record; /* of /dev/kmsg; then FROM is its message */
	struct when when;
};

/* Copy a text without the colours of a terminal. Returns its end. */
char *copy_text(char *dst, const char *p, const char *end);

/*
 * Copy the line from START to END of the log, which with KMSG must be a record.
 * Returns false if no kernel wrote it: it is of user space, too long, or has a
 * NUL.
 */
bool copy_line(struct line *line, char *start, char *end, bool kmsg);

/* The next message's prefix begins at P. */
void start_prefix(struct line *line, char *p);

/*
 * Whether the MESSAGE in LINE is the kernel's, by what stands before it. STRONG
 * says that the message alone is enough unless another sender is named.
 */
bool is_kernels(struct line *line, const char *message, bool strong);

struct when when_written(const struct line *line, const char *message);

/* How many seconds are between the two, or -1 if that is not known. */
int64_t seconds_apart(const struct when *a, const struct when *b);

/*
 * Where the text begins in the line from P to END, which goes on with another:
 * after the same prefix as that from HEAD to HEAD_END, at another time, or else
 * after indentation and the marks of a quoted mail.
 */
const char *find_continuation(
    const char *p, const char *end, const char *head, const char *head_end);

/* message.c */

enum meaning {
	MEANING_NONE,
	MEANING_KILL,
	MEANING_KILL_SHARED, /* one more, for sharing the last one's memory */
	MEANING_ANNOUNCED, /* the next kill's killer, and perhaps its victim */
	MEANING_ANNOUNCED_GROUP, /* the same for more than one kill */
	MEANING_REPORT           /* an out-of-memory report begins */
};

struct message {
	enum meaning meaning;
	char *start; /* with the opening that names the killer */
	char *end;   /* of what was understood */
	bool strong; /* it has more of the kernel's form than a few words */
	bool cut;    /* the text ended early; the next line may go on with it */
	struct kill kill;
};

/* The words that lines are searched for. Every pattern begins with one. */
#define WORD_KILL "kill" /* or "Kill" */
#define WORD_SIGNAL "sending SIG"
#define WORD_TABLE "tgid total_vm"

/* The patterns, for tests: NULL after the last. */
const char *message_pattern(size_t i);

/* Whether a pattern may begin at WORD. END is that of the line. Cheap. */
bool may_be_message(const char *word, const char *end);

/*
 * Read the message that has WORD in it, in the string TEXT. A page has
 * PAGE_SIZE bytes. Returns its meaning.
 */
enum meaning read_message(
    char *text, char *word, uint64_t page_size, struct message *message);

/* Whether P to END is only the end of an opening. */
bool is_broken_opening(const char *p, const char *end);

/* A line of the task table in an out-of-memory report. */
struct task {
	pid_t pid;
	uid_t uid;
	uint64_t pages;
	int adj;
	char comm[NAME_SIZE];
};

/* Which column of the table has what, from 1 on; 0 where it has none. */
struct heading {
	unsigned int uid, rss, adj, name;
	enum scale scale;
};

/* Read a heading from its bracket on. Returns false if it is none. */
bool read_heading(const char *p, struct heading *heading);

/* The same for a task. */
bool read_task(const char *p, const struct heading *heading, struct task *task);

/* Complete KILL with what another line says about it. */
void complete_kill(struct kill *kill, const struct kill *other);

/* log.c: it keeps no more than a fixed part of a log. */

typedef void kill_fn(const struct kill *kill, void *arg);

struct log;

/*
 * A new reader that calls FN with ARG for each kill. PAGE_SIZE is that of the
 * machine that wrote the log, in bytes: some messages count in pages. Returns
 * NULL if there is no memory.
 */
struct log *log_new(uint64_t page_size, kill_fn *fn, void *arg);

/*
 * Begin another log; nothing of the last one is remembered. With KMSG it is
 * made of records of /dev/kmsg.
 */
void log_start(struct log *log, bool kmsg);

/*
 * Where to put the next part of the log: *LEN bytes, never 0. The place is good
 * until the next call of another function.
 */
char *log_room(struct log *log, size_t *len);

/* LEN bytes have been put there; none if the log is over. */
void log_filled(struct log *log, size_t len);

/* How many kills the log announced, done or not. */
size_t log_announced(const struct log *log);

/* Release LOG, which may be NULL. */
void log_free(struct log *log);

/* kills.c, print.c */

/* A kill: a line of the table. */
struct kill_row {
	struct kill kill;
	struct when last;        /* when the last line about it was written */
	size_t chain;            /* an older row with the same hash, or 0 */
	const char *log;         /* where it was found */
	const struct rule *rule; /* what would decide for it now, or NULL */
};

struct kills {
	const struct config *config;
	size_t n;                /* kills found */
	size_t by_user[KILLERS]; /* kills in user space */
	pid_t last_user_pid;
	size_t announced; /* kills, whether done or not */
	const char *log;  /* that is being read, in the end the last read */
	size_t nlogs;     /* read to their end */
	bool overwritten; /* the kernel's buffer has lost its beginning */
	struct kill_row rows[KILLS_MAX]; /* the newest, in a ring, from 1 on */
	/* By a hash of process id and comm: the newest row */
	size_t chains[KILLS_MAX];
	/* Hashes with the time, of rows that are no longer kept, too */
	uint64_t seen[SEEN];
};

/* How many rows are kept, and the Ith of them from the oldest on. */
size_t kept_rows(const struct kills *kills);
const struct kill_row *kept_row(const struct kills *kills, size_t i);

void print_table(const struct kills *kills, bool json);

/* Print the table, and below it what it does not say. */
void print_kills(const struct kills *kills);

#endif
