/* SPDX-License-Identifier: ISC */
#ifndef SCAN_H
#define SCAN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Small parsers of text that no NUL ends. Each moves *P, not beyond END, behind
 * what it takes and returns true, or leaves *P where it is.
 */

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool
literal(const char **p, const char *end, const char *s)
{
	size_t n = strlen(s);

	if ((size_t)(end - *p) < n || memcmp(*p, s, n) != 0)
		return false;
	*p += n;
	return true;
}

static inline void
blanks(const char **p, const char *end)
{
	while (*p < end && **p == ' ')
		++*p;
}

/* Decimal digits; a number above MAX is none. */
static inline bool
number(const char **p, const char *end, uint64_t max, uint64_t *value)
{
	const char *q = *p;
	uint64_t v = 0;

	for (; q < end && is_digit(*q); q++) {
		unsigned int digit = (unsigned int)(*q - '0');

		if (v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (q == *p)
		return false;
	*p = q;
	*value = v;
	return true;
}

static inline bool
integer(const char **p, const char *end, int *value)
{
	const char *q = *p;
	bool negative = q < end && *q == '-';
	uint64_t v;

	if (negative)
		q++;
	if (!number(&q, end, INT_MAX, &v))
		return false;
	*p = q;
	*value = negative ? -(int)v : (int)v;
	return true;
}

#endif
