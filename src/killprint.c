/* SPDX-License-Identifier: ISC */
#include "killprint.h"

#include <err.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum {
	COMM = 15,            /* bytes of a name that the kernel keeps */
	SUGGESTED = 5,        /* oom_adj for what has no rule */
	TEXT = 4 * 1024 + 64, /* an escaped file name and a number */
	TABLE_ROWS = 512      /* at once: libsmartcols takes 1 KiB for each */
};

/* The columns of the table. */
enum { TIME, KILLER, PID, COMMAND, UID, RSS, ADJ, RULE, NCOLUMNS };

static const struct {
	const char *name;
	int flags;
} columns[NCOLUMNS] = {
	[TIME] = { "TIME", 0 },
	[KILLER] = { "KILLER", 0 },
	[PID] = { "PID", SCOLS_FL_RIGHT },
	[COMMAND] = { "COMMAND", 0 },
	[UID] = { "UID", SCOLS_FL_RIGHT },
	[RSS] = { "RSS", SCOLS_FL_RIGHT },
	[ADJ] = { "ADJ", SCOLS_FL_RIGHT },
	[RULE] = { "RULE", SCOLS_FL_TRUNC },
};

/* Whether S is UTF-8 as RFC 3629 has it, which JSON must be. */
static bool
is_utf8(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned int c, least;
	int more;

	while ((c = *p++) != '\0') {
		if (c < 0x80)
			continue;
		more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		if (c < 0xc2 || c > 0xf4)
			return false;
		least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
		c &= 0x3fU >> more;
		for (; more > 0; more--, p++) {
			if ((*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p & 0x3f);
		}
		if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
	}
	return true;
}

const char *
shown(const char *s, size_t len)
{
	static char buffer[2][4 * 1024 + 1]; /* four bytes for one */
	static int turn;
	char *p;
	size_t i;

	turn = !turn;
	if (len > 1024)
		len = 1024;
	escape_bytes(buffer[turn], sizeof(buffer[turn]), s, len);
	if (is_utf8(buffer[turn]))
		return buffer[turn];
	/* Not all of it is: then byte by byte, in the same manner. */
	p = buffer[turn];
	for (i = 0; i < len; i++) {
		if ((s[i] & 0x80) == 0) {
			escape_bytes(p, 5, s + i, 1);
			p += strlen(p);
		} else {
			p += snprintf(p, 5, "\\%03o", (unsigned char)s[i]);
		}
	}
	return buffer[turn];
}

const char *
shown_string(const char *s)
{
	return shown(s, strlen(s));
}

/*
 * The table.
 */

/* 1.5G, 12M, 870K: 2^10 to the unit, as free -h and ls -h count. */
static void
size_text(char *dst, size_t size, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	uint64_t unit = 1;
	int i = 0;

	while (bytes / unit >= 1024 && i < 6) {
		unit *= 1024;
		i++;
	}
	if (i > 0 && bytes / unit < 10)
		snprintf(dst, size, "%" PRIu64 ".%" PRIu64 "%c", bytes / unit,
		    bytes % unit * 10 / unit, units[i]);
	else
		snprintf(dst, size, "%" PRIu64 "%c", bytes / unit, units[i]);
}

static void
rule_text(char *dst, size_t size, const struct rule *rule)
{
	if (rule == NULL)
		snprintf(dst, size, "none");
	else
		snprintf(dst, size, "%s:%u %s%d", shown_string(rule->file),
		    rule->line, rule->oom_adj ? "" : "oom_score_adj ",
		    rule->value);
}

/* What ROW has in COLUMN; "-" where the log does not say. */
static const char *
cell(const struct row *row, int column, char *dst, size_t size)
{
	const struct command *command = row->command;

	snprintf(dst, size, "-");
	switch (column) {
	case TIME:
		if (row->time[0] != '\0')
			return shown_string(row->time);
		break;
	case KILLER:
		return killer_name(row->killer);
	case PID:
		if (row->pid > 0)
			snprintf(dst, size, "%d", (int)row->pid);
		break;
	case COMMAND:
		return shown(command->comm, command->comm_len);
	case UID:
		if (row->has_uid)
			snprintf(dst, size, "%u", (unsigned int)row->uid);
		break;
	case RSS:
		if (row->has_rss)
			size_text(dst, size, row->rss);
		break;
	case ADJ:
		if (row->has_adj)
			snprintf(dst, size, "%d", row->adj);
		break;
	default:
		rule_text(dst, size, command->rule);
		break;
	}
	return dst;
}

/*
 * Print ROW and those behind it, TABLE_ROWS at most, in columns of WIDTHS.
 * Returns the first one not printed.
 */
static const struct row *
print_rows(const struct row *row, const size_t widths[NCOLUMNS], bool head)
{
	struct libscols_table *table = scols_new_table();
	char text[TEXT];
	int i, n;

	if (table == NULL)
		err(1, NULL);
	scols_table_enable_noheadings(table, !head);
	for (i = 0; i < NCOLUMNS; i++)
		if (scols_table_new_column(table, columns[i].name,
			(double)widths[i], columns[i].flags) == NULL)
			err(1, NULL);
	for (n = 0; row != NULL && n < TABLE_ROWS; n++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);

		if (line == NULL)
			err(1, NULL);
		for (i = 0; i < NCOLUMNS; i++)
			if (scols_line_set_data(line, (size_t)i,
				cell(row, i, text, sizeof(text))) != 0)
				err(1, NULL);
		row = row->next;
	}
	if (scols_print_table(table) != 0)
		err(1, NULL);
	scols_unref_table(table);
	return row;
}

static void
print_table(const struct kills *kills)
{
	const struct row *row;
	size_t widths[NCOLUMNS];
	char text[TEXT];
	int i;

	for (i = 0; i < NCOLUMNS; i++)
		widths[i] = strlen(columns[i].name);
	for (row = kills->rows; row != NULL; row = row->next) {
		for (i = 0; i < NCOLUMNS; i++) {
			size_t n = strlen(cell(row, i, text, sizeof(text)));

			if (n > widths[i])
				widths[i] = n;
		}
	}
	row = kills->rows;
	row = print_rows(row, widths, true);
	while (row != NULL)
		row = print_rows(row, widths, false);
}

/*
 * Below the table.
 */

/* Those killed most often first, then by name. */
static int
compare_kills(const void *a, const void *b)
{
	const struct command *x = *(struct command *const *)a;
	const struct command *y = *(struct command *const *)b;

	if (x->kills != y->kills)
		return x->kills > y->kills ? -1 : 1;
	return strcmp(x->comm, y->comm); /* ends in a NUL: allocate() */
}

static const struct command **
sorted_commands(const struct kills *kills)
{
	const struct command **sorted, *command;
	size_t n = 0;

	sorted = calloc(kills->ncommands + 1, sizeof(const struct command *));
	if (sorted == NULL)
		err(1, NULL);
	for (command = kills->commands; command != NULL;
	     command = command->next)
		sorted[n++] = command;
	qsort(sorted, n, sizeof(const struct command *), compare_kills);
	return sorted;
}

/* Whether a short form can have this name: oom_adjust.conf(5). */
static bool
can_be_written(const struct command *command)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-:@%";

	return command->comm_len > 0 && command->comm[0] != '-' &&
	    strspn(command->comm, plain) == command->comm_len;
}

/* "3 kills: 2 java, 1 mysqld", in lines of 79 columns. */
static void
print_counts(const struct kills *kills, const struct command *const *sorted)
{
	char text[4 * sizeof(sorted[0]->comm) + 32];
	const char *quote;
	size_t i, column;
	int n;

	column = (size_t)printf(
	    "%zu kill%s:", kills->nrows, kills->nrows == 1 ? "" : "s");
	for (i = 0; i < kills->ncommands; i++) {
		quote = can_be_written(sorted[i]) ? "" : "\"";
		n = snprintf(text, sizeof(text), " %zu %s%s%s%s",
		    sorted[i]->kills, quote,
		    shown(sorted[i]->comm, sorted[i]->comm_len), quote,
		    i + 1 < kills->ncommands ? "," : "");
		if (column + (size_t)n > 79) {
			printf("\n   ");
			column = 3;
		}
		fputs(text, stdout);
		column += (size_t)n;
	}
	putchar('\n');
}

/* What the table alone does not tell at three in the morning. */
static void
print_notes(const struct kills *kills, const struct command *const *sorted)
{
	const struct row *row;
	size_t i, memcg = 0;

	for (row = kills->rows; row != NULL; row = row->next)
		memcg += row->killer == KILLER_MEMCG;
	if (memcg > 0)
		printf("%zu by memcg: a memory cgroup reached its own limit, "
		       "whatever else was free.\n"
		       "  What helps is a higher limit (systemd: MemoryMax=) "
		       "or a smaller program;\n"
		       "  a rule only decides who in that group is killed.\n",
		    memcg);
	for (i = 0; i < kills->ncommands; i++) {
		const struct rule *rule = sorted[i]->rule;

		row = sorted[i]->last;
		if (rule == NULL || !row->has_adj ||
		    row->scale != SCALE_OOM_SCORE_ADJ ||
		    row->adj == rule->oom_score_adj)
			continue;
		printf("%s: was killed at oom_score_adj %d, %s:%u says %d; "
		       "has it now? oom_adjust -l\n",
		    shown(sorted[i]->comm, sorted[i]->comm_len), row->adj,
		    shown_string(rule->file), rule->line, rule->oom_score_adj);
	}
}

/*
 * Lines for the config for what has no rule there: comments, all of them, so
 * that pasting them changes nothing. Whether a program is to die sooner is not
 * ours to say, still less whether it is to live at the cost of others: never a
 * value below 0.
 */
static void
print_advice(const struct kills *kills, const struct command *const *sorted)
{
	const struct config *config = kills->config;
	const struct command *example = NULL;
	const char *file;
	size_t i, without = 0, quoted = 0;

	for (i = 0; i < kills->ncommands; i++) {
		if (sorted[i]->rule != NULL)
			continue;
		without++;
		if (!can_be_written(sorted[i]))
			quoted++;
		else if (example == NULL)
			example = sorted[i];
	}
	if (without == 0)
		return;
	file = config->nfiles > 0 ? shown_string(config->files[0])
				  : "the configuration";
	if (example == NULL) {
		printf("\n# No rule in %s covers what was killed; %s to be\n"
		       "# quoted there, see oom_adjust.conf(5).\n",
		    file, quoted == 1 ? "its name has" : "the names have");
		return;
	}
	printf("\n# No rule in %s covers these:\n", file);
	for (i = 0; i < kills->ncommands; i++) {
		if (sorted[i]->rule != NULL || !can_be_written(sorted[i]))
			continue;
		printf("# %s %d%s\n", sorted[i]->comm, SUGGESTED,
		    sorted[i]->comm_len == COMM
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
	    example->comm);
}

static void
print_nothing(const struct kills *kills, size_t nlogs)
{
	if (nlogs == 1)
		printf("No kill in %s\n", shown_string(kills->log));
	else
		printf("No kill in %zu logs\n", nlogs);
}

void
killprint_text(const struct kills *kills, size_t nlogs)
{
	const struct command **sorted = sorted_commands(kills);

	if (kills->nrows > 0) {
		print_table(kills);
		putchar('\n');
		print_counts(kills, sorted);
		print_notes(kills, sorted);
	} else {
		print_nothing(kills, nlogs);
	}
	if (kills->overwritten)
		printf("The kernel has overwritten the beginning of its log; "
		       "what is kept of it:\n"
		       "  journalctl -k | oom_adjust -k -    or    "
		       "oom_adjust -k /var/log/kern.log\n");
	if (kills->nrows > 0)
		print_advice(kills, sorted);
	free(sorted);
}

/*
 * JSON. libsmartcols would take an empty cell for null, and for an empty name.
 */

/* S holds what escape_bytes() leaves: printable characters. */
static void
json_string(const char *s)
{
	putchar('"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static const char *
scale_name(enum scale scale)
{
	switch (scale) {
	case SCALE_OOM_SCORE_ADJ:
		return "\"oom_score_adj\"";
	case SCALE_OOM_ADJ:
		return "\"oom_adj\"";
	case SCALE_UNKNOWN:
		break;
	}
	return "null";
}

static void
json_rule(const struct rule *rule)
{
	char text[TEXT];

	if (rule == NULL) {
		printf("\"rule\": null, \"rule_value\": null, "
		       "\"rule_scale\": null");
		return;
	}
	snprintf(
	    text, sizeof(text), "%s:%u", shown_string(rule->file), rule->line);
	printf("\"rule\": ");
	json_string(text);
	printf(", \"rule_value\": %d, \"rule_scale\": %s", rule->value,
	    scale_name(rule->oom_adj ? SCALE_OOM_ADJ : SCALE_OOM_SCORE_ADJ));
}

static void
json_row(const struct row *row)
{
	printf("      {\"time\": ");
	if (row->time[0] != '\0')
		json_string(shown_string(row->time));
	else
		printf("null");
	printf(", \"killer\": \"%s\", \"pid\": ", killer_name(row->killer));
	if (row->pid > 0)
		printf("%d", (int)row->pid);
	else
		printf("null");
	printf(", \"command\": ");
	json_string(shown(row->command->comm, row->command->comm_len));
	printf(", \"uid\": ");
	if (row->has_uid)
		printf("%u", (unsigned int)row->uid);
	else
		printf("null");
	printf(", \"rss\": ");
	if (row->has_rss)
		printf("%" PRIu64, row->rss);
	else
		printf("null");
	printf(", \"adj\": ");
	if (row->has_adj)
		printf("%d, \"adj_scale\": %s, ", row->adj,
		    scale_name(row->scale));
	else
		printf("null, \"adj_scale\": null, ");
	json_rule(row->command->rule);
	printf(", \"log\": ");
	json_string(shown_string(row->log));
	printf("}");
}

void
killprint_json(const struct kills *kills)
{
	const struct command **sorted = sorted_commands(kills);
	const struct row *row;
	size_t i;

	printf("{\n   \"kills\": [");
	for (row = kills->rows; row != NULL; row = row->next) {
		printf("%s\n", row == kills->rows ? "" : ",");
		json_row(row);
	}
	printf("\n   ],\n   \"commands\": [");
	for (i = 0; i < kills->ncommands; i++) {
		printf("%s\n      {\"command\": ", i == 0 ? "" : ",");
		json_string(shown(sorted[i]->comm, sorted[i]->comm_len));
		printf(", \"kills\": %zu, ", sorted[i]->kills);
		json_rule(sorted[i]->rule);
		printf("}");
	}
	printf("\n   ]\n}\n");
	free(sorted);
}
