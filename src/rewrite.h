/* SPDX-License-Identifier: ISC */
#ifndef REWRITE_H
#define REWRITE_H

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

/*
 * Write to OUT what libconfuse is to read of the LEN bytes at S, which have no
 * NUL among them, and add its blocks to BLOCKS. What is wrong goes to
 * config_error(). Returns false if the rest makes no sense to libconfuse.
 */
bool rewrite(const char *s, size_t len, FILE *out, struct blocks *blocks);

/*
 * Take all of S as an integer, as the kernel takes what is written to oom_adj:
 * 010 is 8, 0x10 is 16. One too large becomes the largest. Returns false if it
 * is none.
 */
bool parse_integer(const char *s, long *value);

/*
 * Complain of LINE of the file that is being read; 0 is the file as a whole.
 * config.c has it and counts.
 */
__attribute__((format(printf, 2, 3))) void config_error(
    unsigned int line, const char *format, ...);

#endif
