/* SPDX-License-Identifier: ISC */
#ifndef RULE_H
#define RULE_H

#include <sys/types.h>

#include <limits.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A rule says which processes it matches and which adjustment they get.
 * Deciding is pure: it takes what is known of one process, and returns what to
 * do or which facts it needs to decide. tests/proof proves it.
 */

/* The two scales, from the kernel's include/uapi/linux/oom.h. */
#define OOM_SCORE_ADJ_MIN (-1000)
#define OOM_SCORE_ADJ_MAX 1000
#define OOM_DISABLE (-17)
#define OOM_ADJUST_MAX 15

#define TASK_COMM_LEN 16 /* include/linux/sched.h: 15 bytes and NUL */
#define COMM (TASK_COMM_LEN - 1)

struct rule {
	const char *file; /* the config file and line */
	unsigned int line;
	char *title;       /* the block's title; the name in the short form */
	char *name;        /* a bare name or an absolute path */
	char *path;        /* NAME with symbolic links followed, or NULL */
	int value;         /* as written */
	bool oom_adj;      /* VALUE is on the oom_adj scale */
	int oom_score_adj; /* VALUE on the oom_score_adj scale */
	bool short_form;
	bool containers; /* may favour processes in containers */
	bool has_cmdline;
	regex_t cmdline;
	char *expression; /* the source of cmdline, or NULL */
	bool has_users;
	bool unknown_user; /* a user of the list does not exist: no match */
	uid_t *users;
	size_t nusers;
	bool selected; /* named on the command line, or no name was given */
};

/* An entry of the sorted tables that rules are looked up in. */
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
	uid_t uid_min;        /* UID_MIN of login.defs(5) */
	bool reset_inherited; /* reset negative values in login sessions */
};

/* What can be known of a process besides its first arguments. */
enum {
	FACT_COMM = 1 << 0,      /* comm */
	FACT_STAT = 1 << 1,      /* kernel_thread, zombie, start */
	FACT_EXE = 1 << 2,       /* exe, exe_denied */
	FACT_CMDLINE = 1 << 3,   /* cmdline */
	FACT_STATUS = 1 << 4,    /* ruid, euid, suid, ppid, contained */
	FACT_LOGINUID = 1 << 5,  /* in_session */
	FACT_VALUE = 1 << 6,     /* value */
	FACT_PARENT = 1 << 7,    /* parent_rule, parent_value */
	FACT_NO_MEMORY = 1 << 8, /* needed, never known: no memory to match */
};

struct facts {
	unsigned int known;  /* FACT_ bits */
	bool has_args;       /* false for kernel threads and zombies */
	const char *argv0;   /* "" if there is none */
	const char *script;  /* the first argument after argv[0] that does not
				begin with '-', or NULL */
	const char *cmdline; /* the arguments joined with blanks */
	char comm[64];       /* 15 bytes for all but kernel threads */
	bool kernel_thread;
	bool zombie;
	unsigned long long start; /* clock ticks after boot */
	char exe[PATH_MAX];       /* "" if it cannot be read */
	bool exe_denied;          /* it exists, but we may not read it */
	uid_t ruid, euid, suid;
	pid_t ppid;      /* 0 if it has no parent, or one that we cannot see */
	bool contained;  /* in another PID namespace than /proc's PID 1 */
	bool in_session; /* its loginuid is set: it belongs to a login */
	int value;       /* its oom_score_adj */
	/* The rule that decides for its parent, or NULL, and the oom_score_adj
	   that the parent had before this run. If the same rule decides for the
	   parent's parent too, and so on, it is the lowest of them all. If the
	   daemon was restarted, the new daemon counts as the parent. */
	const struct rule *parent_rule;
	int parent_value;
	pid_t successor; /* the new daemon, or 0 */
};

enum verdict {
	VERDICT_NONE,      /* no rule matches this process */
	VERDICT_APPLY,     /* it gets the value of the rule */
	VERDICT_RESET,     /* it gets 0: its value is inherited */
	VERDICT_USER,      /* passed over: a login user's process */
	VERDICT_CONTAINER, /* passed over: it is in a container */
	VERDICT_PUT_BACK,  /* passed over: its own daemon put it back */
	VERDICT_NEED,      /* read the facts in need and decide again */
	VERDICT_NO_MEMORY, /* too little memory to match a command line */
};

struct decision {
	enum verdict verdict;
	const struct rule *rule; /* the last that matches, or NULL */
	unsigned int need;       /* with NEED: FACT_ bits */
	uid_t uid;               /* with USER: the login user */
};

/*
 * Convert V from the oom_adj scale (-17 to 15) to the oom_score_adj scale
 * (-1000 to 1000) as the kernel does: oom_adj_write() in fs/proc/base.c.
 */
int oom_adj_to_score_adj(int v);

/*
 * Convert V back, for kernels before 2.6.36, which have oom_adj alone: to the
 * value whose oom_adj_to_score_adj() is nearest to V. Only -1000 becomes -17.
 */
int oom_score_adj_to_adj(int v);

/*
 * Fill RULES->by_name and by_exe. Called once, after the last rule was added.
 * Returns 0, or -1 with errno set to ENOMEM.
 */
int rules_index(struct rules *rules);

/*
 * Compile EXPRESSION for a rule's cmdline: POSIX extended, and it matches
 * bytes, whatever the locale. Returns false with what is wrong with it in
 * REASON, which has SIZE bytes.
 */
bool expression_compile(
    regex_t *regex, const char *expression, char *reason, size_t size);

/* Whether NAME on the command line means R: it is R's name or its title. */
bool rule_is_named(const struct rule *r, const char *name);

/*
 * Find the rule that decides for the process with FACTS: the last one whose
 * name means the process, as for pidof -x, and whose conditions on user and
 * command line hold. The verdict is NONE, APPLY, NEED or NO_MEMORY.
 */
struct decision rules_match(
    const struct rules *rules, const struct facts *facts);

/*
 * Decide what the process with FACTS gets. A favour is a negative value, or one
 * lower than the process has, and needs more than a name: login users'
 * processes and those in containers get it only if the rule allows that, and a
 * process that its own daemon has put back to a higher value never gets it. See
 * oom_adjust.conf(5).
 */
struct decision rules_decide(
    const struct rules *rules, const struct facts *facts);

/*
 * Find the last rule written that may decide for a process when only its COMM
 * is known: by its name, the last part of its path, or as much of either as the
 * kernel keeps. Returns NULL if there is none.
 */
const struct rule *rules_find_comm(const struct rules *rules, const char *comm);

/*
 * Whether UID is a login user's: UID_MIN of login.defs(5) or higher, and none
 * of the dynamic users of systemd.exec(5), nor nobody.
 */
bool is_login_user(const struct rules *rules, uid_t uid);

/* Release what RULES holds. */
void rules_free(struct rules *rules);

#endif
