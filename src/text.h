/* SPDX-License-Identifier: ISC */
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct libscols_line;
struct libscols_table;

/*
 * Text for people. Names come from processes and logs, so whatever is printed
 * goes through the escaping here.
 */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The program's exit statuses: oom_adjust(8). */
enum exit_status {
	EXIT_OK = 0,
	EXIT_NOTHING_CHANGED = 1,
	EXIT_NOT_ALL = 2, /* some of it could not be applied */
};

/*
 * Format as printf(3) does and escape the result: backslashes, newlines, and
 * whatever is not a visible character of the locale, as vis(3) does. Outside
 * UTF-8 locales the result is ASCII. Returns allocated memory, or NULL if there
 * is none.
 */
__attribute__((format(printf, 1, 0))) char *vprintable(
    const char *format, va_list ap);
__attribute__((format(printf, 1, 2))) char *printable(const char *format, ...);

/* Print what printable() returns to standard output; and a newline. */
__attribute__((format(printf, 1, 2))) void print_text(const char *format, ...);
#define print_line(...) (print_text(__VA_ARGS__), putchar('\n'))

/*
 * Print what printable() returns to standard error, as "oom_adjust: FILE:LINE:
 * text", but with its backslashes single. FILE is left out if it is NULL, and
 * LINE if it is 0.
 */
__attribute__((format(printf, 3, 4))) void complain(
    const char *file, unsigned int line, const char *format, ...);
__attribute__((format(printf, 3, 0))) void vcomplain(
    const char *file, unsigned int line, const char *format, va_list ap);

/* The part of PATH after the last slash. */
static inline const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/*
 * Write BYTES to BUF for people to read, in four characters at most: "870K",
 * "1.5G", where K is 1024. Returns BUF.
 */
char *format_size(char buf[5], int64_t bytes);

/*
 * Tables, for people or as JSON, by libsmartcols. A column's name is in lower
 * case in JSON. Each of these ends the program where there is no memory.
 */
enum { IN_TABLE = 1, IN_JSON = 2, IN_BOTH = IN_TABLE | IN_JSON };

struct column {
	const char *name;
	unsigned int where;
	double width; /* from 1 on columns, below it parts of the terminal */
	int flags, json_type; /* SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER */
};

struct libscols_table *table_new(
    const char *name, const struct column *columns, size_t n, bool json);

/* A row of a table, which is filled from the first column on. */
struct row {
	struct libscols_line *line;
	size_t column; /* the next */
	bool json;
};

struct row table_row(struct libscols_table *table, bool json);

/* Fill the next cell with what printable() returns. */
__attribute__((format(printf, 2, 3))) void add_cell(
    struct row *row, const char *format, ...);

/*
 * Fill it with a text, a number, or a size in bytes. One that is not known,
 * NULL or UNKNOWN, is null in JSON and "-" elsewhere.
 */
#define UNKNOWN INT64_MIN
void add_text(struct row *row, const char *text);
void add_number(struct row *row, int64_t number);
void add_size(struct row *row, int64_t bytes);

/*
 * Fill it with a command's name, which may be empty. Its column must be of
 * numbers in JSON, for the quotes are its own: libsmartcols makes null of "".
 */
void add_command(struct row *row, const char *comm);

/* Print the table and release it. */
void table_print(struct libscols_table *table);

/* Whether one of the LEN bytes at P is one of CHARACTERS. */
bool contains_any(const char *p, size_t len, const char *characters);

/*
 * Make room for one more element after the N that ARRAY has, each of SIZE
 * bytes. Room doubles whenever N is a power of two, so ARRAY must have grown by
 * one element at a time. Returns the array, or NULL with errno set to ENOMEM
 * and ARRAY untouched.
 */
void *grow_array(void *array, size_t n, size_t size);

#endif
