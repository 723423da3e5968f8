/* SPDX-License-Identifier: ISC */
#ifndef SHORTFORM_H
#define SHORTFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The text before libconfuse: comments are taken out, each short form is
 * written as the block that it stands for, and what libconfuse would drop or
 * accept in silence is an error. Lines stay where they are.
 */

/*
 * libconfuse does not keep the line in which a block begins. So each block gets
 * an option of this name with that line as its value, negative for a short
 * form. Nobody can write it: control characters are errors outside quotes.
 */
#define SHORTFORM_LINE "\001"

/*
 * Written before each line's first word outside blocks: parsing can go on there
 * after an error. libconfuse drops it, and it is nowhere else in the output.
 */
#define SHORTFORM_MARK '\r'

/* The same for the first word of a setting in a block. */
#define SHORTFORM_INNER_MARK "\r+"

/* What a word or string is used for. */
enum word_use {
	WORD_OTHER, /* the name of a setting, and what makes no sense */
	WORD_VALUE, /* of a setting, or in a list */
	WORD_NAME,  /* a rule's title or name */
	WORD_SHORT, /* the name in a short form */
};

/* What to report an error in LINE to. */
__attribute__((format(printf, 2, 3))) typedef void shortform_error_fn(
    unsigned int line, const char *format, ...);

/*
 * What to ask whether a word is good, or a string with its quotes, or one of
 * the characters * + ( ) , and CR where libconfuse cannot use it. It reports
 * why not.
 */
typedef bool shortform_check_fn(
    unsigned int line, const char *word, size_t len, enum word_use use);

/*
 * Write to OUT what libconfuse is to read of TEXT. After an error the output is
 * still good for finding others. Returns 0, or, if TEXT ends inside of
 * something, the line from which on the output makes no sense.
 */
unsigned int shortform(const char *text, FILE *out, shortform_error_fn *error,
    shortform_check_fn *check);

/*
 * The length of the comment, string, ${} or word at P, as libconfuse's lexer
 * has it, or 0 if it has no end; 1 for any other character.
 */
size_t token_length(const char *p);

#endif
