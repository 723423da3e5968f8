/* SPDX-License-Identifier: ISC */
#include "killlog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "killformat.h"
#include "logline.h"
#include "scan.h"

enum {
	CHUNK = 128 * 1024,   /* what is read at once: stays in the cache */
	HISTORY = 256 * 1024, /* how far back the task table is looked for */
	BUFFER = 1024 * 1024,
	LINE = 8 * 1024, /* a kernel message has 1 KiB, four times escaped */
	AHEAD = 1024,    /* what is looked at behind a kill's line */
	COLUMNS = 16     /* of the task table */
};

struct killlog {
	killlog_fn *fn;
	void *arg;
	uint64_t page_size;
	bool kmsg;
	/*
	 * Lines: old ones kept to look back at, then from SCAN on those to be
	 * read, the last one perhaps not complete, to USED.
	 */
	size_t scan, used;
	bool skipping; /* inside a line too long to be a kernel's */
	/* The out-of-memory report that the present line is in. */
	unsigned long event;
	bool event_kept; /* its first line is still in the buffer, at */
	size_t event_start;
	bool killer_known;  /* an announcement said which killer, */
	enum killer killer; /* this one */
	bool group;         /* and it is for all kills that follow */
	enum killer last;   /* the last kill's */
	pid_t victim;       /* from an oom-kill: line, or 0 */
	uid_t victim_uid;
	char buffer[BUFFER];
};

const char *
killer_name(enum killer killer)
{
	switch (killer) {
	case KILLER_MEMCG:
		return "memcg";
	case KILLER_LOWMEMORYKILLER:
		return "lowmemorykiller";
	case KILLER_OOM:
		break;
	}
	return "oom";
}

/*
 * Not the reading of lines but passing over all others is what a long log
 * costs: hence 16 bytes at a time, in what both compilers make SSE or NEON
 * instructions of.
 */
typedef unsigned char bytes __attribute__((vector_size(16)));

/* All bits set of those bytes from P on where the three of S are, as in find().
 */
static inline bytes
places(const char *p, const char *s, char fold)
{
	const unsigned char bits = (unsigned char)fold;
	const unsigned char s0 = (unsigned char)(s[0] | fold);
	const unsigned char s1 = (unsigned char)s[1];
	const unsigned char s2 = (unsigned char)s[2];
	bytes a, b, c;

	memcpy(&a, p, sizeof(a));
	memcpy(&b, p + 1, sizeof(b));
	memcpy(&c, p + 2, sizeof(c));
	return (bytes)(((a | bits) == s0) & (b == s1) & (c == s2));
}

/*
 * The first place between P and END with the three bytes of S, or NULL; the
 * bits of FOLD do not count in the first of them.
 */
static const char *
find(const char *p, const char *end, const char *s, char fold)
{
	const ptrdiff_t n = sizeof(bytes);
	const char *stop = p;
	uint64_t any[2];
	bytes b;

	for (;; p = stop) {
		if (end - p >= 4 * n + 2) {
			stop = p + 4 * n;
			b = places(p, s, fold) | places(p + n, s, fold) |
			    places(p + 2 * n, s, fold) |
			    places(p + 3 * n, s, fold);
			memcpy(any, &b, sizeof(any));
			if ((any[0] | any[1]) == 0)
				continue;
		} else if (end - p >= 3) {
			stop = end - 2;
		} else {
			return NULL;
		}
		for (; p < stop; p++)
			if ((p[0] | fold) == (s[0] | fold) && p[1] == s[1] &&
			    p[2] == s[2])
				return p;
	}
}

/*
 * What other lines of the report say of a victim.
 */

/*
 * "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=
 * 0,oom_memcg=/a,task_memcg=/a,task=worker,pid=99,uid=1000". The names in it
 * may hold commas, so it is read from its end.
 */
static void
read_victim(struct killlog *log, const char *p, const char *end)
{
	static const char memcg[] = "oom-kill:constraint=CONSTRAINT_MEMCG,";
	const char *q = end, *digits;
	uint64_t pid, uid;

	log->victim = 0;
	log->group = false;
	log->killer_known = true;
	log->killer = literal(&p, end, memcg) ? KILLER_MEMCG : KILLER_OOM;
	while (q > p && is_digit(q[-1]))
		q--;
	digits = q;
	if (q - p < 5 || memcmp(q - 5, ",uid=", 5) != 0 ||
	    !number(&digits, end, UINT32_MAX, &uid))
		return;
	q -= 5;
	end = q;
	while (q > p && is_digit(q[-1]))
		q--;
	digits = q;
	if (q - p < 5 || memcmp(q - 5, ",pid=", 5) != 0 ||
	    !number(&digits, end, INT_MAX, &pid))
		return;
	log->victim = (pid_t)pid;
	log->victim_uid = (uid_t)uid;
}

/* The start of the line that P is in, not before FLOOR. */
static const char *
line_start(const char *floor, const char *p)
{
	const char *nl = memrchr(floor, '\n', (size_t)(p - floor));

	return nl == NULL ? floor : nl + 1;
}

static const char *
line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	if (nl == NULL)
		nl = end;
	return nl;
}

/* Which columns of the task table hold what we want; 0 is the one behind pid.
 */
struct columns {
	int uid, rss, adj;
	enum scale scale;
};

/*
 * The head of the task table that dump_tasks() of mm/oom_kill.c prints since
 * 2.6.25, whose columns have changed ever since:
 * "[ pid ]   uid  tgid total_vm      rss cpu oom_adj name"
 * "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents
 * oom_score_adj name"
 */
static bool
table_head(const char *p, const char *end, struct columns *columns)
{
	const char *q;
	int i;

	*columns = (struct columns) { -1, -1, -1, SCALE_UNKNOWN };
	p = memchr(p, ']', (size_t)(end - p));
	if (p == NULL)
		return false;
	p++;
	for (i = 0; i < COLUMNS; i++) {
		blanks(&p, end);
		for (q = p; q < end && *q != ' '; q++)
			;
		switch (q - p) {
		case 0:
			return true;
		case 3:
			if (memcmp(p, "uid", 3) == 0)
				columns->uid = i;
			else if (memcmp(p, "rss", 3) == 0)
				columns->rss = i;
			break;
		case 7:
			if (memcmp(p, "oom_adj", 7) == 0 && columns->adj < 0) {
				columns->adj = i;
				columns->scale = SCALE_OOM_ADJ;
			}
			break;
		case 13:
			if (memcmp(p, "oom_score_adj", 13) == 0) {
				columns->adj = i;
				columns->scale = SCALE_OOM_SCORE_ADJ;
			}
			break;
		default:
			break;
		}
		p = q;
	}
	return true;
}

/* "[ 1234]  1000  1234   174693     2051   4       0             0 node" */
static bool
table_row(const char *p, const char *end, const struct columns *columns,
    uint64_t page_size, struct kill *kill)
{
	uint64_t pid, rss = 0;
	int uid = 0, adj = 0, i, last;

	if (!literal(&p, end, "["))
		return false;
	blanks(&p, end);
	if (!number(&p, end, INT_MAX, &pid) || (pid_t)pid != kill->pid)
		return false;
	blanks(&p, end);
	if (!literal(&p, end, "]"))
		return false;
	last = columns->uid > columns->rss ? columns->uid : columns->rss;
	last = columns->adj > last ? columns->adj : last;
	for (i = 0; i <= last; i++) {
		blanks(&p, end);
		if (i == columns->uid) {
			if (!integer(&p, end, &uid))
				return false;
		} else if (i == columns->rss) {
			if (!number(&p, end, UINT32_MAX, &rss))
				return false;
		} else if (i == columns->adj) {
			if (!integer(&p, end, &adj))
				return false;
		} else {
			while (p < end && *p != ' ')
				p++;
		}
	}
	if (!kill->has_uid && columns->uid >= 0) {
		kill->has_uid = true;
		kill->uid = (uid_t)uid;
	}
	if (!kill->has_rss && columns->rss >= 0) {
		kill->has_rss = true;
		kill->rss = rss * page_size;
	}
	if (!kill->has_adj && columns->adj >= 0) {
		kill->has_adj = true;
		kill->adj = adj;
		kill->scale = columns->scale;
	}
	return true;
}

/* Complete KILL from the report's task table, which ends before LIMIT. */
static void
look_up(const struct killlog *log, const char *limit, struct kill *kill)
{
	const char *floor = log->buffer + log->event_start;
	const char *p, *start, *end;
	struct columns columns;
	struct line line;
	char text[24], *pid;

	if (!log->event_kept)
		return;
	p = find(floor, limit, "_vm", 0); /* of the head's total_vm */
	if (p == NULL)
		return;
	end = line_end(p, limit);
	if (!line_read(line_start(floor, p), end, log->kmsg, &line) ||
	    !table_head(line.message, end, &columns))
		return;
	/* The last two digits, or a blank and the only one. */
	pid = text + snprintf(text, sizeof(text), " %d]", (int)kill->pid) - 3;
	for (p = end; (p = find(p, limit, pid, 0)) != NULL; p = end) {
		start = line_start(floor, p);
		end = line_end(p, limit);
		if (line_read(start, end, log->kmsg, &line) &&
		    table_row(
			line.message, end, &columns, log->page_size, kill))
			return;
	}
}

/*
 * The lines behind a kill's, for what the kernel said in more than one or a
 * mail program broke: P to END, four at most.
 */
static void
look_ahead(bool kmsg, const char *p, const char *end, struct found *f)
{
	int i;

	for (i = 0; i < 4 && p < end; i++) {
		const char *stop = line_end(p, end);
		struct line line;

		if (line_read(p, stop, kmsg, &line)) {
			const char *q = line.message;

			blanks(&q, stop);
			if (f->killer == KILLER_LOWMEMORYKILLER) {
				if (format_to_free(q, stop, f))
					return;
			} else if (i == 0 && literal(&q, stop, "total-vm:")) {
				format_list_keys(q, stop, f);
				return;
			}
		}
		p = stop == end ? end : stop + 1;
	}
}

static void
report_kill(struct killlog *log, const struct line *line, const struct found *f,
    const char *where)
{
	struct kill kill = {
		.clock_kind = line->clock_kind,
		.clock = line->clock,
		.event = log->event,
		.pid = f->pid,
		.has_uid = f->has_uid,
		.uid = f->uid,
		.has_rss = f->has_rss || f->has_pages,
		.rss = f->has_pages ? f->pages * log->page_size : f->rss * 1024,
		.has_adj = f->has_adj,
		.adj = f->adj,
		.scale = f->scale,
	};

	memcpy(kill.time, line->time, sizeof(kill.time));
	kill.comm_len = f->comm_len;
	memcpy(kill.comm, f->comm, f->comm_len);
	if (f->killer != BEFORE)
		kill.killer = (enum killer)f->killer;
	else if (log->killer_known)
		kill.killer = log->killer;
	else if (f->meaning == KILL_ALSO)
		kill.killer = log->last;
	else
		kill.killer = KILLER_OOM;
	if (!log->group)
		log->killer_known = false;
	log->last = kill.killer;
	if (kill.killer != KILLER_LOWMEMORYKILLER) {
		if (!kill.has_uid && kill.pid > 0 && log->victim == kill.pid) {
			kill.has_uid = true;
			kill.uid = log->victim_uid;
		}
		/* Who shares another's memory takes none of his own. */
		if (f->meaning == KILL &&
		    !(kill.has_uid && kill.has_rss && kill.has_adj))
			look_up(log, where, &kill);
	}
	log->fn(&kill, log->arg);
}

/*
 * Read the line from P to END; complete lines go on to STOP. Returns false if
 * what is behind them must be there first.
 */
static bool
read_line(struct killlog *log, const char *p, const char *end, const char *stop,
    bool eof)
{
	const char *start = p, *first, *message_end, *rest;
	char message[LINE];
	struct line line;
	struct found f;

	while (end > p && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (end - p > LINE || !line_read(p, end, log->kmsg, &line))
		return true;
	first = line.message;
	message_end = line.end;
	if (line.escaped) {
		size_t n = line_unescape(message, first, message_end);

		first = message;
		message_end = message + n;
	}
	/* A message of more than one line: whose name is in the second? */
	rest = message_end;
	message_end = line_end(first, message_end);
	if (memchr(first, '\0', (size_t)(message_end - first)) != NULL)
		return true;
	if (!format_match(first, message_end, &f))
		return true;

	switch (f.meaning) {
	case KILL:
		if (message_end < rest)
			look_ahead(false, message_end + 1, rest, &f);
		if (!f.has_rss && !f.has_pages && !line.escaped) {
			if (log->buffer + log->used - end < AHEAD && !eof)
				return false;
			p = line_end(end, stop);
			if (p < stop)
				look_ahead(log->kmsg, p + 1, stop, &f);
		}
		/* FALLTHROUGH */
	case KILL_ALSO:
		report_kill(log, &line, &f, start);
		break;
	case ANNOUNCED:
		log->killer_known = true;
		log->killer = (enum killer)f.killer;
		log->group = false;
		break;
	case MEMCG:
	case MEMCG_GROUP:
		log->killer_known = true;
		log->killer = KILLER_MEMCG;
		log->group = f.meaning == MEMCG_GROUP;
		break;
	case REPORT:
		log->event++;
		log->event_kept = true;
		log->event_start = (size_t)(start - log->buffer);
		log->killer_known = false;
		log->group = false;
		log->victim = 0;
		break;
	case VICTIM:
		read_victim(log, first, message_end);
		break;
	}
	return true;
}

/*
 * The next "kill" or "Kill" between P and END, or NULL. All lines that matter
 * have one, and hardly any other.
 */
static const char *
find_kill(const char *p, const char *end)
{
	while ((p = find(p, end, "kil", 0x20)) != NULL) {
		if (end - p > 3 && p[3] == 'l')
			return p;
		p++;
	}
	return NULL;
}

/* Read what is complete; at the end of the log, everything. */
static void
read_lines(struct killlog *log, bool eof)
{
	const char *buffer = log->buffer;
	const char *p = buffer + log->scan, *end = buffer + log->used;
	const char *stop = end, *hit, *start, *line;

	if (log->skipping) {
		p = line_end(p, end);
		log->skipping = p == end;
		if (p < end)
			p++;
	}
	if (!eof) {
		stop = memrchr(p, '\n', (size_t)(end - p));
		stop = stop == NULL ? p : stop + 1;
	}
	while ((hit = find_kill(p, stop)) != NULL) {
		start = line_start(p, hit);
		line = line_end(hit, stop);
		if (!read_line(log, start, line, stop, eof)) {
			stop = start;
			break;
		}
		if (line == stop)
			break;
		p = line + 1;
	}
	log->scan = (size_t)(stop - buffer);
	if (log->used - log->scan > LINE + AHEAD &&
	    memchr(stop, '\n', log->used - log->scan) == NULL) {
		log->skipping = true;
		log->used = log->scan;
	}
}

struct killlog *
killlog_new(uint64_t page_size, killlog_fn *fn, void *arg)
{
	struct killlog *log;

	log = malloc(sizeof(*log));
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
	log->scan = log->used = 0;
	log->skipping = false;
	log->event++;
	log->event_kept = false;
	log->event_start = 0;
	log->killer_known = false;
	log->killer = log->last = KILLER_OOM;
	log->group = false;
	log->victim = 0;
	log->victim_uid = 0;
}

char *
killlog_room(struct killlog *log, size_t *len)
{
	size_t from = log->scan;

	/* Keep the report, unless its table would have ended long ago. */
	if (log->event_kept && log->used - log->event_start > HISTORY)
		log->event_kept = false;
	if (log->event_kept)
		from = log->event_start;
	/* To the front, where the cache is, if that is soon done. */
	if (log->used - from <= CHUNK / 2 || log->used + CHUNK > BUFFER) {
		memmove(log->buffer, log->buffer + from, log->used - from);
		log->used -= from;
		log->scan -= from;
		log->event_start = 0;
	}
	*len = CHUNK;
	return log->buffer + log->used;
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
