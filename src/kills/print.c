/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "kills/print.h"
#include "text.h"

#define COMM 15        /* bytes of a name that the kernel keeps */
#define SUGGESTED 5    /* oom_adj for what has no rule */
#define TABLE_ROWS 512 /* at once: libsmartcols takes 1 KiB for each */
#define WIDTH 79

enum {
	TIME,
	KILLER,
	PID,
	COMMAND,
	UID,
	RSS,
	ADJ,
	RULE,
	TABLE_COLUMNS,
	/* JSON only: */
	SCALE = TABLE_COLUMNS,
	VALUE,
	VALUE_SCALE,
	LOG,
	COLUMNS
};

static const struct {
	const char *name, *json;
	int flags;
	bool number;
} columns[COLUMNS] = {
	[TIME] = { "TIME", "time", 0, false },
	[KILLER] = { "KILLER", "killer", 0, false },
	[PID] = { "PID", "pid", SCOLS_FL_RIGHT, true },
	[COMMAND] = { "COMMAND", "command", 0, false },
	[UID] = { "UID", "uid", SCOLS_FL_RIGHT, true },
	[RSS] = { "RSS", "rss", SCOLS_FL_RIGHT, true },
	[ADJ] = { "ADJ", "adj", SCOLS_FL_RIGHT, true },
	[RULE] = { "RULE", "rule", SCOLS_FL_TRUNC, false },
	[SCALE] = { NULL, "adj_scale", 0, false },
	[VALUE] = { NULL, "rule_value", 0, true },
	[VALUE_SCALE] = { NULL, "rule_scale", 0, false },
	[LOG] = { NULL, "log", 0, false },
};

static const char *const scales[] = {
	[SCALE_UNKNOWN] = NULL,
	[SCALE_OOM_ADJ] = "oom_adj",
	[SCALE_OOM_SCORE_ADJ] = "oom_score_adj",
};

static char cell_text[4 * PATH_MAX + 64]; /* an escaped file, and a number */

const char *
shown(const char *s)
{
	static char *text;

	free(text);
	if ((text = printable("%s", s)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return text;
}

/* VALUE in decimal, or NULL unless it is KNOWN. */
static const char *
integer(bool known, intmax_t value)
{
	snprintf(cell_text, sizeof(cell_text), "%jd", value);
	return known ? cell_text : NULL;
}

/*
 * What ROW has in COLUMN, in the table or in JSON, good until the next call; or
 * NULL where that is not known.
 */
static const char *
cell(const struct row *row, int column, bool json)
{
	const struct kill *kill = &row->kill;
	const struct rule *rule = row->rule;

	switch (column) {
	case TIME:
		return kill->time[0] != '\0' ? shown(kill->time) : NULL;
	case KILLER:
		return killer_name(kill->killer);
	case PID:
		return integer(kill->pid > 0, kill->pid);
	case COMMAND:
		return shown(kill->comm);
	case UID:
		return integer(kill->has_uid, kill->uid);
	case RSS:
		if (json || !kill->has_rss)
			return integer(kill->has_rss, (intmax_t)kill->rss);
		return format_size(cell_text, (int64_t)kill->rss);
	case ADJ:
		return integer(kill->has_adj, kill->adj);
	case SCALE:
		return kill->has_adj ? scales[kill->scale] : NULL;
	case LOG:
		return shown(row->log);
	default:
		break;
	}
	if (rule == NULL)
		return json ? NULL : "none";
	if (column == VALUE)
		return integer(true, rule->value);
	if (column == VALUE_SCALE)
		return scales[rule->oom_adj ? SCALE_OOM_ADJ
					    : SCALE_OOM_SCORE_ADJ];
	snprintf(cell_text, sizeof(cell_text), json ? "%s:%u" : "%s:%u %s%d",
	    shown(rule->file), rule->line,
	    rule->oom_adj ? "" : "oom_score_adj ", rule->value);
	return cell_text;
}

static const char *
table_cell(const struct row *row, int column)
{
	const char *s = cell(row, column, false);

	return s != NULL ? s : "-";
}

/* Print the rows from FIRST on, TABLE_ROWS at most, in columns of WIDTHS. */
static void
print_rows(
    const struct kills *kills, size_t first, const size_t widths[TABLE_COLUMNS])
{
	struct libscols_table *table = scols_new_table();
	struct libscols_line *line;
	size_t i, c;

	if (table == NULL)
		err(1, NULL);
	scols_table_enable_noheadings(table, first > 0);
	/* Names have been escaped already. */
	scols_table_enable_noencoding(table, 1);
	for (c = 0; c < TABLE_COLUMNS; c++)
		if (scols_table_new_column(table, columns[c].name,
			(double)widths[c], columns[c].flags) == NULL)
			err(1, NULL);
	for (i = first; i < kills->n && i < first + TABLE_ROWS; i++) {
		if ((line = scols_table_new_line(table, NULL)) == NULL)
			err(1, NULL);
		for (c = 0; c < TABLE_COLUMNS; c++)
			if (scols_line_set_data(line, c,
				table_cell(&kills->row[i], (int)c)) != 0)
				err(1, NULL);
	}
	if (scols_print_table(table) != 0)
		err(1, NULL);
	scols_unref_table(table);
}

static void
print_table(const struct kills *kills)
{
	size_t widths[TABLE_COLUMNS], i, c, n;

	for (c = 0; c < TABLE_COLUMNS; c++) {
		widths[c] = strlen(columns[c].name);
		for (i = 0; i < kills->n; i++) {
			n = strlen(table_cell(&kills->row[i], (int)c));
			if (n > widths[c])
				widths[c] = n;
		}
	}
	for (i = 0; i < kills->n; i += TABLE_ROWS)
		print_rows(kills, i, widths);
}

/* Whether a short form can have this name: oom_adjust.conf(5). */
static bool
can_be_written(const char *comm)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-:@%";

	return comm[0] != '\0' && comm[0] != '-' &&
	    comm[strspn(comm, plain)] == '\0';
}

/* "3 kills: 2 java, 1 mysqld", in lines of WIDTH columns. */
static void
print_counts(const struct kills *kills)
{
	char s[4 * sizeof(((struct kill *)NULL)->comm) + 32];
	int column, width;
	size_t i;

	column = printf("%zu kill%s:", kills->n, kills->n == 1 ? "" : "s");
	for (i = 0; i < kills->ncommands; i++) {
		const char *comm = kills->command[i].last->kill.comm;
		const char *quote = can_be_written(comm) ? "" : "\"";

		width = snprintf(s, sizeof(s), " %zu %s%s%s%s",
		    kills->command[i].kills, quote, shown(comm), quote,
		    i + 1 < kills->ncommands ? "," : "");
		if (column + width > WIDTH)
			column = printf("\n   ") - 1;
		fputs(s, stdout);
		column += width;
	}
	putchar('\n');
}

/* What the table alone does not tell at three in the morning. */
static void
print_notes(const struct kills *kills)
{
	size_t i, memcg = 0;

	for (i = 0; i < kills->n; i++)
		memcg += kills->row[i].kill.killer == KILLER_MEMCG;
	if (memcg > 0)
		printf("%zu by memcg: a memory cgroup reached its own limit, "
		       "whatever else was free.\n"
		       "  What helps is a higher limit (systemd: MemoryMax=) "
		       "or a smaller program;\n"
		       "  a rule only decides who in that group is killed.\n",
		    memcg);
	for (i = 0; i < kills->ncommands; i++) {
		const struct kill *kill = &kills->command[i].last->kill;
		const struct rule *rule = kills->command[i].last->rule;

		if (rule == NULL || !kill->has_adj ||
		    kill->scale != SCALE_OOM_SCORE_ADJ ||
		    kill->adj == rule->oom_score_adj)
			continue;
		printf("%s: was killed at oom_score_adj %d, ",
		    shown(kill->comm), kill->adj);
		printf("%s:%u says %d; has it now? oom_adjust -l\n",
		    shown(rule->file), rule->line, rule->oom_score_adj);
	}
}

/*
 * Lines for the config for what has no rule there: comments, all of them, so
 * that pasting them changes nothing. Whether a program is to die sooner is not
 * ours to say, still less whether it is to live at the cost of others: never a
 * value below 0.
 */
static void
print_advice(const struct kills *kills)
{
	const struct config *config = kills->config;
	const char *file =
	    config->nfiles > 0 ? shown(config->files[0]) : "the configuration";
	const char *example = NULL, *comm;
	size_t i, quoted = 0;

	for (i = 0; i < kills->ncommands; i++) {
		comm = kills->command[i].last->kill.comm;
		if (kills->command[i].last->rule != NULL)
			continue;
		if (!can_be_written(comm))
			quoted++;
		else if (example == NULL)
			example = comm;
	}
	if (example == NULL && quoted == 0)
		return;
	if (example == NULL) {
		printf("\n# No rule in %s covers what was killed; %s to be\n"
		       "# quoted there, see oom_adjust.conf(5).\n",
		    file, quoted == 1 ? "its name has" : "the names have");
		return;
	}
	printf("\n# No rule in %s covers these:\n", file);
	for (i = 0; i < kills->ncommands; i++) {
		comm = kills->command[i].last->kill.comm;
		if (kills->command[i].last->rule != NULL ||
		    !can_be_written(comm))
			continue;
		printf("# %s %d%s\n", comm, SUGGESTED,
		    strlen(comm) == COMM
			? "  # perhaps cut: the kernel keeps 15 bytes of a name"
			: "");
	}
	if (quoted > 0)
		printf("# and %zu whose name%s to be quoted, see "
		       "oom_adjust.conf(5).\n",
		    quoted, quoted == 1 ? " has" : "s have");
	printf("# Paste what you want into the file and take its # away: the "
	       "kernel will then\n"
	       "# kill that program before others, the sooner the greater the "
	       "number (0 to 15).\n"
	       "# To spare a program give it a number below 0, and another is "
	       "killed instead.\n"
	       "# Then see what it does: oom_adjust -t && oom_adjust -n %s\n",
	    example);
}

void
killprint_text(const struct kills *kills, size_t nlogs)
{
	if (kills->n > 0) {
		print_table(kills);
		putchar('\n');
		print_counts(kills);
		print_notes(kills);
	} else if (nlogs == 1) {
		printf("No kill in %s\n", shown(kills->log));
	} else {
		printf("No kill in %zu logs\n", nlogs);
	}
	if (kills->overwritten)
		printf("The kernel has overwritten the beginning of its log; "
		       "what is kept of it:\n"
		       "  journalctl -k | oom_adjust -k -    or    "
		       "oom_adjust -k /var/log/kern.log\n");
	print_advice(kills);
}

/* libsmartcols would take an empty cell, such as a name, for null. */
static void
json_member(const struct row *row, int column, const char *end)
{
	const char *s = cell(row, column, true);

	printf("\"%s\": ", columns[column].json);
	if (s == NULL || columns[column].number) {
		fputs(s != NULL ? s : "null", stdout);
	} else {
		putchar('"');
		for (; *s != '\0'; s++) {
			if (*s == '"' || *s == '\\')
				putchar('\\');
			putchar(*s);
		}
		putchar('"');
	}
	fputs(end, stdout);
}

void
killprint_json(const struct kills *kills)
{
	size_t i;
	int c;

	printf("{\n   \"kills\": [");
	for (i = 0; i < kills->n; i++) {
		printf("%s\n      {", i == 0 ? "" : ",");
		for (c = 0; c < COLUMNS; c++)
			json_member(
			    &kills->row[i], c, c + 1 < COLUMNS ? ", " : "}");
	}
	printf("\n   ],\n   \"commands\": [");
	for (i = 0; i < kills->ncommands; i++) {
		printf("%s\n      {", i == 0 ? "" : ",");
		json_member(kills->command[i].last, COMMAND, ", ");
		printf("\"kills\": %zu, ", kills->command[i].kills);
		json_member(kills->command[i].last, RULE, ", ");
		json_member(kills->command[i].last, VALUE, ", ");
		json_member(kills->command[i].last, VALUE_SCALE, "}");
	}
	printf("\n   ]\n}\n");
}
