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

#define NAME_SIZE 64 /* a comm, whose bytes the log may have escaped */
#define TIME_SIZE 64
#define LINE_SIZE 8192      /* a kernel message has 1 KiB, four times escaped */
#define QUOTATION " \t>|#*" /* what mail programs and people put in front */
#define BIGGEST 3
#define KILLS_MAX 1000 /* that are kept and shown */

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
	int64_t boot; /* microseconds since the boot, or since 1970 */
	int64_t date; /* seconds since the month began */
};

/* What all processes of a command used. */
struct usage {
	char comm[NAME_SIZE];
	uint64_t rss; /* bytes */
	unsigned int processes;
};

struct kill {
	struct when when;
	char time[TIME_SIZE]; /* the same as the log has it, "" if unknown */
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

struct line {
	char text[3 * LINE_SIZE]; /* without colours; there is room to add */
	char *end;
	char *from;       /* where the part begins that is being read */
	bool resumed;     /* a message of the kernel's ends there */
	bool is_record;   /* of /dev/kmsg; then FROM is its message */
	struct when when; /* of a record, and the same as text: */
	char time[TIME_SIZE];
};

/*
 * Copy a text without the colours of a terminal, blanks at the end and the "="
 * of an encoded mail after them. Returns its end.
 */
char *copy_text(char *dst, const char *p, const char *end);

/*
 * Copy the line from START to END of the log, which with KMSG must be a record.
 * Returns false if no kernel wrote it: it is of user space, too long, or has a
 * NUL.
 */
bool copy_line(
    struct line *line, const char *start, const char *end, bool kmsg);

enum trust {
	TRUST_NOT,
	TRUST_STRONG, /* only a message with much of the kernel's form */
	TRUST
};

/* Whether the MESSAGE in LINE is the kernel's, by what stands before it. */
enum trust is_kernels(const struct line *line, const char *message);

/* When it was written, which is put into TIME as the log has it. */
struct when when_written(
    const struct line *line, const char *message, char time[TIME_SIZE]);

/* How many seconds are between the two, or -1 if that is not known. */
int64_t seconds_apart(const struct when *a, const struct when *b);

/*
 * If the text from P to END begins as that from HEAD to HEAD_END does, perhaps
 * at another time: where that ends, else NULL.
 */
const char *skip_prefix(
    const char *p, const char *end, const char *head, const char *head_end);

/* message.c */

enum meaning {
	MEANING_KILL,
	MEANING_KILL_SHARED, /* one more, for sharing the last one's memory */
	MEANING_ANNOUNCED, /* the next kill's killer, and perhaps its victim */
	MEANING_ANNOUNCED_GROUP, /* the same for more than one kill */
	MEANING_REPORT,          /* an out-of-memory report begins */
	MEANING_NONE
};

struct message {
	enum meaning meaning;
	char *start; /* with the opening that names the killer */
	char *end;   /* of what was understood */
	bool strong; /* it has more of the kernel's form than a few words */
	bool cut;    /* the text ended early: the next line may go on with it */
	bool broken; /* the text begins with the end of an opening */
	uint64_t page_size;
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
bool read_task(char *p, const struct heading *heading, struct task *task);

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

/*
 * LEN bytes have been put there; none if the log is over. Returns how many
 * kills it has announced so far, done or not.
 */
size_t log_filled(struct log *log, size_t len);

/* Release LOG, which may be NULL. */
void log_free(struct log *log);

/* kills.c, print.c */

/* A kill: a line of the table. */
struct kill_row {
	struct kill kill;
	const char *log;         /* where it was found */
	const struct rule *rule; /* what would decide for it now, or NULL */
};

struct kills {
	const struct config *config;
	size_t n;                /* kills found */
	size_t by_user[KILLERS]; /* kills in user space */
	size_t announced;        /* kills, whether done or not */
	const char *log;  /* that is being read, in the end the last read */
	size_t nlogs;     /* read to their end */
	bool overwritten; /* the kernel's buffer has lost its beginning */
	struct kill_row rows[KILLS_MAX]; /* the newest, in a ring, from 1 on */
};

/* How many rows are kept, and the Ith of them from the oldest on. */
size_t kept_rows(const struct kills *kills);
const struct kill_row *kept_row(const struct kills *kills, size_t i);

void print_table(const struct kills *kills, bool json);

/* Print the table, and below it what it does not say. */
void print_kills(const struct kills *kills);

#endif
