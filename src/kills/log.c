/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kills/kills.h"

#define AHEAD ((ptrdiff_t)JOINED_LINES * JOINED_SIZE)
#define TRIES 16 /* messages or tasks looked for in one line */
#define BIGGEST 3
#define STALE 300 /* seconds after which a report is over */
#define WIDTH 80  /* of a terminal, at least */

/* The start of the line that P is in, not before FLOOR. */
static const char *
line_start(const char *floor, const char *p)
{
	const char *nl = memrchr(floor, '\n', (size_t)(p - floor));

	return nl == NULL ? floor : nl + 1;
}

static int
compare_tasks(const void *a, const void *b)
{
	const struct task *x = a, *y = b;
	int order = strcmp(x->comm, y->comm);

	return order != 0 ? order : (int)(x->value[PID] - y->value[PID]);
}

/* Add the tasks up by command: "mysqld 1.2G, php 1.1G in 40 processes". */
static void
add_up_tasks(struct log *log)
{
	struct usage {
		const char *comm;
		int64_t rss;
		unsigned int processes;
	} sum, biggest[BIGGEST + 1] = { { .rss = 0 } };
	struct task *task = log->tasks, *end = task + log->report.ntasks;
	char *text = log->report.table.biggest, size[5];
	size_t i, n = 0;

	qsort(task, log->report.ntasks, sizeof(*task), compare_tasks);
	while (task < end) {
		sum = (struct usage) { .comm = task->comm };
		for (; task < end && strcmp(task->comm, sum.comm) == 0;
		     task++, sum.processes++)
			sum.rss += task->value[RSS];
		for (i = BIGGEST; i > 0 && sum.rss > biggest[i - 1].rss; i--)
			biggest[i] = biggest[i - 1];
		biggest[i] = sum;
	}
	for (i = 0; i < BIGGEST && biggest[i].rss > 0; i++)
		n += (size_t)snprintf(text + n, BIGGEST_SIZE - n,
		    biggest[i].processes > 1 ? "%s%s %s in %u processes"
					     : "%s%s %s",
		    i == 0 ? "" : ", ", biggest[i].comm,
		    format_size(size, biggest[i].rss), biggest[i].processes);
}

/* Read the report's table of tasks, if there is a new one before END. */
static void
read_table(struct log *log, const char *end)
{
	struct oom_report *report = &log->report;
	const char *p = report->start, *eol, *q, *columns = NULL;
	struct message row = { .columns = NULL };
	struct kill *heading;
	struct task *t;
	struct line line;
	bool gap = false, broken = false;
	int i;

	p = memmem(p, (size_t)(end - p), "tgid total_vm", 13);
	report->start = end;
	if (p == NULL)
		return;
	for (p = line_start(log->buffer, p); p < end; p = eol + 1) {
		eol = strchrnul(p, '\n');
		if (!copy_line(&line, NULL, p, eol, log->kmsg))
			continue;
		q = line.from;
		for (i = 0; i < TRIES && (q = strchr(q, '[')); i++, q++)
			if (read_row(&line, q, columns, &row))
				break;
		heading = row.columns != NULL ? &row.kill : NULL;
		if (q == NULL || i == TRIES)
			/* The end of a row that a mail program broke. */
			gap |= line.text[strspn(line.text, QUOTATION ".")] &&
			    !strpbrk(line.text, "[:");
		else if (read_prefix(&line, q, heading) != TRUST)
			continue;
		else if (heading != NULL) {
			columns = row.columns;
			report->table = row.kill;
			report->ntasks = 0;
			gap = broken = false;
		} else if (report->ntasks < COUNT(log->tasks)) {
			t = &log->tasks[report->ntasks++];
			memcpy(t->value, row.kill.value, sizeof(t->value));
			memcpy(t->comm, row.kill.comm, NAME_SIZE);
			broken |= gap;
		}
	}
	if (columns != NULL)
		add_up_tasks(log);
	if (broken)
		report->table.biggest[0] = '\0';
}

/* Complete KILL with what the table of tasks before START says. */
static void
look_up(struct log *log, struct kill *kill, const char *start)
{
	struct task key, *task;
	struct kill other;

	read_table(log, start);
	if (log->report.ntasks == 0 ||
	    seconds_apart(&kill->when, &log->report.table.when) > STALE)
		return;
	other = log->report.table;
	key.value[PID] = kill->value[PID] != UNKNOWN ? kill->value[PID] : 0;
	memcpy(key.comm, kill->comm, NAME_SIZE);
	task = bsearch(
	    &key, log->tasks, log->report.ntasks, sizeof(key), compare_tasks);
	if (task != NULL)
		memcpy(other.value, task->value, sizeof(other.value));
	complete_kill(kill, &other);
}

/* Pass the kill of MESSAGE on, with what the report says about it. */
static void
report_kill(struct log *log, struct message *message, const char *start)
{
	struct oom_report *report = &log->report;
	struct kill *kill = &message->kill;
	bool shared = message->meaning == KILLED_SHARED;

	kill->report = log->reports;
	if (kill->killer < KILLER_LOWMEM) {
		if (kill->killer == KILLER_UNKNOWN &&
		    (shared || report->left > 0) &&
		    seconds_apart(&kill->when, &report->when) <= STALE)
			kill->killer = report->killer;
		report->killer = kill->killer;
		report->when = kill->when;
		report->left -= report->left > 0;
		if (kill->value[PID] == report->victim.value[PID])
			complete_kill(kill, &report->victim);
		/* A process that shared its memory had none of its own. */
		if (!shared)
			look_up(log, kill, start);
	}
	log->fn(kill, log->arg);
}

/* Act on a message in the line at START. */
static void
act_on(struct log *log, struct message *message, const char *start)
{
	struct oom_report *report = &log->report;

	switch (message->meaning) {
	case REPORT:
		log->reports++;
		*report = (struct oom_report) { .start = start };
		break;
	case ANNOUNCED:
	case ANNOUNCED_GROUP:
		log->announced++;
		report->killer = message->kill.killer;
		report->when = message->kill.when;
		report->left = message->meaning == ANNOUNCED_GROUP ? ~0U : 1;
		if (message->kill.value[UID] != UNKNOWN)
			report->victim = message->kill;
		break;
	default:
		report_kill(log, message, start);
	}
}

/* Add the lines from P to STOP that MESSAGE may go on in; false if none. */
static bool
join_lines(struct line *line, const struct message *message, const char *p,
    const char *stop)
{
	const char *text = line->from, *end;
	ptrdiff_t width = line->end - line->from, n;
	ptrdiff_t indent = message->start - text;
	bool indented, kill, whole = message->meaning != NOTHING;
	int i;

	line->joint = width < WIDTH - 20 ? '\n' : ' ';
	for (i = 0; i < JOINED_LINES && p < stop; i++, p = end + 1) {
		end = strchrnul(p, '\n');
		/* It may begin like this one, but for time and stamp. */
		for (n = 0; n < indent && p + n < end; n++)
			if (p[n] != text[n] &&
			    (n == indent - 1 ||
				strchr(" " DIGITS, p[n]) == NULL ||
				strchr(" " DIGITS, text[n]) == NULL))
				break;
		if (n + 1 < indent && text[n] != '[')
			n = 0;
		indented = false;
		if (strspn(p, QUOTATION) >= (size_t)n) {
			n = (ptrdiff_t)strspn(p, QUOTATION);
			if (n > indent && (indent > 0 || !whole))
				n = indent;
			/* Terminals break words; dmesg indents new lines. */
			indented = *p == ' ' && n == indent;
			if (indented)
				line->joint = '\n';
			else if (width >= WIDTH || width == end - p ||
			    p[-2] == '=')
				line->joint = '\0';
		}
		p += n;
		/* Stop at a line that begins another message. */
		kill = strncasecmp(p, "kill", 4) == 0 && find_word(p, end) == p;
		if (end - p >= JOINED_SIZE ||
		    ((whole || !indented) && (*p == '[' || kill)) ||
		    (whole &&
			(p == end ||
			    (*p >= 'A' && *p <= 'Z' && !strchr("BDIU", *p)))))
			break;
		*line->end = '\n';
		line->end = copy_text(line->end + 1, p, end, true);
	}
	return i > 0;
}

/* read_prefix() for a report, before whose first word is a comm. */
static enum trust
is_report(const struct line *line, const char *message)
{
	enum trust trust = TRUST_NOT;
	const char *p;

	/* The kernel quotes file names, and has "Task in /cgroup". */
	for (p = message;
	     p >= line->from && message - p <= COMM && trust == TRUST_NOT &&
	     !strchr("'\"", *p) && strncmp(p, "Task", 4) != 0;
	     p--)
		if (*p != ' ' && (p == line->from || p[-1] == ' '))
			trust = read_prefix(line, p, NULL);
	return trust;
}

/* Whether a process id goes on with a line: journald has it after any tag. */
static bool
is_tag(const char *p)
{
	for (p += strcspn(p, "[\n"); *p == '['; p += strcspn(p, "[\n")) {
		p += 1 + strspn(p + 1, DIGITS);
		if (p[0] == ']' && p[1] == ':' && is_digit(p[-1]))
			return true;
	}
	return false;
}

/* Read the messages in the line of HIT up to END; lines go on to STOP. */
static void
read_line(struct log *log, const char *hit, const char *end, const char *stop)
{
	const char *start = line_start(log->buffer, hit), *before = start;
	struct line *line = &log->line;
	struct message message;
	enum trust trust = TRUST_NOT;
	const char *word, *last;
	int i;

	/* Without a stamp it may go on from the line before. */
	if (start > log->buffer &&
	    strcspn(start, DIGITS "\n") >= (size_t)(hit - start))
		before = line_start(log->buffer, start - 1);
	if (!copy_line(line, before, start, end, log->kmsg))
		return;
	last = line->end;
	word = memcmp(line->from, start, (size_t)(hit - start)) == 0
	    ? line->from + (hit - start)
	    : *hit == *WORD_SIGNAL ? strstr(line->from, WORD_SIGNAL)
				   : find_word(line->from, last);
	for (i = 1; word != NULL && word < last && i <= TRIES;
	     i++, word = find_word(word + 1, last)) {
		do {
			read_message(line, word, &message);
			if (message.start < line->start)
				line->from = line->text;
			trust = message.meaning == REPORT
			    ? is_report(line, message.start)
			    : read_prefix(line, message.start,
				  message.meaning != NOTHING ? &message.kill
							     : NULL);
		} while (message.cut && trust > TRUST_NOT && !line->is_record &&
		    last == line->end &&
		    join_lines(line, &message, end + 1, stop));
		if (message.meaning != NOTHING && trust >= message.needs &&
		    (line->is_record || !is_tag(message.end))) {
			act_on(log, &message, start);
			/* Pastes lose newlines; announcements end in names. */
			if (message.kill.killer >= KILLER_OOMD ||
			    line->is_record ||
			    (message.meaning != REPORT &&
				message.kill.value[PID] == UNKNOWN))
				break;
			line->from = message.end;
			word = message.end - 1;
			line->resumed = true;
		} else if (trust == TRUST_NEVER && i > 1)
			break;
	}
}

/* Read what is complete; at the end of the log, everything. */
static void
read_lines(struct log *log, bool eof)
{
	const char *p = log->scan, *end;
	const char *stop = eof ? log->used : line_start(p, log->used);
	const char *kill = NULL, *sending = NULL, *hit;

	*log->used = '\0';
	for (; p < stop; p = end) {
		if (kill < p)
			kill = find_word(p, stop);
		if (sending < p && !(sending = strstr(p, WORD_SIGNAL)))
			sending = stop;
		hit = kill < sending ? kill : sending;
		if (hit >= stop)
			break;
		end = strchrnul(hit, '\n');
		/* The lines after it may belong to it. */
		if (!eof && log->used - end < AHEAD) {
			stop = line_start(log->scan, hit);
			break;
		}
		read_line(log, hit, end, stop);
	}
	log->scan = stop;
	/* Skip what is too long for a line of the kernel's. */
	if (log->used - stop > LINE_SIZE + AHEAD && strchr(stop, '\n') == NULL)
		log->scan = log->used;
}

void
log_start(struct log *log, bool kmsg)
{
	log->kmsg = kmsg;
	log->scan = log->used = log->buffer;
	act_on(log, &(struct message) { .meaning = REPORT }, log->buffer);
}

void
log_read(struct log *log, const char *data, size_t len)
{
	const char *from;
	char *start;
	size_t moved;

	/* Keep what may be a table, or the line before. */
	if (sizeof(log->buffer) - (size_t)(log->used - log->buffer) <= len) {
		from = log->scan - TABLE_SIZE;
		moved = (size_t)(from - log->buffer);
		memmove(log->buffer, from, (size_t)(log->used - from));
		log->scan -= moved;
		log->used -= moved;
		log->report.start = log->report.start < from
		    ? log->buffer
		    : log->report.start - moved;
	}
	start = log->used;
	log->used = mempcpy(log->used, data, len);
	while ((start = memchr(start, '\0', (size_t)(log->used - start))))
		*start = ' ';
	read_lines(log, len == 0);
}
