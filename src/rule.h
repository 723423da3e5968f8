/* SPDX-License-Identifier: ISC */
#ifndef RULE_H
#define RULE_H

#include <sys/types.h>

#include <limits.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A rule says which processes it is for and what their adjustment is to be.
 * Deciding is pure: it takes what is known of one process, returns a rule or
 * asks for what else it must know, and touches nothing.
 */

/* The two scales, from the kernel's include/uapi/linux/oom.h. */
#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000
#define OOM_DISABLE (-17)
#define OOM_ADJUST_MAX 15

struct rule {
	const char *file; /* where it was written */
	unsigned int line;
	char *title;       /* the block's title; the name in the short form */
	char *name;        /* a bare name or an absolute path */
	char *path;        /* NAME with symbolic links followed, or NULL */
	int value;         /* as written */
	bool oom_adj;      /* VALUE is on the oom_adj scale */
	int oom_score_adj; /* VALUE on the oom_score_adj scale */
	bool short_form;
	bool containers; /* also in other PID namespaces */
	bool has_cmdline;
	regex_t cmdline;
	bool has_users;
	bool unknown_user; /* a user of the list does not exist: no match */
	uid_t *users;
	size_t nusers;
	bool selected; /* named on the command line, or nothing was */
};

/* An entry of the tables that rules are found in. */
struct rule_key {
	const char *key;
	const struct rule *rule;
};

struct rules {
	struct rule *rule; /* in the order written */
	size_t n;
	struct rule_key *by_name; /* sorted by name, then as written */
	struct rule_key *by_exe;  /* the same for executables' paths */
	size_t nexe;
	uid_t uid_min; /* where login users begin (login.defs) */
};

/* What can be known of a process beyond its first arguments. */
enum {
	FACT_COMM = 1 << 0,      /* comm */
	FACT_STAT = 1 << 1,      /* kernel_thread, zombie */
	FACT_STATUS = 1 << 2,    /* ruid, euid, suid, contained */
	FACT_EXE = 1 << 3,       /* exe */
	FACT_CMDLINE = 1 << 4,   /* cmdline */
	FACT_NO_MEMORY = 1 << 5, /* never known: an expression was not run */
};

struct facts {
	unsigned int known;  /* FACT_ bits */
	bool has_args;       /* false for kernel threads and zombies */
	const char *argv0;   /* "" where there is none */
	const char *script;  /* the first argument after argv[0] that does not
				begin with '-', or NULL */
	const char *cmdline; /* the arguments joined with blanks */
	char comm[64];       /* 15 bytes for all but kernel threads */
	bool kernel_thread;
	bool zombie;
	bool contained; /* in another PID namespace than /proc's PID 1 */
	uid_t ruid, euid, suid;
	char exe[PATH_MAX]; /* "" where it cannot be read */
};

enum verdict {
	VERDICT_NONE,      /* no rule is for this process */
	VERDICT_APPLY,     /* rule decides */
	VERDICT_USER,      /* rule is negative, this a login user's process */
	VERDICT_CONTAINER, /* rule is negative, this is in a container */
	VERDICT_NEED,      /* read the facts in need and ask again */
	VERDICT_NO_MEMORY, /* there was none to match a command line */
};

struct decision {
	enum verdict verdict;
	const struct rule *rule; /* with APPLY, USER and CONTAINER */
	unsigned int need;       /* with NEED: FACT_ bits */
	uid_t uid;               /* with USER: the login user */
};

/*
 * The value on the oom_score_adj scale (-1000 to 1000) that the kernel makes
 * of V written to /proc/PID/oom_adj (-17 to 15): oom_adj_write() in
 * fs/proc/base.c.
 */
int oom_adj_to_score_adj(int v);

/*
 * The way back, for kernels before 2.6.36 that have oom_adj alone. Rounds so
 * that oom_adj_to_score_adj() of it is nearest to V, and keeps the ends.
 */
int oom_score_adj_to_adj(int v);

/*
 * Make RULES->by_name and by_exe. Called once, when all rules are there.
 * Returns 0, or -1 with errno set to ENOMEM.
 */
int rules_index(struct rules *rules);

/*
 * The rule that decides for the process that FACTS tell of: the last one
 * written that matches it as pidof -x would, by its user and by its command
 * line. A negative value by name alone does not reach login users' processes
 * and containers.
 */
struct decision rules_decide(
    const struct rules *rules, const struct facts *facts);

/*
 * Whether UID is a login user's: UID_MIN of login.defs(5) or higher.
 */
bool is_login_user(const struct rules *rules, uid_t uid);

/*
 * Whether some rule gives VALUE, on the oom_score_adj scale.
 */
bool rules_give(const struct rules *rules, int value);

/* Release what RULES holds. */
void rules_free(struct rules *rules);

#endif
