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
#include <strings.h>
#include <unistd.h>

#include <confuse.h>

#include "config.h"
#include "shortform.h"
#include "text.h"

#define FILE_MAX ((size_t)1024 * 1024)
#define UID_MIN_DEFAULT 1000
#define LOGIN_DEFS "/etc/login.defs"
#define OPTIONS_MAX 8 /* in a block, with SHORTFORM_LINE */

/*
 * Who found a mistake. Of those in one line the first to find one is heard:
 * what the others say of that line follows from it.
 */
enum finder { FINDER_SHORTFORM, FINDER_VALUE, FINDER_SYNTAX };

struct complaint {
	unsigned int line; /* 0: the file as a whole */
	enum finder finder;
	size_t number;      /* in the order of finding */
	unsigned int since; /* SYNTAX: where its block or line begins */
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

	cfg_t *root;
	const char *text;    /* what libconfuse reads; from here on ... */
	unsigned int line;   /* ... which is in this line */
	unsigned int cut;    /* line in which the text ends too early, or 0 */
	unsigned int failed; /* line of a syntax error, or 0 */
	unsigned int killer; /* line of the lowmemorykiller block, or 0 */
	unsigned int reset;  /* line of reset_inherited, or 0 */

	/* The block that is being read. */
	unsigned int block;              /* its first line */
	unsigned int given[OPTIONS_MAX]; /* where each was given first, or 0 */
	struct rule rule;
} reader;

static void *
grow(void *array, size_t n, size_t size)
{
	if ((array = grow_array(array, n, size)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return array;
}

static char *
copy(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return p;
}

static struct complaint *
add_complaint(
    enum finder finder, unsigned int line, const char *format, va_list ap)
{
	struct complaint *c;

	reader.complaints = grow(
	    reader.complaints, reader.ncomplaints, sizeof(*reader.complaints));
	c = &reader.complaints[reader.ncomplaints];
	*c = (struct complaint) {
		.line = line,
		.finder = finder,
		.number = reader.ncomplaints++,
		.since = line,
	};
	if (vasprintf(&c->text, format, ap) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	return c;
}

__attribute__((format(printf, 2, 3))) static void
shortform_error(unsigned int line, const char *format, ...)
{
	va_list ap;

	reader.errors++;
	/* Only the first of a line is printed. */
	if (reader.ncomplaints > 0 &&
	    reader.complaints[reader.ncomplaints - 1].line == line)
		return;
	va_start(ap, format);
	add_complaint(FINDER_SHORTFORM, line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
config_error(unsigned int line, const char *format, ...)
{
	va_list ap;

	reader.errors++;
	va_start(ap, format);
	add_complaint(FINDER_VALUE, line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void
config_warning(unsigned int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add_complaint(FINDER_VALUE, line, format, ap);
	va_end(ap);
}

static int
compare_complaints(const void *va, const void *vb)
{
	const struct complaint *a = va, *b = vb;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->finder != b->finder)
		return a->finder < b->finder ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

/* Backslashes stay single: the text is the config's, and expressions are full
 * of them. */
static void
print_complaint(const struct complaint *c)
{
	char *text = printable("%s", c->text), *file, *from, *to;

	file = c->line > 0 ? printable("%s:%u", reader.file, c->line)
			   : printable("%s", reader.file);
	if (text == NULL || file == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (from = to = text; (*to = *from) != '\0'; from++, to++) {
		if (*from == '\\' && *++from != '\\')
			*++to = *from;
	}
	warnx("%s: %s", file, text);
	free(file);
	free(text);
}

/*
 * Print what is wrong with the file in the order of its lines, one message for
 * each mistake.
 */
static void
print_complaints(void)
{
	const struct complaint *c, *last = NULL;
	unsigned int shortform = 0;
	size_t i;

	if (reader.ncomplaints > 0)
		qsort(reader.complaints, reader.ncomplaints,
		    sizeof(*reader.complaints), compare_complaints);
	for (i = 0; i < reader.ncomplaints; free(c->text), i++) {
		c = &reader.complaints[i];
		if (last != NULL && c->line == last->line &&
		    (c->finder != FINDER_VALUE || last->finder != c->finder))
			continue;
		if (c->finder == FINDER_SHORTFORM)
			shortform = c->line;
		/* What is dropped or missing before it can be the reason. */
		if (c->finder == FINDER_SYNTAX && shortform >= c->since &&
		    shortform > 0)
			continue;
		print_complaint(c);
		last = c;
	}
	free(reader.complaints);
	reader.complaints = NULL;
	reader.ncomplaints = 0;
}

/* What the words and strings of the file may hold: shortform() asks. */

/* A mistake outside quotes; the first row inside them too. */
static const struct {
	const char *characters, *what;
} odd[] = {
	{ "\u00ad\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c"
	  "\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069"
	  "\ufeff",
	    "an invisible character: delete it" },
	{ "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008"
	  "\u2009\u200a\u202f\u205f\u3000",
	    "a non-breaking or other space: write a plain one" },
	{ "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d",
	    "a dash or minus sign: write a plain -" },
	{ "\u00ab\u00b4\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f"
	  "\u2032\u2033\u2039\u203a",
	    "not a plain quotation mark: write \" or nothing" },
};

/* Report the first odd character of WORD. */
static bool
is_odd(unsigned int line, const char *word, size_t len)
{
	bool quoted = *word == '"' || *word == '\'';
	const char *p;
	size_t i, n;

	for (p = word; p < word + len; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '\r' || (!quoted && (c < ' ' || c == 0x7f))) {
			shortform_error(line,
			    "\"%.*s\" has a control character: delete it",
			    (int)len, word);
			return true;
		}
		/* The table has UTF-8 of two and three bytes. */
		n = c >= 0xe0 ? 3 : 2;
		for (i = 0; c >= 0xc2 && p + n <= word + len &&
		     i < (quoted ? 1 : sizeof(odd) / sizeof(odd[0]));
		     i++) {
			if (memmem(odd[i].characters, strlen(odd[i].characters),
				p, n) == NULL)
				continue;
			shortform_error(line, "%.*s: U+%04X is %s", (int)len,
			    word,
			    n == 2 ? (c & 0x1f) << 6 | (p[1] & 0x3f)
				   : (c & 0x0f) << 12 | (p[1] & 0x3f) << 6 |
				    (p[2] & 0x3f),
			    odd[i].what);
			return true;
		}
	}
	return false;
}

/*
 * The length of an escape in double quotes, or 0 if libconfuse refuses it,
 * drops its backslash, or ends the string there.
 */
static size_t
escape_length(const char *p)
{
	size_t n = strspn(p + 1, "0123456789");
	unsigned long c;
	char *end;

	if (n > 0) {
		c = strtoul(p + 1, &end, 8);
		return n <= 3 && end == p + 1 + n && c > 0 && c <= 0xff ? n + 1
									: 0;
	}
	if (p[1] == 'x' && isxdigit((unsigned char)p[2])) {
		n = isxdigit((unsigned char)p[3]) ? 2 : 1;
		return strspn(p + 2, "0") < n ? n + 2 : 0;
	}
	if (p[1] == '$')
		return p[2] == '{' ? 2 : 0;
	return strchr("\"\\\nabefnrtv", p[1]) != NULL ? 2 : 0;
}

/* A string in double quotes: report the first bad escape. */
static bool
has_bad_escape(unsigned int line, const char *p, size_t len)
{
	const char *end = p + len;
	size_t n;

	for (; p < end; p += n) {
		n = 1;
		line += *p == '\n';
		if (p[0] == '$' && p[1] == '{')
			n = token_length(p);
		else if (*p == '\\' && (n = escape_length(p)) == 0) {
			n = strspn(p + 1, "x0123456789");
			shortform_error(line,
			    "%.*s is no escape in double quotes: write the "
			    "string in single quotes, or two backslashes",
			    (int)MAX(n, 1) + 1, p);
			return true;
		} else if (*p == '\\')
			line += p[1] == '\n';
	}
	return false;
}

static bool
has_any(const char *p, size_t len, const char *characters)
{
	for (; len > 0; p++, len--) {
		if (*p != '\0' && strchr(characters, *p) != NULL)
			return true;
	}
	return false;
}

static bool
check_word(unsigned int line, const char *word, size_t len, enum word_use use)
{
	bool name = use == WORD_NAME || use == WORD_SHORT;
	bool quoted = use != WORD_SHORT && has_any(word, 1, "\"'");

	if (is_odd(line, word, len) ||
	    (quoted && *word == '"' && has_bad_escape(line, word, len)))
		return false;
	if (use == WORD_SHORT &&
	    (has_any(word, len, " \t\",") || has_any(word, 1, "';") ||
		has_any(word + len - 1, 1, ":;"))) {
		shortform_error(line,
		    "write one NAME and an integer alone on the line, without "
		    "quotes, commas, : or ;, and # before a comment");
	} else if (name && has_any(word, len, "*?")) {
		shortform_error(line,
		    "there are no wildcards: write a rule for each name (a "
		    "real * is \"\\x2a\" in a block, a real ? \"\\x3f\")");
	} else if (use == WORD_SHORT) {
		return true;
	} else if (*word == ',') {
		shortform_error(line,
		    "a comma outside a list, which has braces: {a, b}; a rule "
		    "has one name");
	} else if (*word == '(' || *word == ')') {
		shortform_error(line,
		    "\"%c\" outside quotes: a list has braces, {a, b}; write "
		    "other words in single quotes",
		    *word);
	} else if (*word == '*' || *word == '+') {
		shortform_error(line,
		    "\"%c\" outside quotes: write the whole word in single "
		    "quotes (names have no wildcards)",
		    *word);
	} else if (!quoted && use != WORD_OTHER &&
	    has_any(word + len - 1, 1, ":;")) {
		shortform_error(line, "delete the %c after \"%.*s\"",
		    word[len - 1], (int)len - 1, word);
	} else {
		return true;
	}
	return false;
}

/* What libconfuse says of the syntax, with what to write instead. */

/* Other words for an option. */
static const struct {
	const char *name, *others;
} synonyms[] = {
	{ "name", "exe path program command comm binary" },
	{ "cmdline", "args arguments match pattern regex expression" },
	{ "user", "group uid owner" },
	{ "oom_adj", "adj adjust value priority nice" },
	{ "oom_score_adj", "score" },
	{ "containers", "docker namespace pod" },
};

/* How many characters must change to make B of A, of 31 characters at most. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[32], i, j, diagonal, up;

	for (j = 0; j < 32; j++)
		row[j] = j;
	for (i = 0; i < 31 && a[i] != '\0'; i++) {
		diagonal = row[0]++;
		for (j = 0; j < 31 && b[j] != '\0'; j++) {
			up = row[j + 1];
			if (tolower((unsigned char)a[i]) == b[j])
				row[j + 1] = diagonal;
			else
				row[j + 1] = 1 + MIN(diagonal, MIN(up, row[j]));
			diagonal = up;
		}
	}
	return row[strnlen(b, 31)];
}

static size_t
likeness(const char *word, const char *name)
{
	size_t best = distance(word, name), i;
	char *others, *rest, *other;

	for (i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++) {
		if (strcmp(synonyms[i].name, name) != 0)
			continue;
		rest = others = copy(synonyms[i].others);
		while ((other = strsep(&rest, " ")) != NULL)
			best = MIN(best, distance(word, other));
		free(others);
	}
	return best;
}

/* The options of CFG's block, first the one that WORD is most like. */
static char *
list_options(cfg_t *cfg, const char *word)
{
	const char *best = "";
	size_t i, size, d, least = SIZE_MAX;
	char *list;
	FILE *out;

	if ((out = open_memstream(&list, &size)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (i = 1; cfg->opts[i].name != NULL; i++) {
		if ((d = likeness(word, cfg->opts[i].name)) < least) {
			least = d;
			best = cfg->opts[i].name;
		}
	}
	fputs(best, out);
	for (i = 1; cfg->opts[i].name != NULL; i++) {
		if (strcmp(cfg->opts[i].name, best) != 0)
			fprintf(out, ", %s", cfg->opts[i].name);
	}
	if (fclose(out) == EOF)
		err(EXIT_NOTHING_CHANGED, NULL);
	return list;
}

/* What an empty value can come from. */
static const char *
unset(const char *value)
{
	return value[0] == '\0' ? " (is a variable not set?)" : "";
}

#define PROCESS_BLOCK \
	"write process NAME { ... }, one name, in quotes if it has blanks"

/* What to do about libconfuse's messages, by how they begin. */
static const struct {
	const char *message, *advice;
} advice[] = {
	{ "unexpected token '='", "write OPTION = VALUE" },
	{ "unexpected token ','", "a value is missing before it" },
	{ "unexpected token '{'", "only user, adj and minfree are lists" },
	{ "unexpected token", "a comma or } is missing before it" },
	{ "missing equal sign after option 'reset_inherited'",
	    "write reset_inherited = true" },
	{ "missing opening brace for section 'lowmemorykiller'",
	    "write lowmemorykiller { ... }" },
	{ "missing opening brace", PROCESS_BLOCK },
	{ "missing title", PROCESS_BLOCK },
	{ "unexpected closing brace", "no block is open here" },
	{ "", "write OPTION = VALUE" },
};

#define TOP_LEVEL                                                          \
	"write NAME and an integer alone on a line, process NAME { ... } " \
	"(with quotes if NAME has blanks), lowmemorykiller { ... } or "    \
	"reset_inherited = true, and # before a comment"

/* The line in which libconfuse is. It counts from 1 in what is left. */
static unsigned int
line_of(const cfg_t *cfg)
{
	return reader.line + (unsigned int)cfg->line - 1;
}

/* The line of the last mark at or before LINE. */
static unsigned int
last_mark(unsigned int line)
{
	const char *p;
	unsigned int l = reader.line, mark = l;

	for (p = reader.text; *p != '\0' && l <= line; p++) {
		l += *p == '\n';
		if (*p == SHORTFORM_MARK)
			mark = l;
	}
	return mark;
}

__attribute__((format(printf, 2, 3))) static void
syntax_error(cfg_t *cfg, const char *format, ...)
{
	unsigned int line = line_of(cfg);
	struct complaint *c;
	va_list ap;

	reader.failed = cfg == reader.root ? line : reader.block;
	if (line == reader.cut)
		return;
	reader.errors++;
	va_start(ap, format);
	c = add_complaint(FINDER_SYNTAX, line, format, ap);
	va_end(ap);
	c->since = cfg == reader.root ? last_mark(line) : reader.block;
}

static void
unknown_option(cfg_t *cfg, const char *name)
{
	bool after_value = false;
	char *options;
	size_t i;

	if (cfg == reader.root) {
		syntax_error(
		    cfg, "unexpected \"%s\"%s: " TOP_LEVEL, name, unset(name));
		return;
	}
	for (i = 0; i < OPTIONS_MAX; i++)
		after_value |= reader.given[i] == line_of(cfg);
	options = list_options(cfg, name);
	syntax_error(cfg, "there is no option \"%s\"%s here, but %s%s", name,
	    unset(name), options,
	    after_value ? "; a value with blanks needs quotes" : "");
	free(options);
}

/* libconfuse stops after each of these. */
static void
confuse_error(cfg_t *cfg, const char *format, va_list ap)
{
	char *message, *name, *end;
	size_t i, n;

	if (vasprintf(&message, format, ap) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	name = strchr(message, '\'');
	end = strrchr(message, '\'');
	if (strncmp(message, "no such option", 14) == 0 && name < end) {
		*end = '\0';
		unknown_option(cfg, name + 1);
	} else if (cfg == reader.root &&
	    strncmp(message, "unexpected token", 16) == 0) {
		syntax_error(cfg, "%s: " TOP_LEVEL, message);
	} else {
		for (i = 0;; i++) {
			n = strlen(advice[i].message);
			if (strncmp(message, advice[i].message, n) == 0)
				break;
		}
		syntax_error(cfg, "%s: %s", message, advice[i].advice);
	}
	free(message);
}

/*
 * What libconfuse calls for each value. They return 0 even for a bad one, so
 * that parsing goes on.
 */

/* Where OPT was given before, or 0; an error then. */
static void
check_once(cfg_t *cfg, cfg_opt_t *opt)
{
	unsigned int *first = &reader.given[opt - cfg->opts];

	if (*first == 0)
		*first = line_of(cfg);
	else if (cfg_opt_size(opt) <= 1) /* of a list only the first value */
		config_error(line_of(cfg),
		    "%s again, after line %u: delete one of them", opt->name,
		    *first);
}

/* The first line of the block, negative for a short form. */
static int
parse_line(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	long line = strtol(value, NULL, 10);

	(void)cfg;
	(void)opt;
	reader.block = (unsigned int)labs(line);
	reader.rule.short_form = line < 0;
	*(long *)result = line;
	return 0;
}

/*
 * All of VALUE as an integer, as the kernel takes what is written to oom_adj:
 * 010 is 8, 0x10 is 16. One too large becomes the largest.
 */
static bool
parse_integer(const char *value, long *result)
{
	char *end;

	if (!isdigit((unsigned char)value[*value == '-' || *value == '+']))
		return false;
	*result = strtol(value, &end, 0);
	return *end == '\0';
}

static int
check_range(cfg_t *cfg, cfg_opt_t *opt, const char *value, long min, long max,
    void *result)
{
	unsigned int line = line_of(cfg);
	bool short_form = reader.rule.short_form;
	long v;

	check_once(cfg, opt);
	*(long *)result = min;
	if (!parse_integer(value, &v))
		config_error(line, "%s%s\"%s\" is not an integer%s%s",
		    short_form ? "" : opt->name, short_form ? "" : ": ", value,
		    unset(value),
		    short_form ? ": a line of two words is NAME and an integer"
			       : "");
	else if (v < min || v > max)
		config_error(line, "%s%s%s is out of range (%ld to %ld)%s",
		    short_form ? "" : opt->name, short_form ? "" : ": ", value,
		    min, max,
		    min == OOM_DISABLE && v >= OOM_SCORE_ADJ_MIN &&
			    v <= OOM_SCORE_ADJ_MAX
			? "; oom_score_adj in a process block takes it"
			: "");
	else
		*(long *)result = v;
	return 0;
}

static int
parse_oom_adj(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	check_range(cfg, opt, value, OOM_DISABLE, OOM_ADJUST_MAX, result);
	reader.rule.oom_adj = true;
	reader.rule.value = (int)*(long *)result;
	return 0;
}

static int
parse_oom_score_adj(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	check_range(
	    cfg, opt, value, OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX, result);
	reader.rule.value = (int)*(long *)result;
	return 0;
}

/* The kernel's own type for adj is short in some of its versions. */
static int
parse_killer_adj(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return check_range(
	    cfg, opt, value, OOM_SCORE_ADJ_MIN, SHRT_MAX, result);
}

static int
parse_minfree(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	return check_range(cfg, opt, value, 0, INT_MAX, result);
}

static bool
check_boolean(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	int b = cfg_parse_boolean(value);

	if (b == -1)
		config_error(line_of(cfg),
		    "%s: \"%s\" is neither true nor false%s", opt->name, value,
		    unset(value));
	*(cfg_bool_t *)result = b == 1 ? cfg_true : cfg_false;
	return b == 1;
}

static int
parse_containers(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	check_once(cfg, opt);
	reader.rule.containers = check_boolean(cfg, opt, value, result);
	return 0;
}

static int
parse_reset_inherited(
    cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (reader.reset > 0)
		config_error(line_of(cfg),
		    "%s again, after line %u: delete one of them", opt->name,
		    reader.reset);
	reader.reset = line_of(cfg);
	reader.config->reset_inherited = check_boolean(cfg, opt, value, result);
	return 0;
}

static void
check_name(unsigned int line, const char *name)
{
	size_t len = strlen(name);

	if (len == 0)
		config_error(line, "an empty name%s", unset(name));
	else if (strchr(name, '/') != NULL &&
	    (name[0] != '/' || name[len - 1] == '/'))
		config_error(line,
		    "\"%s\" is neither a bare name nor an absolute path", name);
}

static int
parse_name(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	*(const char **)result = value;
	check_once(cfg, opt);
	check_name(line_of(cfg), value);
	free(reader.rule.name);
	reader.rule.name = copy(value);
	return 0;
}

static int
parse_cmdline(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct rule *r = &reader.rule;
	char reason[128];

	*(const char **)result = value;
	check_once(cfg, opt);
	if (r->has_cmdline)
		return 0;
	r->has_cmdline =
	    expression_compile(&r->cmdline, value, reason, sizeof(reason));
	if (r->has_cmdline)
		r->expression = copy(value);
	else
		config_error(line_of(cfg), "%s: \"%.100s\": %s", opt->name,
		    value, reason);
	return 0;
}

static uid_t
find_user(unsigned int line, const char *name)
{
	const char *reason;
	struct passwd *pw;
	uid_t uid = (uid_t)-1;

	if (name[0] != '\0' && name[strspn(name, "0123456789")] == '\0') {
		uid = (uid_t)strtonum(name, 0, (uid_t)-2, &reason);
		if (reason != NULL)
			config_error(line, "user id %s is %s", name, reason);
	} else if ((pw = getpwnam(name)) != NULL) {
		uid = pw->pw_uid;
	} else if (reader.flags & CONFIG_STRICT) {
		config_error(
		    line, "there is no user \"%s\"%s", name, unset(name));
	} else {
		config_warning(line,
		    "there is no user \"%s\": this rule matches nothing", name);
		reader.rule.unknown_user = true;
	}
	return uid;
}

static int
parse_user(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct rule *r = &reader.rule;

	*(const char **)result = value;
	check_once(cfg, opt);
	r->has_users = true;
	r->users = grow(r->users, r->nusers, sizeof(*r->users));
	r->users[r->nusers++] = find_user(line_of(cfg), value);
	return 0;
}

/* Add the rule that has been read; after a syntax error it is not complete. */
static void
add_rule(void)
{
	struct rules *rules = &reader.config->rules;

	rules->rule = grow(rules->rule, rules->n, sizeof(*rules->rule));
	rules->rule[rules->n++] = reader.rule;
	reader.rule = (struct rule) { 0 };
	memset(reader.given, 0, sizeof(reader.given));
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
	r->line = reader.block;
	r->title = copy(cfg_title(sec));
	r->selected = true;
	if (r->name == NULL) {
		r->name = copy(r->title);
		check_name(r->line, r->name);
	}
	if (r->name[0] == '/')
		r->path = realpath(r->name, NULL);
	if (adj == score_adj)
		config_error(r->line,
		    "process \"%s\" has %s oom_adj %s oom_score_adj: "
		    "give one of them",
		    r->title, adj ? "both" : "neither", adj ? "and" : "nor");
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
	unsigned int line = reader.given[opt - sec->opts];
	size_t i, n = cfg_opt_size(opt);

	list[0] = value;
	if (!(opt->flags & CFGF_MODIFIED))
		return 1;
	if (n > LOWMEMORYKILLER_MAX) {
		config_error(line,
		    "lowmemorykiller: %s must have 1 to %d entries", name,
		    LOWMEMORYKILLER_MAX);
		return 0;
	}
	for (i = 0; i < n; i++) {
		list[i] = (int)cfg_opt_getnint(opt, (unsigned int)i);
		if (i > 0 && list[i] <= list[i - 1]) {
			config_error(line,
			    "lowmemorykiller: %s must be ascending", name);
			break;
		}
	}
	return n;
}

static int
end_lowmemorykiller(cfg_t *cfg, cfg_opt_t *opt)
{
	struct lowmemorykiller *lmk = &reader.config->lowmemorykiller;
	cfg_t *sec = cfg_opt_getnsec(opt, 0);
	size_t nminfree;

	(void)cfg;
	if (reader.killer != 0)
		config_error(reader.block,
		    "lowmemorykiller again, after line %u: delete one of them",
		    reader.killer);
	reader.killer = reader.block;
	lmk->n = take_list(sec, "adj", 9999, lmk->adj);
	nminfree = take_list(sec, "minfree", 1, lmk->minfree);
	if (lmk->n > 0 && nminfree > 0 && lmk->n != nminfree)
		config_error(reader.block,
		    "lowmemorykiller: adj has %zu entries, minfree has %zu: "
		    "adj and minfree need the same number of entries",
		    lmk->n, nminfree);
	reader.rule = (struct rule) { 0 };
	memset(reader.given, 0, sizeof(reader.given));
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
	size_t i;

	for (i = first; i < rules->n; i++) {
		r = &rules->rule[i];
		if (r->title == NULL)
			continue;
		if ((found = tsearch(r, &tree, compare_titles)) == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
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

/* How far it is to the next mark after LINE, or to the end. */
static size_t
next_mark(unsigned int line)
{
	const char *p = reader.text;
	unsigned int l = reader.line;

	for (; *p != '\0' && (*p != SHORTFORM_MARK || l <= line); p++)
		l += *p == '\n';
	return (size_t)(p - reader.text);
}

/* Parse the next LEN bytes. Returns false after a syntax error. */
static bool
parse_part(size_t len)
{
	cfg_t *sec = NULL;
	FILE *fp = fmemopen((char *)reader.text, len, "r");
	int result;

	if (fp == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	reader.failed = 0;
	result = cfg_parse_fp(reader.root, fp);
	fclose(fp);
	if (result == CFG_SUCCESS)
		return true;

	if (cfg_size(reader.root, "process") > 0)
		sec = cfg_getnsec(reader.root, "process", 0);
	else if (cfg_size(reader.root, "lowmemorykiller") > 0)
		sec = cfg_getnsec(reader.root, "lowmemorykiller", 0);
	/* An empty word for an option gets no message from libconfuse. */
	if (reader.failed == 0)
		unknown_option(sec != NULL ? sec : reader.root, "");
	add_rule();
	cfg_free_value(cfg_getopt(reader.root, "process"));
	cfg_free_value(cfg_getopt(reader.root, "lowmemorykiller"));
	return false;
}

static void
parse(const char *text)
{
	/* These mirror the file: oom_adjust.conf(5). */
	cfg_opt_t process_opts[] = {
		CFG_INT_CB(SHORTFORM_LINE, 0, CFGF_NODEFAULT, parse_line),
		CFG_STR_CB("name", NULL, CFGF_NODEFAULT, parse_name),
		CFG_STR_CB("cmdline", NULL, CFGF_NODEFAULT, parse_cmdline),
		CFG_STR_LIST_CB("user", NULL, CFGF_NODEFAULT, parse_user),
		CFG_INT_CB("oom_adj", 0, CFGF_NODEFAULT, parse_oom_adj),
		CFG_INT_CB(
		    "oom_score_adj", 0, CFGF_NODEFAULT, parse_oom_score_adj),
		CFG_BOOL_CB(
		    "containers", cfg_false, CFGF_NODEFAULT, parse_containers),
		CFG_END(),
	};
	cfg_opt_t lowmemorykiller_opts[] = {
		CFG_INT_CB(SHORTFORM_LINE, 0, CFGF_NODEFAULT, parse_line),
		CFG_INT_LIST_CB("adj", NULL, CFGF_NODEFAULT, parse_killer_adj),
		CFG_INT_LIST_CB("minfree", NULL, CFGF_NODEFAULT, parse_minfree),
		CFG_END(),
	};
	cfg_opt_t opts[] = {
		CFG_SEC("process", process_opts, CFGF_MULTI | CFGF_TITLE),
		CFG_SEC("lowmemorykiller", lowmemorykiller_opts, CFGF_MULTI),
		CFG_BOOL_CB("reset_inherited", cfg_false, CFGF_NODEFAULT,
		    parse_reset_inherited),
		CFG_END(),
	};
	size_t len = strlen(text);
	bool failed = false;

	if ((reader.root = cfg_init(opts, CFGF_NONE)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	cfg_set_error_function(reader.root, confuse_error);
	cfg_set_validate_func(reader.root, "process", end_process);
	cfg_set_validate_func(
	    reader.root, "lowmemorykiller", end_lowmemorykiller);

	/* All at once; after an error rule by rule, to find others. */
	for (reader.text = text, reader.line = 1; len > 0;
	     len = next_mark(reader.line)) {
		if (!parse_part(len) && !failed) {
			failed = true;
			len = next_mark(reader.failed);
		}
		for (; len > 0; len--)
			reader.line += *reader.text++ == '\n';
	}
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

/* The line that is LEN bytes into TEXT. */
static unsigned int
line_number(const char *text, size_t len)
{
	unsigned int line = 1;

	for (; len > 0; len--)
		line += *text++ == '\n';
	return line;
}

/* The file's content, to be freed, or NULL with the error reported. */
static char *
slurp(void)
{
	struct stat sb;
	char *text = NULL, *from, *to;
	const char *nul;
	size_t len;
	FILE *fp;
	int fd;

	/* A FIFO must not block here, nor a tty become our controlling one. */
	fd = open(reader.file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		config_error(0, "%s", strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (!S_ISREG(sb.st_mode))
		config_error(0, "%s, not a regular file",
		    S_ISDIR(sb.st_mode)        ? "a directory"
			: S_ISFIFO(sb.st_mode) ? "a FIFO"
			: S_ISCHR(sb.st_mode) || S_ISBLK(sb.st_mode)
			? "a device"
			: "a socket");
	if (!S_ISREG(sb.st_mode) || !is_trusted(&sb)) {
		close(fd);
		return NULL;
	}
	if ((fp = fdopen(fd, "r")) == NULL ||
	    (text = malloc(FILE_MAX + 2)) == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	len = fread(text, 1, FILE_MAX + 1, fp);
	text[len] = '\0';
	if (ferror(fp))
		config_error(0, "%s", strerror(errno));
	else if (len > FILE_MAX)
		config_error(0, "larger than 1 MiB");
	else if ((nul = memchr(text, '\0', len)) != NULL)
		config_error(line_number(text, (size_t)(nul - text)),
		    "a NUL byte: this is not text in UTF-8");
	else {
		/* CR LF ends a line too. */
		for (from = to = text; *from != '\0'; from++) {
			if (*from != '\r' ||
			    (from[1] != '\n' && from[1] != '\0'))
				*to++ = *from;
		}
		*to = '\0';
		fclose(fp);
		return text;
	}
	free(text);
	fclose(fp);
	return NULL;
}

static void
read_file(const char *file)
{
	struct config *config = reader.config;
	size_t first = config->rules.n, len;
	char *text, *rewritten;
	bool whole;
	FILE *out;

	config->files =
	    grow(config->files, config->nfiles, sizeof(*config->files));
	reader.file = config->files[config->nfiles++] = copy(file);
	reader.killer = reader.reset = 0;

	if ((text = slurp()) != NULL) {
		if ((out = open_memstream(&rewritten, &len)) == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		whole = shortform(text, out, shortform_error, check_word);
		/* So that a block that is cut off is not taken for complete. */
		if (!whole)
			fputs("==", out);
		if (fclose(out) == EOF)
			err(EXIT_NOTHING_CHANGED, NULL);
		reader.cut = whole ? 0 : line_number(rewritten, len);
		parse(rewritten);
		check_titles(first);
		free(rewritten);
		free(text);
	}
	print_complaints();
}

static int
is_drop_in(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return d->d_name[0] != '.' && len > 5 &&
	    strcmp(d->d_name + len - 5, ".conf") == 0;
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void
read_drop_ins(const char *file)
{
	struct dirent **list;
	char *dir, *path;
	struct stat sb;
	int fd, i, n;

	if (asprintf(&dir, "%s.d", file) == -1)
		err(EXIT_NOTHING_CHANGED, NULL);
	reader.file = dir;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &sb) == -1) {
		if (errno != ENOENT)
			config_error(0, "%s", strerror(errno));
	} else if (is_trusted(&sb)) {
		n = scandir(dir, &list, is_drop_in, compare_names);
		if (n == -1)
			config_error(0, "%s", strerror(errno));
		for (i = 0; i < n; i++) {
			if (asprintf(&path, "%s/%s", dir, list[i]->d_name) ==
			    -1)
				err(EXIT_NOTHING_CHANGED, NULL);
			read_file(path);
			free(path);
			free(list[i]);
		}
		if (n != -1)
			free(list);
	}
	if (fd != -1)
		close(fd);
	print_complaints();
	free(dir);
}

/* UID_MIN of login.defs(5), in any base. */
static uid_t
read_uid_min(void)
{
	uid_t uid_min = UID_MIN_DEFAULT;
	unsigned long value;
	char line[256], *end;
	FILE *fp;

	if ((fp = fopen(LOGIN_DEFS, "re")) == NULL)
		return uid_min;
	while (fgets(line, sizeof(line), fp) != NULL) {
		const char *p = line + strspn(line, " \t");

		if (strncmp(p, "UID_MIN", 7) != 0 ||
		    !isspace((unsigned char)p[7]))
			continue;
		value = strtoul(p + 7, &end, 0);
		if (end > p + 7 && value < (uid_t)-1)
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

	read_file(file);
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
 * Print S as a string that is read as S again: in single quotes, or, with
 * something in it that is not visible or one of SPECIAL, with escapes.
 */
static void
print_string(const char *s, const char *special)
{
	char *shown = printable("%s", s);
	size_t visible = strlen(s);
	const char *p;
	bool plain;

	if (shown == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	for (p = s; *p != '\0'; p++)
		visible += *p == '\\';
	plain = strlen(shown) == visible && strpbrk(s, special) == NULL;
	free(shown);

	putchar(plain ? '\'' : '"');
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
	putchar(plain ? '\'' : '"');
}

static int
compare_strings(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
print_rule(const struct rule *r, const char *title)
{
	char *file = printable("%s", r->file);
	size_t i;

	if (file == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	printf("process ");
	print_string(title, "*?");
	printf(" { ");
	if (strcmp(title, r->name) != 0) {
		printf("name = ");
		print_string(r->name, "*?");
		putchar(' ');
	}
	if (r->has_cmdline) {
		printf("cmdline = ");
		print_string(r->expression, "");
		putchar(' ');
	}
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
	void *titles = NULL, *found;
	size_t i;

	for (i = 0; i < config->rules.n; i++) {
		const struct rule *r = &config->rules.rule[i];
		char *title = copy(r->title), *longer;

		/* A file has each title once, but this is from several. */
		while ((found = tsearch(title, &titles, compare_strings)) !=
			NULL &&
		    *(char **)found != title) {
			if (asprintf(&longer, "%s (%s:%u)", title, r->file,
				r->line) == -1)
				err(EXIT_NOTHING_CHANGED, NULL);
			free(title);
			title = longer;
		}
		if (found == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
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
