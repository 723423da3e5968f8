/* SPDX-License-Identifier: ISC */
#include <sys/param.h>
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <confuse.h>

#include "config.h"
#include "shortform.h"
#include "text.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define OPTIONS_MAX 8 /* in a block, with SHORTFORM_LINE */

struct complaint {
	unsigned int line;  /* 0: the file as a whole */
	unsigned int since; /* where its block or statement begins */
	bool shortform;     /* found by shortform() */
	bool syntax;        /* found by libconfuse */
	char *text;
};

/*
 * One file being read. libconfuse's callbacks carry no pointer of ours, so
 * this is where they find it.
 */
static struct reader {
	struct config *config;
	const char *file;
	unsigned int flags; /* of config_read() */
	size_t errors;
	struct complaint *complaints; /* of this file */
	size_t ncomplaints;

	const char *text;  /* what libconfuse reads; from here on ... */
	unsigned int line; /* ... which is in this line; 0: not yet */
	const char *next;  /* where to go on after a syntax error */
	unsigned int cut;  /* from this line on TEXT makes no sense */

	cfg_t *root, *block;     /* BLOCK is ROOT outside of blocks; NEXT too */
	unsigned int block_line; /* the first line of the last block */
	unsigned int given[2][OPTIONS_MAX]; /* see check_once() */
	struct rule rule;                   /* what its block gives so far */
} reader;

/* P, if there was memory for it. */
static void *
need(void *p)
{
	if (p == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return p;
}

static void
add_complaint(unsigned int line, const char *format, va_list ap)
{
	struct complaint *c;

	reader.complaints =
	    need(grow_array(reader.complaints, reader.ncomplaints, sizeof(*c)));
	c = &reader.complaints[reader.ncomplaints++];
	*c = (struct complaint) {
		.line = line, .since = line, .shortform = reader.line == 0
	};
	if (vasprintf(&c->text, format, ap) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
}

__attribute__((format(printf, 2, 3))) static void
config_warning(unsigned int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_complaint(line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
config_error(unsigned int line, const char *format, ...)
{
	va_list ap;

	reader.errors++;
	/* Of what shortform() finds in a line the first is shown. */
	if (reader.line > 0 ? line >= reader.cut
			    : reader.ncomplaints > 0 &&
		    reader.complaints[reader.ncomplaints - 1].line == line)
		return;
	va_start(ap, format);
	add_complaint(line, format, ap);
	va_end(ap);
}

static int
compare_lines(const void *va, const void *vb)
{
	const struct complaint *a = va, *b = vb;

	return (a->line > b->line) - (a->line < b->line);
}

/*
 * Print what is wrong with the file in the order of its lines, one message for
 * each mistake. What shortform() has found in a line is the reason for what is
 * found there after it has changed the text.
 */
static void
print_complaints(void)
{
	unsigned int shortform_line = 0, line = 0;
	size_t i;

	/* In one line the order of finding stays. */
	if (mergesort(reader.complaints, reader.ncomplaints,
		sizeof(*reader.complaints), compare_lines) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (i = 0; i < reader.ncomplaints; i++) {
		const struct complaint *c = &reader.complaints[i];

		if (c->line == 0 ||
		    (c->since > shortform_line &&
			(!c->syntax || c->line > line)))
			complain(reader.file, c->line, "%s", c->text);
		line = c->line;
		if (c->shortform)
			shortform_line = line;
		free(c->text);
	}
	free(reader.complaints);
	reader.complaints = NULL;
	reader.ncomplaints = 0;
}

/* What the words and strings of the file may hold: shortform() asks. */

/* What is a mistake outside quotes; the first row also inside them. */
static const struct {
	const char *characters, *what;
} odd[] = {
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): escaped */
	{ "\r\u00ad\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b"
	  "\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067"
	  "\u2068\u2069\ufeff",
	    "an invisible character: delete it" },
	{ "\001\002\003\004\005\006\a\b\t\n\v\f\016\017\020\021\022\023\024"
	  "\025\026\027\030\031\032\033\034\035\036\037\177",
	    "a control character: delete it" },
	{ "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
	  "\u2009\u200a\u202f\u205f\u3000",
	    "a non-breaking or other space: write a plain one" },
	{ "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d",
	    "a dash or minus sign: write a plain -" },
	{ "\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
	  "\u2032\u2033\u2039\u203a",
	    "not a plain quotation mark: write \" or nothing" },
	{ "\uff08\uff09\uff0c\uff1a\uff1b\uff1d\uff5b\uff5d",
	    "a wide character: write a plain one" },
};

/* The first odd character of WORD, or NULL; WHAT gets what is wrong with it. */
static const char *
find_odd(const char *word, size_t len, bool quoted, const char **what)
{
	size_t rows = quoted ? 1 : COUNT(odd), i, n;
	const char *p;

	/* UTF-8 of one, two and three bytes is in the table. */
	for (p = word; p < word + len; p++) {
		unsigned int c = (unsigned char)*p;

		n = c < 0x80 ? 1 : c < 0xe0 ? 2 : 3;
		if (isprint(c) || (c >= 0x80 && c < 0xc2) || p + n > word + len)
			continue;
		for (i = 0; i < rows; i++) {
			*what = odd[i].what;
			if (memmem(odd[i].characters, strlen(odd[i].characters),
				p, n) != NULL)
				return p;
		}
	}
	return NULL;
}

/* Report the first odd character of WORD. */
static bool
is_odd(unsigned int line, const char *word, size_t len)
{
	const char *what;
	const char *p =
	    find_odd(word, len, contains_any(word, 1, "\"'"), &what);
	unsigned int c;

	if (p == NULL)
		return false;
	c = (unsigned char)*p;
	if (c >= 0xe0)
		c = (c & 0x0f) << 12 | (p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	else if (c >= 0x80)
		c = (c & 0x1f) << 6 | (p[1] & 0x3f);
	config_error(line, "%.*s: U+%04X is %s", (int)len, word, c, what);
	return true;
}

/* At a "${": report a variable that is not set, for libconfuse takes "". */
static bool
is_unset(unsigned int line, const char *p)
{
	size_t len = token_length(p);
	const char *colon = p + strcspn(p, ":}");
	char *name = need(strndup(p + 2, len - 3));
	bool unset = strncmp(colon, ":-", 2) != 0 && getenv(name) == NULL;

	free(name);
	if (unset)
		config_error(line,
		    "%.*s is not set: write ${NAME:-VALUE} for a default, or "
		    "the string in single quotes if it is no variable",
		    (int)len, p);
	return unset;
}

/*
 * The length of an escape in double quotes, or 0 if libconfuse refuses it,
 * drops its backslash, or ends the string there.
 */
static size_t
escape_length(const char *p)
{
	size_t n = strspn(p + 1, "0123456789");
	unsigned long c = strtoul(p + 1, NULL, 8);

	if (n > 0)
		return n <= 3 && n == strspn(p + 1, "01234567") && c > 0 &&
			c <= 0xff
		    ? n + 1
		    : 0;
	if (p[1] == 'x' && isxdigit((unsigned char)p[2])) {
		n = isxdigit((unsigned char)p[3]) ? 2 : 1;
		return strspn(p + 2, "0") < n ? n + 2 : 0;
	}
	if (p[1] == '$')
		return p[2] == '{' ? 2 : 0;
	return strchr("\"\\\nabefnrtv", p[1]) != NULL ? 2 : 0;
}

/* A string in double quotes: report the first bad escape or variable. */
static bool
has_bad_escape(unsigned int line, const char *p, size_t len)
{
	const char *end = p + len;
	size_t n;

	for (; p < end; p += n) {
		n = p[0] == '$' && p[1] == '{' ? token_length(p) : 1;
		if (n > 1 && is_unset(line, p))
			return true;
		if (*p == '\\' && (n = escape_length(p)) == 0) {
			n = strspn(p + 1, "x0123456789");
			config_error(line,
			    "%.*s is no escape in double quotes: write the "
			    "string in single quotes, or two backslashes",
			    (int)MAX(n, 1) + 1, p);
			return true;
		}
		line += *p == '\n' || (*p == '\\' && p[1] == '\n');
	}
	return false;
}

static bool
check_word(unsigned int line, const char *word, size_t len, enum word_use use)
{
	bool quoted = use != WORD_SHORT && contains_any(word, 1, "\"'");

	if (is_odd(line, word, len) ||
	    (quoted && *word == '"' && has_bad_escape(line, word, len)) ||
	    (len > 3 && strncmp(word, "${", 2) == 0 && is_unset(line, word)))
		return false;
	if (use == WORD_SHORT &&
	    (contains_any(word, len, " \t\",") || contains_any(word, 1, "';") ||
		contains_any(word + len - 1, 1, ":;")))
		config_error(line,
		    "write one NAME and an integer alone on the line, without "
		    "quotes, commas, : or ;, and # before a comment");
	else if ((use == WORD_NAME || use == WORD_SHORT) &&
	    (contains_any(word, len, "*?") || word[quoted] == '^'))
		config_error(line,
		    "there are no wildcards: write a rule for each name (a "
		    "real * is \"\\x2a\" in a block, a real ? \"\\x3f\")");
	else if (*word == ',')
		config_error(line,
		    "\",\" outside a list: delete it, or write the list as "
		    "{a, b}; a rule has one name");
	else if (use != WORD_SHORT && contains_any(word, 1, "*+()`"))
		config_error(line,
		    "\"%c\" outside quotes: write a list as {a, b} and other "
		    "text in single quotes; a rule has one name, without "
		    "wildcards",
		    *word);
	else if ((use == WORD_NAME || use == WORD_VALUE) && !quoted &&
	    len > 1 && contains_any(word + len - 1, 1, ":;"))
		config_error(line, "delete the %c after \"%.*s\"",
		    word[len - 1], (int)len - 1, word);
	else if (use == WORD_OTHER && *word == ';')
		config_error(line, "delete the ;, or write # before a comment");
	else
		return true;
	return false;
}

/* The line in which libconfuse is. It counts from 1 in what is left. */
static unsigned int
line_of(const cfg_t *cfg)
{
	return reader.line + (unsigned int)cfg->line - 1;
}

/* The line of the last mark up to LINE that WORD follows; LINE without one. */
static unsigned int
find_statement(unsigned int line, const char *word)
{
	unsigned int number = reader.line, found = line;
	const char *p = reader.text;

	for (; *p != '\0' && number <= line; number += *p++ == '\n') {
		if (*p == SHORTFORM_MARK &&
		    strncmp(p + 1 + (p[1] == SHORTFORM_INNER_MARK[1]), word,
			strlen(word)) == 0)
			found = number;
	}
	return found;
}

static bool
is_setting(const char *p)
{
	p += strcspn(p, " \t={\n");
	return p[strspn(p, " \t")] == '=';
}

/*
 * After an error in LINE go on at the next mark: IN_BLOCK also at one in the
 * block, and HEADLESS, without its {, not at a setting.
 */
static void
skip_statement(unsigned int line, bool in_block, bool headless)
{
	unsigned int number = reader.line;
	const char *p = reader.text;

	for (; *p != '\0'; number += *p++ == '\n') {
		if (*p == SHORTFORM_MARK && number > line &&
		    (in_block || p[1] != SHORTFORM_INNER_MARK[1]) &&
		    !(headless && is_setting(p)))
			break;
	}
	if (p[0] == '\0' || p[1] != SHORTFORM_INNER_MARK[1])
		reader.block = reader.root;
	reader.next = p;
}

/* libconfuse stops after each of its errors. */
static void
confuse_error(cfg_t *cfg, const char *format, va_list ap)
{
	bool top = cfg == reader.root;
	bool headless = strncmp(format, "missing opening", 15) == 0;
	bool end = !top && strncmp(format, "unexpected closing", 18) == 0;
	unsigned int line = line_of(cfg);
	unsigned int since;
	struct complaint *c;
	const cfg_opt_t *opt;
	const char *comma = "";
	char *text;
	size_t size;
	va_list copy;
	FILE *out;

	/* What is missing is missing before the next word, in any line. */
	va_copy(copy, ap);
	if (strncmp(format, "missing", 7) == 0)
		/* NOLINTNEXTLINE(clang-analyzer-valist.*): AP is a parameter */
		line = find_statement(line, va_arg(copy, const char *));
	va_end(copy);
	since = find_statement(line, "");
	skip_statement(line, !top && !end, headless);
	/* The end of a block in which parsing went on after an error. */
	if (line >= reader.cut || end)
		return;
	out = need(open_memstream(&text, &size));
	if (strncmp(format, "no such option", 14) == 0)
		format =
		    top ? "unexpected \"%s\"" : "there is no option \"%s\"";
	vfprintf(out, format, ap);
	if (top)
		fputs(": write NAME and an integer alone on a line, process "
		      "NAME { ... } (with quotes if NAME has blanks), "
		      "lowmemorykiller { ... } or reset_inherited = true, and "
		      "# before a comment",
		    out);
	else
		fputs(": write OPTION = VALUE, with quotes if VALUE has "
		      "blanks; the options here are",
		    out);
	for (opt = cfg->opts + 1; !top && opt->name != NULL; opt++, comma = ",")
		fprintf(out, "%s %s%s", comma, opt->name,
		    opt->flags & CFGF_LIST ? " (a list: {a, b})" : "");
	if (fclose(out) == EOF)
		err(EXIT_NOTHING_CHANGED, NULL);
	config_error(line, "%s", text);
	free(text);
	c = &reader.complaints[reader.ncomplaints - 1];
	c->syntax = true;
	c->since = since;
}

/*
 * What libconfuse calls for each value. They return 0 even for a bad one, so
 * that parsing goes on.
 */

/* Only the first value of a list comes with = and not after a comma. */
static void
check_once(unsigned int line, const cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int *first =
	    &reader.given[cfg == reader.root][opt - cfg->opts];

	if (*first == 0)
		*first = line;
	else if (cfg_opt_size(opt) <= 1)
		config_error(line,
		    "%s again, after line %u: delete one of them", opt->name,
		    *first);
}

/* The first line of the block, negative for a short form. */
static int
parse_line(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	long line = strtol(value, NULL, 10);

	(void)opt;
	reader.block = cfg;
	reader.block_line = (unsigned int)labs(line);
	reader.rule.short_form = line < 0;
	*(long *)result = line;
	return 0;
}

/* Other languages write lists in other ways. */
static const char *
list_hint(const cfg_opt_t *opt, const char *value)
{
	return opt->flags & CFGF_LIST && strpbrk(value, "[]<>,; ") != NULL
	    ? "; write a list as {a, b}"
	    : "";
}

/*
 * All of VALUE is an integer, as the kernel takes what is written to oom_adj:
 * 010 is 8, 0x10 is 16. One too large becomes the largest.
 */
static int
parse_integer(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	static const struct {
		const char *option;
		long min, max;
	} ranges[] = {
		{ "oom_adj", OOM_DISABLE, OOM_ADJUST_MAX },
		{ "oom_score_adj", OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX },
		/* The kernel's own type is short in some of its versions. */
		{ "adj", OOM_SCORE_ADJ_MIN, SHRT_MAX },
		{ "minfree", 0, INT_MAX },
	};
	size_t i = 0;
	const char *what = reader.rule.short_form ? "NAME INTEGER" : opt->name;
	unsigned int line = line_of(cfg);
	char *end;
	long v;

	check_once(line, cfg, opt);
	while (strcmp(ranges[i].option, opt->name) != 0)
		i++;
	*(long *)result = ranges[i].min;
	v = strtol(value, &end, 0);
	if (!isdigit((unsigned char)value[*value == '-' || *value == '+']) ||
	    *end != '\0')
		config_error(line, "%s: \"%s\" is not an integer%s", what,
		    value, list_hint(opt, value));
	else if (v < ranges[i].min || v > ranges[i].max)
		config_error(line, "%s: %s is out of range (%ld to %ld)%s",
		    what, value, ranges[i].min, ranges[i].max,
		    i == 0 && v >= OOM_SCORE_ADJ_MIN && v <= OOM_SCORE_ADJ_MAX
			? "; oom_score_adj in a process block takes it"
			: "");
	else
		*(long *)result = v;
	reader.rule.value = (int)*(long *)result;
	return 0;
}

static int
parse_boolean(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	unsigned int line = line_of(cfg);
	int b = cfg_parse_boolean(value);

	check_once(line, cfg, opt);
	if (b == -1)
		config_error(line, "%s: \"%s\" is neither true nor false",
		    opt->name, value);
	*(cfg_bool_t *)result = b == 1 ? cfg_true : cfg_false;
	if (cfg == reader.root)
		reader.config->reset_inherited = b == 1;
	else
		reader.rule.containers = b == 1;
	return 0;
}

static bool
has_suffix(const char *name, const char *suffix)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL && strcmp(dot, suffix) == 0;
}

static void
check_name(unsigned int line, const char *name)
{
	if (*name == '\0')
		config_error(line, "\"\" is an empty name");
	else if (strchr(name, '/') != NULL &&
	    (*name != '/' || name[strlen(name) - 1] == '/'))
		config_error(line,
		    "\"%s\" is neither a bare name nor an absolute path", name);
	else if (has_suffix(name, ".service"))
		config_error(line,
		    "\"%s\" is a unit: write the name of its program", name);
}

static int
parse_name(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	*(const char **)result = value;
	check_once(line_of(cfg), cfg, opt);
	check_name(line_of(cfg), value);
	free(reader.rule.name);
	reader.rule.name = need(strdup(value));
	return 0;
}

static int
parse_cmdline(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct rule *r = &reader.rule;
	char reason[128];

	*(const char **)result = value;
	check_once(line_of(cfg), cfg, opt);
	if (r->has_cmdline)
		return 0;
	r->has_cmdline =
	    expression_compile(&r->cmdline, value, reason, sizeof(reason));
	if (r->has_cmdline)
		r->expression = need(strdup(value));
	else
		config_error(line_of(cfg), "%s: \"%.100s\": %s", opt->name,
		    value, reason);
	return 0;
}

static int
parse_user(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct rule *r = &reader.rule;
	unsigned int line = line_of(cfg);
	const char *reason = NULL;
	struct passwd *pw;
	uid_t uid = (uid_t)-1;

	*(const char **)result = value;
	check_once(line, cfg, opt);
	if (value[0] != '\0' && value[strspn(value, "0123456789")] == '\0') {
		uid = (uid_t)strtonum(value, 0, (uid_t)-2, &reason);
		if (reason != NULL)
			config_error(line, "user id %s is %s", value, reason);
	} else if ((pw = getpwnam(value)) != NULL) {
		uid = pw->pw_uid;
	} else {
		r->unknown_user = true;
		(reader.flags & CONFIG_STRICT ? config_error : config_warning)(
		    line,
		    "there is no user \"%s\": this rule matches nothing%s",
		    value, list_hint(opt, value));
	}
	r->has_users = true;
	r->users = need(grow_array(r->users, r->nusers, sizeof(uid_t)));
	r->users[r->nusers++] = uid;
	return 0;
}

/* The block that was read is complete, or parsing has stopped in it. */
static void
leave_block(void)
{
	reader.block = reader.root;
	reader.rule = (struct rule) { 0 };
	memset(reader.given[false], 0, sizeof(reader.given[false]));
}

/* Add the rule that has been read; after a syntax error it is not complete. */
static void
add_rule(void)
{
	struct rules *rules = &reader.config->rules;

	rules->rule =
	    need(grow_array(rules->rule, rules->n, sizeof(struct rule)));
	rules->rule[rules->n++] = reader.rule;
	leave_block();
}

static int
end_process(cfg_t *cfg, cfg_opt_t *opt)
{
	struct rule *r = &reader.rule;
	cfg_t *sec = cfg_opt_getnsec(opt, 0);
	bool adj = cfg_size(sec, "oom_adj") > 0;
	bool score_adj = cfg_size(sec, "oom_score_adj") > 0;

	(void)cfg;
	r->file = reader.file;
	r->line = reader.block_line;
	r->title = need(strdup(cfg_title(sec)));
	r->selected = true;
	if (r->name == NULL) {
		r->name = need(strdup(r->title));
		check_name(r->line, r->name);
	}
	if (r->name[0] == '/')
		r->path = realpath(r->name, NULL);
	if (adj == score_adj)
		config_error(r->line, "process \"%s\" has %s: give one of them",
		    r->title,
		    adj ? "both oom_adj and oom_score_adj"
			: "neither oom_adj nor oom_score_adj");
	r->oom_adj = adj;
	r->oom_score_adj = adj ? oom_adj_to_score_adj(r->value) : r->value;
	if (r->unknown_user)
		reader.config->unknown_users++;
	add_rule();
	/* libconfuse would take the next with this title for the same one. */
	cfg_free_value(opt);
	return 0;
}

/* Take one of the lists, which has VALUE alone where it is not given. */
static size_t
take_list(cfg_t *sec, const char *name, int value, int *list)
{
	cfg_opt_t *opt = cfg_getopt(sec, name);
	size_t i, n = cfg_opt_size(opt);

	list[0] = value;
	for (i = 0; i < n; i++) {
		long v = cfg_opt_getnint(opt, (unsigned int)i);

		if (i == LOWMEMORYKILLER_MAX || (i > 0 && v <= list[i - 1])) {
			config_error(reader.given[false][opt - sec->opts],
			    "lowmemorykiller: %s must have 1 to %d entries in "
			    "ascending order",
			    name, LOWMEMORYKILLER_MAX);
			return 0;
		}
		list[i] = (int)v;
	}
	return n > 0 ? n : 1;
}

static int
end_lowmemorykiller(cfg_t *cfg, cfg_opt_t *opt)
{
	struct lowmemorykiller *lmk = &reader.config->lowmemorykiller;
	cfg_t *sec = cfg_opt_getnsec(opt, 0);
	size_t nminfree;

	check_once(reader.block_line, cfg, opt);
	lmk->n = take_list(sec, "adj", 9999, lmk->adj);
	nminfree = take_list(sec, "minfree", 1, lmk->minfree);
	if (lmk->n > 0 && nminfree > 0 && lmk->n != nminfree)
		config_error(reader.block_line,
		    "lowmemorykiller: adj has %zu entries, minfree has %zu: "
		    "give both the same number",
		    lmk->n, nminfree);
	leave_block();
	cfg_free_value(opt);
	return 0;
}

static int
compare_titles(const void *va, const void *vb)
{
	const struct rule *a = va, *b = vb;
	int c = strcmp(a->title, b->title);

	return c != 0 ? c : a->short_form - b->short_form;
}

static void
keep(void *p)
{
	(void)p;
}

/* Among the rules of one file, which begin at FIRST. */
static void
check_titles(size_t first)
{
	const struct rules *rules = &reader.config->rules;
	const struct rule *r, **found;
	void *tree = NULL;

	for (; first < rules->n; first++) {
		r = &rules->rule[first];
		if (r->title == NULL)
			continue;
		found = need(tsearch(r, &tree, compare_titles));
		if (*found == r)
			continue;
		if (!r->short_form)
			config_error(r->line,
			    "process \"%s\" again, after line %u: give one of "
			    "them another title and name = \"%s\"",
			    r->title, (*found)->line, r->name);
		else if (!(reader.flags & CONFIG_QUIET))
			config_warning(r->line,
			    "\"%s\" again: this rule replaces the one in line "
			    "%u",
			    r->title, (*found)->line);
		*found = r;
	}
	tdestroy(tree, keep);
}

static void
parse(char *text)
{
	/* These mirror the file: oom_adjust.conf(5). */
	cfg_opt_t process_opts[] = {
		CFG_INT_CB(SHORTFORM_LINE, 0, CFGF_NODEFAULT, parse_line),
		CFG_STR_CB("name", NULL, CFGF_NODEFAULT, parse_name),
		CFG_STR_CB("cmdline", NULL, CFGF_NODEFAULT, parse_cmdline),
		CFG_STR_LIST_CB("user", NULL, CFGF_NODEFAULT, parse_user),
		CFG_INT_CB("oom_adj", 0, CFGF_NODEFAULT, parse_integer),
		CFG_INT_CB("oom_score_adj", 0, CFGF_NODEFAULT, parse_integer),
		CFG_BOOL_CB(
		    "containers", cfg_false, CFGF_NODEFAULT, parse_boolean),
		CFG_END(),
	};
	cfg_opt_t lowmemorykiller_opts[] = {
		CFG_INT_CB(SHORTFORM_LINE, 0, CFGF_NODEFAULT, parse_line),
		CFG_INT_LIST_CB("adj", NULL, CFGF_NODEFAULT, parse_integer),
		CFG_INT_LIST_CB("minfree", NULL, CFGF_NODEFAULT, parse_integer),
		CFG_END(),
	};
	cfg_opt_t opts[] = {
		CFG_SEC("process", process_opts, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("lowmemorykiller", lowmemorykiller_opts, CFGF_MULTI),
		CFG_BOOL_CB("reset_inherited", cfg_false, CFGF_NODEFAULT,
		    parse_boolean),
		CFG_END(),
	};
	FILE *fp = need(fmemopen(text, strlen(text), "r"));

	reader.root = need(cfg_init(opts, CFGF_NONE));
	cfg_set_error_function(reader.root, confuse_error);
	cfg_set_validate_func(reader.root, "process", end_process);
	cfg_set_validate_func(
	    reader.root, "lowmemorykiller", end_lowmemorykiller);

	memset(reader.given, 0, sizeof(reader.given));
	reader.block = reader.root;
	reader.text = reader.next = text;
	reader.line = 1;
	/* Go on after each error, to find others. */
	while (cfg_parse_fp(reader.block, fp) != CFG_SUCCESS) {
		/* An empty word for an option gets no message. */
		if (reader.next == reader.text)
			cfg_error(reader.block, "no such option '%s'", "");
		while (reader.text < reader.next)
			reader.line += *reader.text++ == '\n';
		fseek(fp, reader.text - text, SEEK_SET);
		if (reader.block != reader.root)
			continue;
		add_rule();
		cfg_free_value(cfg_getopt(reader.root, "process"));
		cfg_free_value(cfg_getopt(reader.root, "lowmemorykiller"));
	}
	fclose(fp);
	cfg_free(reader.root);
}

/*
 * Whoever can write the configuration decides what root does. sb is of an
 * open descriptor.
 */
static bool
is_trusted(const struct stat *sb)
{
	if (geteuid() != 0)
		return true;
	if (sb->st_uid != 0)
		config_error(
		    0, "owned by user id %u; root must own it", sb->st_uid);
	else if (sb->st_mode & (S_IWGRP | S_IWOTH))
		config_error(0,
		    "writable by group or others; run: chmod go-w %s",
		    reader.file);
	else
		return true;
	return false;
}

/*
 * The content of file NAME in the open directory AT, to be freed; after an
 * error it is "".
 */
static char *
slurp(int at, const char *name)
{
	/* A FIFO must not block here, nor a tty become our controlling one. */
	int fd = openat(at, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	FILE *fp = fd != -1 ? fdopen(fd, "r") : NULL;
	char *text = need(calloc(1, FILE_MAX + 2)), *from, *to;
	unsigned int line = 1;
	bool good = false;
	struct stat sb;
	size_t len;

	if (fp == NULL || fstat(fd, &sb) == -1) {
		config_error(0, "%s", strerror(errno));
	} else if (!S_ISREG(sb.st_mode)) {
		config_error(0,
		    "a directory, FIFO, device or socket: not a regular file");
	} else if (is_trusted(&sb)) {
		len = fread(text, 1, FILE_MAX + 1, fp);
		for (from = text; *from != '\0'; from++)
			line += *from == '\n';
		if (ferror(fp))
			config_error(0, "%s", strerror(errno));
		else if (len > FILE_MAX)
			config_error(0, "larger than 1 MiB");
		else if (from < text + len)
			config_error(
			    line, "a NUL byte: this is not text in UTF-8");
		else
			good = true;
	}
	if (fp != NULL)
		fclose(fp);
	if (!good)
		*text = '\0';
	/* Leave out a byte order mark. CR LF ends a line too. */
	from = text + (memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0);
	for (to = text; (*to = *from) != '\0'; from++)
		to += *from != '\r' || (from[1] != '\n' && from[1] != '\0');
	*to = '\0';
	return text;
}

/* Read file NAME in the open directory AT. FILE is its path for messages. */
static void
read_file(int at, const char *name, const char *file)
{
	struct config *config = reader.config;
	size_t first = config->rules.n, len;
	char *text, *rewritten;
	FILE *out;

	config->files =
	    need(grow_array(config->files, config->nfiles, sizeof(char *)));
	reader.file = config->files[config->nfiles++] = need(strdup(file));
	reader.line = 0;

	text = slurp(at, name);
	out = need(open_memstream(&rewritten, &len));
	reader.cut = shortform(text, out, config_error, check_word);
	/* libconfuse would take a block without its end. */
	if (reader.cut > 0)
		fputs("==", out);
	else
		reader.cut = UINT_MAX;
	if (fclose(out) == EOF)
		err(EXIT_NOTHING_CHANGED, NULL);
	/* What is missing at the end is missing after the last word. */
	while (len > 1 && isspace((unsigned char)rewritten[len - 1]))
		rewritten[--len] = '\0';
	parse(rewritten);
	check_titles(first);
	free(rewritten);
	free(text);
	print_complaints();
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the drop-ins in DIR, N of them, in byte order. */
static char **
list_drop_ins(DIR *dir, size_t *n)
{
	const struct dirent *d;
	char **names = NULL;

	while (errno = 0, (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || !has_suffix(d->d_name, ".conf"))
			continue;
		names = need(grow_array(names, *n, sizeof(*names)));
		names[(*n)++] = need(strdup(d->d_name));
	}
	if (errno != 0)
		config_error(0, "%s", strerror(errno));
	if (*n > 0)
		qsort(names, *n, sizeof(*names), compare_names);
	return names;
}

/* All is done in the opened directory: another may take its path meanwhile. */
static void
read_drop_ins(const char *file)
{
	char *path, *name, **names = NULL;
	struct stat sb;
	size_t i, n = 0;
	DIR *dir;

	if (asprintf(&path, "%s.d", file) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	reader.file = path;
	if ((dir = opendir(path)) == NULL || fstat(dirfd(dir), &sb) == -1) {
		if (errno != ENOENT)
			config_error(0, "%s", strerror(errno));
	} else if (is_trusted(&sb)) {
		names = list_drop_ins(dir, &n);
	}
	print_complaints();
	for (i = 0; i < n; i++) {
		if (asprintf(&name, "%s/%s", path, names[i]) == -1)
			err(EXIT_NOTHING_CHANGED, NULL);
		read_file(dirfd(dir), names[i], name);
		free(name);
		free(names[i]);
	}
	free(names);
	if (dir != NULL)
		closedir(dir);
	free(path);
}

/* UID_MIN of login.defs(5), in any base. */
static uid_t
read_uid_min(void)
{
	uid_t uid_min = 1000;
	long long value;
	char line[256];
	FILE *fp;

	if ((fp = fopen("/etc/login.defs", "re")) == NULL)
		return uid_min;
	while (fgets(line, sizeof(line), fp) != NULL) {
		if (sscanf(line, " UID_MIN %lli", &value) == 1 && value >= 0 &&
		    value < (uid_t)-1)
			uid_min = (uid_t)value;
	}
	fclose(fp);
	return uid_min;
}

int
config_read(struct config *config, const char *file, unsigned int flags)
{
	*config = (struct config) { 0 };
	reader = (struct reader) { .config = config, .flags = flags };

	read_file(AT_FDCWD, file, file);
	read_drop_ins(file);
	if (reader.errors > 0) {
		config_free(config);
		return -1;
	}
	config->rules.uid_min = read_uid_min();
	if (rules_index(&config->rules) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	return 0;
}

/*
 * Print BEFORE, S as a string that is read as S again, and a blank. The string
 * is in single quotes, or, with something in it that is not visible or one of
 * SPECIAL, in double quotes with escapes.
 */
static void
print_string(const char *before, const char *s, const char *special)
{
	char *shown = need(printable("%s", s));
	const char *what;
	size_t length = strlen(s);
	const char *p;
	bool plain;

	for (p = s; *p != '\0'; p++)
		length += *p == '\\';
	plain = strlen(shown) == length && strpbrk(s, special) == NULL &&
	    find_odd(s, strlen(s), true, &what) == NULL;
	free(shown);

	printf("%s%c", before, plain ? '\'' : '"');
	for (p = s; *p != '\0'; p++) {
		/* Expressions are easier to read with single backslashes. */
		if (plain &&
		    (*p == '\'' || (*p == '\\' && strchr("\\'", p[1]) != NULL)))
			printf("\\%c", *p);
		else if (plain || isalnum((unsigned char)*p) || *p == ' ')
			putchar(*p);
		else
			printf("\\x%02x", (unsigned char)*p);
	}
	printf("%c ", plain ? '\'' : '"');
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
print_rule(const struct rule *r, const char *title)
{
	char *file = need(printable("%s", r->file));
	size_t i;

	print_string("process ", title, "*?^");
	printf("{ ");
	if (strcmp(title, r->name) != 0)
		print_string("name = ", r->name, "*?^");
	if (r->has_cmdline)
		print_string("cmdline = ", r->expression, "");
	for (i = 0; i < r->nusers; i++)
		printf("%s%u%s", i == 0 ? "user = {" : ", ", r->users[i],
		    i + 1 == r->nusers ? "} " : "");
	printf("%s = %d %s} # %s:%u\n",
	    r->oom_adj ? "oom_adj" : "oom_score_adj", r->value,
	    r->containers ? "containers = true " : "", file, r->line);
	free(file);
}

static void
print_list(const char *name, const int *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		printf("%s%s%d", i == 0 ? name : "", i == 0 ? " = {" : ", ",
		    list[i]);
	printf("} ");
}

void
config_print(const struct config *config)
{
	const struct lowmemorykiller *lmk = &config->lowmemorykiller;
	void *titles = NULL;
	size_t i;

	for (i = 0; i < config->rules.n; i++) {
		const struct rule *r = &config->rules.rule[i];
		char *title = need(strdup(r->title)), *longer;

		/* A file has each title once, but this is from several. */
		while (*(char **)need(
			   tsearch(title, &titles, compare_strings)) != title) {
			if (asprintf(&longer, "%s (%s:%u)", title, r->file,
				r->line) == -1)
				err(EXIT_NOTHING_CHANGED, NULL);
			free(title);
			title = longer;
		}
		print_rule(r, title);
	}
	tdestroy(titles, free);

	if (lmk->n > 0) {
		printf("lowmemorykiller { ");
		print_list("adj", lmk->adj, lmk->n);
		print_list("minfree", lmk->minfree, lmk->n);
		printf("}\n");
	}
	if (config->reset_inherited)
		printf("reset_inherited = true\n");
}

void
config_free(struct config *config)
{
	size_t i;

	rules_free(&config->rules);
	for (i = 0; i < config->nfiles; i++)
		free(config->files[i]);
	free(config->files);
	*config = (struct config) { 0 };
}
