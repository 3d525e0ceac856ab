/* How the parts of libprex.so hang together. Every exec and spawn function ends in one of two funnels
 * (exec.c, spawn.c); a funnel looks at the file (mark.c), asks for a verdict (decide.c) when it is marked,
 * and then makes the caller's own call or the same call on the stand-in (standin.c).
 *
 * Rules for every line here: no allocation, no lock, no stdio, errno untouched, nothing written to static
 * memory but by real.c and policy.c at the start, a note that a directory changes (real.c) and one of a mapping
 * (ground.c), little stack: after vfork all of it happens in the parent's address space, on a thread's stack. */
#ifndef PANTS_SHIM_H
#define PANTS_SHIM_H
#include <spawn.h>
#include "sys.h"
#include "slots.h"
#include "paths.h"

#define EXPORT __attribute__((visibility("default")))
#define PATH_ROOM 4096

extern char **environ;

/* ---- real.c: the functions that we stand before ---- */
typedef int execve_fn(const char *, char *const[], char *const[]);
typedef int spawn_fn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                     char *const[], char *const[]);
struct real {
    execve_fn *execve, *execvpe;
    spawn_fn *spawn, *spawnp;
};
const struct real *real_functions(void);
/* Whether file actions of this process may change the directory. */
bool real_moves(void);
/* Those that hardly anyone calls, looked up when called; `version` NULL = any. */
void *real_rare(const char *name, const char *version);

/* ---- mark.c ---- */
enum sight {
    SIGHT_MARKED, /* an executable file of this machine, marked migratable (or taken for it: policy_always) */
    SIGHT_PLAIN,  /* anything else that exec would stop at */
    SIGHT_ABSENT  /* a PATH search would go on to the next element */
};
/* Look at a file. `searching`: tell SIGHT_ABSENT from SIGHT_PLAIN (costs one more call). When marked, *flags
 * is the mark and *unfit NULL, or why it cannot be carried. */
enum sight look_at(const char *path, bool searching, uint32_t *flags, const char **unfit);
/* File capabilities, which a copy elsewhere may not have. */
bool has_capabilities(const char *path);

/* ---- policy.c ---- */
/* PANTS_POLICY=always: send every program that can be sent, whatever its mark and the load here. */
bool policy_always(void);

/* ---- search.c ---- */
/* The entry at which libc's PATH search would stop, if it is marked: true and its path in `found`. */
bool search_marked(const char *file, char found[PATH_ROOM], uint32_t *flags, const char **unfit);

/* ---- decide.c ---- */
struct ask {
    const char *path; /* as the caller gave it, after any PATH search */
    uint32_t flags;   /* its mark */
    const char *unfit;
    char *const *argv;
    char *const *envp;
    bool spawning; /* the program's process does not exist yet: this process starts it */
};
struct verdict {
    uint32_t self; /* this process */
    bool stand_in;
    uint32_t why;       /* PANTS_RUN_BUSY, PANTS_RUN_ALWAYS, PANTS_RUN_FIRST, or 0: every slot is taken */
    int slot;           /* slot taken or lent for the program, or -1 */
    bool lent;          /* ... it was lent by its holder */
    uint32_t holder;    /* ... word's pid */
    char standin[1024]; /* path of prex, when stand_in */
};
void decide(const struct ask *ask, struct verdict *verdict);
/* The program was started as `pid` (spawn), or could not be started (pid 0): settle what the verdict took. */
void settle(const struct verdict *verdict, uint32_t pid);

/* ---- ground.c: what the daemon tells this process ---- */
/* The runtime directory's table, or NULL. Mapped once and kept. */
struct pants_table *ground_map(void);
/* A whole, fresh state record. */
bool ground_state(struct pants_state *state, uint64_t now_ns);
/* Parent of a process, 0 when that cannot be told. */
uint32_t ground_parent(uint32_t pid);

/* ---- held.c ---- */
/* What keeps this process here: who watches it, or a sandbox; NULL when nothing does. `state` may be NULL. */
const char *ground_held(const struct pants_state *state, bool *traced);

/* ---- standin.c ---- */
bool standin_find(char *out, size_t size);
/* Bytes that PANTS_STANDIN takes, and entries in the caller's environment; false when the stand-in's
 * arguments might not fit where the caller's do, or would need too much stack. */
bool standin_fits(const struct ask *ask, size_t *variable, size_t *entries);
/* Fill both: the caller's environment and the variable. */
void standin_environment(const struct ask *ask, uint32_t why, char *variable, size_t size, char **env);

/* ---- words.c ---- */
const char *report_words(enum pants_reason reason);

/* ---- report.c: pants why, PANTS_DEBUG ---- */
void report(struct pants_table *table, const struct ask *ask, const struct verdict *verdict,
            enum pants_reason reason, const char *detail, const struct pants_state *state, uint64_t now_ns);

/* ---- exec.c: the funnels of the exec functions ---- */
int funnel_path(const char *path, char *const argv[], char *const envp[]);
int funnel_search(const char *file, char *const argv[], char *const envp[]);
#endif
