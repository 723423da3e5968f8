/* SPDX-License-Identifier: ISC */
#include <err.h>
#include <langinfo.h>
#include <libutil.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define LIBBSD_OPENBSD_VIS /* vis.h asks whose strnvis() we want: nobody's */
#include <vis.h>

#include <libsmartcols.h>

#include "text.h"

/*
 * The length of the visible multibyte character at S, or 0 if there is none.
 * Marks that change the direction of text have no width.
 */
static size_t
visible_length(const char *s, size_t len)
{
	wchar_t wc;
	size_t n = mbrtowc(&wc, s, len, &(mbstate_t) { 0 });

	if (n < 2 || n > len || wcwidth(wc) < 1)
		return 0;
	return n;
}

/* Escape LEN bytes of SRC into OUT, where each may become four, and a NUL. */
static void
escape_bytes(char *out, const char *src, size_t len)
{
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	char *p;
	size_t n;

	for (; len > 0; src += n, len -= n) {
		unsigned char c = (unsigned char)*src;

		if (utf8 && (n = visible_length(src, len)) > 0) {
			out = mempcpy(out, src, n);
			continue;
		}
		n = 1;
		/* vis(3) of libbsd does not escape invalid UTF-8. */
		if (c >= 0x80)
			out += snprintf(out, 5, "\\%03o", c);
		else if (c >= ' ' && c <= '~' && c != '\\')
			*out++ = (char)c;
		else if ((p = vis(out, c,
			      VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL,
			      len > 1 ? src[1] : '\0')) != NULL)
			out = p;
		else
			*out++ = '?'; /* no memory */
	}
	*out = '\0';
}

char *
vprintable(const char *format, va_list ap)
{
	char *text, *shown;
	int len;

	if ((len = vasprintf(&text, format, ap)) == -1)
		return NULL;
	if ((shown = malloc(4 * (size_t)len + 1)) != NULL)
		escape_bytes(shown, text, (size_t)len);
	free(text);
	return shown;
}

char *
printable(const char *format, ...)
{
	va_list ap;
	char *shown;

	va_start(ap, format);
	shown = vprintable(format, ap);
	va_end(ap);
	return shown;
}

void
print_text(const char *format, ...)
{
	va_list ap;
	char *shown;

	va_start(ap, format);
	shown = vprintable(format, ap);
	va_end(ap);
	if (shown == NULL)
		err(EXIT_NOT_ALL, NULL);
	fputs(shown, stdout);
	free(shown);
}

void
vcomplain(const char *file, unsigned int line, const char *format, va_list ap)
{
	char *text, *where = NULL, *from, *to;

	text = vprintable(format, ap);
	/* Expressions are full of backslashes: show each once. */
	for (from = to = text; to != NULL && (*to++ = *from) != '\0'; from++)
		from += from[0] == '\\' && from[1] == '\\';
	if (file != NULL)
		where = line > 0 ? printable("%s:%u: ", file, line)
				 : printable("%s: ", file);
	warnx("%s%s", where != NULL ? where : "", text != NULL ? text : format);
	free(where);
	free(text);
}

void
complain(const char *file, unsigned int line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vcomplain(file, line, format, ap);
	va_end(ap);
}

/* TEXT as a JSON string, with its quotes; NULL if there is no memory. */
static char *
quote_json(const char *text)
{
	char *escaped = printable("%s", text), *quoted = NULL, *p, *out;

	if (escaped != NULL)
		quoted = malloc(2 * strlen(escaped) + 3);
	if (quoted != NULL) {
		out = quoted;
		*out++ = '"';
		for (p = escaped; *p != '\0'; p++) {
			if (*p == '"' || *p == '\\')
				*out++ = '\\';
			*out++ = *p;
		}
		stpcpy(out, "\"");
	}
	free(escaped);
	return quoted;
}

struct libscols_table *
table_new(const char *name, const struct column *columns, size_t n, bool json)
{
	struct libscols_table *table = scols_new_table();
	struct libscols_column *column;
	size_t i;

	if (table == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	scols_table_set_name(table, name);
	scols_table_enable_json(table, json);
	/* Cells have been escaped already. */
	scols_table_enable_noencoding(table, 1);
	for (i = 0; i < n; i++) {
		column = scols_table_new_column(
		    table, columns[i].name, columns[i].width, columns[i].flags);
		if (column == NULL)
			err(EXIT_NOTHING_CHANGED, NULL);
		scols_column_set_json_type(column, columns[i].json_type);
		if (!(columns[i].where & (json ? IN_JSON : IN_TABLE)))
			scols_column_set_flags(column, SCOLS_FL_HIDDEN);
	}
	return table;
}

struct row
table_row(struct libscols_table *table, bool json)
{
	struct row row = { .line = scols_table_new_line(table, NULL),
		.json = json };

	if (row.line == NULL)
		err(EXIT_NOTHING_CHANGED, NULL);
	return row;
}

/* Give the allocated TEXT to the next cell. */
static void
give_cell(struct row *row, char *text)
{
	if (text == NULL ||
	    scols_line_refer_data(row->line, row->column++, text) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
}

void
add_cell(struct row *row, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	give_cell(row, vprintable(format, ap));
	va_end(ap);
}

void
add_text(struct row *row, const char *text)
{
	if (text != NULL || !row->json)
		add_cell(row, "%s", text != NULL ? text : "-");
	else
		row->column++;
}

void
add_number(struct row *row, int64_t number)
{
	if (number == UNKNOWN)
		add_text(row, NULL);
	else
		add_cell(row, "%jd", (intmax_t)number);
}

void
add_size(struct row *row, int64_t bytes)
{
	char buf[5];

	if (row->json || bytes == UNKNOWN)
		add_number(row, bytes);
	else
		add_cell(row, "%s", format_size(buf, bytes));
}

void
add_command(struct row *row, const char *comm)
{
	give_cell(row, row->json ? quote_json(comm) : printable("%s", comm));
}

void
table_print(struct libscols_table *table)
{
	if (scols_print_table(table) != 0)
		err(EXIT_NOTHING_CHANGED, NULL);
	scols_unref_table(table);
}

char *
format_size(char buf[5], int64_t bytes)
{
	humanize_number(
	    buf, 5, bytes, "", HN_AUTOSCALE, HN_DECIMAL | HN_NOSPACE | HN_B);
	return buf;
}

bool
contains_any(const char *p, size_t len, const char *characters)
{
	while (len > 0 && (*p == '\0' || strchr(characters, *p) == NULL))
		p++, len--;
	return len > 0;
}

void *
grow_array(void *array, size_t n, size_t size)
{
	if ((n & (n - 1)) != 0)
		return array;
	return reallocarray(array, n > 0 ? 2 * n : 1, size);
}
