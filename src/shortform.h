/* SPDX-License-Identifier: ISC */
#ifndef SHORTFORM_H
#define SHORTFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The text before libconfuse: comments are taken out, and each short form is
 * written as the block that it stands for. Lines stay where they are.
 */

/* Where a block begins: libconfuse only remembers where it ends. */
struct block {
	unsigned int line;
	bool short_form;
};

struct blocks {
	struct block *block; /* in the order of the file; to be freed */
	size_t n;
};

/* What to report an error in LINE to. */
__attribute__((format(printf, 2, 3))) typedef void shortform_error_fn(
    unsigned int line, const char *format, ...);

/*
 * Write to OUT what libconfuse is to read of the LEN bytes at S, which have no
 * NUL among them, and add its blocks to BLOCKS. What is wrong goes to ERROR.
 * Returns false if the rest makes no sense to libconfuse.
 */
bool shortform(const char *s, size_t len, FILE *out, struct blocks *blocks,
    shortform_error_fn *error);

/*
 * Take all of S as an integer, as the kernel takes what is written to oom_adj:
 * 010 is 8, 0x10 is 16. One too large becomes the largest. Returns false if it
 * is none.
 */
bool parse_integer(const char *s, long *value);

#endif
