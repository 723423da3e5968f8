/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adjust.h"
#include "config.h"
#include "kills/kills.h"
#include "list.h"
#include "lowmemorykiller.h"
#include "report.h"
#include "text.h"
#include "watchdog.h"

#define CONFIG_FILE SYSCONFDIR "/oom_adjust.conf"
#define TIMEOUT 60 /* seconds */

struct options {
	char mode; /* 't', 'l', 'k', or 0: apply the rules */
	const char *config;
	const char *proc;
	const char *sys;
	bool dry_run;
	bool quiet;
	bool verbose;
	bool json;
	bool color;
	char **names; /* or logs */
	size_t nnames;
};

static void
help(void)
{
	fputs("Usage:\n"
	      " oom_adjust [-nqv] [options] [name ...]   apply the rules (only "
	      "those for NAME)\n"
	      " oom_adjust -t [options]                  check the config, "
	      "change nothing\n"
	      " oom_adjust -l [-J] [options] [name ...]  list who would be "
	      "killed next\n"
	      " oom_adjust -k [-J] [options] [log ...]   list who was killed\n"
	      "\n"
	      "Set the out-of-memory killer adjustment of running processes by "
	      "name.\n"
	      "\n"
	      "Options:\n"
	      " -c, --config FILE      read FILE instead of " CONFIG_FILE "\n"
	      " -n, --dry-run          say what would change, write nothing\n"
	      " -q, --quiet            only warnings and errors\n"
	      " -v, --verbose          a line for each process\n"
	      " -t, --test             check the config\n"
	      " -l, --list             show processes, their adjustment and "
	      "their rule\n"
	      " -k, --kills            show the kills in the kernel log, or in "
	      "LOG\n"
	      " -J, --json             use JSON for -l and -k\n"
	      "     --color[=WHEN]     colour for -l: auto, always or never\n"
	      "     --timeout SECONDS  give up after that time (default 60; 0 "
	      "is never)\n"
	      "     --proc DIR         where procfs is mounted (default /proc)"
	      "\n"
	      "     --sys DIR          where sysfs is mounted (default /sys)\n"
	      "\n"
	      " -h, --help             display this help\n"
	      " -V, --version          display version\n"
	      "\n"
	      "For more details see oom_adjust(8).\n",
	    stdout);
}

__attribute__((noreturn, format(printf, 1, 2))) static void
usage_error(const char *format, ...)
{
	va_list ap;

	if (format != NULL) {
		va_start(ap, format);
		vcomplain(NULL, 0, format, ap);
		va_end(ap);
	}
	fputs("Try 'oom_adjust --help' for more information.\n", stderr);
	exit(EXIT_NOTHING_CHANGED);
}

/* A file opened later must not become standard output. */
static void
open_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* open(2) takes the lowest that is free: this one. */
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
			err(EXIT_NOTHING_CHANGED, "/dev/null");
	}
}

/*
 * Exit with STATUS, unless the report could not be written: a full disk shows
 * only now.
 */
__attribute__((noreturn)) static void
finish(int status, bool changed)
{
	if (fflush(stdout) == EOF)
		warn("standard output");
	else if (ferror(stdout))
		warnx("standard output: not all of it could be written");
	else
		_exit(status);
	/* Nor is what is left in the buffer to be tried again. */
	_exit(changed || status == EXIT_NOT_ALL ? EXIT_NOT_ALL
						: EXIT_NOTHING_CHANGED);
}

/* As util-linux: WHEN, or else a terminal and no NO_COLOR. */
static bool
use_color(const char *when)
{
	const char *no_color = getenv("NO_COLOR");

	if (when == NULL && no_color != NULL && no_color[0] != '\0')
		return false;
	if (when == NULL || strcmp(when, "auto") == 0)
		return isatty(STDOUT_FILENO);
	if (strcmp(when, "always") != 0 && strcmp(when, "never") != 0)
		usage_error("--color=%s: not auto, always or never", when);
	return strcmp(when, "always") == 0;
}

static void
set_mode(struct options *o, int mode)
{
	if (o->mode != 0 && o->mode != mode)
		usage_error("-%c and -%c exclude each other", o->mode, mode);
	o->mode = (char)mode;
}

static void
parse_options(
    int argc, char **argv, struct options *o, struct watchdog *watchdog)
{
	enum { OPT_TIMEOUT = 256, OPT_PROC, OPT_SYS, OPT_COLOR };
	static const struct option longopts[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "test", no_argument, NULL, 't' },
		{ "list", no_argument, NULL, 'l' },
		{ "kills", no_argument, NULL, 'k' },
		{ "json", no_argument, NULL, 'J' },
		{ "color", optional_argument, NULL, OPT_COLOR },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "proc", required_argument, NULL, OPT_PROC },
		{ "sys", required_argument, NULL, OPT_SYS },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *reason, *when = NULL;
	bool timeout = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:nqvtlkJhV", longopts, NULL)) !=
	    -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'n':
			o->dry_run = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 't':
		case 'l':
		case 'k':
			set_mode(o, c);
			break;
		case 'J':
			o->json = true;
			break;
		case OPT_COLOR:
			when = optarg != NULL ? optarg : "auto";
			break;
		case OPT_TIMEOUT:
			watchdog->seconds =
			    (unsigned int)strtonum(optarg, 0, INT_MAX, &reason);
			if (reason != NULL)
				usage_error("--timeout %s: %s", optarg, reason);
			timeout = true;
			break;
		case OPT_PROC:
			o->proc = optarg;
			break;
		case OPT_SYS:
			o->sys = optarg;
			break;
		case 'h':
			help();
			finish(0, false);
		case 'V':
			puts("oom_adjust " VERSION);
			finish(0, false);
		default:
			usage_error(NULL);
		}
	}
	o->names = argv + optind;
	o->nnames = (size_t)(argc - optind);

	if (o->quiet && o->verbose)
		usage_error("-q and -v exclude each other");
	if (o->mode != 0 && (o->dry_run || o->quiet || o->verbose))
		usage_error("-n, -q and -v do not go with -%c", o->mode);
	/* A log may come down a pipe for hours. */
	if (o->mode == 'k' && !timeout)
		watchdog->seconds = 0;
	if (o->json && o->mode != 'l' && o->mode != 'k')
		usage_error("-J goes with -l or -k");
	o->color = use_color(when) && !o->json;
	if (o->mode == 't' && o->nnames > 0)
		usage_error("-t takes no names: %s", o->names[0]);
}

/* Of the rules only those for NAMES. Returns 0, or -1 if one has none. */
static int
select_rules(struct rules *rules, char *const *names, size_t nnames)
{
	size_t i, j;
	int status = 0;

	if (nnames == 0)
		return 0;
	for (i = 0; i < rules->n; i++)
		rules->rule[i].selected = false;
	for (j = 0; j < nnames; j++) {
		bool found = false;

		for (i = 0; i < rules->n; i++) {
			struct rule *r = &rules->rule[i];

			if (strcmp(r->name, names[j]) == 0 ||
			    strcmp(r->title, names[j]) == 0)
				r->selected = found = true;
		}
		if (!found) {
			complain(NULL, 0, "no rule named \"%s\"", names[j]);
			status = -1;
		}
	}
	return status;
}

static void
test(const struct options *o, const struct config *config)
{
	print_line("%s: OK (%zu %s)", o->config, config->rules.n,
	    config->rules.n == 1 ? "rule" : "rules");
}

static int
apply(const struct options *o, const struct config *config,
    struct watchdog *watchdog)
{
	struct report report = { .verbose = o->verbose, .dry_run = o->dry_run };
	bool everything = o->nnames == 0;
	enum killer_outcome outcome, *killer = NULL;

	if (adjust(config, o->proc, everything && config->reset_inherited,
		&report, watchdog) == -1)
		return watchdog->changed ? EXIT_NOT_ALL : EXIT_NOTHING_CHANGED;

	if (everything && config->lowmemorykiller.n > 0) {
		outcome = lowmemorykiller_set(
		    &config->lowmemorykiller, o->sys, o->dry_run);
		if (outcome == KILLER_CHANGED && !o->dry_run)
			watchdog->changed = true;
		killer = &outcome;
	}

	if (!o->quiet)
		report_print(&report, config, killer);
	free(report.results);
	if (report.incomplete)
		warnx("not enough memory for a full report");
	if (report.failed > 0 || report.incomplete ||
	    config->unknown_users > 0 ||
	    (killer != NULL && outcome == KILLER_FAILED))
		return EXIT_NOT_ALL;
	return 0;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.config = CONFIG_FILE, .proc = "/proc", .sys = "/sys"
	};
	static char program[] = "oom_adjust";
	static struct watchdog watchdog = { .seconds = TIMEOUT };
	static struct config config;
	int error, status = 0;

	/* getopt_long(3) has messages of its own, which begin with this. */
	if (argc > 0)
		argv[0] = program;
	setprogname(program);
	open_standard_descriptors();
	/* A reader that goes away must not end the work half done. */
	signal(SIGPIPE, SIG_IGN);
	parse_options(argc, argv, &o, &watchdog);

	if ((error = watchdog_start(&watchdog)) != 0)
		errc(EXIT_NOTHING_CHANGED, error, "cannot start a thread");
	if (config_read(&config, o.config, o.mode == 't') == -1)
		return EXIT_NOTHING_CHANGED;
	/* Only now: expressions match bytes, whatever the locale. */
	if (!o.quiet)
		setlocale(LC_CTYPE, "");
	if (o.mode != 'k' &&
	    select_rules(&config.rules, o.names, o.nnames) == -1)
		return EXIT_NOTHING_CHANGED;

	switch (o.mode) {
	case 't':
		test(&o, &config);
		break;
	case 'l':
		if (list(&config, o.proc, o.nnames == 0, o.json, o.color,
			&watchdog) == -1)
			status = EXIT_NOTHING_CHANGED;
		break;
	case 'k':
		if (kills_run(&config, o.names, o.nnames, o.json) == -1)
			status = EXIT_NOTHING_CHANGED;
		break;
	default:
		status = apply(&o, &config, &watchdog);
	}
	finish(status, watchdog.changed);
}
