/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "kills/kill.h"
#include "text.h"

#define TABLE_COLUMNS 8 /* the others are JSON's alone */

static const struct {
	const char *name; /* and in small letters, JSON's */
	int flags;
	int json_type;
} columns[] = {
	{ "TIME", 0, SCOLS_JSON_STRING },
	{ "KILLER", 0, SCOLS_JSON_STRING },
	{ "PID", SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "COMMAND", 0, SCOLS_JSON_NUMBER }, /* quote_json() makes JSON of it */
	{ "UID", SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "RSS", SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "ADJ", SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "RULE", SCOLS_FL_TRUNC, SCOLS_JSON_STRING },
	{ "ADJ_SCALE", 0, SCOLS_JSON_STRING },
	{ "RULE_VALUE", 0, SCOLS_JSON_NUMBER },
	{ "RULE_SCALE", 0, SCOLS_JSON_STRING },
	{ "BIGGEST", 0, SCOLS_JSON_STRING },
	{ "LOG", 0, SCOLS_JSON_STRING },
};

#define JSON_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *const killer_names[KILLERS] = {
	[KILLER_OOM] = "oom",
	[KILLER_MEMCG] = "memcg",
	[KILLER_LOWMEMORYKILLER] = "lowmemorykiller",
	[KILLER_OOMD] = "systemd-oomd",
	[KILLER_EARLYOOM] = "earlyoom",
	[KILLER_LMKD] = "lmkd",
};

static const char *const scale_names[] = {
	[SCALE_OOM_ADJ] = "oom_adj",
	[SCALE_OOM_SCORE_ADJ] = "oom_score_adj",
};

/* A command that was killed. */
struct command {
	const char *comm;
	const struct rule *rule;
	size_t kills;
};

/* A line of the table that is being filled. */
struct cells {
	struct libscols_line *line;
	size_t column; /* the next */
	bool json;
};

/* What is not KNOWN is null in JSON and "-" in the table. */
__attribute__((format(printf, 3, 4))) static void
add_cell(struct cells *cells, bool known, const char *format, ...)
{
	va_list ap;
	char *text;

	va_start(ap, format);
	text = known      ? vprintable(format, ap)
	    : cells->json ? NULL
			  : printable("-");
	va_end(ap);
	if ((text == NULL && (known || !cells->json)) ||
	    scols_line_refer_data(cells->line, cells->column++, text) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
}

/* "mysqld 1.2G, apache2 1.1G in 40 processes, java 300M". To be freed. */
static char *
format_biggest(const struct usage *usage)
{
	char *text, size[5];
	size_t len, i;
	FILE *file = open_memstream(&text, &len);

	if (file == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (i = 0; i < BIGGEST && usage[i].processes > 0; i++) {
		fprintf(file, "%s%s %s", i == 0 ? "" : ", ", usage[i].comm,
		    format_size(size, (int64_t)usage[i].rss));
		if (usage[i].processes > 1)
			fprintf(file, " in %u processes", usage[i].processes);
	}
	if (fclose(file) == EOF)
		err(EXIT_NOTHING_CHANGED, NULL);
	return text;
}

static void
add_row(struct libscols_table *table, const struct kill_row *row, bool json,
    bool configured)
{
	struct cells cells = { .json = json };
	const struct kill *kill = &row->kill;
	const struct rule *rule = row->rule;
	char size[5], *text;

	if ((cells.line = scols_table_new_line(table, NULL)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	add_cell(&cells, kill->time[0] != '\0', "%s", kill->time);
	add_cell(&cells, kill->killer != KILLER_UNKNOWN, "%s",
	    killer_names[kill->killer]);
	add_cell(&cells, kill->pid > 0, "%d", (int)kill->pid);
	text = json ? quote_json(kill->comm) : printable("%s", kill->comm);
	if (text == NULL ||
	    scols_line_refer_data(cells.line, cells.column++, text) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
	add_cell(&cells, kill->has_uid, "%u", kill->uid);
	if (json)
		add_cell(&cells, kill->has_rss, "%ju", (uintmax_t)kill->rss);
	else
		add_cell(&cells, kill->has_rss, "%s",
		    format_size(size, (int64_t)kill->rss));
	add_cell(&cells, kill->has_adj, "%d", kill->adj);
	if (json)
		add_cell(&cells, rule != NULL, "%s:%u", rule ? rule->file : "",
		    rule ? rule->line : 0);
	else if (rule != NULL)
		add_cell(&cells, true, "%s:%u %s%d", base_name(rule->file),
		    rule->line, rule->oom_adj ? "" : "oom_score_adj ",
		    rule->value);
	else
		add_cell(&cells, true, configured ? "none" : "");
	if (!json)
		return;
	add_cell(&cells, kill->has_adj && kill->scale != SCALE_UNKNOWN, "%s",
	    scale_names[kill->scale]);
	add_cell(&cells, rule != NULL, "%d", rule ? rule->value : 0);
	add_cell(&cells, rule != NULL, "%s",
	    scale_names[rule && rule->oom_adj ? SCALE_OOM_ADJ
					      : SCALE_OOM_SCORE_ADJ]);
	text = format_biggest(kill->biggest);
	add_cell(&cells, *text != '\0', "%s", text);
	free(text);
	add_cell(&cells, true, "%s", row->log);
}

void
print_table(const struct kills *kills, bool json)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_column *column;
	size_t i;

	if (table == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	scols_table_set_name(table, "kills");
	scols_table_enable_json(table, json);
	/* Names have been escaped already. */
	scols_table_enable_noencoding(table, 1);
	for (i = 0; i < (json ? JSON_COLUMNS : TABLE_COLUMNS); i++) {
		column = scols_table_new_column(
		    table, columns[i].name, 0, columns[i].flags);
		if (column == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		scols_column_set_json_type(column, columns[i].json_type);
	}
	for (i = 0; i < kept_rows(kills); i++)
		add_row(
		    table, kept_row(kills, i), json, kills->config->nfiles > 0);
	if (scols_print_table(table) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
	scols_unref_table(table);
}

/* Who used the memory: once for each out-of-memory report. */
static void
print_biggest(const struct kills *kills)
{
	unsigned long report = 0;
	size_t i;

	for (i = 0; i < kept_rows(kills); i++) {
		const struct kill *kill = &kept_row(kills, i)->kill;
		char *biggest;

		if (kill->biggest[0].processes == 0 || kill->report == report)
			continue;
		if (report == 0)
			puts("\nWhat used most memory then, by command:");
		report = kill->report;
		biggest = format_biggest(kill->biggest);
		print_line("%s  %d (%s): %s", kill->time, (int)kill->pid,
		    kill->comm, biggest);
		free(biggest);
	}
}

/* Those killed most often first, then by name. */
static int
compare_commands(const void *a, const void *b)
{
	const struct command *x = a, *y = b;

	if (x->kills != y->kills)
		return x->kills > y->kills ? -1 : 1;
	return strcmp(x->comm, y->comm);
}

/* The commands of the rows that are kept, N of them. To be freed. */
static struct command *
count_commands(const struct kills *kills, size_t *n)
{
	struct command *commands, *c;
	size_t i;

	if ((commands = calloc(KILLS_MAX, sizeof(*commands))) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (i = *n = 0; i < kept_rows(kills); i++) {
		const struct kill_row *row = kept_row(kills, i);

		for (c = commands; c < commands + *n; c++)
			if (strcmp(c->comm, row->kill.comm) == 0)
				break;
		*n += c == commands + *n;
		c->comm = row->kill.comm;
		c->rule = row->rule;
		c->kills++;
	}
	qsort(commands, *n, sizeof(*commands), compare_commands);
	return commands;
}

/* ": 2 java, 1 mysqld", or with NO_RULE the commands without one. */
static void
print_commands(const struct command *commands, size_t n, bool no_rule)
{
	const char *before = no_rule ? "No rule matches: " : ": ";
	const char *comm, *quote;
	char *text;
	size_t i;

	for (i = 0; i < n; i++) {
		if (no_rule && commands[i].rule != NULL)
			continue;
		comm = commands[i].comm;
		quote = *comm == '\0' || strpbrk(comm, " ,\"") ? "\"" : "";
		if ((text = printable("%s%s%s", quote, comm, quote)) == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		fputs(before, stdout);
		if (!no_rule)
			printf("%zu ", commands[i].kills);
		fputs(text, stdout);
		free(text);
		before = ", ";
	}
	if (*before == ',')
		puts(no_rule ? "\n  What to do: see AFTER AN OOM KILL in "
			       "oom_adjust(8)."
			     : "");
}

void
print_kills(const struct kills *kills)
{
	const char *before = "In user space, by rules of their own: ";
	struct command *commands;
	size_t i, n;

	if (kills->n > 0) {
		commands = count_commands(kills, &n);
		print_table(kills, false);
		print_biggest(kills);
		printf("\n%zu kill%s", kills->n, kills->n == 1 ? "" : "s");
		if (kills->n > KILLS_MAX)
			printf(", the newest %d shown", KILLS_MAX);
		print_commands(commands, n, false);
		if (kills->config->nfiles > 0)
			print_commands(commands, n, true);
		free(commands);
	} else {
		if (kills->nlogs == 1)
			print_line("no OOM kill found in %s", kills->log);
		else
			printf("no OOM kill found in %zu logs\n", kills->nlogs);
		if (kills->announced > 0)
			puts("It was announced (\"Kill process ... score\"), "
			     "but not reported as done.");
	}
	for (i = KILLER_USER; i < KILLERS; i++)
		if (kills->by_user[i] > 0) {
			printf("%s%zu by %s", before, kills->by_user[i],
			    killer_names[i]);
			before = ", ";
		}
	if (*before == ',')
		putchar('\n');
	if (kills->overwritten)
		puts("The kernel has overwritten the beginning of its log. "
		     "What was kept of it:\n"
		     "  journalctl -k | oom_adjust -k -    or    "
		     "oom_adjust -k /var/log/kern.log");
}
