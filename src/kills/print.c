/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "kills/kills.h"

static const struct column columns[] = {
	{ "TIME", IN_BOTH, 0, 0, SCOLS_JSON_STRING },
	{ "KILLER", IN_BOTH, 0, 0, SCOLS_JSON_STRING },
	{ "PID", IN_BOTH, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "COMMAND", IN_BOTH, 0, 0, SCOLS_JSON_NUMBER },
	{ "UID", IN_BOTH, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "RSS", IN_BOTH, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "ADJ", IN_BOTH, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER },
	{ "RULE", IN_BOTH, 0, SCOLS_FL_TRUNC, SCOLS_JSON_STRING },
	{ "ADJ_SCALE", IN_JSON, 0, 0, SCOLS_JSON_STRING },
	{ "RULE_VALUE", IN_JSON, 0, 0, SCOLS_JSON_NUMBER },
	{ "RULE_SCALE", IN_JSON, 0, 0, SCOLS_JSON_STRING },
	{ "BIGGEST", IN_JSON, 0, 0, SCOLS_JSON_STRING },
	{ "LOG", IN_JSON, 0, 0, SCOLS_JSON_STRING },
};

static const char *const killer_names[KILLERS] = { NULL, "oom", "memcg",
	"lowmemorykiller", "systemd-oomd", "earlyoom", "lmkd" };

static const char *const scale_names[] = { "oom_score_adj", "oom_adj" };

/* A command that was killed, and its last kill. */
struct command {
	const struct kill *kill;
	size_t kills;
};

static void
add_row(struct libscols_table *table, const struct kill *kill,
    const struct config *config, bool json)
{
	struct row cells = table_row(table, json);
	const struct rule *rule = rules_find_comm(&config->rules, kill->comm);
	const char *none = json ? NULL : config->nfiles > 0 ? "none" : "";

	add_text(&cells, kill->time[0] != '\0' ? kill->time : NULL);
	add_text(&cells, killer_names[kill->killer]);
	add_number(&cells, kill->value[PID]);
	add_command(&cells, kill->comm);
	add_number(&cells, kill->value[UID]);
	add_size(&cells, kill->value[RSS]);
	add_number(&cells, kill->value[ADJ]);
	if (rule == NULL)
		add_text(&cells, none);
	else
		add_cell(&cells, json ? "%s:%u" : "%s:%u %s%d",
		    json ? rule->file : base_name(rule->file), rule->line,
		    rule->oom_adj ? "" : "oom_score_adj ", rule->value);
	if (!json)
		return;
	add_text(&cells, kill->value[ADJ] != UNKNOWN ? kill->scale : NULL);
	add_number(&cells, rule != NULL ? rule->value : UNKNOWN);
	add_text(&cells, rule != NULL ? scale_names[rule->oom_adj] : NULL);
	add_text(&cells, kill->biggest[0] != '\0' ? kill->biggest : NULL);
	add_text(&cells, kill->log);
}

void
print_table(const struct kills *kills, bool json)
{
	struct libscols_table *table =
	    table_new("kills", columns, COUNT(columns), json);
	const struct kill *kill;

	for (kill = kills->first; kill < kills->end; kill++)
		add_row(table, kill, kills->config, json);
	table_print(table);
}

/* Who used the memory: once for each out-of-memory report. */
static void
print_biggest(const struct kills *kills)
{
	const struct kill *kill;
	unsigned long report = 0;

	for (kill = kills->first; kill < kills->end; kill++) {
		if (kill->report == report || kill->biggest[0] == '\0')
			continue;
		if (report == 0)
			puts("\nWhat used most memory then, by command:");
		report = kill->report;
		print_text("%s  ", kill->time);
		printf(kill->value[PID] != UNKNOWN ? "%jd" : "-",
		    (intmax_t)kill->value[PID]);
		print_line(" (%s): %s", kill->comm, kill->biggest);
	}
}

/* Those killed most often first, then by name. */
static int
compare_commands(const void *a, const void *b)
{
	const struct command *x = a, *y = b;

	return x->kills != y->kills ? (x->kills < y->kills ? 1 : -1)
				    : strcmp(x->kill->comm, y->kill->comm);
}

static void
print_name(const char *before, const char *comm)
{
	const char *quote = *comm == '\0' || strpbrk(comm, " ,\"") ? "\"" : "";

	print_text("%s%s%s%s", before, quote, comm, quote);
}

/* Count the commands of the rows that are kept; name those without a rule. */
static void
print_commands(const struct kills *kills)
{
	static struct command commands[KILLS_MAX];
	struct command *c, *end = commands;
	const char *before = "No rule matches: ";
	const struct kill *kill;

	for (kill = kills->first; kill < kills->end; kill++) {
		for (c = commands; c < end; c++)
			if (strcmp(c->kill->comm, kill->comm) == 0)
				break;
		end += c == end;
		c->kill = kill;
		c->kills++;
	}
	qsort(commands, (size_t)(end - commands), sizeof(*c), compare_commands);
	for (c = commands; c < end; c++) {
		printf("%s%zu", c == commands ? ": " : ", ", c->kills);
		print_name(" ", c->kill->comm);
	}
	putchar('\n');
	for (c = commands; c < end && kills->config->nfiles > 0; c++)
		if (rules_find_comm(&kills->config->rules, c->kill->comm) ==
		    NULL) {
			print_name(before, c->kill->comm);
			before = ", ";
		}
	if (*before == ',')
		puts("\n  What to do: see AFTER AN OOM KILL in oom_adjust(8).");
}

void
print_kills(const struct kills *kills, size_t announced)
{
	const char *before = "In user space, by rules of their own: ";
	size_t i;

	if (kills->n > 0) {
		print_table(kills, false);
		print_biggest(kills);
		printf("\n%zu kill%s", kills->n, kills->n == 1 ? "" : "s");
		if (kills->n > KILLS_MAX)
			printf(", the newest %d shown", KILLS_MAX);
		print_commands(kills);
	} else if (kills->nlogs == 1)
		print_line("no OOM kill found in %s", kills->last_log);
	else
		printf("no OOM kill found in %zu logs\n", kills->nlogs);
	if (kills->n == 0 && announced > 0)
		puts("It was announced (\"Kill process ... score\"), "
		     "but not reported as done.");
	for (i = KILLER_OOMD; i < KILLERS; i++)
		if (kills->by_user[i] > 0) {
			printf("%s%zu by %s", before, kills->by_user[i],
			    killer_names[i]);
			before = ", ";
		}
	if (*before == ',')
		putchar('\n');
	if (kills->overwritten)
		puts("The kernel has overwritten the beginning of its log. "
		     "What was kept of it:\n  journalctl -k | oom_adjust -k -"
		     "    or    oom_adjust -k /var/log/kern.log");
}
