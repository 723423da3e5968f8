/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kills/message.h"

#define CHUNK 131072   /* what is read at once: stays in the cache */
#define HISTORY 262144 /* how far back a report is looked for */
#define WINDOW 1024    /* what is searched at once */
#define AHEAD 1024     /* what is looked at behind a kill's line */
#define BUFFER (HISTORY + 2 * CHUNK + 4 * LINE_SIZE)

struct killlog {
	killlog_fn *fn;
	void *arg;
	uint64_t page_size;
	bool kmsg;
	/* The lines from SCAN to USED are to be read, the last may be cut. */
	char *scan, *used;
	bool skipping; /* inside a line too long to be a kernel's */
	/* The out-of-memory report that the present line is in. */
	unsigned long event;
	char *report;          /* its first line, or NULL if that is gone */
	enum killer announced; /* the next kill's, or KILLER_UNKNOWN */
	bool group;            /* and that of all that follow */
	enum killer last;      /* the last kill's */
	struct kill victim;    /* the announced one, if with a user */
	char buffer[BUFFER];
};

const char *
killer_name(enum killer killer)
{
	static const char *const names[] = {
		[KILLER_UNKNOWN] = "unknown",
		[KILLER_OOM] = "oom",
		[KILLER_MEMCG] = "memcg",
		[KILLER_LOWMEMORYKILLER] = "lowmemorykiller",
	};

	return names[killer];
}

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

/* Complete KILL from the report's task table, which ends before LIMIT. */
static void
look_back(const struct killlog *log, char *limit, struct kill *kill)
{
	char *p = log->report, *start, pid[16];
	struct line head, row;
	int n;

	if (p == NULL ||
	    (p = memmem(p, (size_t)(limit - p), "total_vm", 8)) == NULL)
		return;
	start = line_start(log->report, p);
	p = line_end(p, limit);
	if (!line_read(start, p, log->kmsg, &head))
		return;
	n = snprintf(pid, sizeof(pid), "%d]", (int)kill->pid);
	while ((p = memmem(p, (size_t)(limit - p), pid, (size_t)n)) != NULL) {
		start = line_start(log->report, p);
		p = line_end(p, limit);
		if (line_read(start, p, log->kmsg, &row) &&
		    format_table_row(head.message, row.message, kill))
			return;
	}
}

/*
 * The lines from P to END, four at most, for what the kernel said in more than
 * one or a mail program broke.
 */
static void
look_ahead(const struct killlog *log, char *p, char *end, struct kill *kill)
{
	struct line line;
	char *stop;
	int i;

	for (i = 0; i < 4 && p < end; i++, p = stop + 1) {
		stop = line_end(p, end);
		if (line_read(p, stop, log->kmsg, &line) &&
		    format_goes_on(line.message, kill))
			return;
	}
}

static void
report_kill(struct killlog *log, enum meaning meaning, struct kill *kill,
    const struct line *line, char *start)
{
	memcpy(kill->time, line->time, sizeof(kill->time));
	kill->clock_kind = line->clock_kind;
	kill->clock = line->clock;
	kill->event = log->event;
	if (log->announced != KILLER_UNKNOWN && kill->killer == KILLER_UNKNOWN)
		kill->killer = log->announced;
	if (kill->killer == KILLER_UNKNOWN)
		kill->killer = meaning == KILL_ALSO ? log->last : KILLER_OOM;
	if (!log->group)
		log->announced = KILLER_UNKNOWN;
	log->last = kill->killer;
	if (kill->killer != KILLER_LOWMEMORYKILLER && kill->pid > 0) {
		if (log->victim.pid == kill->pid)
			kill_complete(kill, &log->victim);
		/* Who shares another's memory takes none of his own. */
		if (meaning == KILL &&
		    !(kill->has_uid && kill->has_rss && kill->has_adj))
			look_back(log, start, kill);
	}
	log->fn(kill, log->arg);
}

/*
 * Read the line from START to END; complete lines go on to STOP. Returns false
 * if what is behind them must be there first.
 */
static bool
read_line(struct killlog *log, char *start, char *end, char *stop, bool eof)
{
	enum meaning meaning;
	struct line line;
	struct kill kill;
	char *more;

	if (!line_read(start, end, log->kmsg, &line))
		return true;
	/* A message of more than one line: whose name is in the second? */
	more = line_end(line.message, strchr(line.message, '\0'));
	if (*more == '\n')
		*more++ = '\0';
	meaning = format_match(line.message, log->page_size, &kill);
	switch (meaning) {
	case NOTHING:
		break;
	case KILL:
		if (!kill.has_rss)
			format_goes_on(more, &kill);
		if (!kill.has_rss) {
			if (log->used - end < AHEAD && !eof)
				return false;
			look_ahead(log, end + 1, stop, &kill);
		}
		/* FALLTHROUGH */
	case KILL_ALSO:
		report_kill(log, meaning, &kill, &line, start);
		break;
	case ANNOUNCED:
	case ANNOUNCED_GROUP:
		log->announced = kill.killer;
		log->group = meaning == ANNOUNCED_GROUP;
		if (kill.has_uid)
			log->victim = kill;
		break;
	case REPORT:
		log->event++;
		log->report = start;
		log->announced = KILLER_UNKNOWN;
		log->group = false;
		log->victim.pid = 0;
		break;
	}
	return true;
}

/*
 * The next "kill" or "Kill" between P and END, or NULL. All lines that matter
 * have one, and hardly any other. Most of what a long log takes is spent here:
 * the C library's memchr(3) is much faster than its memmem(3). It is not sent
 * far ahead, since all between P and the first hit is looked at again.
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
		if (k < stop && memcmp(k, "kill", 4) == 0)
			return k;
	}
	return NULL;
}

/* Read what is complete; at the end of the log, everything. */
static void
read_lines(struct killlog *log, bool eof)
{
	char *p = log->scan, *stop = log->used, *hit, *start, *end;

	if (log->skipping) {
		p = line_end(p, stop);
		log->skipping = p == stop;
	}
	if (!eof)
		stop = line_start(p, stop);
	while ((hit = find_kill(p, stop)) != NULL) {
		start = line_start(p, hit);
		end = line_end(hit, stop);
		if (!read_line(log, start, end, stop, eof)) {
			stop = start;
			break;
		}
		p = end;
	}
	log->scan = stop;
	if (log->used - stop > LINE_SIZE + AHEAD &&
	    memchr(stop, '\n', (size_t)(log->used - stop)) == NULL) {
		log->skipping = true;
		log->used = stop;
	}
}

struct killlog *
killlog_new(uint64_t page_size, killlog_fn *fn, void *arg)
{
	struct killlog *log = malloc(sizeof(*log));

	if (log == NULL)
		return NULL;
	log->page_size = page_size;
	log->fn = fn;
	log->arg = arg;
	log->event = 0;
	killlog_start(log, false);
	return log;
}

void
killlog_start(struct killlog *log, bool kmsg)
{
	log->kmsg = kmsg;
	log->scan = log->used = log->buffer;
	log->skipping = false;
	log->event++;
	log->report = NULL;
	log->announced = KILLER_UNKNOWN;
	log->group = false;
	log->last = KILLER_OOM;
	log->victim.pid = 0;
}

char *
killlog_room(struct killlog *log, size_t *len)
{
	char *from = log->scan;
	size_t shift;

	/* Keep the report, unless its table would have ended long ago. */
	if (log->report != NULL && log->scan - log->report > HISTORY)
		log->report = NULL;
	if (log->report != NULL)
		from = log->report;
	shift = (size_t)(from - log->buffer);
	memmove(log->buffer, from, (size_t)(log->used - from));
	log->scan -= shift;
	log->used -= shift;
	if (log->report != NULL)
		log->report = log->buffer;
	*len = CHUNK;
	return log->used;
}

void
killlog_filled(struct killlog *log, size_t len)
{
	log->used += len;
	read_lines(log, false);
}

void
killlog_end(struct killlog *log)
{
	read_lines(log, true);
	killlog_start(log, log->kmsg);
}

void
killlog_free(struct killlog *log)
{
	free(log);
}
