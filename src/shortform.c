/* SPDX-License-Identifier: ISC */
#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "shortform.h"
#include "text.h"

/* What is left to take, and where it is. */
struct text {
	const char *p;
	const char *end;
	unsigned int line;
	unsigned int depth;  /* of braces */
	unsigned int header; /* line of "process", until its brace; or 0 */
	FILE *out;
	struct blocks *blocks;
	shortform_error_fn *error;
};

bool
parse_integer(const char *s, long *value)
{
	const char *digits = s + (*s == '-' || *s == '+');
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	*value = strtol(s, &end, 0);
	return *end == '\0';
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* CR LF ends a line too; and a file. */
static bool
is_line_end(const char *p, const char *end)
{
	return *p == '\r' && (p + 1 == end || p[1] == '\n');
}

/* What may not stand in a word without quotes. */
static bool
is_special(char c)
{
	return c != '\0' && strchr("\"'#={}()+,*", c) != NULL;
}

static size_t
line_length(const struct text *t)
{
	const char *newline = memchr(t->p, '\n', (size_t)(t->end - t->p));

	return (size_t)((newline != NULL ? newline : t->end) - t->p);
}

/* Take N bytes, of which only the newlines go to the output. */
static void
skip(struct text *t, size_t n)
{
	for (; n > 0; n--, t->p++) {
		if (*t->p == '\n') {
			t->line++;
			putc('\n', t->out);
		}
	}
}

/* Take N bytes to the output as they are. */
static void
keep(struct text *t, size_t n)
{
	for (; n > 0; n--, t->p++) {
		if (*t->p == '\n')
			t->line++;
		putc(*t->p, t->out);
	}
}

static void
add_block(struct text *t, unsigned int line, bool short_form)
{
	struct blocks *b = t->blocks;

	b->block = grow_array(b->block, b->n, sizeof(*b->block));
	if (b->block == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	b->block[b->n++] = (struct block) { line, short_form };
}

/* A string in single quotes, where libconfuse expands nothing. */
static void
put_quoted(const char *s, FILE *out)
{
	putc('\'', out);
	for (; *s != '\0'; s++) {
		if (*s == '\\')
			putc('\\', out);
		putc(*s, out);
	}
	putc('\'', out);
}

static bool
is_keyword(const char *word)
{
	return strcmp(word, "process") == 0 ||
	    strcmp(word, "lowmemorykiller") == 0 ||
	    strcmp(word, "reset_inherited") == 0;
}

/* Why WORD, of LEN bytes, cannot be one; or NULL. */
static const char *
bad_word(const char *word, size_t len)
{
	size_t i;

	if (memmem(word, len, "\xc2\xa0", 2) != NULL)
		return "a non-breaking space (U+00A0); write a plain blank "
		       "in its place";
	for (i = 0; i < len; i++) {
		if (iscntrl((unsigned char)word[i]))
			return "a control character";
	}
	return NULL;
}

/*
 * Split a line outside any block at its blanks, up to a comment. Returns how
 * many words there are; the first two are in WORD, to be freed. USED is how
 * much of the line they are.
 */
static size_t
split(const char *line, size_t len, char *word[2], size_t *used)
{
	size_t i = 0, n = 0, start;

	word[0] = word[1] = NULL;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	for (;;) {
		while (i < len && is_blank(line[i]))
			i++;
		*used = i;
		if (i == len || line[i] == '#')
			return n;
		if (i + 1 < len && line[i] == '/' &&
		    (line[i + 1] == '/' || line[i + 1] == '*'))
			return n;
		for (start = i; i < len && !is_blank(line[i]) && line[i] != '#';
		     i++)
			continue;
		if (n < 2) {
			word[n] = strndup(line + start, i - start);
			if (word[n] == NULL)
				err(EXIT_NOTHING_CHANGED, NULL);
		}
		n++;
	}
}

static bool
has_special(const char *word)
{
	for (; *word != '\0'; word++) {
		if (is_special(*word))
			return true;
	}
	return false;
}

/*
 * At the start of a line outside any block. If it is a short form, or was
 * meant to be one, take it and return true.
 */
static bool
take_short_form(struct text *t)
{
	char *word[2], last;
	const char *bad = NULL;
	size_t i, n, used;
	bool taken = true;
	long value;

	n = split(t->p, line_length(t), word, &used);
	for (i = 0; i < n && i < 2 && bad == NULL; i++) {
		if (!has_special(word[i]))
			bad = bad_word(word[i], strlen(word[i]));
	}

	if (n == 2 && bad == NULL && !has_special(word[0]) &&
	    parse_integer(word[1], &value)) {
		fputs("process ", t->out);
		put_quoted(word[0], t->out);
		fputs(" { oom_adj = ", t->out);
		put_quoted(word[1], t->out);
		fputs(" }", t->out);
		add_block(t, t->line, true);
	} else if (n == 0 || t->header != 0 || is_keyword(word[0])) {
		taken = false;
	} else if (bad != NULL) {
		t->error(t->line, "%s", bad);
	} else if (has_special(word[0])) {
		/* "foo=" and "foo{" are no names, but the start of others. */
		last = word[0][strlen(word[0]) - 1];
		taken = n == 2 && parse_integer(word[1], &value) &&
		    strchr("={(,\"'", last) == NULL;
		if (taken)
			t->error(t->line,
			    "this name must be quoted, as in "
			    "process \"%s\" { oom_adj = %s }",
			    word[0], word[1]);
	} else if (n == 1) {
		t->error(t->line,
		    "\"%s\" has no value; a rule is NAME and an integer, "
		    "or a block",
		    word[0]);
	} else if (memchr(t->p, '{', used) != NULL || has_special(word[1])) {
		taken = false; /* a block, or an option */
	} else if (n == 2) {
		t->error(t->line, "\"%s\" is not an integer", word[1]);
	} else {
		t->error(t->line,
		    "more than a name and an integer; a name with blanks must "
		    "be quoted in a process block");
	}
	if (taken)
		skip(t, used);
	free(word[0]);
	free(word[1]);
	return taken;
}

/* Of "${NAME}", which libconfuse expands; 1 if it does not end. */
static size_t
expansion_length(const struct text *t)
{
	const char *brace = memchr(t->p, '}', (size_t)(t->end - t->p));

	return brace != NULL ? (size_t)(brace - t->p) + 1 : 1;
}

/*
 * How long the escape sequence at P is, as libconfuse takes it; 0 if it refuses
 * it, or if it stands for NUL, which would end the string.
 */
static size_t
escape_length(const char *p, const char *end)
{
	const char *s = p + 1;
	unsigned int c = 0;

	if (*s == 'x' && s + 1 < end && isxdigit((unsigned char)s[1])) {
		for (s++; s < end && s - p < 4 && isxdigit((unsigned char)*s);
		     s++)
			c |= *s != '0';
		return c != 0 ? (size_t)(s - p) : 0;
	}
	for (; s < end && isdigit((unsigned char)*s); s++) {
		if (s - p > 3 || *s > '7')
			return 0;
		c = 8 * c + (unsigned int)(*s - '0');
	}
	if (s == p + 1)
		return 2; /* any other character */
	return c > 0 && c <= 0377 ? (size_t)(s - p) : 0;
}

/* Take the quote at the end of the string that began in LINE. */
static bool
end_string(struct text *t, unsigned int line)
{
	if (t->p == t->end) {
		t->error(line, "the string that begins here does not end");
		return false;
	}
	keep(t, 1);
	return true;
}

/*
 * libconfuse's lexer stays inside a string that does not end, or whose escape
 * it refuses, even for the next file. So such a string never gets there.
 */
static bool
double_quoted(struct text *t)
{
	unsigned int line = t->line;
	size_t n;

	for (keep(t, 1); t->p < t->end && *t->p != '"'; keep(t, n)) {
		n = 1;
		if (t->end - t->p < 2)
			continue;
		if (t->p[0] == '$' && t->p[1] == '{')
			n = expansion_length(t);
		else if (t->p[0] == '\\')
			n = escape_length(t->p, t->end);
		if (n == 0) {
			t->error(t->line,
			    "bad escape sequence: a backslash and %c", t->p[1]);
			return false;
		}
	}
	return end_string(t, line);
}

static bool
single_quoted(struct text *t)
{
	unsigned int line = t->line;

	keep(t, 1);
	while (t->p < t->end && *t->p != '\'')
		keep(t, *t->p == '\\' && t->end - t->p > 1 ? 2 : 1);
	return end_string(t, line);
}

static bool
block_comment(struct text *t)
{
	unsigned int line = t->line;
	const char *end;

	end = memmem(t->p + 2, (size_t)(t->end - t->p) - 2, "*/", 2);
	if (end == NULL) {
		t->error(line, "the comment that begins here does not end");
		return false;
	}
	putc(' ', t->out);
	skip(t, (size_t)(end + 2 - t->p));
	return true;
}

/* A word, inside which neither // nor a slash and an asterisk is special. */
static void
plain_word(struct text *t)
{
	const char *p, *bad;
	size_t len;

	for (p = t->p; p < t->end && !is_blank(*p) && *p != '\n' &&
	     !is_special(*p) && !is_line_end(p, t->end);
	     p++)
		continue;
	len = (size_t)(p - t->p);
	if ((bad = bad_word(t->p, len)) != NULL) {
		t->error(t->line, "%s", bad);
		skip(t, len);
		return;
	}
	if (t->depth == 0 &&
	    ((len == 7 && memcmp(t->p, "process", len) == 0) ||
		(len == 15 && memcmp(t->p, "lowmemorykiller", len) == 0)))
		t->header = t->line;
	keep(t, len);
}

static void
brace(struct text *t)
{
	if (*t->p == '{') {
		if (t->depth++ == 0)
			add_block(
			    t, t->header != 0 ? t->header : t->line, false);
		t->header = 0;
	} else if (t->depth > 0) {
		t->depth--;
	}
	keep(t, 1);
}

bool
shortform(const char *s, size_t len, FILE *out, struct blocks *blocks,
    shortform_error_fn *error)
{
	struct text t = {
		.p = s,
		.end = s + len,
		.line = 1,
		.out = out,
		.blocks = blocks,
		.error = error,
	};
	bool good = true, start = true;

	if (len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		t.p += 3; /* byte order mark */

	while (good && t.p < t.end) {
		char next = t.end - t.p > 1 ? t.p[1] : '\0';

		if (start && t.depth == 0 && take_short_form(&t)) {
			start = false;
			continue;
		}
		start = *t.p == '\n';
		if (*t.p == '\n' || is_blank(*t.p))
			keep(&t, 1);
		else if (is_line_end(t.p, t.end))
			skip(&t, 1);
		else if (*t.p == '#' || (*t.p == '/' && next == '/'))
			skip(&t, line_length(&t));
		else if (*t.p == '/' && next == '*')
			good = block_comment(&t);
		else if (*t.p == '"')
			good = double_quoted(&t);
		else if (*t.p == '\'')
			good = single_quoted(&t);
		else if (*t.p == '$' && next == '{')
			keep(&t, expansion_length(&t));
		else if (*t.p == '{' || *t.p == '}')
			brace(&t);
		else if (is_special(*t.p))
			keep(&t, 1);
		else
			plain_word(&t);
	}
	if (good && t.depth > 0) {
		error(blocks->block[blocks->n - 1].line,
		    "the block that begins here does not end");
		good = false;
	}
	return good;
}
