/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kill.h"
#include "text.h"

#define CHUNK 32768 /* what is read at once: stays in the first cache */
#define WINDOW 1024 /* what is searched at once */
/* That a message may have been broken into, after one. */
#define JOINED_LINES 4
#define JOINED_SIZE 1024
#define AHEAD ((ptrdiff_t)JOINED_LINES * JOINED_SIZE)
#define TABLE_SIZE 262144 /* bytes of the log, from the heading on */
#define TRIES 16          /* messages looked for in one line */
#define STALE 300         /* seconds after which a report is over */
#define WIDTH 80          /* of a terminal, at least */

enum { SEARCH_KILL, SEARCH_SIGNAL, SEARCH_TABLE, SEARCHES };

/* The out-of-memory report that the present line is in. */
struct report {
	enum killer announced; /* the next kill's, or KILLER_UNKNOWN */
	bool group;            /* all its kills are those announced */
	struct when when;      /* it was announced */
	struct kill victim;    /* the announced one, if with a user */
	/* Its table of tasks. */
	ptrdiff_t table_left; /* bytes of the log that may have more of it */
	struct when table_when;
	struct heading heading;
	char prefix[64]; /* of the heading's line */
	size_t ntasks;
	bool added_up; /* the tasks are sorted, and BIGGEST is known */
	struct usage biggest[BIGGEST];
};

struct log {
	kill_fn *fn;
	void *arg;
	uint64_t page_size;
	/* The lines from SCAN to USED are to be read, the last may be cut. */
	char *scan, *used;
	bool kmsg;
	bool skipping; /* inside a line too long to be a kernel's */
	size_t nannounced;
	unsigned long nreports;
	enum killer last; /* the last kill's */
	struct report report;
	struct task *tasks;
	struct line line; /* that is being read */
	char buffer[LINE_SIZE + 4 * CHUNK];
};

/* The start of the line that P is in, not before FLOOR. */
static char *
line_start(char *floor, const char *p)
{
	char *nl = memrchr(floor, '\n', (size_t)(p - floor));

	return nl == NULL ? floor : nl + 1;
}

static char *
line_end(char *p, char *end)
{
	char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl == NULL ? end : nl;
}

/* Read the line from START to END, if it is the heading of a table. */
static void
start_table(struct log *log, char *start, char *end)
{
	struct report *report = &log->report;
	struct line *line = &log->line;
	struct heading heading;
	char *p, *bracket, time[TIME_SIZE];

	if (!copy_line(line, start, end, log->kmsg) ||
	    (p = strstr(line->from, " pid ")) == NULL ||
	    (bracket = memrchr(line->from, '[', (size_t)(p - line->from))) ==
		NULL ||
	    !read_heading(bracket, &heading) ||
	    is_kernels(line, bracket) != TRUST)
		return;
	report->heading = heading;
	report->table_left = TABLE_SIZE;
	report->table_when = when_written(line, bracket, time);
	report->ntasks = 0;
	report->added_up = false;
	*bracket = '\0';
	strlcpy(report->prefix, line->from, sizeof(report->prefix));
}

/* Read the line from START to END, if it is a row of the table. */
static void
add_task(struct log *log, char *start, char *end)
{
	struct report *report = &log->report;
	struct line *line = &log->line;
	const char *prefix = report->prefix;
	struct task task;
	void *tasks;
	char *p;

	report->table_left -= end - start + 1;
	if (!copy_line(line, start, end, log->kmsg))
		return;
	for (p = line->from; (p = strchr(p, '[')) != NULL; p++)
		if (read_task(p, &report->heading, &task))
			break;
	/* Most have the prefix of the heading, at about the same time. */
	if (p == NULL ||
	    (skip_prefix(line->from, p, prefix, strchr(prefix, '\0')) != p &&
		is_kernels(line, p) != TRUST))
		return;
	tasks = grow_array(log->tasks, report->ntasks, sizeof(task));
	if (tasks != NULL) {
		log->tasks = tasks;
		log->tasks[report->ntasks++] = task;
	}
}

static int
compare_tasks(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	int order = strcmp(x->comm, y->comm);

	return order != 0 ? order : (x->pid > y->pid) - (x->pid < y->pid);
}

/* Add up the tasks by command, and keep the biggest. */
static void
add_up_tasks(struct log *log)
{
	struct usage usage, *biggest = log->report.biggest;
	const struct task *task = log->tasks, *end = task + log->report.ntasks;
	size_t i;

	log->report.table_left = 0;
	log->report.added_up = true;
	qsort(log->tasks, log->report.ntasks, sizeof(*task), compare_tasks);
	memset(biggest, 0, sizeof(log->report.biggest));
	while (task < end) {
		usage = (struct usage) { .processes = 0 };
		memcpy(usage.comm, task->comm, NAME_SIZE);
		for (; task < end && strcmp(task->comm, usage.comm) == 0;
		     task++, usage.processes++)
			usage.rss += task->pages * log->page_size;
		for (i = BIGGEST; i > 0 && usage.rss > biggest[i - 1].rss; i--)
			if (i < BIGGEST)
				biggest[i] = biggest[i - 1];
		if (i < BIGGEST)
			biggest[i] = usage;
	}
}

/* Complete KILL with what the table of tasks has. */
static void
look_up(struct log *log, struct kill *kill)
{
	struct report *report = &log->report;
	struct kill other = { .scale = report->heading.scale };
	struct task key = { .pid = kill->pid };
	const struct task *task;

	if (report->ntasks == 0 ||
	    seconds_apart(&kill->when, &report->table_when) > STALE)
		return;
	if (!report->added_up)
		add_up_tasks(log);
	memcpy(other.biggest, report->biggest, sizeof(other.biggest));
	memcpy(key.comm, kill->comm, NAME_SIZE);
	task = bsearch(
	    &key, log->tasks, report->ntasks, sizeof(key), compare_tasks);
	if (task != NULL) {
		other.uid = task->uid;
		other.has_uid = report->heading.uid > 0;
		other.rss = task->pages * log->page_size;
		other.has_rss = true;
		other.adj = task->adj;
		other.has_adj = report->heading.adj > 0;
	}
	complete_kill(kill, &other);
}

/* Give out the kill of a message, with what the report says about it. */
static void
report_kill(struct log *log, enum meaning meaning, struct kill *kill)
{
	struct report *report = &log->report;

	kill->report = log->nreports;
	if (kill->killer == KILLER_UNKNOWN &&
	    seconds_apart(&kill->when, &report->when) <= STALE)
		kill->killer = report->announced;
	if (kill->killer == KILLER_UNKNOWN && meaning == MEANING_KILL_SHARED)
		kill->killer = log->last;
	if (!report->group)
		report->announced = KILLER_UNKNOWN;
	log->last = kill->killer;
	if (kill->killer < KILLER_LOWMEMORYKILLER && kill->pid > 0) {
		if (report->victim.pid == kill->pid)
			complete_kill(kill, &report->victim);
		/* A process that shared its memory had none of its own. */
		if (meaning == MEANING_KILL)
			look_up(log, kill);
	}
	log->fn(kill, log->arg);
}

static void
act_on(struct log *log, struct message *message)
{
	struct report *report = &log->report;

	switch (message->meaning) {
	case MEANING_KILL:
	case MEANING_KILL_SHARED:
		report_kill(log, message->meaning, &message->kill);
		break;
	case MEANING_ANNOUNCED:
	case MEANING_ANNOUNCED_GROUP:
		log->nannounced++;
		report->announced = message->kill.killer;
		report->when = message->kill.when;
		report->group = message->meaning == MEANING_ANNOUNCED_GROUP;
		if (message->kill.has_uid)
			report->victim = message->kill;
		break;
	case MEANING_REPORT:
		log->nreports++;
		*report = (struct report) { .announced = KILLER_UNKNOWN };
		break;
	case MEANING_NONE:
		break;
	}
}

/*
 * The next "kill" or "Kill" between P and END, or NULL. Most of what a long log
 * takes is spent here: the C library's memchr(3) is much faster than its
 * memmem(3) for words this short. It is not sent far ahead, since all between P
 * and the first hit is looked at again.
 */
static char *
find_kill(char *p, char *end)
{
	char *k, *capital, *stop;

	if (end - p < 4)
		return NULL;
	for (end -= 3; p < end; p = k + (k < stop)) {
		stop = end - p > WINDOW ? p + WINDOW : end;
		k = memchr(p, 'k', (size_t)(stop - p));
		if (k == NULL)
			k = stop;
		while ((capital = memchr(p, 'K', (size_t)(k - p))) != NULL) {
			if (memcmp(capital, "Kill", 4) == 0)
				return capital;
			p = capital + 1;
		}
		if (k < stop && memcmp(k, WORD_KILL, 4) == 0)
			return k;
	}
	return NULL;
}

/* The next hit of one SEARCH from P on, or END. */
static char *
find_word(int search, char *p, char *end)
{
	const char *word = search == SEARCH_SIGNAL ? WORD_SIGNAL : WORD_TABLE;
	char *hit = search == SEARCH_KILL
	    ? find_kill(p, end)
	    : memmem(p, (size_t)(end - p), word, strlen(word));

	return hit != NULL ? hit : end;
}

/*
 * How much more is understood than in the message OLD, now that the lines from
 * TAIL on were added: 0 if the line does not belong to it.
 */
static ptrdiff_t
score_joined(
    const struct message *old, const struct message *next, const char *tail)
{
	if (next->meaning == MEANING_NONE)
		return old->meaning == MEANING_NONE && next->cut;
	if (old->meaning == MEANING_NONE
		? strlen(next->kill.comm) > COMM
		: strcmp(next->kill.comm, old->kill.comm) != 0)
		return 0;
	return next->end - tail + 1;
}

/*
 * Add the lines from P to STOP, a few at most, that the message at WORD goes on
 * in. Each counts only if more of the message is understood with it.
 */
static void
join_lines(
    struct log *log, char *p, char *stop, char *word, struct message *message)
{
	/* The first with which most is understood counts. */
	static const char *const separators[][3] = {
		{ "\n", " ", "" }, /* a short line: a newline in the comm */
		{ " ", "" },       /* a mail program breaks between words, */
		{ "", " " },       /* a terminal anywhere */
	};
	struct line *line = &log->line;
	ptrdiff_t width = line->end - line->text, score, best_score;
	char *head = message->start, *end, *tail, *old_end = line->end, last;
	const char *const *separator, *best, *q;
	const char *quoted = line->text + strspn(line->text, QUOTATION);
	struct message next;
	bool hard = false, repeated;
	int i, kind;

	for (i = 0; i < JOINED_LINES && p < stop && message->cut; i++) {
		end = line_end(p, stop);
		last = line->end[-1];
		kind = width >= WIDTH - 20;
		q = skip_prefix(p, end, line->text, head);
		repeated = q != NULL && head > quoted;
		if (!repeated) {
			q = p;
			while (q < end && q - p < head - line->text &&
			    strchr(QUOTATION, *q) != NULL)
				q++;
			/* dmesg indents what follows a newline. */
			if (*p == ' ' && q > p && q - p == head - line->text)
				kind = 0;
			else
				hard |= width >= WIDTH || width == end - p;
		}
		/* An encoded mail has a "=" there. */
		if (hard || p[-2] == '=' || last == '-' || last == '(' ||
		    *q == ')')
			kind = 2;
		if (q == end || end - q >= JOINED_SIZE || *q == '[' ||
		    memchr(q, '\0', (size_t)(end - q)) != NULL)
			break;
		/* Most lines after a kill are not worth the try. */
		if (message->meaning != MEANING_NONE && kind < 2 && *q >= 'A' &&
		    *q <= 'Z' && strchr("BU", *q) == NULL)
			break;
		/* Nor does one go on with the beginning of another. */
		if (may_be_message(q, end))
			break;
		best = NULL;
		best_score = 0;
		for (separator = separators[kind];
		     separator < separators[kind + 1] && *separator;
		     separator++) {
			/* A number may have ended there. */
			if (**separator == '\0' && kind < 2 &&
			    (repeated ||
				(message->meaning != MEANING_NONE &&
				    isdigit((unsigned char)last) &&
				    q[strspn(q, "0123456789")] != 'k')))
				continue;
			tail = stpcpy(line->end, *separator);
			copy_text(tail, q, end);
			read_message(line->text, word, log->page_size, &next);
			score = score_joined(message, &next, tail);
			if (score > best_score) {
				best_score = score;
				best = *separator;
			}
		}
		if (best == NULL)
			break;
		line->end = copy_text(stpcpy(line->end, best), q, end);
		read_message(line->text, word, log->page_size, message);
		p = end + 1;
	}
	if (message->meaning == MEANING_NONE)
		line->end = old_end;
	*line->end = '\0';
}

/*
 * Put the line before START in the log in front of the one that is being read,
 * with the message at WORD, if its opening begins there. Returns WORD in the
 * text that this leaves.
 */
static char *
join_opening(struct log *log, char *start, char *word, struct message *message)
{
	struct line *line = &log->line;
	size_t quoted = strspn(line->text, QUOTATION);
	char rest[LINE_SIZE], *p, *end;

	if (line->is_record || start <= log->buffer + 1)
		return word;
	p = line_start(log->buffer, start - 1);
	if (start - p >= LINE_SIZE || line->end - line->text >= LINE_SIZE ||
	    memchr(p, '\0', (size_t)(start - p)) != NULL)
		return word;
	strlcpy(rest, line->text, sizeof(rest));
	end = copy_text(line->text, p, start - 1);
	*end++ = ' ';
	line->end = stpcpy(end, rest + quoted);
	p = end + (word - line->text) - quoted;
	read_message(line->text, p, log->page_size, message);
	if (message->start < end)
		return p;
	line->end = stpcpy(line->text, rest);
	read_message(line->text, word, log->page_size, message);
	return word;
}

/* Whether the program that claims to have killed in user space is named. */
static bool
is_named(const struct line *line, const struct message *message)
{
	static const char *const tags[KILLERS] = {
		[KILLER_OOMD] = "systemd-oomd[",
		[KILLER_EARLYOOM] = "earlyoom[",
		[KILLER_LMKD] = "",
	};
	const char *tag = tags[message->kill.killer];

	return tag != NULL &&
	    memmem(line->text, (size_t)(message->start - line->text), tag,
		strlen(tag)) != NULL;
}

/*
 * Read the messages that SEARCH finds in the line from START to END; lines go
 * on to STOP.
 */
static void
read_line(struct log *log, int search, char *start, char *end, char *stop)
{
	struct line *line = &log->line;
	struct message message;
	enum trust trust;
	char *p, *word, *text_end;
	int i;

	if (!copy_line(line, start, end, log->kmsg))
		return;
	text_end = line->end;
	for (i = 0, p = line->from; i < TRIES && p < text_end; i++) {
		word = find_word(search, p, text_end);
		p = word + 1;
		if (!may_be_message(word, text_end))
			continue;
		read_message(line->text, word, log->page_size, &message);
		if (message.broken) {
			word = join_opening(log, start, word, &message);
			p = word + 1;
			text_end = line->end;
		}
		trust = message.meaning == MEANING_NONE && !message.cut
		    ? TRUST_NOT
		    : is_kernels(line, message.start);
		if (message.cut && trust != TRUST_NOT && !line->is_record)
			join_lines(log, end + 1, stop, word, &message);
		if (message.meaning == MEANING_NONE ||
		    (message.kill.killer >= KILLER_USER
			    ? !is_named(line, &message)
			    : trust < (message.strong ? TRUST_STRONG : TRUST)))
			continue;
		if (message.meaning != MEANING_REPORT)
			message.kill.when = when_written(
			    line, message.start, message.kill.time);
		act_on(log, &message);
		/* A paste may have lost the newlines of a whole report. */
		line->from = p = message.end;
		line->resumed = true;
	}
}

/* Read what is complete; at the end of the log, everything. */
static void
read_lines(struct log *log, bool eof)
{
	char *p = log->scan, *stop = log->used, *hit, *start, *end;
	char *next[SEARCHES] = { NULL };
	int i, search = 0;

	*log->used = '\0';
	if (log->skipping) {
		p = line_end(p, stop);
		log->skipping = p == stop;
	}
	if (!eof)
		stop = line_start(p, stop);
	for (start = p;;) {
		for (i = 0, hit = stop; i < SEARCHES; i++) {
			if (next[i] < p)
				next[i] = find_word(i, p, stop);
			if (next[i] < hit)
				hit = next[search = i];
		}
		/* The lines up to that of the hit may be a table's. */
		for (; log->report.table_left > 0 && start < stop;
		     start = end + 1) {
			end = line_end(start, stop);
			if (end >= hit && hit < stop)
				break;
			add_task(log, start, end);
		}
		if (hit == stop)
			break;
		end = line_end(hit, stop);
		p = hit + 1;
		if (search != SEARCH_TABLE && !may_be_message(hit, end))
			continue;
		start = line_start(start, hit);
		/* The lines after it may belong to it. */
		if (!eof && log->used - end < AHEAD) {
			stop = start;
			break;
		}
		if (search == SEARCH_TABLE)
			start_table(log, start, end);
		else
			read_line(log, search, start, end, stop);
		p = end;
		start = end + (end < stop);
	}
	log->scan = stop;
	if (log->used - stop > LINE_SIZE + AHEAD &&
	    memchr(stop, '\n', (size_t)(log->used - stop)) == NULL) {
		log->skipping = true;
		log->used = stop;
	}
}

struct log *
log_new(uint64_t page_size, kill_fn *fn, void *arg)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->page_size = page_size;
	log->fn = fn;
	log->arg = arg;
	log_start(log, false);
	return log;
}

void
log_start(struct log *log, bool kmsg)
{
	log->kmsg = kmsg;
	log->scan = log->used = log->buffer;
	log->skipping = false;
	log->last = KILLER_UNKNOWN;
	log->nannounced = 0;
	act_on(log, &(struct message) { .meaning = MEANING_REPORT });
}

char *
log_room(struct log *log, size_t *len)
{
	char *from = log->scan;

	*len = CHUNK;
	if (log->used - log->buffer > LINE_SIZE + 3 * CHUNK - 1) {
		/* Keep the line before, too: a message may begin there. */
		from -= from - log->buffer < LINE_SIZE ? from - log->buffer
						       : LINE_SIZE;
		memmove(log->buffer, from, (size_t)(log->used - from));
		log->scan -= from - log->buffer;
		log->used -= from - log->buffer;
	}
	return log->used;
}

size_t
log_filled(struct log *log, size_t len)
{
	log->used += len;
	read_lines(log, len == 0);
	return log->nannounced;
}

void
log_free(struct log *log)
{
	if (log != NULL)
		free(log->tasks);
	free(log);
}
