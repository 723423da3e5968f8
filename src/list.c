/* SPDX-License-Identifier: ISC */
#include <sys/sysinfo.h>
#include <sys/types.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

/*
 * The lines on memory come after those of up to 65536 groups (NGROUPS_MAX).
 * Untouched pages cost no memory.
 */
#define STATUS_SIZE (1 << 20)

/* More is not believed. */
#define KIB_MAX ((int64_t)1 << 40)
#define SCORE_MAX (INT_MAX / 2)

struct list_row {
	enum verdict verdict;    /* NONE if no selected rule decides */
	const struct rule *rule; /* which decides, or NULL */
	pid_t pid;
	uid_t uid;
	int adj;  /* its oom_score_adj */
	int want; /* the same after a run */
	int score;
	int64_t rss, swap; /* bytes */
	int64_t pages;     /* that oom_badness() counts */
	int64_t badness;
	char comm[16];
};

struct list {
	const struct config *config;
	const struct list_options *options;
	int procfd;
	pid_t self; /* our PID in procfd, or 0 */
	int64_t total_pages;
	struct process process;
	struct list_row *row;
	size_t n;
	/* Of the processes that no rule decides; the extra one drops out. */
	struct list_row victim[VICTIMS + 1];
	size_t nvictims;
	size_t nothers;
	int64_t others_rss;
	int shifted_scores; /* scores as since Linux 5.9, less the others */
	bool hidden;        /* some processes cannot be seen */
	bool exe_denied;
	bool failed;
};

#define SWAP_COLUMN 3

/*
 * On a narrow terminal libsmartcols cuts the columns with SCOLS_FL_TRUNC, first
 * those that are wider than their part of the terminal: the bar.
 */
static const struct column columns[] = {
	{ "PID", IN_BOTH, 1, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "USER", IN_BOTH, 1, 0, SCOLS_JSON_STRING },
	{ "RSS", IN_BOTH, 1, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	[SWAP_COLUMN] = { "SWAP", IN_BOTH, 1, SCOLS_FL_RIGHT,
	    SCOLS_JSON_NUMBER },
	{ "SCORE", IN_BOTH, 1, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "", IN_TABLE, 0.01, SCOLS_FL_TRUNC, SCOLS_JSON_STRING },
	{ "ADJ", IN_BOTH, 1, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "WANT", IN_BOTH, 1, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "RULE", IN_BOTH, 1, 0, SCOLS_JSON_STRING },
	{ "PASSED_OVER", IN_JSON, 1, 0, SCOLS_JSON_STRING },
	{ "COMMAND", IN_BOTH, 1, 0, SCOLS_JSON_NUMBER },
};

/*
 * oom_badness() in mm/oom_kill.c, of a process with PAGES of memory: the kernel
 * kills the one with the most of it. INT64_MIN if that cannot be killed.
 */
static int64_t
oom_badness(const struct list *l, int64_t pages, int adj)
{
	if (adj == OOM_SCORE_ADJ_MIN)
		return INT64_MIN;
	return pages + adj * (l->total_pages / OOM_SCORE_ADJ_MAX);
}

/* proc_oom_score() in fs/proc/base.c; SHIFTED since Linux 5.9. */
static int64_t
oom_score(const struct list *l, int64_t badness, bool shifted)
{
	int64_t thousandths;

	if (badness == INT64_MIN)
		return 0;
	thousandths = badness * OOM_SCORE_ADJ_MAX / l->total_pages;
	if (shifted)
		return (OOM_SCORE_ADJ_MAX + thousandths) * 2 / 3;
	return thousandths > 0 ? thousandths : 0;
}

/*
 * Find out by which formula the kernel makes its scores. Its version does not
 * say: the formula was backported.
 */
static void
compare_formulas(struct list *l, const struct list_row *row)
{
	int64_t shifted = oom_score(l, row->badness, true);
	int64_t plain = oom_score(l, row->badness, false);

	if (row->badness != INT64_MIN)
		l->shifted_scores +=
		    llabs(row->score - shifted) < llabs(row->score - plain)
		    ? 1
		    : -1;
}

static bool
can_be_killed(const struct list_row *row)
{
	return row->pid != 1 && row->score > 0 && row->badness != INT64_MIN;
}

static bool
is_decided(const struct list_row *row)
{
	return row->verdict != VERDICT_NONE;
}

/*
 * In the order in which the kernel kills. Of equals it takes the last that was
 * started: oom_evaluate_task().
 */
static int
compare_rows(const void *va, const void *vb)
{
	const struct list_row *a = va, *b = vb;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	if (a->badness != b->badness)
		return a->badness < b->badness ? 1 : -1;
	return (a->pid < b->pid) - (a->pid > b->pid);
}

/* The number in a line of status, such as "\nVmRSS:\t    1744 kB", or 0. */
static int64_t
status_number(const char *status, const char *name)
{
	const char *p = strstr(status, name);
	unsigned long long n = 0;

	if (p != NULL)
		n = strtoull(p + strlen(name), NULL, 10);
	return n < KIB_MAX ? (int64_t)n : KIB_MAX;
}

/* Read FILE of the process, which is proc_pid_status(5), for its memory. */
static int
read_status(const struct process *p, const char *file, char *status,
    struct list_row *row)
{
	int64_t tables;

	if (process_read_file(p, file, status, STATUS_SIZE) == -1)
		return -1;
	row->rss = status_number(status, "\nVmRSS:") * 1024;
	row->swap = status_number(status, "\nVmSwap:") * 1024;
	/* Before Linux 4.15 there is a line for each level. */
	tables = (status_number(status, "\nVmPTE:") +
		     status_number(status, "\nVmPMD:")) *
	    1024;
	row->pages = (row->rss + row->swap + tables) / sysconf(_SC_PAGESIZE);
	return 0;
}

/*
 * When the main thread has ended, the process shows no memory, but its other
 * threads do.
 */
static int
read_threads(const struct process *p, char *status, struct list_row *row)
{
	char path[64];
	const char *tid;
	int fd, saved, result = 0;
	DIR *dir;

	stpcpy(stpcpy(path, p->prefix), "task");
	fd = openat(p->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return -1;
	}
	while (row->pages == 0 && (tid = process_next(dir)) != NULL) {
		snprintf(path, sizeof(path), "task/%s/status", tid);
		result = read_status(p, path, status, row);
		if (result == -1 && !process_ended(errno))
			break;
		result = 0;
	}
	saved = errno;
	closedir(dir);
	errno = saved;
	return result;
}

static int
read_memory(struct process *p, struct list_row *row)
{
	static char status[STATUS_SIZE];

	if (read_status(p, "status", status, row) == -1 ||
	    parse_status(status, &p->facts) == -1)
		return -1;
	row->uid = p->facts.euid;
	if (row->pages == 0 && status_number(status, "\nThreads:") > 1)
		return read_threads(p, status, row);
	return 0;
}

static int
read_score(const struct process *p, int *score)
{
	char buf[32];
	unsigned long n;

	if (process_read_file(p, "oom_score", buf, sizeof(buf)) == -1)
		return -1;
	n = strtoul(buf, NULL, 10);
	*score = n < SCORE_MAX ? (int)n : SCORE_MAX;
	return 0;
}

/* The value that the process has after a run. */
static int
value_after(const struct process *p, const struct list_row *row)
{
	if (row->verdict == VERDICT_RESET)
		return 0;
	if (row->verdict == VERDICT_APPLY)
		return adjustment_nearest(p, row->rule->oom_score_adj);
	return p->facts.value;
}

/*
 * Read the row of the process that has been looked at. Returns 1, or 0 if it is
 * not of interest, or -1 with errno set.
 */
static int
read_row(struct list *l, struct list_row *row)
{
	static struct changes none;
	struct process *p = &l->process;
	struct decision d;

	if (adjustment_decide(p, &l->config->rules, &none, &d) == -1)
		return -1;
	if ((p->facts.known & FACT_EXE) && p->facts.exe_denied)
		l->exe_denied = true;
	*row = (struct list_row) { .pid = p->pid };
	if (d.verdict == VERDICT_RESET) {
		row->verdict = d.verdict;
	} else if (d.verdict != VERDICT_NONE && d.rule->selected) {
		row->verdict = d.verdict;
		row->rule = d.rule;
	} else if (l->options->nnames > 0) {
		return 0;
	}
	if (read_memory(p, row) == -1)
		return -1;
	/* Kernel threads and zombies have none. */
	if (row->pages == 0 && !is_decided(row))
		return 0;
	if (read_score(p, &row->score) == -1 || adjustment_read(p) == -1)
		return -1;
	row->adj = p->facts.value;
	row->want = value_after(p, row);
	row->badness = oom_badness(l, row->pages, row->adj);
	compare_formulas(l, row);
	return 1;
}

static int
read_comm(struct process *p, struct list_row *row)
{
	if (process_read(p, FACT_COMM) == -1)
		return -1;
	strlcpy(row->comm, p->facts.comm, sizeof(row->comm));
	return 0;
}

static void
add_other(struct list *l, const struct list_row *row)
{
	l->nothers++;
	l->others_rss += row->rss;
}

static void
append_row(struct list *l, const struct list_row *row)
{
	if ((l->row = grow_array(l->row, l->n, sizeof(*row))) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	l->row[l->n++] = *row;
}

/* Put ROW among the victims in their order; the last may drop out. */
static void
insert_victim(struct list *l, const struct list_row *row)
{
	size_t i = l->nvictims++;

	for (; i > 0 && compare_rows(row, &l->victim[i - 1]) < 0; i--)
		l->victim[i] = l->victim[i - 1];
	l->victim[i] = *row;
	if (l->nvictims > VICTIMS)
		add_other(l, &l->victim[--l->nvictims]);
}

static bool
is_likely_victim(const struct list *l, const struct list_row *row)
{
	return can_be_killed(row) &&
	    (l->nvictims < VICTIMS ||
		compare_rows(row, &l->victim[VICTIMS - 1]) < 0);
}

/* Returns 0, or -1 with errno set. */
static int
list_process(struct list *l, const char *pid)
{
	struct process *p = &l->process;
	struct list_row row;
	int result;

	if (process_look(p, l->procfd, pid) == -1)
		return -1;
	result = read_row(l, &row);
	if (result == 1 && !is_decided(&row) && !is_likely_victim(l, &row)) {
		add_other(l, &row);
		result = 0;
	} else if (result == 1 && (result = read_comm(p, &row)) == 0) {
		if (is_decided(&row))
			append_row(l, &row);
		else
			insert_victim(l, &row);
	}
	process_close(p);
	return result;
}

/* Returns 0, or -1 if it is of no use to go on. */
static int
list_processes(struct list *l, DIR *proc, struct watchdog *watchdog)
{
	struct statfs fs;
	const char *pid;
	bool any = false, first = false;
	int error;

	while ((pid = process_next(proc)) != NULL) {
		any = true;
		watchdog->pid = (pid_t)strtol(pid, NULL, 10);
		first |= watchdog->pid == 1;
		if (watchdog->pid == l->self || list_process(l, pid) == 0 ||
		    process_ended(errno))
			continue;
		error = errno;
		if (error == EACCES || error == EPERM) {
			l->hidden = true;
			continue;
		}
		complain(NULL, 0, "process %s: %s", pid, strerror(error));
		if (process_exhausted(error))
			return -1;
		l->failed = true;
	}
	watchdog->pid = 0;
	if (!any)
		complain(NULL, 0,
		    "%s: no process here: is it where procfs is mounted?",
		    l->options->proc);
	/* Every PID namespace has a process 1: hidepid=2 leaves it out. */
	if (any && !first && fstatfs(l->procfd, &fs) == 0 &&
	    fs.f_type == PROC_SUPER_MAGIC)
		l->hidden = true;
	return any ? 0 : -1;
}

/* Make the order and the scores what they would be after a run. */
static void
predict_scores(struct list *l)
{
	bool shifted = l->shifted_scores >= 0;
	size_t i;

	for (i = 0; i < l->n; i++) {
		struct list_row *row = &l->row[i];
		int64_t n = row->score - oom_score(l, row->badness, shifted);

		row->badness = oom_badness(l, row->pages, row->want);
		n += oom_score(l, row->badness, shifted);
		row->score = row->badness != INT64_MIN && n > 0 ? (int)n : 0;
	}
}

/* Sort the rows, with the victims among the ten most likely of all. */
static void
sort_rows(struct list *l)
{
	size_t i, rank = 0, n = 0;

	for (i = 0; i < l->nvictims; i++)
		append_row(l, &l->victim[i]);
	if (l->n > 0)
		qsort(l->row, l->n, sizeof(*l->row), compare_rows);
	for (i = 0; i < l->n; i++) {
		rank += can_be_killed(&l->row[i]);
		if (is_decided(&l->row[i]) || rank <= VICTIMS)
			l->row[n++] = l->row[i];
		else
			add_other(l, &l->row[i]);
	}
	l->n = n;
}

/* The name of user UID, or the number: good until the next call. */
static const char *
user_name(uid_t uid)
{
	static char name[LOGIN_NAME_MAX + 1];
	static uid_t last = (uid_t)-1;
	const struct passwd *pw;

	if (name[0] != '\0' && uid == last)
		return name;
	last = uid;
	if ((pw = getpwuid(uid)) != NULL)
		strlcpy(name, pw->pw_name, sizeof(name));
	else
		snprintf(name, sizeof(name), "%u", uid);
	return name;
}

/* Why the rule is not applied, or NULL. */
static const char *
passed_over(const struct list_row *row)
{
	switch (row->verdict) {
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

/* The reason for not applying it comes first: the end may be cut off. */
static void
add_rule(struct row *cells, const struct list_row *row, const char *passed)
{
	const struct rule *rule = row->rule;

	if (row->verdict == VERDICT_RESET)
		add_cell(cells, "reset_inherited");
	else if (rule == NULL)
		cells->column++;
	else if (passed != NULL && !cells->json)
		add_cell(cells, "(%s) %s:%u", passed, base_name(rule->file),
		    rule->line);
	else
		add_cell(cells, "%s:%u",
		    cells->json ? rule->file : base_name(rule->file),
		    rule->line);
}

static void
add_row(struct libscols_table *table, const struct list_row *row, int highest,
    const struct list_options *o)
{
	struct row cells = table_row(table, o->json);
	bool differs = row->want != row->adj;
	const char *passed = passed_over(row);

	add_number(&cells, row->pid);
	add_cell(&cells, "%s", user_name(row->uid));
	add_size(&cells, row->rss);
	add_size(&cells, row->swap);
	add_number(&cells, row->score);
	add_cell(&cells, "%.*s",
	    (int)((int64_t)row->score * BAR_WIDTH / highest), "##########");
	add_number(&cells, row->adj);
	if (row->verdict == VERDICT_APPLY || row->verdict == VERDICT_RESET)
		add_cell(&cells, "%d%s", row->want,
		    differs && !o->json && !o->color ? " !" : "");
	else
		cells.column++;
	add_rule(&cells, row, passed);
	add_text(&cells, passed);
	add_command(&cells, row->comm);
	if (differs && o->color)
		scols_line_set_color(cells.line, "red");
}

static void
print_rows(const struct list *l)
{
	const struct list_options *o = l->options;
	struct libscols_table *table;
	int highest = OOM_SCORE_ADJ_MAX;
	bool swap = o->json;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->row[i].score > highest)
			highest = l->row[i].score;
		swap |= l->row[i].swap > 0;
	}
	table = table_new("processes", columns, COUNT(columns), o->json);
	scols_table_enable_colors(table, o->color);
	if (!swap)
		scols_column_set_flags(
		    scols_table_get_column(table, SWAP_COLUMN),
		    SCOLS_FL_HIDDEN);
	for (i = 0; i < l->n; i++)
		add_row(table, &l->row[i], highest, o);
	table_print(table);
}

/* Returns 0, or -1 if the list is not complete. */
static int
report_unseen(const struct list *l)
{
	size_t i, j;

	for (i = 0; i < l->options->nnames; i++) {
		const char *name = l->options->names[i];

		for (j = 0; j < l->n; j++) {
			if (rule_is_named(l->row[j].rule, name))
				break;
		}
		if (j == l->n)
			complain(NULL, 0, "no process for rule \"%s\"", name);
	}
	if (l->hidden)
		complain(NULL, 0,
		    "%s: some processes cannot be seen (mounted with "
		    "hidepid?): "
		    "run as root",
		    l->options->proc);
	if (l->exe_denied)
		complain(NULL, 0,
		    "RULE is incomplete for rules by path: reading "
		    "/proc/PID/exe of some processes needs CAP_SYS_PTRACE");
	return l->hidden || l->exe_denied || l->failed ? -1 : 0;
}

int
list(const struct config *config, const struct list_options *options,
    struct watchdog *watchdog)
{
	static struct list l;
	struct sysinfo info;
	char buf[5];
	DIR *dir;
	int result;

	if (sysinfo(&info) == -1)
		err(EXIT_NOTHING_CHANGED, "sysinfo");
	if ((dir = opendir(options->proc)) == NULL) {
		complain(NULL, 0, "%s: %s", options->proc, strerror(errno));
		return -1;
	}
	l.config = config;
	l.options = options;
	l.procfd = dirfd(dir);
	l.self = process_self(l.procfd);
	l.total_pages = (int64_t)(((uint64_t)info.totalram + info.totalswap) *
	    info.mem_unit / (uint64_t)sysconf(_SC_PAGESIZE));
	result = list_processes(&l, dir, watchdog);
	closedir(dir);
	if (result == -1)
		return -1;

	if (options->dry_run)
		predict_scores(&l);
	sort_rows(&l);
	print_rows(&l);
	if (options->nnames == 0 && !options->json)
		printf("%zu other %s, %s\n", l.nothers,
		    l.nothers == 1 ? "process" : "processes",
		    format_size(buf, l.others_rss));
	result = report_unseen(&l);
	free(l.row);
	return result;
}
