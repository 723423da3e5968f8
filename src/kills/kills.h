/* SPDX-License-Identifier: ISC */
#ifndef KILLS_KILLS_H
#define KILLS_KILLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "text.h"

/*
 * Print the kills in the NFILES logs FILES, "-" being standard input, or in
 * /dev/kmsg, who used the memory, and which rules of CONFIG would decide now;
 * with JSON only the kills. Returns 0, or -1 if a log could not be read, which
 * has been reported; the others have been printed all the same.
 */
int kills_run(
    const struct config *config, char *const *files, size_t nfiles, bool json);

/*
 * The rest is what the parts of -k share: log.c takes a log piece by piece,
 * line.c says whose a line is and when it was written, message.c what it means,
 * kills.c makes rows of the kills, and print.c shows them. A log is not to be
 * trusted: processes choose their names, and programs write to the same file.
 */

#define NAME_SIZE 64    /* a comm, whose bytes the log may have escaped */
#define TIME_SIZE 256   /* of all that stands before a message, too */
#define LINE_SIZE 8192  /* a kernel message has 1 KiB, four times escaped */
#define JOINED_LINES 16 /* that a message may go on in: newlines in a comm */
#define JOINED_SIZE 512
#define CHUNK 32768       /* what is read at once, at most */
#define TABLE_SIZE 262144 /* bytes of a log that a table may take */
#define BIGGEST_SIZE 320
#define KILLS_MAX 1000 /* that are kept and shown */
#define DIGITS "0123456789"
#define QUOTATION " \t>|#*" /* what people and mail programs put in front */

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum killer {
	KILLER_UNKNOWN,
	KILLER_OOM,    /* memory ran out: mm/oom_kill.c */
	KILLER_MEMCG,  /* a memory cgroup reached its limit: the same file */
	KILLER_LOWMEM, /* the Android driver */
	KILLER_OOMD,   /* from here on in user space: only counted */
	KILLER_EARLYOOM,
	KILLER_LMKD,
	KILLERS
};

/* What a message may say, or UNKNOWN: RSS in bytes; OTHER is read over. */
enum value { PID, UID, RSS, ADJ, OTHER, VALUES };

/* When a line was written. To compare two, -1 is unknown. */
struct when {
	int64_t boot; /* microseconds since the boot, or since 1970 */
	int64_t date; /* seconds since the month began */
};

struct kill {
	struct when when;
	char time[TIME_SIZE]; /* the same as the log has it, "" if unknown */
	unsigned long report; /* the out-of-memory report that it belongs to */
	enum killer killer;
	char comm[NAME_SIZE];
	int64_t value[VALUES];
	const char *scale; /* of ADJ: "oom_adj", "oom_score_adj", or NULL */
	char biggest[BIGGEST_SIZE]; /* that used most memory then, or "" */
	const char *log;            /* where it was found */
};

/* line.c: a line without colours, between one before and those that follow. */
struct line {
	char text[2 * LINE_SIZE + JOINED_LINES * (JOINED_SIZE + 1)], *end;
	const char *start; /* of the line, behind quotation */
	const char *from;  /* where the part begins that is being read */
	char joint;        /* replaces a newline in a comm; NUL is nothing */
	bool resumed;      /* FROM is behind a message of the line */
	bool is_record;    /* of /dev/kmsg; FROM is its message */
	unsigned long long micros; /* since the boot, of a record */
};

/*
 * Copy a text without the colours of a terminal, blanks at the end, and the "="
 * with which an ENCODED mail says that a line goes on. Returns its end.
 */
char *copy_text(char *dst, const char *p, const char *end, bool encoded);

/*
 * Copy the line from START to END of the log, and the one before it if that is
 * where BEFORE is; unless BEFORE is NULL they may be of an encoded mail. False
 * if it is too long, malformed, of user space, or with KMSG no record.
 */
bool copy_line(struct line *line, const char *before, const char *start,
    const char *end, bool kmsg);

/*
 * Whether the MESSAGE in LINE is the kernel's, by what stands before it;
 * TRUST_STRONG if only one with much of the kernel's form is, TRUST_NEVER if
 * there is another sender's name. Tells KILL, if not NULL, when that was.
 */
enum trust { TRUST_NEVER, TRUST_NOT, TRUST_STRONG, TRUST };
enum trust read_prefix(
    const struct line *line, const char *message, struct kill *kill);

/* The seconds between the two, or -1 if that is not known. */
int64_t seconds_apart(const struct when *a, const struct when *b);

/* message.c: what a message does. */
enum meaning {
	KILLED,
	KILLED_SHARED,   /* one more, for sharing the last one's memory */
	ANNOUNCED,       /* the next kill's killer, and perhaps its victim */
	ANNOUNCED_GROUP, /* the same for more than one kill */
	REPORT,          /* an out-of-memory report begins */
	NOTHING
};

struct message {
	enum meaning meaning;
	const char *start; /* with the opening that names the killer */
	const char *end;   /* of what was understood */
	enum trust needs;  /* less with RSS, ADJ or an opening */
	bool cut; /* the text ended early: the next line may go on with it */
	const struct line *line;
	const char *columns; /* of a heading: rows' pattern, after the size */
	struct kill kill;
};

extern int64_t page_size; /* bytes: some messages count in pages */

/* What lines are searched for, besides "kill" and "Kill". */
#define WORD_SIGNAL "sending SIG"

/* For tests: the pattern I, which begins with one, or NULL after the last. */
const char *message_pattern(size_t i);

/* The next "kill" or "Kill" from P on that a pattern may begin at, or END. */
const char *find_word(const char *p, const char *end);

/* Read the message that has WORD in it. */
void read_message(
    const struct line *line, const char *word, struct message *message);

/* Read a row or heading of a table of tasks. COLUMNS are the heading's. */
bool read_row(const struct line *line, const char *p, const char *columns,
    struct message *row);

/* Complete KILL with what another line says about it. */
void complete_kill(struct kill *kill, const struct kill *other);

/* log.c: it keeps no more than a fixed part of a log. */
struct log {
	void (*fn)(const struct kill *kill, void *arg); /* for each kill */
	void *arg;
	size_t announced; /* kills in all logs so far, done or not */
	unsigned long reports;
	bool kmsg; /* it has records of /dev/kmsg */
	/* The lines from SCAN to USED are to be read, the last may be cut. */
	const char *scan;
	char *used;
	/* The report that the present line is in. */
	struct oom_report {
		const char *start;  /* from there on a table may begin */
		enum killer killer; /* the last kill's, or announced */
		unsigned int left;  /* kills that it was announced for */
		struct when when;   /* that was */
		struct kill victim; /* the announced one, if with a user */
		struct kill table;  /* what it says of one */
		size_t ntasks;      /* in it, sorted */
	} report;
	struct task {
		int64_t value[VALUES];
		char comm[NAME_SIZE];
	} tasks[TABLE_SIZE / 32]; /* in its table */
	struct line line;         /* that is being read */
	char buffer[2 * TABLE_SIZE + CHUNK];
};

/* Begin another log. Read its next LEN bytes, up to CHUNK; none at the end. */
void log_start(struct log *log, bool kmsg);
void log_read(struct log *log, const char *data, size_t len);

/* kills.c, print.c: what is shown. */
struct kills {
	const struct config *config;
	size_t n;                /* kills found */
	size_t by_user[KILLERS]; /* kills in user space */
	const char *log;         /* that is being read */
	const char *last_log;    /* that was read to its end */
	size_t nlogs;            /* that were */
	bool overwritten; /* the kernel's buffer has lost its beginning */
	/* The newest kills, to END; those from FIRST on are shown. */
	struct kill rows[2 * KILLS_MAX], *first, *end;
};

/* Print the table; and below it what it does not say, such as ANNOUNCED. */
void print_table(const struct kills *kills, bool json);
void print_kills(const struct kills *kills, size_t announced);

#endif
