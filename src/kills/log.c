/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kill.h"
#include "text.h"

#define CHUNK 32768 /* what is read at once: stays in the first cache */
#define WINDOW 1024 /* what is searched at once */
#define JOINED_LINES                                             \
	4 /* that a message may have been broken into, after one \
	   */
#define JOINED_SIZE 1024
#define AHEAD ((ptrdiff_t)JOINED_LINES * JOINED_SIZE)
#define TABLE_SIZE 262144 /* bytes of the log, from the heading on */
#define TRIES 16          /* messages looked for in one line */
#define LOOKUPS 64        /* kills of one report that it completes */
#define STALE 300         /* seconds after which a report is over */

enum { SEARCH_KILL, SEARCH_SIGNAL, SEARCH_TABLE, SEARCHES };

struct log {
	kill_fn *fn;
	void *arg;
	uint64_t page_size;
	/* The lines from SCAN to USED are to be read, the last may be cut. */
	char *scan, *used;
	bool kmsg;
	bool skipping; /* inside a line too long to be a kernel's */
	/* The out-of-memory report that the present line is in. */
	bool group;            /* all its kills are those announced */
	enum killer announced; /* the next kill's, or KILLER_UNKNOWN */
	enum killer last;      /* the last kill's */
	unsigned int nlookups;
	unsigned long report;
	size_t nannounced;
	struct when announced_when;
	struct kill victim; /* the announced one, if with a user */
	/* Its table of tasks. */
	size_t table_left; /* bytes of the log that may have more of it */
	size_t ntasks;
	struct task *tasks;
	struct usage biggest[BIGGEST];
	struct heading heading;
	char table_prefix[PREFIX_SIZE + 4];
	struct when table_when;
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

static void
forget_report(struct log *log)
{
	log->announced = KILLER_UNKNOWN;
	log->group = false;
	log->victim.pid = 0;
	log->table_left = 0;
	log->ntasks = 0;
	log->nlookups = 0;
}

/* Read the line from START to END, if it is the heading of a table. */
static void
start_table(struct log *log, char *start, char *end)
{
	struct line *line = &log->line;
	struct heading heading;
	char *p, *bracket;

	if (!copy_line(line, start, end, log->kmsg) ||
	    (p = strstr(line->from, " pid ")) == NULL ||
	    (bracket = memrchr(line->from, '[', (size_t)(p - line->from))) ==
		NULL ||
	    !read_heading(bracket, &heading) ||
	    !is_kernels(line, bracket, false))
		return;
	log->table_left = TABLE_SIZE;
	snprintf(log->table_prefix, sizeof(log->table_prefix), "%.*s",
	    (int)(bracket - line->from), line->from);
	log->table_when = when_written(line, bracket);
	log->heading = heading;
	log->ntasks = 0;
	log->nlookups = 0;
}

/* Read the line from START to END, if it is a row of the table. */
static void
add_task(struct log *log, char *start, char *end)
{
	struct line *line = &log->line;
	struct task task;
	const char *p;
	void *tasks;

	/* Most have the prefix of the heading, at about the same time. */
	p = find_continuation(
	    start, end, log->table_prefix, strchr(log->table_prefix, '\0'));
	if (p >= end || *p != '[' || log->kmsg ||
	    !read_task(p, &log->heading, &task)) {
		if (!copy_line(line, start, end, log->kmsg))
			return;
		for (p = line->from; (p = strchr(p, '[')) != NULL; p++)
			if (read_task(p, &log->heading, &task))
				break;
		if (p == NULL || !is_kernels(line, p, false))
			return;
	}
	tasks = grow_array(log->tasks, log->ntasks, sizeof(task));
	if (tasks != NULL) {
		log->tasks = tasks;
		log->tasks[log->ntasks++] = task;
	}
}

static int
compare_comms(const void *a, const void *b)
{
	return strcmp(
	    ((const struct task *)a)->comm, ((const struct task *)b)->comm);
}

/* Add up the tasks by command, and keep the biggest. */
static void
add_up_tasks(struct log *log)
{
	struct usage usage, *biggest = log->biggest;
	size_t i, j;

	log->table_left = 0;
	memset(log->biggest, 0, sizeof(log->biggest));
	qsort(log->tasks, log->ntasks, sizeof(struct task), compare_comms);
	for (i = 0; i < log->ntasks; i += usage.processes) {
		usage = (struct usage) { .processes = 0 };
		memcpy(usage.comm, log->tasks[i].comm, NAME_SIZE);
		for (j = i; j < log->ntasks &&
		     strcmp(log->tasks[j].comm, usage.comm) == 0;
		     j++, usage.processes++)
			usage.rss += log->tasks[j].pages * log->page_size;
		for (j = BIGGEST; j > 0 && usage.rss > biggest[j - 1].rss; j--)
			if (j < BIGGEST)
				biggest[j] = biggest[j - 1];
		if (j < BIGGEST)
			biggest[j] = usage;
	}
}

/* Complete KILL with what the table of tasks has. */
static void
look_up(struct log *log, struct kill *kill)
{
	struct kill other = { .scale = log->heading.scale };
	const struct task *task;

	if (log->ntasks == 0 || log->nlookups == LOOKUPS ||
	    seconds_apart(&kill->when, &log->table_when) > STALE)
		return;
	if (log->nlookups++ == 0)
		add_up_tasks(log);
	memcpy(other.biggest, log->biggest, sizeof(other.biggest));
	for (task = log->tasks; task < log->tasks + log->ntasks; task++) {
		if (task->pid != kill->pid ||
		    strcmp(task->comm, kill->comm) != 0)
			continue;
		other.uid = task->uid;
		other.has_uid = log->heading.uid > 0;
		other.rss = task->pages * log->page_size;
		other.has_rss = true;
		other.adj = task->adj;
		other.has_adj = log->heading.adj > 0;
	}
	complete_kill(kill, &other);
}

static void
report_kill(struct log *log, enum meaning meaning, struct kill *kill)
{
	kill->report = log->report;
	if (kill->killer == KILLER_UNKNOWN &&
	    seconds_apart(&kill->when, &log->announced_when) <= STALE)
		kill->killer = log->announced;
	if (kill->killer == KILLER_UNKNOWN && meaning == MEANING_KILL_SHARED)
		kill->killer = log->last;
	if (!log->group)
		log->announced = KILLER_UNKNOWN;
	log->last = kill->killer;
	if (kill->killer < KILLER_LOWMEMORYKILLER && kill->pid > 0) {
		if (log->victim.pid == kill->pid)
			complete_kill(kill, &log->victim);
		/* A process that shared its memory had none of its own. */
		if (meaning == MEANING_KILL)
			look_up(log, kill);
	}
	log->fn(kill, log->arg);
}

static void
act_on(struct log *log, struct message *message)
{
	switch (message->meaning) {
	case MEANING_KILL:
	case MEANING_KILL_SHARED:
		report_kill(log, message->meaning, &message->kill);
		break;
	case MEANING_ANNOUNCED:
	case MEANING_ANNOUNCED_GROUP:
		log->nannounced++;
		log->announced = message->kill.killer;
		log->announced_when = message->kill.when;
		log->group = message->meaning == MEANING_ANNOUNCED_GROUP;
		if (message->kill.has_uid)
			log->victim = message->kill;
		break;
	case MEANING_REPORT:
		log->report++;
		forget_report(log);
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

/*
 * Add the lines, up to STOP, that the message at WORD goes on in. Each counts
 * only if more of the message is understood with it.
 */
static void
join_lines(struct log *log, char *stop, char *word, struct message *message)
{
	static const char *const separators[][4] = {
		{ "\n", " ", "" }, /* a short line: a newline in the comm */
		{ " ", "" },       /* a mail program's */
		{ "", " " },       /* a terminal's, 80 columns or more */
	};
	struct line *line = &log->line;
	size_t width = (size_t)(line->text_end - line->text);
	int i, kind = width >= 80 ? 2 : width >= 60;
	const char *head = message->start;
	const char *const *separator, *best, *q;
	char *p, *end, *tail, *old_end = line->text_end;
	struct message next;
	ptrdiff_t gain;

	for (i = 0, p = line->end + 1;
	     i < JOINED_LINES && p < stop && message->cut; i++, p = end + 1) {
		end = line_end(p, stop);
		q = find_continuation(p, end, line->text, head);
		if (q == end || end - q >= JOINED_SIZE || *q == '[' ||
		    memchr(q, '\0', (size_t)(end - q)) != NULL)
			break;
		/* Most lines after a kill are not worth the try. */
		if (message->meaning == MEANING_NONE
			? i > 1 || may_be_message(q, end)
			: (isupper((unsigned char)*q) && *q != 'U') ||
			    strncmp(q, "low", 3) == 0)
			break;
		best = NULL;
		gain = 0;
		if (*p == ' ' && q - p == head - line->text)
			kind = 0;
		for (separator = separators[kind]; *separator; separator++) {
			tail = stpcpy(line->text_end, *separator);
			copy_text(tail, q, end);
			if (read_message(line->text, word, log->page_size,
				&next) == MEANING_NONE) {
				if (next.cut && best == NULL &&
				    message->meaning == MEANING_NONE)
					best = *separator;
			} else if (next.end - tail > gain &&
			    (message->meaning == MEANING_NONE
				    ? strlen(next.kill.comm) <= COMM
				    : strcmp(next.kill.comm,
					  message->kill.comm) == 0)) {
				gain = next.end - tail;
				best = *separator;
			}
		}
		if (best == NULL)
			break;
		line->text_end =
		    copy_text(stpcpy(line->text_end, best), q, end);
		read_message(line->text, word, log->page_size, message);
	}
	if (message->meaning == MEANING_NONE)
		line->text_end = old_end;
	*line->text_end = '\0';
}

/*
 * If the line begins with the end of an opening, up to START, put the line
 * before it in front. Returns whether that makes it whole.
 */
static bool
join_opening(struct log *log, const char *start)
{
	struct line *line = &log->line;
	const char *rest = line->text + strspn(line->text, QUOTATION);
	char text[LINE_SIZE], *p, *end;

	if (line->is_record || !is_broken_opening(rest, start) ||
	    line->start <= log->buffer + 1)
		return false;
	p = line_start(log->buffer, line->start - 1);
	if (line->start - p >= LINE_SIZE)
		return false;
	memcpy(text, rest, (size_t)(line->text_end - rest) + 1);
	end = copy_text(line->text, p, line->start - 1);
	/* A terminal breaks words. */
	if (end - line->text < 80)
		*end++ = ' ';
	line->text_end = stpcpy(end, text);
	start_prefix(line, line->text);
	return true;
}

/* Whether the message is from whom it claims to be. */
static bool
is_trusted(struct line *line, const struct message *message)
{
	static const char *const tags[KILLERS] = {
		[KILLER_OOMD] = "systemd-oomd[",
		[KILLER_EARLYOOM] = "earlyoom[",
		[KILLER_LMKD] = "",
	};
	const char *tag = tags[message->kill.killer];
	bool kernels;

	if (tag != NULL)
		return memmem(line->text, (size_t)(message->start - line->text),
			   tag, strlen(tag)) != NULL;
	if (line->is_record)
		return message->start == line->from || *message->start == ' ';
	kernels = is_kernels(line, message->start, message->strong);
	/* A comm or the name of a cgroup comes before its first word. */
	return *message->start == ' ' ? line->prefix.sender != SENDER_OTHER
				      : kernels;
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
 * Read the messages that SEARCH finds in the line from START to END; lines go
 * on to STOP.
 */
static void
read_line(struct log *log, int search, char *start, char *end, char *stop)
{
	struct line *line = &log->line;
	struct message message;
	char *p, *word;
	int i;

	if (!copy_line(line, start, end, log->kmsg))
		return;
	for (i = 0, p = line->from; i < TRIES && p < line->text_end; i++) {
		word = find_word(search, p, line->text_end);
		p = word + 1;
		if (!may_be_message(word, line->text_end))
			continue;
		read_message(line->text, word, log->page_size, &message);
		if (message.meaning != MEANING_NONE &&
		    join_opening(log, message.start)) {
			p = line->text;
			continue;
		}
		if (!line->is_record && message.cut)
			join_lines(log, stop, word, &message);
		if (message.meaning == MEANING_NONE)
			continue;
		p = message.end;
		if (!is_trusted(line, &message))
			continue;
		if (message.meaning != MEANING_REPORT)
			message.kill.when = when_written(line, message.start);
		act_on(log, &message);
		/* A paste may have lost the newlines of a whole report. */
		start_prefix(line, p);
		line->prefix.sender = SENDER_KERNEL;
		line->prefix.loose = 1;
	}
}

/* Read what is complete; at the end of the log, everything. */
static void
read_lines(struct log *log, bool eof)
{
	char *p = log->scan, *stop = log->used, *hit, *start, *end;
	char *next[SEARCHES];
	int i;

	*log->used = '\0';
	if (log->skipping) {
		p = line_end(p, stop);
		log->skipping = p == stop;
	}
	if (!eof)
		stop = line_start(p, stop);
	for (i = 0; i < SEARCHES; i++)
		next[i] = find_word(i, p, stop);
	for (start = p;;) {
		hit = stop;
		for (i = 0; i < SEARCHES; i++) {
			if (next[i] < p)
				next[i] = find_word(i, p, stop);
			if (next[i] < hit)
				hit = next[i];
		}
		/* The lines up to that of the hit may be a table's. */
		for (; log->table_left > 0 && start < stop; start = end + 1) {
			end = line_end(start, stop);
			if (end >= hit && hit < stop)
				break;
			add_task(log, start, end);
			log->table_left -=
			    log->table_left < (size_t)(end - start) + 1
			    ? log->table_left
			    : (size_t)(end - start) + 1;
		}
		if (hit == stop)
			break;
		end = line_end(hit, stop);
		if (hit != next[SEARCH_TABLE] && !may_be_message(hit, end)) {
			p = hit + 1;
			continue;
		}
		start = line_start(start, hit);
		/* The lines after it may belong to it. */
		if (!eof && log->used - end < AHEAD) {
			stop = start;
			break;
		}
		if (hit == next[SEARCH_TABLE])
			start_table(log, start, end);
		else
			read_line(log,
			    hit == next[SEARCH_KILL] ? SEARCH_KILL
						     : SEARCH_SIGNAL,
			    start, end, stop);
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
	log->report = 0;
	log->tasks = NULL;
	log_start(log, false);
	return log;
}

void
log_start(struct log *log, bool kmsg)
{
	log->kmsg = kmsg;
	log->scan = log->used = log->buffer;
	log->skipping = false;
	log->report++;
	log->last = KILLER_UNKNOWN;
	log->nannounced = 0;
	forget_report(log);
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

void
log_filled(struct log *log, size_t len)
{
	log->used += len;
	read_lines(log, len == 0);
}

size_t
log_announced(const struct log *log)
{
	return log->nannounced;
}

void
log_free(struct log *log)
{
	if (log != NULL)
		free(log->tasks);
	free(log);
}
