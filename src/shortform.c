/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <string.h>

#include "shortform.h"
#include "text.h"

/* What is left to take, and what is known of the text before it. */
struct text {
	const char *p;
	FILE *out;
	shortform_error_fn *error;
	shortform_check_fn *check;
	bool first; /* there is no token in this line yet */
	unsigned int line;
	unsigned int depth;  /* of braces */
	unsigned int block;  /* line of the last block's first word, */
	unsigned int equals; /* of the last equal sign, */
	unsigned int string; /* of the first string of several lines, or 0 */
	bool list, surplus;  /* the last { began a list; a } was added */
	char last, before;   /* the last two tokens; 'w' is a word or string */
	const char *word;    /* the last of these */
	size_t len;
};

/* Take N bytes, of which the newlines always go to the output. */
static void
take(struct text *t, size_t n, bool keep)
{
	for (; n > 0; n--, t->p++) {
		t->line += *t->p == '\n';
		if (keep || *t->p == '\n')
			putc(*t->p, t->out);
	}
}

static bool
is_word(const char *p, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(p, word, len) == 0;
}

static bool
is_comment(const char *p)
{
	return *p == '#' || (*p == '/' && (p[1] == '/' || p[1] == '*'));
}

static bool
is_blank(const char *p)
{
	return is_comment(p) || contains_any(p, 1, " \t\n");
}

size_t /* NOLINTNEXTLINE(misc-no-recursion): once, into a string */
token_length(const char *p)
{
	const char *end;
	size_t n, k;

	if (*p == '/' && p[1] == '*') {
		end = strstr(p + 2, "*/");
		return end != NULL ? (size_t)(end + 2 - p) : 0;
	}
	if (is_comment(p))
		return strcspn(p, "\n");
	if (*p == '$' && p[1] == '{') {
		n = strcspn(p, "}\n");
		return p[n] == '}' ? n + 1 : 0;
	}
	if (*p != '"' && *p != '\'') {
		n = strcspn(p, " \t\r\n\"'#={}()+,*");
		return n > 0 ? n : 1;
	}
	for (n = 1; p[n] != *p; n += k) {
		k = p[n] == '\\' && p[n + 1] != '\0' ? 2 : 1;
		if (*p == '"' && p[n] == '$' && p[n + 1] == '{')
			k = token_length(p + n);
		if (p[n] == '\0' || k == 0)
			return 0;
	}
	return n + 1;
}

/* What a word that comes next is used for. */
static enum word_use
next_use(const struct text *t)
{
	if (t->depth == 0
		? t->last == 'w' && is_word(t->word, t->len, "process")
		: t->depth == 1 && t->last == '=' &&
		    is_word(t->word, t->len, "name"))
		return WORD_NAME;
	return t->last == '=' || t->depth > 1 ? WORD_VALUE : WORD_OTHER;
}

/* Write a word of a short form, which has no quotes, in double quotes. */
static void
put_quoted(const char *p, size_t len, FILE *out)
{
	for (putc('"', out); len > 0; putc(*p++, out), len--)
		fputs(*p == '\\' ? "\\" : "", out);
	putc('"', out);
}

/* The length of a word of a short form; 0 at the end of the line. */
static size_t
short_length(const char *p)
{
	return is_comment(p) ? 0 : strcspn(p, " \t\n#");
}

/*
 * At the first word of a line outside blocks. Take the line if it has two
 * words, or more with a number second, which is an error. Whether that is an
 * integer is seen where libconfuse reads it. Returns false for other lines.
 */
static bool
short_form(struct text *t)
{
	const char *name = t->p, *rest, *next;
	size_t n = short_length(name), v, more, k;
	const char *value = name + n + strspn(name + n, " \t");
	bool number =
	    isdigit((unsigned char)value[*value == '-' || *value == '+']);

	t->block = t->line;
	putc(SHORTFORM_MARK, t->out);
	v = short_length(value);
	rest = value + v + strspn(value + v, " \t");
	more = short_length(rest) > 0 ? strcspn(rest, "\n#") : 0;
	for (next = rest; is_blank(next) && (k = token_length(next)) > 0;)
		next += k;

	if ((v == 0 && name[n] != '#') || (more > 0 && !number) ||
	    contains_any(name, (size_t)(rest - name) + more, "={}") ||
	    is_word(name, n, "lowmemorykiller") ||
	    is_word(name, n, "reset_inherited") ||
	    (is_word(name, n, "process") && (!number || *next == '{')))
		return false;
	if (v == 0) {
		t->error(t->line,
		    "\"%.*s\" stands alone, for # begins a comment: write "
		    "NAME and an integer before it",
		    (int)n, name);
		take(t, n, false);
		return true;
	}
	if (more > 0)
		n = (size_t)(rest - name) + more;
	if (t->check(t->line, name, n, WORD_SHORT) &&
	    t->check(t->line, value, v, WORD_SHORT)) {
		fputs("process ", t->out);
		put_quoted(name, n, t->out);
		fprintf(t->out, "{" SHORTFORM_LINE "=-%u oom_adj=", t->line);
		put_quoted(value, v, t->out);
		putc('}', t->out);
	}
	take(t, (size_t)(rest - name) + more, false);
	t->last = '}';
	return true;
}

/* At a word that can only follow a }: write one where it is missing. */
static void
add_missing(struct text *t, size_t len)
{
	const char *next = t->p + len + strspn(t->p + len, " \t\n");
	bool list = t->depth > 1 && t->list && *next == '=';

	if (!list &&
	    (t->depth != 1 || t->last == '=' || *next == '=' ||
		!is_word(t->p, len, "process")))
		return;
	t->error(list ? t->equals : t->block, "a } is missing %s",
	    list ? "for this list" : "in the block that begins here");
	fprintf(t->out, "}%c", list ? ' ' : SHORTFORM_MARK);
	t->depth--;
	t->last = '}';
	t->surplus |= !list;
}

static void
take_token(struct text *t, size_t len)
{
	unsigned int line = t->line;
	bool keep = true;
	char c = t->p[0] == '+' && t->p[1] == '=' ? '=' : *t->p;

	add_missing(t, len);
	if ((t->last == '=' && contains_any(&c, 1, "=,}")) ||
	    (t->before == '=' && t->last == 'w' && c == '=' && t->depth < 2) ||
	    (t->before == '=' && t->last == '{' && c == '}'))
		t->error(t->equals, "no value after =");
	if (t->depth == 0 && t->last != 'w')
		t->block = line;
	t->equals = c == '=' ? line : t->equals;
	t->list = c == '{' ? t->last == '=' : t->list && c != '}';
	if (c == '}') {
		keep = t->depth > 0 || !t->surplus;
		t->surplus &= keep;
		t->depth -= t->depth > 0;
	} else if (!contains_any(
		       &c, 1, t->list || t->depth > 1 ? "={," : "={")) {
		if (t->first && t->depth == 1 && t->last != '=')
			fputs(SHORTFORM_INNER_MARK, t->out);
		if (!(keep = t->check(line, t->p, len, next_use(t))))
			fputs("''", t->out);
		t->word = t->p;
		t->len = len;
		c = 'w';
	}
	take(t, len + (c != *t->p && c == '='), keep);
	if (c == '{' && t->depth++ == 0)
		fprintf(t->out, SHORTFORM_LINE "=%u ", t->block);
	if (t->line > line && t->string == 0)
		t->string = line;
	t->before = t->last;
	t->last = c;
}

unsigned int
shortform(const char *text, FILE *out, shortform_error_fn *error,
    shortform_check_fn *check)
{
	struct text t = { text, out, error, check, .first = true, .line = 1 };
	size_t len;

	while (*t.p != '\0' && (len = token_length(t.p)) > 0) {
		/* libconfuse drops a +, which is right for a number. */
		if (is_blank(t.p) ||
		    (*t.p == '+' && isdigit((unsigned char)t.p[1]) &&
			t.depth > 0 && contains_any(t.p - 1, 1, " \t\n={,"))) {
			t.first |= *t.p == '\n';
			putc(' ', out);
			take(&t, len, false);
			continue;
		}
		if (!t.first || t.depth > 0 || next_use(&t) != WORD_OTHER ||
		    contains_any(t.p, 1, "{}=,") || !short_form(&t))
			take_token(&t, len);
		t.first = false;
	}
	if (t.string > 0 && *t.p != '\0' && !is_comment(t.p))
		t.line = t.string;
	if (*t.p != '\0')
		error(t.line, "the %s that begins here has no end",
		    is_comment(t.p) ? "comment" : "string or ${");
	else if (t.last == '=')
		error(t.equals, "no value after =");
	else if (t.depth > 0)
		error(t.line = t.block,
		    "a } is missing in the block that begins here");
	else
		return 0;
	return t.line;
}
