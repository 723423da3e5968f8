/* SPDX-License-Identifier: ISC */
#include <sys/prctl.h>

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
#include "process.h"
#include "report.h"
#include "text.h"
#include "watchdog.h"

#define CONFIG_FILE SYSCONFDIR "/oom_adjust.conf"
#define TIMEOUT 60 /* seconds */

static const char default_config[] = CONFIG_FILE;

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
	const char *color_when;
	bool has_timeout;
	unsigned int timeout; /* seconds, or 0 for none */
	char **names;         /* of rules; with -k, of logs */
	size_t nnames;
};

static void
print_help(void)
{
	fputs("Usage:\n"
	      " oom_adjust [-nqv] [options] [name ...]   apply the rules (only "
	      "those for NAME)\n"
	      " oom_adjust -t [options]                  check the config, "
	      "change nothing\n"
	      " oom_adjust -l [-nJ] [options] [name ...] list who would be "
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

/*
 * Open /dev/null on closed standard descriptors, so that no file opened later
 * becomes standard output.
 */
static void
open_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* open(2) returns the lowest free descriptor: this one. */
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
			err(EXIT_NOTHING_CHANGED, "/dev/null");
	}
}

/*
 * Exit with STATUS, unless the report could not be written: a full disk is
 * noticed only when it is flushed.
 */
__attribute__((noreturn)) static void
flush_and_exit(int status, bool changed)
{
	if (fflush(stdout) == EOF)
		warn("standard output");
	else if (ferror(stdout))
		warnx("standard output: not all of it could be written");
	else
		_exit(status);
	/* _exit(2), because exit(3) would try to write the rest again. */
	_exit(changed || status == EXIT_NOT_ALL ? EXIT_NOT_ALL
						: EXIT_NOTHING_CHANGED);
}

/* As in util-linux: WHEN decides; without it, a terminal and NO_COLOR do. */
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
		usage_error("-%c cannot be combined with -%c", o->mode, mode);
	o->mode = (char)mode;
}

static void
set_timeout(struct options *o, const char *seconds)
{
	const char *reason;

	o->timeout = (unsigned int)strtonum(seconds, 0, INT_MAX, &reason);
	if (reason != NULL)
		usage_error("--timeout %s: %s", seconds, reason);
	o->has_timeout = true;
}

enum { OPT_TIMEOUT = 256, OPT_PROC, OPT_SYS, OPT_COLOR };

static void
set_option(struct options *o, int c)
{
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
		o->color_when = optarg != NULL ? optarg : "auto";
		break;
	case OPT_TIMEOUT:
		set_timeout(o, optarg);
		break;
	case OPT_PROC:
		o->proc = optarg;
		break;
	case OPT_SYS:
		o->sys = optarg;
		break;
	case 'h':
		print_help();
		flush_and_exit(EXIT_OK, false);
	case 'V':
		puts("oom_adjust " VERSION);
		flush_and_exit(EXIT_OK, false);
	default:
		usage_error(NULL);
	}
}

/* Refuse combinations that make no sense; set what depends on other options. */
static void
check_options(struct options *o)
{
	if (o->quiet && o->verbose)
		usage_error("-q cannot be combined with -v");
	if (o->mode == 't' && (o->dry_run || o->quiet))
		usage_error("-t cannot be combined with -n or -q");
	if (o->mode == 'l' && (o->quiet || o->verbose))
		usage_error("-l cannot be combined with -q or -v");
	if (o->mode == 'k' && (o->dry_run || o->quiet || o->verbose))
		usage_error("-k cannot be combined with -n, -q or -v");
	if (o->json && o->mode != 'l' && o->mode != 'k')
		usage_error("-J needs -l or -k");
	if (o->mode == 't' && o->nnames > 0)
		usage_error("-t takes no names: %s", o->names[0]);
	/* A log may come through a pipe for hours. */
	if (!o->has_timeout)
		o->timeout = o->mode == 'k' ? 0 : TIMEOUT;
	o->color = use_color(o->color_when) && !o->json;
}

static void
parse_options(int argc, char **argv, struct options *o)
{
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
	int c;

	while (
	    (c = getopt_long(argc, argv, "c:nqvtlkJhV", longopts, NULL)) != -1)
		set_option(o, c);
	o->names = argv + optind;
	o->nnames = (size_t)(argc - optind);
	check_options(o);
}

/* Select only the rules that NAMES mean. Returns 0, or -1 if one means none. */
static int
select_rules(struct rules *rules, char *const *names, size_t nnames)
{
	size_t i, j;
	int result = 0;

	if (nnames == 0)
		return 0;
	for (i = 0; i < rules->n; i++)
		rules->rule[i].selected = false;
	for (j = 0; j < nnames; j++) {
		bool found = false;

		for (i = 0; i < rules->n; i++) {
			struct rule *r = &rules->rule[i];

			if (rule_is_named(r, names[j]))
				r->selected = found = true;
		}
		if (!found) {
			complain(NULL, 0, "no rule named \"%s\"", names[j]);
			result = -1;
		}
	}
	return result;
}

/* Warn if reset_inherited can have no effect here. */
static void
note_no_sessions(const struct options *o, const struct config *config)
{
	const char *why;

	if (config->reset_inherited &&
	    (why = process_no_sessions(o->proc)) != NULL)
		complain(NULL, 0, "reset_inherited resets nothing: %s", why);
}

static int
test_config(const struct options *o, const struct config *config)
{
	note_no_sessions(o, config);
	if (o->verbose)
		config_print(config);
	/* With -v this line is a comment, so that the output is a config. */
	print_line("%s%s: OK (%zu %s)", o->verbose ? "# " : "", o->config,
	    config->rules.n, config->rules.n == 1 ? "rule" : "rules");
	return EXIT_OK;
}

static int
apply_rules(const struct options *o, const struct config *config,
    struct watchdog *watchdog)
{
	bool everything = o->nnames == 0, failed;
	enum lmk_outcome outcome, *killer = NULL;
	struct report report;

	if (o->verbose && everything)
		note_no_sessions(o, config);
	if (report_init(&report, config, o->verbose, o->dry_run) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	if (adjust_processes(config, o->proc, &report, watchdog) == -1)
		return watchdog->changed ? EXIT_NOT_ALL : EXIT_NOTHING_CHANGED;

	if (everything && config->lowmemorykiller.n > 0) {
		outcome = lowmemorykiller_set(
		    &config->lowmemorykiller, o->sys, o->dry_run);
		if (outcome == LMK_CHANGED && !o->dry_run)
			watchdog->changed = true;
		killer = &outcome;
	}

	if (!o->quiet)
		report_print(&report, killer);
	report_warn(&report, !o->quiet);
	failed = report_failed(&report) || config->unknown_users > 0 ||
	    (killer != NULL && outcome == LMK_FAILED);
	report_free(&report);
	return failed ? EXIT_NOT_ALL : EXIT_OK;
}

/*
 * -l and -k must work when the config is missing or broken: they go on without
 * rules, with status 1 if there were errors. A default config that does not
 * exist is only a note.
 */
static int
read_config(const struct options *o, struct config *config)
{
	bool optional = o->mode == 'l' || o->mode == 'k';

	if (optional && o->config == default_config &&
	    access(o->config, F_OK) == -1 && errno == ENOENT) {
		complain(
		    o->config, 0, "does not exist: going on without rules");
		return EXIT_OK;
	}
	if (config_read(config, o->config,
		(o->mode == 't' ? CONFIG_STRICT : 0) |
		    (o->quiet ? CONFIG_QUIET : 0)) == 0)
		return EXIT_OK;
	if (!optional)
		exit(EXIT_NOTHING_CHANGED);
	complain(o->config, 0, "has errors: going on without rules");
	return EXIT_NOTHING_CHANGED;
}

int
main(int argc, char **argv)
{
	struct options o = {
		.config = default_config, .proc = "/proc", .sys = "/sys"
	};
	static char program[] = "oom_adjust";
	static struct watchdog watchdog;
	static struct config config;
	int error, status, result = 0;

	/* getopt_long(3) begins its own messages with argv[0]. */
	if (argc > 0)
		argv[0] = program;
	setprogname(program);
	setlocale(LC_CTYPE, "");
	open_standard_descriptors();
	/* The work must be finished even if nobody reads the output. */
	signal(SIGPIPE, SIG_IGN);
	/* A huge page for a few bytes would double the memory needed. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	parse_options(argc, argv, &o);

	watchdog.seconds = o.timeout;
	if ((error = watchdog_start(&watchdog)) != 0)
		complain(NULL, 0,
		    "going on without --timeout: cannot start a thread: %s",
		    strerror(error));
	status = read_config(&o, &config);
	if (o.mode != 'k' &&
	    select_rules(&config.rules, o.names, o.nnames) == -1)
		return EXIT_NOTHING_CHANGED;
	/* With names, processes that no rule matches are left alone. */
	config.rules.reset_inherited = config.reset_inherited && o.nnames == 0;

	switch (o.mode) {
	case 't':
		status = test_config(&o, &config);
		break;
	case 'l':
		result = list(&config,
		    &(struct list_options) {
			.proc = o.proc,
			.names = o.names,
			.nnames = o.nnames,
			.dry_run = o.dry_run,
			.json = o.json,
			.color = o.color,
		    },
		    &watchdog);
		break;
	case 'k':
		result = kills_run(&config, o.names, o.nnames, o.json);
		break;
	default:
		status = apply_rules(&o, &config, &watchdog);
	}
	if (result == -1)
		status = EXIT_NOTHING_CHANGED;
	flush_and_exit(status, watchdog.changed);
}
