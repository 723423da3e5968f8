/* SPDX-License-Identifier: ISC */
#include <sys/types.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "adjustment.h"
#include "list.h"
#include "process.h"
#include "text.h"

#define VICTIMS 10
#define BAR_WIDTH 10

struct row {
	struct decision decision;
	bool decided;   /* a selected rule decides, or its value is reset */
	bool inherited; /* it is reset */
	pid_t pid;
	long score;  /* oom_score: 0 is never, 1000 and more is first */
	int64_t rss; /* bytes */
	/* Only of those that are shown: */
	double badness; /* what the score was rounded from, in bytes */
	char comm[16];
	uid_t uid;
	int adj;
};

struct rows {
	struct row *row;
	size_t n;
};

enum { PID, USER, RSS, SCORE, BAR, ADJ, WANT, RULE, PASSED, COMMAND, COLUMNS };

/* Where a column is shown. */
enum { TABLE = 1, JSON = 2, BOTH = TABLE | JSON };

static const struct {
	const char *name; /* and in small letters, JSON's */
	int where;
	double width;
	int flags;
	int json_type;
} columns[] = {
	[PID] = { "PID", BOTH, 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[USER] = { "USER", BOTH, 8, 0, SCOLS_JSON_STRING },
	[RSS] = { "RSS", BOTH, 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[SCORE] = { "SCORE", BOTH, 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[BAR] = { "", TABLE, BAR_WIDTH, 0, SCOLS_JSON_STRING },
	[ADJ] = { "ADJ", BOTH, 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[WANT] = { "WANT", BOTH, 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[RULE] = { "RULE", BOTH, 0.3, SCOLS_FL_TRUNC, SCOLS_JSON_STRING },
	[PASSED] = { "PASSED_OVER", JSON, 1, 0, SCOLS_JSON_STRING },
	[COMMAND] = { "COMMAND", BOTH, 15, 0, SCOLS_JSON_STRING },
};

static int
read_number(const struct process *p, const char *name, long *value)
{
	char buf[32];

	if (process_read_file(p, name, buf, sizeof(buf)) == -1)
		return -1;
	*value = strtol(buf, NULL, 10);
	return 0;
}

/* The second number of /proc/PID/statm, proc_pid_statm(5), is in pages. */
static int
read_rss(const struct process *p, int64_t *rss)
{
	char buf[128];
	long pages;

	if (process_read_file(p, "statm", buf, sizeof(buf)) == -1)
		return -1;
	if (sscanf(buf, "%*u %ld", &pages) != 1) {
		errno = EINVAL;
		return -1;
	}
	*rss = (int64_t)pages * sysconf(_SC_PAGESIZE);
	return 0;
}

static int
look(const struct config *config, bool victims, struct process *p, int procfd,
    const char *pid, struct row *row)
{
	static const struct changes none;
	int result = -1;

	*row = (struct row) { 0 };
	if (process_look(p, procfd, pid) == -1)
		return -1;
	if (adjustment_decide(p, &config->rules, &none, &row->decision) == -1)
		goto out;
	row->pid = p->pid;
	row->inherited = row->decision.verdict == VERDICT_RESET;
	row->decided = row->inherited ||
	    (row->decision.verdict != VERDICT_NONE &&
		row->decision.rule->selected);
	if (!row->decided && !victims)
		goto out;
	if (read_number(p, "oom_score", &row->score) == 0)
		result = read_rss(p, &row->rss);
out:
	process_close(p);
	return result;
}

/*
 * What the kernel adds up, oom_badness() in mm/oom_kill.c, in bytes: a score is
 * this in thousandths of all memory, and many have the same.
 */
static double
badness(const struct row *row, const char *status)
{
	static double total;
	static const char *const sizes[] = {
		"\nVmRSS:", "\nVmSwap:", "\nVmPTE:"
	};
	double sum = 0;
	const char *p;
	size_t i;

	if (total == 0)
		total = (double)sysconf(_SC_PHYS_PAGES) *
		    (double)sysconf(_SC_PAGESIZE);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if ((p = strstr(status, sizes[i])) != NULL)
			sum += 1024 *
			    (double)strtol(p + strlen(sizes[i]), NULL, 10);
	}
	return sum + row->adj * total / OOM_SCORE_ADJ_MAX;
}

static int
look_closer(struct process *p, int procfd, struct row *row)
{
	char pid[16], status[4096];

	snprintf(pid, sizeof(pid), "%d", row->pid);
	if (process_look(p, procfd, pid) == -1 ||
	    process_read(p, FACT_COMM | FACT_STATUS) == -1 ||
	    adjustment_read(p) == -1 ||
	    process_read_file(p, "status", status, sizeof(status)) == -1)
		return -1;
	row->adj = p->facts.value;
	row->uid = p->facts.euid;
	row->badness = badness(row, status);
	strlcpy(row->comm, p->facts.comm, sizeof(row->comm));
	return 0;
}

static int
compare_scores(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (a->badness != b->badness)
		return a->badness < b->badness ? 1 : -1;
	if (a->rss != b->rss)
		return a->rss < b->rss ? 1 : -1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

static void
read_rows(const struct config *config, DIR *proc, bool victims,
    struct process *p, struct rows *rows, struct watchdog *watchdog)
{
	const char *pid;
	struct row row;

	while ((pid = process_next(proc)) != NULL) {
		watchdog->pid = (pid_t)strtol(pid, NULL, 10);
		if (look(config, victims, p, dirfd(proc), pid, &row) == -1)
			continue;
		/* Kernel threads and zombies have no memory to give. */
		if (!row.decided && !p->facts.has_args && row.rss == 0)
			continue;
		rows->row = grow_array(rows->row, rows->n, sizeof(row));
		if (rows->row == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		rows->row[rows->n++] = row;
	}
	watchdog->pid = 0;
}

/* Move those that are to be shown to the front; returns how many they are. */
static size_t
choose(struct rows *rows, bool victims, struct process *p, int procfd)
{
	size_t i, n = 0, candidates = 0;

	if (rows->n > 0)
		qsort(rows->row, rows->n, sizeof(*rows->row), compare_scores);
	for (i = 0; i < rows->n; i++) {
		struct row row = rows->row[i];

		if (!row.decided && (!victims || candidates >= VICTIMS))
			continue;
		/* One that has ended meanwhile makes room for the next. */
		if (look_closer(p, procfd, &row) == -1)
			continue;
		candidates++;
		rows->row[i] = rows->row[n];
		rows->row[n++] = row;
	}
	if (n > 0)
		qsort(rows->row, n, sizeof(*rows->row), compare_scores);
	return n;
}

/* The value the row is to have, unless nothing is wanted of it. */
static bool
wanted(const struct row *row, int *want)
{
	if (row->inherited) {
		*want = 0;
		return true;
	}
	if (row->decided && row->decision.verdict == VERDICT_APPLY) {
		*want = row->decision.rule->oom_score_adj;
		return true;
	}
	return false;
}

static const char *
user_name(uid_t uid, char *buf, size_t size)
{
	static char name[128];
	static uid_t last = (uid_t)-1;
	const struct passwd *pw;

	if (uid != last && (pw = getpwuid(uid)) != NULL)
		escape_bytes(name, sizeof(name), pw->pw_name,
		    strnlen(pw->pw_name, sizeof(name) / 4 - 1));
	else if (uid != last)
		snprintf(name, sizeof(name), "%u", uid);
	last = uid;
	strlcpy(buf, name, size);
	return buf;
}

/* Why the rule is not applied, or NULL. */
static const char *
passed_over(const struct row *row)
{
	if (row->inherited || !row->decided)
		return NULL;
	switch (row->decision.verdict) {
	case VERDICT_USER:
		return "user";
	case VERDICT_CONTAINER:
		return "container";
	case VERDICT_PUT_BACK:
		return "put back";
	default:
		return NULL;
	}
}

__attribute__((format(printf, 3, 4))) static void
set(struct libscols_line *line, size_t column, const char *format, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n == -1 || scols_line_refer_data(line, column, text) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
}

static void
add_line(struct libscols_table *table, const struct row *row, long highest,
    bool json, bool color)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *passed;
	char buf[128];
	bool differs;
	int want = 0;

	if (line == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	set(line, PID, "%d", row->pid);
	set(line, USER, "%s", user_name(row->uid, buf, sizeof(buf)));
	if (json) {
		set(line, RSS, "%jd", (intmax_t)row->rss);
	} else {
		set(line, RSS, "%s", format_size(buf, row->rss));
	}
	set(line, SCORE, "%ld", row->score);
	set(line, BAR, "%.*s", (int)(row->score * BAR_WIDTH / highest),
	    "##########");
	set(line, ADJ, "%d", row->adj);
	differs = wanted(row, &want) && want != row->adj;
	if (wanted(row, &want))
		set(line, WANT, "%d%s", want,
		    differs && !json && !color ? " !" : "");
	passed = passed_over(row);
	if (row->inherited)
		set(line, RULE, "reset_inherited");
	else if (row->decided)
		set(line, RULE, "%s:%u%s%s", row->decision.rule->file,
		    row->decision.rule->line,
		    passed != NULL && !json ? ", passed over: " : "",
		    passed != NULL && !json ? passed : "");
	if (passed != NULL)
		set(line, PASSED, "%s", passed);
	set(line, COMMAND, "%s",
	    escape_bytes(buf, sizeof(buf), row->comm, strlen(row->comm)));
	if (differs && color)
		scols_line_set_color(line, "red");
}

static void
print_rows(const struct row *row, size_t n, bool json, bool color)
{
	struct libscols_table *table;
	struct libscols_column *column;
	long highest = OOM_SCORE_ADJ_MAX;
	size_t i;

	if ((table = scols_new_table()) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	scols_table_set_name(table, "processes");
	scols_table_enable_json(table, json);
	scols_table_enable_colors(table, color);
	/* Names have been escaped already. */
	scols_table_enable_noencoding(table, 1);
	for (i = 0; i < COLUMNS; i++) {
		int flags = columns[i].flags;

		if (!(columns[i].where & (json ? JSON : TABLE)))
			flags |= SCOLS_FL_HIDDEN;
		column = scols_table_new_column(
		    table, columns[i].name, columns[i].width, flags);
		if (column == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		scols_column_set_json_type(column, columns[i].json_type);
	}
	for (i = 0; i < n; i++) {
		if (row[i].score > highest)
			highest = row[i].score;
	}
	for (i = 0; i < n; i++)
		add_line(table, &row[i], highest, json, color);
	if (scols_print_table(table) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
	scols_unref_table(table);
}

static void
print_rest(const struct row *row, size_t n)
{
	char buf[5];
	int64_t rss = 0;
	size_t i;

	for (i = 0; i < n; i++)
		rss += row[i].rss;
	printf("%zu other %s, %s\n", n, n == 1 ? "process" : "processes",
	    format_size(buf, rss));
}

int
list(const struct config *config, const char *proc, bool victims, bool json,
    bool color, struct watchdog *watchdog)
{
	static struct process process;
	struct rows rows = { 0 };
	size_t shown;
	DIR *dir;

	if ((dir = opendir(proc)) == NULL) {
		warn("%s", proc);
		return -1;
	}
	read_rows(config, dir, victims, &process, &rows, watchdog);
	shown = choose(&rows, victims, &process, dirfd(dir));
	closedir(dir);
	print_rows(rows.row, shown, json, color);
	if (victims && !json)
		print_rest(rows.row + shown, rows.n - shown);
	free(rows.row);
	return 0;
}
