/* How the parts of prex hang together. prex is one static program with four lives:
 *   stand-in   started by libprex.so in a marked program's place, with PANTS_STANDIN in the environment
 *   by hand    `prex [--on HOST] [--] CMD ...`
 *   keeper     `prex --keep PROGRAM ARG ...`: starts the agent and ends whatever it leaves behind
 *   holder     `prex --hold ...`: between an agent and one job's program
 * The first two describe a job (struct job) and carry it: to prexd, or to the plain local exec. Until that
 * exec nothing of the process changes but the blocked signals, which are put back: descriptors above 2 are
 * close-on-exec, and no child of ours is seen by SIGCHLD. */
#ifndef PREX_H
#define PREX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include "pants.h"

enum {
    READY_MS = 2000,      /* a living prexd answers RUN or HELLO within this */
    PROBE_MS = 5000,      /* a silent prexd is asked whether it lives so often */
    HAND_WAIT_MS = 10000, /* by hand, and with PANTS_POLICY=always: for a prexd that is starting */
    START_WAIT_MS = 2000, /* a stand-in: for a prexd that another one is starting */
};

struct job {
    const char *path; /* what execve gets */
    char **argv;
    char **env;
    const char *host; /* --on, or "" */
    uint32_t flags;   /* PANTS_RUN_* */
    int64_t since_ms;
};

/* ---- the lives ---- */
noreturn void stand_in(const char *request, char **argv);
noreturn void by_hand(int argc, char **argv);
noreturn void keep(char **command);
noreturn void hold(char **words);

/* What a program leads, at home and so also elsewhere; as in src/io/native.ts. */
enum relation { LEADS_NOTHING = 0, LEADS_GROUP = 1, LEADS_SESSION = 2 };

/* ---- carry.c ---- */
noreturn void carry(struct job *job);

/* ---- talk.c: one connection to prexd, from RUN to its outcome ---- */
enum end {
    END_HERE,   /* nothing was started: run it here; reason and text say why */
    END_STATUS, /* it ended: status */
    END_LOST,   /* prexd says: outcome unknown; text is a line for stderr */
    END_BROKEN, /* the connection broke after STARTED; `where` is set */
};
struct outcome {
    enum end end;
    enum pants_reason reason;
    int status;
    char text[256];
    char where[256]; /* "HOST LINK" of the last STARTED; empty before */
};
void talk(int fd, const struct job *job, const char *after, struct outcome *outcome);

/* ---- run.c: the RUN message ---- */
struct bytes {
    char *at;
    size_t size;
};
/* Header and payload of RUN; NULL `at` when the job cannot be described, with the reason in *why. */
struct bytes run_message(const struct job *job, const char *after, const char **why);

/* ---- inherit.c: what the program would inherit ---- */
struct inherited {
    int count;
    int fds[PANTS_FDS_MAX]; /* open descriptors, ascending */
};
/* Looks once, before prex opens anything itself. False, and *why, when it is more than can be carried. */
bool inherit_look(const char **why);
extern struct inherited inherited;
/* Lets go of one of them; its number stays taken. */
void inherit_drop(int fd);

/* ---- helper.c: finding prexd ---- */
/* Connected descriptor, or -1: *why says in words what is missing, *absent that starting prexd may help. */
int helper_connect(const char **why, bool *absent);
/* Asks on a connection of its own whether prexd answers. */
bool helper_lives(void);
/* A prexd that does not answer: a system call keeps it, of a file server that does not answer, and it will go on. */
bool helper_held_up(void);

/* ---- start.c ---- */
/* Starts prexd in the background, unless someone is at it: then it is on its way, if its last start went
 * well; if it did not, *why says so. False, and *why, when it cannot be started. */
bool helper_start(const char **why, bool *on_its_way);

/* ---- peer.c: messages over a non-blocking socket ---- */
struct peer {
    int fd;
    size_t have;
    char in[sizeof(struct pants_msg) + PANTS_PART_MAX];
};
bool peer_send(int fd, const void *data, size_t size, const int *fds, int count);
bool peer_tell(int fd, enum pants_msg_type type, uint32_t value);
/* 1: a message, its text (cut to fit) NUL-terminated; 0: nothing whole yet; -1: end of file or not our
 * protocol. */
int peer_next(struct peer *peer, struct pants_msg *message, char *text, size_t size);

/* ---- signals.c ---- */
extern uint64_t signals_ignored, signals_blocked; /* as we found them; bit n-1: signal n */
void signals_hold(void);                          /* block all; dispositions are never changed */
void signals_restore(void);
/* Next signal that arrived, 0 = none. Before the start only those that would end or stop the program here.
 * With 0x100: from the kernel, that is the terminal. */
int signals_next(bool started);
/* Readable when there may be one. */
int signals_fd(bool started);
bool signal_stops(int signal);
void stop_self(int signal);

/* ---- terminal.c ---- */
/* The program is to have a terminal of its own there. */
bool terminal_is_ours(void);
void terminal_pass(void);    /* pass every byte on, if it is ours */
void terminal_restore(void); /* as it was */

/* ---- settle.c ---- */
/* What other hosts have changed on network file systems is seen here from now on: of the working directory and of what a
 * program's arguments name; of these paths, each ending in NUL. */
void files_settle(char *const *argv);
/* What programs of this host have written to such files and not closed is there for other hosts. */
void files_publish(char *const *argv);
void files_changed(const char *paths, size_t size);

/* ---- end.c ---- */
noreturn void end_by_signal(int signal);
noreturn void end_as(int status); /* a wait status */

/* ---- here.c: the untouched local exec ---- */
noreturn void run_here(const struct job *job, enum pants_reason reason, const char *detail);
void record(const struct job *job, enum pants_where where, enum pants_reason reason, const char *host,
            const char *detail);

/* ---- small things ---- */
int64_t now_ms(void);
int above_stdio(int fd); /* the same descriptor, close-on-exec and not 0-2, which may be closed on purpose */
bool debugging(void);
#endif
